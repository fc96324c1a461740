"""Several spectra in one run: told apart where documents or energies tell how, else refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_parts import feed, finals, make_registry, numbers, results

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine, Result
from live_lce.settings import AnalysisSettings, Signals
from live_lce.testing import KEYS, SCAN, compose, spectrum_rows

Row = dict[str, Any]
NUMBER = {"dtype": "number", "shape": [], "source": "sim"}
TEXT = {"dtype": "string", "shape": [], "source": "sim"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def engine(registry: Registry) -> Engine:
    return Engine(registry=registry)


def octahedral(**more: Any) -> list[Row]:
    return spectrum_rows(white_line=0.9, **more)


def tetrahedral(**more: Any) -> list[Row]:
    return spectrum_rows(white_line=0.0, seed=1, **more)


def said(outputs: Iterable[Any]) -> list[tuple[str, str, int]]:
    """Return status, label and number of points of each spectrum, in the order of their index."""
    found = finals(outputs)
    assert [result.spectrum_index for result in found] == list(range(len(found)))
    return [(r.prediction.status.value, r.prediction.label, r.n_points) for r in found]


def split(result: Result) -> str:
    """Return the detail of the remark on several spectra; empty if there is none."""
    found = [f.detail for f in result.prediction.findings if f.reason is Reason.SWEEPS_SPLIT]
    return found[0] if found else ""


def labels(outputs: Iterable[Result], index: int) -> set[str]:
    """Return the labels of a spectrum's answers."""
    mine = (r.prediction for r in outputs if r.spectrum_index == index)
    return {prediction.label for prediction in mine if prediction.answered}


def interleaved(samples: Sequence[list[Row]], *, snake: bool = False) -> list[Row]:
    """Return the events of a map with the energy slow."""
    rows = []
    for number, at_one_energy in enumerate(zip(*samples, strict=True)):
        rows += reversed(at_one_energy) if snake and number % 2 else at_one_energy
    return rows


def test_sweeps_one_after_another(engine: Engine) -> None:
    rows = [*octahedral(), *tetrahedral(), *tetrahedral()]
    n = len(rows) // 3
    documents = compose(rows)
    outputs = feed(engine, documents)
    assert said(outputs) == [("ok", "O6", n), ("ok", "T4", n), ("ok", "T4", n)]
    assert split(finals(outputs)[1]) == f"sweep 2, events {n + 1} to {2 * n}"


def test_the_first_sweep_ends_when_the_second_begins(engine: Engine) -> None:
    rows = [*octahedral(), *tetrahedral()[:6]]
    first, *_ = finals(feed(engine, compose(rows, exit_status=None)))
    assert (first.prediction.label, first.spectrum_index) == ("O6", 0)
    assert first.prediction.status is Status.OK
    assert first.raw_seq_num_last == len(octahedral())


def test_the_second_sweep_has_partial_predictions_of_its_own(engine: Engine) -> None:
    outputs = results(feed(engine, compose([*octahedral(), *tetrahedral()])))
    assert labels(outputs, 0) == {"O6"}
    assert labels(outputs, 1) == {"T4"}
    assert sum(not r.final for r in outputs if r.spectrum_index == 1) > 5


@pytest.mark.parametrize("backlash", [0.0, 3.0])
def test_up_and_down(engine: Engine, backlash: float) -> None:
    down = [row | {"mono_energy": row["mono_energy"] + backlash} for row in tetrahedral()[::-1]]
    outputs = feed(engine, compose([*octahedral(), *down]))
    assert [(status, label) for status, label, _ in said(outputs)] == [("ok", "O6"), ("ok", "T4")]
    assert sum(n for _, _, n in said(outputs)) == 2 * len(down)


def test_a_second_sweep_that_was_stopped(engine: Engine) -> None:
    rows = [*octahedral(), *tetrahedral()[:20]]
    first, second = finals(feed(engine, compose(rows, exit_status="abort")))
    assert (first.prediction.status, first.prediction.label) == (Status.OK, "O6")
    assert second.prediction.status is Status.REJECTED


def test_a_piece_before_the_edge_measured_again_is_no_sweep(engine: Engine) -> None:
    rows = octahedral()
    (only,) = finals(feed(engine, compose([*rows[:40], *rows])))
    assert only.prediction.label == "O6"
    assert only.n_points == len(rows) + 40
    assert split(only) == ""


def test_a_rewound_pause_and_jitter_are_no_sweeps(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    rows = octahedral()
    rows = [r | {"mono_energy": r["mono_energy"] + float(rng.normal(0, 0.2))} for r in rows]
    documents = compose(rows)
    again = documents[2:150]  # a rewind to the start: equal seq_num
    (only,) = finals(feed(engine, [*documents[:150], *again, *documents[150:]]))
    assert (only.prediction.label, only.n_points, split(only)) == ("O6", len(rows), "")


def test_readings_of_one_point_are_averaged(engine: Engine) -> None:
    rows = list(chain.from_iterable(zip(octahedral(), octahedral(), strict=True)))
    (only,) = finals(feed(engine, compose([r | {"repeat": n % 2} for n, r in enumerate(rows)])))
    assert (only.prediction.label, split(only)) == ("O6", "")


def test_one_spectrum_a_run_if_the_user_says_so(registry: Registry) -> None:
    settings = AnalysisSettings(signals=Signals(spectrum_per="run"))
    rows = [*octahedral(), *octahedral()]
    (only,) = finals(feed(Engine(settings, registry), compose(rows)))
    assert only.n_points == len(rows)


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("sample_name", "hematite", "vivianite"),
        ("sample", "A", "B"),
        ("scan_number", 1, 2),
        ("sample_y", 1.0, 3.5),
    ],
)
def test_a_key_that_changes_with_the_spectrum(
    engine: Engine, key: str, one: Any, other: Any
) -> None:
    # The second one goes down from where the first one ended: the energies alone say less.
    rows = [*octahedral(**{key: one}), *tetrahedral(**{key: other})[::-1]]
    outputs = feed(engine, compose(rows, keys=KEYS | {key: TEXT if one == "A" else NUMBER}))
    n = len(rows) // 2
    assert said(outputs) == [("ok", "O6", n), ("ok", "T4", n)]
    assert [split(result) for result in finals(outputs)] == [
        f"{key} = {one:{'g' if key == 'sample_y' else ''}}",
        f"{key} = {other}",
    ]


def test_the_dwell_time_of_a_region_is_no_other_sample(engine: Engine) -> None:
    start = SCAN | {"motors": ["mono_energy", "inttime", "gap"]}
    rows = octahedral()
    rows = [r | {"inttime": 0.5 + n // 60, "gap": 7 + 0.001 * n} for n, r in enumerate(rows)]
    keys = KEYS | dict.fromkeys(("inttime", "gap"), NUMBER)
    (only,) = finals(feed(engine, compose(rows, start=start, keys=keys)))
    assert (only.prediction.label, only.n_points) == ("O6", len(rows))


def test_a_motor_that_moves_at_a_repeated_point_is_no_other_sample(engine: Engine) -> None:
    rows = list(chain.from_iterable(zip(octahedral(), octahedral(), strict=True)))
    rows = [r | {"mirror": 10.0 if n < 301 else 10.5} for n, r in enumerate(rows)]
    keys = KEYS | {"mirror": NUMBER | {"units": "mm"}}
    (only,) = finals(feed(engine, compose(rows, keys=keys)))
    assert (only.prediction.label, split(only)) == ("O6", "")


def test_a_scanned_position_that_jitters_is_one(engine: Engine) -> None:
    rng = np.random.default_rng(1)
    start = SCAN | {"motors": ["mono_energy", "sample_y"]}
    rows = [r | {"sample_y": float(rng.normal(0, 1e-4))} for r in octahedral()]
    (only,) = finals(feed(engine, compose(rows, start=start, keys=KEYS | {"sample_y": NUMBER})))
    assert (only.prediction.label, only.n_points) == ("O6", len(rows))


@pytest.mark.parametrize("declared", ["shape", "motors", "units"])
@pytest.mark.parametrize("snake", [False, True])
def test_energy_slow_and_position_fast(engine: Engine, declared: str, snake: bool) -> None:
    jitter = np.random.default_rng(2).normal(0, 1e-4, 10_000)
    samples = [octahedral(sample_z=0.0), tetrahedral(sample_z=1.0), octahedral(sample_z=2.0)]
    rows = interleaved(samples, snake=snake)
    rows = [r | {"sample_z": r["sample_z"] + float(jitter[n])} for n, r in enumerate(rows)]
    start: dict[str, Any] = dict(SCAN)
    if declared != "units":
        start |= {
            "motors": ["mono_energy", "sample_z"],
            "hints": {"dimensions": [(["mono_energy"], "primary"), (["sample_z"], "primary")]},
        }
    if declared == "shape":
        start |= {"shape": [len(samples[0]), 3], "snaking": [False, snake]}
    keys = KEYS | {"sample_z": NUMBER | {"units": "mm"}}
    outputs = feed(engine, compose(rows, start=start, keys=keys))
    n = len(samples[0])
    assert said(outputs) == [("ok", "O6", n), ("ok", "T4", n), ("ok", "O6", n)]
    assert ["sample_z" in split(r) for r in finals(outputs)] == [declared != "shape"] * 3
    assert all(r.final for r in results(outputs)[-3:])  # they grow beside each other
    partials = [r for r in results(outputs) if not r.final]
    assert {r.spectrum_index for r in partials} == {0, 1, 2}
    assert labels(partials, 1) == {"T4"}


def test_names_of_samples_in_turn(engine: Engine) -> None:
    rows = interleaved([octahedral(sample="A"), tetrahedral(sample="B")])
    outputs = feed(engine, compose(rows, keys=KEYS | {"sample": TEXT}))
    n = len(rows) // 2
    assert said(outputs) == [("ok", "O6", n), ("ok", "T4", n)]
    assert [split(result) for result in finals(outputs)] == ["sample = A", "sample = B"]


def test_a_grid_of_three_axes(engine: Engine) -> None:
    samples = [octahedral(), tetrahedral(), tetrahedral(), octahedral()]
    rows = [*interleaved(samples[:2]), *interleaved(samples[2:])]
    names = ("temperature", "mono_energy", "sample_y")
    start = SCAN | {
        "motors": list(names),
        "hints": {"dimensions": [([name], "primary") for name in names]},
        "shape": [2, len(samples[0]), 2],
    }
    outputs = feed(engine, compose(rows, start=start))
    assert [label for _, label, _ in said(outputs)] == ["O6", "T4", "T4", "O6"]


def test_positions_in_no_order_are_refused(engine: Engine) -> None:
    rng = np.random.default_rng(3)
    rows = interleaved([octahedral(), tetrahedral(), octahedral()])
    rows = [r | {"sample_y": float(y)} for r, y in zip(rows, rng.uniform(0, 9, 9999), strict=False)]
    start = SCAN | {"motors": ["mono_energy", "sample_y"]}
    outputs = results(feed(engine, compose(rows, start=start, keys=KEYS | {"sample_y": NUMBER})))
    assert [r.prediction.status for r in outputs] == [Status.REJECTED]
    assert outputs[0].prediction.findings[0].reason is Reason.SEVERAL_SPECTRA
    assert "sample_y" in outputs[0].prediction.findings[0].detail


def test_pages_give_the_same_as_events(registry: Registry) -> None:
    import event_model

    documents = compose([*octahedral(), *tetrahedral()[::-1]])
    events = [doc for name, doc in documents if name == "event"]
    page = ("event_page", event_model.pack_event_page(*events))
    paged = [*documents[:2], page, documents[-1]]
    one, other = (feed(Engine(registry=registry), given) for given in (documents, paged))
    assert [numbers(r) for r in results(one)] == [numbers(r) for r in results(other)]


def test_the_shared_case(shared: Path) -> None:
    path = shared / "cases" / "three_sweeps_one_run.jsonl"
    if not path.exists():
        pytest.skip("needs ../shared/data, which is not part of the project")
    documents = [tuple(json.loads(line)) for line in path.read_text().splitlines()]
    assert [label for _, label, _ in said(feed(Engine(), documents))] == ["O6", "T4", "T4"]


def test_a_data_key_that_is_no_text_is_left_alone(engine: Engine) -> None:
    rows = [{**row, 7: 1.0} for row in octahedral()]
    (only,) = finals(feed(engine, compose(rows)))
    assert (only.prediction.label, only.n_points) == ("O6", len(rows))

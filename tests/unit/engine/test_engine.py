"""The engine on documents: how they become spectra, and when they are classified."""

from __future__ import annotations

from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import event_model
import numpy as np
import pytest
from engine_parts import closed, feed, finals, make_registry, numbers, results

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.settings import AnalysisSettings, Signals
from live_lce.testing import (
    KEYS,
    SCAN,
    compose,
    spectrum_rows,
    transmission_rows,
    xanes_energy,
    xanes_mu,
)

EDGE = 7112.0


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def engine(registry: Registry) -> Engine:
    return Engine(registry=registry)


def reasons(result: object) -> list[Reason]:
    return [f.reason for f in result.prediction.findings]  # type: ignore[attr-defined]


def test_replay_gives_the_same_bits(registry: Registry) -> None:
    documents = compose(spectrum_rows())
    first, second = (
        [numbers(r) for r in results(feed(Engine(registry=registry), documents))] for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("rows_per_page", [1, 7, 1000])
def test_pages_equal_events(registry: Registry, rows_per_page: int) -> None:
    documents = compose(spectrum_rows())
    events = [doc for name, doc in documents if name == "event"]
    pages = [
        ("event_page", event_model.pack_event_page(*events[i : i + rows_per_page]))
        for i in range(0, len(events), rows_per_page)
    ]
    paged = [*documents[:2], *pages, documents[-1]]
    assert [numbers(r) for r in results(feed(Engine(registry=registry), paged))] == [
        numbers(r) for r in results(feed(Engine(registry=registry), documents))
    ]


def test_interleaved_runs_do_not_mix(registry: Registry) -> None:
    one, other = compose(spectrum_rows(0.7, seed=1)), compose(spectrum_rows(0.0, seed=2))
    alone = [
        numbers(r) for docs in (one, other) for r in finals(feed(Engine(registry=registry), docs))
    ]
    pairs = zip_longest(one, other)
    mixed = [doc for doc in chain.from_iterable(pairs) if doc is not None]
    together = finals(feed(Engine(registry=registry), mixed))
    assert sorted(numbers(r) for r in together) == sorted(alone)
    assert {r.prediction.label for r in together} == {"O6", "T4"}


def test_interleaved_streams_do_not_mix(engine: Engine) -> None:
    """A second stream that is no spectrum, and one that is."""
    bundle = event_model.compose_run(metadata=dict(SCAN))
    outputs = feed(engine, [("start", bundle.start_doc)])
    streams = {}
    temperature = {"T": {"dtype": "number", "shape": [], "source": "sim"}}
    for name, keys in (("primary", KEYS), ("second", KEYS), ("monitor", temperature)):
        streams[name] = bundle.compose_descriptor(name=name, data_keys=keys)
        outputs += feed(engine, [("descriptor", streams[name].descriptor_doc)])
    for one, other in zip(spectrum_rows(0.7), spectrum_rows(0.0), strict=True):
        for name, row in (("primary", one), ("second", other), ("monitor", {"T": 300.0})):
            event = streams[name].compose_event(data=row, timestamps=dict.fromkeys(row, 0.0))
            outputs += feed(engine, [("event", event)])
    outputs += feed(engine, [("stop", bundle.compose_stop())])
    assert {r.run.stream: r.prediction.label for r in finals(outputs)} == {
        "primary": "O6",
        "second": "T4",
    }


def test_points_that_are_emitted_again_replace_the_earlier_ones(registry: Registry) -> None:
    good = compose(spectrum_rows())
    spoiled = list(good)
    for index in range(40, 45):  # as the beam went down; measured again after the pause
        name, doc = good[index]
        bad = {**doc, "uid": f"bad-{index}", "data": {**doc["data"], "It": 1.0}}
        spoiled.insert(40 + (index - 40), (name, bad))
    (clean,) = finals(feed(Engine(registry=registry), good))
    (again,) = finals(feed(Engine(registry=registry), spoiled))
    assert numbers(again) == numbers(clean)


def test_an_aborted_scan_is_only_a_partial_answer(engine: Engine) -> None:
    (final,) = finals(feed(engine, compose(spectrum_rows(), exit_status="abort")))
    assert final.prediction.status is Status.PARTIAL
    assert reasons(final)[0] is Reason.SCAN_ABORTED
    assert final.prediction.label


def test_an_aborted_scan_without_an_edge_stays_rejected(engine: Engine) -> None:
    (final,) = finals(feed(engine, compose(spectrum_rows()[:30], exit_status="fail")))
    assert final.prediction.status is Status.REJECTED
    assert reasons(final)[0] is Reason.EDGE_NOT_REACHED
    assert Reason.SCAN_ABORTED in reasons(final)


BAD = {
    "empty": ([], Reason.NO_POINTS),
    "five points": (spectrum_rows()[::50][:5], Reason.TOO_FEW_POINTS),
    "before the edge": (spectrum_rows()[:40], Reason.EDGE_NOT_REACHED),
    "I0 is zero": ([{**row, "I0": 0.0} for row in spectrum_rows()], None),
    "not finite": ([{**row, "It": float("nan")} for row in spectrum_rows()], None),
    "constant": ([{**row, "I0": 2.0, "It": 1.0} for row in spectrum_rows()], None),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_scans_end_in_one_rejected_final_result(engine: Engine, case: str) -> None:
    rows, reason = BAD[case]
    outputs = feed(engine, compose(rows))
    (only,) = results(outputs)
    assert only.final
    assert only.prediction.status is Status.REJECTED
    assert only.prediction.label == ""
    assert reason in {None, reasons(only)[0]}
    expected = {Reason.DEAD_CHANNEL, Reason.NO_FINITE_POINTS, Reason.FLAT_SIGNAL, reason}
    assert reasons(only)[0] in expected
    assert len(closed(outputs)) == 1


def test_shuffled_duplicated_and_not_finite_points_are_survived(engine: Engine) -> None:
    rows = spectrum_rows(white_line=0.7)
    order = np.random.default_rng(3).permutation(len(rows))
    rows = [rows[i] for i in order] + [dict(rows[order[0]])]
    rows[7] = {**rows[7], "It": float("inf")}
    rows[50] = {**rows[50], "mono_energy": float("nan")}
    (final,) = finals(feed(engine, compose(rows)))
    assert final.prediction.status is Status.OK
    assert final.prediction.label == "O6"
    assert final.n_dropped == 2
    assert final.n_points == len(rows) - 2
    assert {Reason.POINTS_DROPPED, Reason.ENERGIES_MERGED} <= set(reasons(final))


def test_a_scan_in_kev(registry: Registry) -> None:
    rows = [{**row, "mono_energy": row["mono_energy"] / 1000} for row in spectrum_rows(0.7)]
    keys = KEYS | {"mono_energy": {**KEYS["mono_energy"], "units": "keV"}}
    outputs = feed(Engine(registry=registry), compose(rows, keys=keys))
    (final,) = finals(outputs)
    assert final.prediction.label == "O6"
    assert Reason.UNITS_CONVERTED in reasons(final)
    assert len(results(outputs)) > 10


def test_energies_in_no_known_units_are_rejected(engine: Engine) -> None:
    rows = [{**row, "mono_energy": row["mono_energy"] * 1e6} for row in spectrum_rows()]
    (only,) = results(feed(engine, compose(rows)))
    assert reasons(only)[0] is Reason.ENERGY_UNITS_UNKNOWN


def test_values_may_be_missing_or_no_numbers(engine: Engine) -> None:
    rows = spectrum_rows()
    del rows[3]["I0"]
    rows[4]["It"] = None
    rows[5]["It"] = "closed"
    rows[6] = {key: np.float32(value) for key, value in rows[6].items()}
    rows[7] = {key: np.array([value]) for key, value in rows[7].items()}
    (final,) = finals(feed(engine, compose(rows)))
    assert final.prediction.status is Status.OK
    assert final.n_dropped == 3
    assert final.n_points == len(rows) - 3
    assert engine.counters["points_dropped"] == 3


def test_left_out_partial_predictions_are_counted_and_mentioned(registry: Registry) -> None:
    documents = compose(spectrum_rows())
    engine = Engine(registry=registry)
    (only,) = results(feed(engine, documents, partials=False))
    assert engine.counters["partials_dropped"] > 10
    assert reasons(only)[-1] is Reason.PARTIALS_DROPPED
    usual = finals(feed(Engine(registry=registry), documents))[0]
    assert only.prediction.probabilities.tobytes() == usual.prediction.probabilities.tobytes()


def test_a_run_without_events_is_a_spectrum_only_if_it_scans_energy(engine: Engine) -> None:
    start, stop = compose([], exit_status="abort")[0], compose([], exit_status="abort")[-1]
    stop = ("stop", {**stop[1], "run_start": start[1]["uid"]})
    (only,) = results(feed(engine, [start, stop]))
    assert reasons(only) == [Reason.NO_POINTS, Reason.SCAN_ABORTED]
    other = {"motors": ["xafs_y"], "hints": {"dimensions": [(["xafs_y"], "primary")]}}
    docs = compose([], start=other)
    assert results(feed(engine, [docs[0], docs[-1]])) == []


def test_time_scans_and_other_scans_at_fixed_energy_are_left_alone(engine: Engine) -> None:
    rows = [{**row, "mono_energy": 7130.0} for row in spectrum_rows()]
    for start in ({"hints": {"dimensions": [(["time"], "primary")]}}, {}, {"motors": ["xafs_y"]}):
        outputs = feed(engine, compose(rows, start=start))
        assert results(outputs) == []
        assert len(closed(outputs)) == 1


def test_an_undeclared_energy_scan_is_found_by_its_values(engine: Engine) -> None:
    outputs = feed(engine, compose(spectrum_rows(0.7), start={"element": "Fe"}, stream="fly"))
    (final,) = finals(outputs)
    assert (final.run.stream, final.prediction.label) == ("fly", "O6")


def test_unknown_devices_are_rejected_with_their_names(engine: Engine) -> None:
    keys = {"mono_energy": KEYS["mono_energy"], "sclr_ch7": KEYS["I0"], "sclr_ch9": KEYS["It"]}
    rows = [
        {"mono_energy": r["mono_energy"], "sclr_ch7": 1.0, "sclr_ch9": 1.0} for r in spectrum_rows()
    ]
    (only,) = results(feed(engine, compose(rows, keys=keys)))
    assert only.prediction.status is Status.REJECTED
    assert reasons(only) == [Reason.SIGNALS_UNKNOWN]
    assert "sclr_ch7" in only.prediction.findings[0].detail


@pytest.mark.parametrize("kind", ["STREAM:", "FILESTORE:"])
def test_external_signals_are_rejected_where_no_files_are_read(engine: Engine, kind: str) -> None:
    keys = KEYS | {"It": {**KEYS["It"], "external": kind}}
    rows = [{key: row[key] for key in ("mono_energy", "I0")} for row in spectrum_rows()]
    (only,) = results(feed(engine, compose(rows, keys=keys)))
    assert reasons(only) == [Reason.EXTERNAL_DATA]
    assert "It" in only.prediction.findings[0].detail


# -- several spectra in a run -----------------------------------------------------------------


def grid_start(n_outer: int, n_inner: int) -> dict[str, object]:
    return SCAN | {
        "motors": ["T", "mono_energy"],
        "shape": [n_outer, n_inner],
        "hints": {"dimensions": [(["T"], "primary"), (["mono_energy"], "primary")]},
    }


def test_a_grid_gives_a_spectrum_per_outer_step_and_may_snake(engine: Engine) -> None:
    scans = [
        spectrum_rows(0.7, T=300.0),
        spectrum_rows(0.0, T=350.0)[::-1],
        spectrum_rows(0.7, T=400.0),
    ]
    documents = compose(chain.from_iterable(scans), start=grid_start(3, len(scans[0])))
    seen_after = len(scans[0]) + 3  # start, descriptor, the first scan, one event more
    outputs = feed(engine, documents[:seen_after])
    assert [r.spectrum_index for r in finals(outputs)] == [0]
    outputs += feed(engine, documents[seen_after:])
    assert [(r.spectrum_index, r.prediction.label) for r in finals(outputs)] == [
        (0, "O6"),
        (1, "T4"),
        (2, "O6"),
    ]
    assert [r.raw_seq_num_first for r in finals(outputs)] == [
        1,
        len(scans[0]) + 1,
        2 * len(scans[0]) + 1,
    ]
    assert len(results(outputs)) > 30


def test_an_aborted_grid_keeps_its_finished_spectra(engine: Engine) -> None:
    rows = spectrum_rows(0.7, T=300.0)
    documents = compose([*rows, *rows[:210]], start=grid_start(3, len(rows)), exit_status="abort")
    first, second = finals(feed(engine, documents))
    assert first.prediction.status is Status.OK
    assert reasons(second)[0] is Reason.SCAN_ABORTED


def test_a_change_of_the_outer_signal_starts_a_spectrum(registry: Registry) -> None:
    settings = AnalysisSettings(signals=Signals(outer="T"))
    scans = [spectrum_rows(0.7, T=300.0), spectrum_rows(0.0, T=350.0)]
    scans[0][5]["T"] = 300.01  # a readback
    outputs = feed(Engine(settings, registry), compose(chain.from_iterable(scans)))
    assert [(r.spectrum_index, r.prediction.label) for r in finals(outputs)] == [
        (0, "O6"),
        (1, "T4"),
    ]


def array_documents(*scans: list[dict[str, float]], cut: int = 0) -> list[tuple[str, dict]]:
    n = len(scans[0])
    keys = {k: {**v, "dtype": "array", "shape": [n]} for k, v in KEYS.items()}
    rows = [{k: np.array([row[k] for row in scan]) for k in KEYS} for scan in scans]
    if cut:
        rows[-1]["It"] = rows[-1]["It"][:-cut]
    return compose(rows, start={"element": "Fe", "motors": ["T"]}, keys=keys)


def test_array_events_are_a_spectrum_each(engine: Engine) -> None:
    documents = array_documents(spectrum_rows(0.7), spectrum_rows(0.0))
    outputs = feed(engine, documents[:3])
    assert [(r.spectrum_index, r.prediction.label) for r in finals(outputs)] == [(0, "O6")]
    outputs += feed(engine, documents[3:])
    assert [(r.spectrum_index, r.prediction.label) for r in results(outputs)] == [
        (0, "O6"),
        (1, "T4"),
    ]
    assert all(r.final for r in results(outputs))


def test_arrays_of_unequal_length_are_rejected(engine: Engine) -> None:
    good, bad = results(feed(engine, array_documents(spectrum_rows(), spectrum_rows(), cut=2)))
    assert good.prediction.status is Status.OK
    assert reasons(bad)[0] is Reason.UNEQUAL_LENGTHS


# -- runs that begin or end badly -------------------------------------------------------------


def test_joining_late_gives_one_failed_result(engine: Engine) -> None:
    documents = compose(spectrum_rows())
    outputs = feed(engine, documents[1:])
    (only,) = results(outputs)
    assert only.prediction.status is Status.FAILED
    assert reasons(only) == [Reason.NO_START_DOCUMENT]
    assert only.run.uid == documents[0][1]["uid"]
    assert len(closed(outputs)) == 1
    assert feed(engine, documents[-1:]) == []  # a stop that comes twice


def test_joining_an_alignment_scan_late_gives_nothing(engine: Engine) -> None:
    keys = {"xafs_y": KEYS["I0"], "It": KEYS["It"]}
    documents = compose([{"xafs_y": 1.0, "It": 2.0}], keys=keys)
    assert results(feed(engine, documents[1:])) == []


def test_a_descriptor_that_changes(engine: Engine) -> None:
    rows = spectrum_rows(0.7)
    bundle = event_model.compose_run(metadata=dict(SCAN))
    first = bundle.compose_descriptor(name="primary", data_keys=KEYS)
    outputs = feed(engine, [("start", bundle.start_doc), ("descriptor", first.descriptor_doc)])
    more = KEYS | {"T": KEYS["I0"]}
    fewer = {k: v for k, v in KEYS.items() if k != "It"}
    changes = {30: (more, {"T": 1.0}), 60: (fewer, {}), 70: (more, {"T": 1.0})}
    uid, extra, keys = first.descriptor_doc["uid"], {}, KEYS
    for number, row in enumerate(rows):
        if number in changes:
            keys, extra = changes[number]
            uid = f"descriptor-{number}"
            descriptor = {**first.descriptor_doc, "uid": uid, "data_keys": keys}
            outputs += feed(engine, [("descriptor", descriptor)])
        data = {k: v for k, v in (row | extra).items() if k in keys}
        event = {
            "descriptor": uid,
            "seq_num": number + 1,
            "time": 1.0,
            "uid": str(number),
            "data": data,
        }
        outputs += feed(engine, [("event", event)])
    outputs += feed(engine, [("stop", bundle.compose_stop())])
    (final,) = finals(outputs)
    assert final.prediction.label == "O6"
    assert Reason.DESCRIPTOR_CHANGED in reasons(final)
    assert (final.n_points, final.n_dropped) == (len(rows) - 10, 10)


def test_runs_that_never_stop_are_closed_when_there_are_too_many(registry: Registry) -> None:
    engine = Engine(registry=registry, max_open_runs=2)
    lost = compose(spectrum_rows(0.7), exit_status=None)
    outputs = feed(engine, lost)
    for _ in range(2):
        outputs += feed(engine, compose(spectrum_rows()[:1], exit_status=None))
    (final,) = finals(outputs)
    assert final.prediction.status is Status.PARTIAL
    assert reasons(final)[0] is Reason.RUN_NOT_STOPPED
    assert [(c.uid, c.exit_status) for c in closed(outputs)] == [(lost[0][1]["uid"], "unknown")]
    assert len(engine.open_runs) == 2
    assert feed(engine, lost[-1:]) == []
    assert engine.counters["ignored"] == 1
    assert engine.counters["not_stopped"] == 1


def test_runs_that_fall_silent_are_closed_by_the_arrival_of_documents(registry: Registry) -> None:
    engine = Engine(registry=registry, silence=7200.0)
    feed(engine, compose(spectrum_rows(), exit_status=None), arrival=100.0)
    assert closed(feed(engine, compose([])[:1], arrival=7000.0)) == []
    outputs = feed(engine, compose([])[:1], arrival=8000.0)
    assert [reasons(r)[0] for r in finals(outputs)] == [Reason.RUN_NOT_STOPPED]
    assert len(engine.open_runs) == 2  # one of them 1000 s old


@pytest.mark.parametrize(
    "clock", [1.7e12, 1.7e9 + 3 * 3600, 1e30, 0.0, float("nan"), "now"], ids=str
)
@pytest.mark.parametrize("name", ["start", "event", "stop"])
def test_the_clock_of_one_run_ends_no_other(registry: Registry, clock: Any, name: str) -> None:
    """Milliseconds, three hours of skew: whichever of its documents says so."""
    engine = Engine(registry=registry)
    documents = compose(spectrum_rows(0.7), time=1.7e9)
    other = [(n, {**d, "time": clock} if n == name else d) for n, d in compose(spectrum_rows(0.7))]
    outputs: list[Any] = []
    for number, (n, d) in enumerate(documents):
        outputs += engine(n, d, arrival=float(number))
        if number % 2 and other:
            outputs += engine(*other.pop(0), arrival=float(number))
    outputs += feed(engine, other)
    assert [c.exit_status for c in closed(outputs)] == ["success", "success"]
    (final,) = [r for r in finals(outputs) if r.run.uid == documents[0][1]["uid"]]
    assert (final.prediction.status, final.prediction.label) == (Status.OK, "O6")
    assert engine.counters["not_stopped"] == engine.counters["ignored"] == 0


def test_finish_closes_what_is_open(registry: Registry) -> None:
    engine = Engine(registry=registry)
    feed(engine, compose(spectrum_rows(0.7), exit_status=None))
    (final,) = finals(outputs := engine.finish())
    assert (final.prediction.status, final.prediction.label) == (Status.PARTIAL, "O6")
    assert closed(outputs)[0].exit_status == "unknown"
    assert engine.finish() == []


def test_a_run_can_be_replayed_twice(engine: Engine) -> None:
    documents = compose(spectrum_rows())
    first, second = (results(feed(engine, documents)) for _ in range(2))
    assert [numbers(r) for r in first] == [numbers(r) for r in second]


def test_fluorescence_bragg_and_reference_scans(registry: Registry) -> None:
    energy = xanes_energy()
    mu = xanes_mu(energy, white_line=0.7)
    angle = np.degrees(np.arcsin(12398.41984 / (2 * 3.1356 * energy)))
    keys = {
        "mono_bragg": {**KEYS["mono_energy"], "units": "deg"},
        **dict.fromkeys(("I0", "vortex_roi1_ch1", "vortex_roi1_ch2"), KEYS["I0"]),
    }
    rows = [
        {"mono_bragg": a, "I0": 1e4 + i, "vortex_roi1_ch1": (1e4 + i) * m, "vortex_roi1_ch2": 0.0}
        for i, (a, m) in enumerate(zip(angle, mu, strict=True))
    ]
    start = {"motors": ["mono_bragg"], "element": "Fe", "edge": "K"}
    settings = AnalysisSettings(signals=Signals(d_spacing=3.1356))
    outputs = feed(Engine(settings, registry), compose(rows, start=start, keys=keys))
    (final,) = finals(outputs)
    assert final.prediction.label == "O6"
    assert Reason.CHANNELS_EXCLUDED in reasons(final)
    assert len(results(outputs)) > 10
    (lost,) = finals(feed(Engine(registry=registry), compose(rows, start=start, keys=keys)))
    assert reasons(lost)[0] is Reason.ENERGY_UNITS_UNKNOWN


def test_the_foil_goes_with_the_spectrum(tmp_path: Path) -> None:
    from live_lce.analysis import Analysis
    from live_lce.classifiers import Prediction
    from live_lce.spectra import Spectrum

    seen: list[Spectrum] = []

    def keep(spectrum: Spectrum) -> Analysis:
        seen.append(spectrum)
        return Analysis(Prediction(Status.ABSTAIN))

    energy = xanes_energy()
    mu = xanes_mu(energy)
    rows = [
        {**row, "Ir": row["It"] * float(np.exp(-0.5 * m))}
        for row, m in zip(transmission_rows(energy, mu), mu, strict=True)
    ]
    feed(Engine(analyse=keep), compose(rows, keys=KEYS | {"Ir": KEYS["It"]}))
    np.testing.assert_allclose(seen[-1].mu, mu)
    np.testing.assert_allclose(seen[-1].reference, 0.5 * mu)
    assert (seen[-1].mode, seen[-1].absorber, seen[-1].edge) == ("transmission", "Fe", "K")

"""Events that lack something: read as far as they can be, else counted and said."""

from __future__ import annotations

from typing import Any

import event_model
import numpy as np
import pytest
from engine_parts import feed, finals, make_registry

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status, prediction_columns
from live_lce.engine import Engine, Result
from live_lce.records import published_row
from live_lce.settings import AnalysisSettings, Signals
from live_lce.testing import KEYS, SCAN, compose, spectrum_rows

NUMBER = {"dtype": "number", "shape": [], "source": "sim"}
DOCUMENTS = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def engine(registry: Registry) -> Engine:
    return Engine(registry=registry)


def detail(result: Result, reason: Reason) -> str:
    return next((f.detail for f in result.prediction.findings if f.reason is reason), "")


def first(result: Result) -> tuple[Reason, str]:
    finding = result.prediction.findings[0]
    return finding.reason, finding.detail


def with_channels(rows: list[dict[str, Any]], **shares: float) -> list[dict[str, Any]]:
    """Return rows of fluorescence instead of transmission."""
    return [
        {"mono_energy": r["mono_energy"], "I0": r["I0"]}
        | {key: share * r["I0"] * float(np.log(r["I0"] / r["It"])) for key, share in shares.items()}
        for r in rows
    ]


def test_points_without_beam_are_counted_apart(engine: Engine) -> None:
    rows = spectrum_rows()
    for n in range(4, 10):
        rows[n] = rows[n] | {key: 1e-5 * rows[n][key] for key in ("I0", "It")}
    (only,) = finals(feed(engine, compose(rows)))
    assert (only.n_points, only.n_dropped) == (len(rows) - 6, 0)
    assert only.used.n_without_beam == 6 and only.used.signal == "ln(I0/It)"
    row = published_row(only, prediction_columns(only.prediction.classes), 0.0)
    assert (row["n_without_beam"], row["n_points"]) == (6, len(rows) - 6)
    assert row["signals"] == "ln(I0/It), energy = mono_energy"
    assert detail(only, Reason.POINTS_WITHOUT_BEAM).startswith(f"6 of {len(rows)} points")


def test_rows_without_a_value_are_counted_and_named(engine: Engine) -> None:
    rows = spectrum_rows()
    for n in (3, 4, 5):
        del rows[n]["It"]
    rows[9]["I0"] = None
    rows[11]["I0"] = "OVERFLOW"
    (only,) = finals(feed(engine, compose(rows)))
    assert (only.prediction.status, only.n_dropped) == (Status.OK, 5)
    assert detail(only, Reason.POINTS_DROPPED) == (
        f"5 of {len(rows)} events: I0 is missing in 1, I0 is text in 1, It is missing in 3"
    )
    assert engine.counters["points_dropped"] == 5


@pytest.mark.parametrize("mark", [".", ","])
def test_numbers_as_text_are_numbers(engine: Engine, mark: str) -> None:
    rows = [
        {key: str(value).replace(".", mark) for key, value in row.items()}
        for row in spectrum_rows()
    ]
    (only,) = finals(feed(engine, compose(rows)))
    assert (only.prediction.label, only.n_points) == ("O6", len(rows))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("open", "is text"),
        ([1.0, 2.0], "is an array of 2"),
        (None, "is missing"),
        ({}, "is no number"),
    ],
)
def test_no_usable_event_at_all(engine: Engine, value: Any, said: str) -> None:
    rows = [row | {"I0": value} for row in spectrum_rows()]
    (only,) = finals(feed(engine, compose(rows)))
    reason, words = first(only)
    assert reason is Reason.VALUES_UNUSABLE
    assert f"I0 {said}" in words


def test_no_events_are_no_points(engine: Engine) -> None:
    (only,) = finals(feed(engine, compose([])))
    assert first(only)[0] is Reason.NO_POINTS


def test_readings_of_no_energy_are_left_out(engine: Engine) -> None:
    rows = spectrum_rows()
    for n, energy in ((7, 0.0), (8, -1.0), (len(rows) - 1, 0.0)):
        rows[n]["mono_energy"] = energy
    (only,) = finals(feed(engine, compose(rows)))
    assert (only.prediction.label, only.n_points, only.n_dropped) == ("O6", len(rows) - 3, 3)


@pytest.mark.parametrize("units", ["deg", "mrad", "rad", "arcsec"])
def test_a_bragg_angle_in_any_units(engine: Engine, units: str) -> None:
    from live_lce.spectra._energy import ANGLES, HC

    rows = spectrum_rows()
    for row in rows:
        degrees = np.degrees(np.arcsin(HC / (2 * 3.1356 * row.pop("mono_energy"))))
        row["mono_bragg"] = float(degrees / ANGLES[units])
    start = SCAN | {"motors": ["mono_bragg"], "d_spacing": 3.1356}
    start["hints"] = {"dimensions": [(["mono_bragg"], "primary")]}
    keys = KEYS | {"mono_bragg": NUMBER | {"units": units}}
    del keys["mono_energy"]
    (only,) = finals(feed(engine, compose(rows, start=start, keys=keys)))
    assert (only.prediction.label, only.n_points) == ("O6", len(rows))


def test_an_energy_called_kilo(engine: Engine) -> None:
    keys = KEYS | {"mono_energy": NUMBER | {"units": "keV"}}
    (only,) = finals(feed(engine, compose(spectrum_rows(), keys=keys)))
    assert only.prediction.label == "O6"
    assert "keV" in detail(only, Reason.UNITS_CONVERTED)


def test_channels_as_an_array_are_summed(engine: Engine, registry: Registry) -> None:
    rows = with_channels(spectrum_rows(), xs_roi1=1.0)
    rows = [r | {"xs_roi1": [r["xs_roi1"] * share for share in (0.1, 0.2, 0.3)]} for r in rows]
    keys = {k: KEYS[k] for k in ("mono_energy", "I0")}
    keys["xs_roi1"] = {"dtype": "array", "shape": [3], "source": "sim"}
    (only,) = finals(feed(engine, compose(rows, keys=keys)))
    assert only.prediction.label == "O6"
    assert only.spectrum is not None
    assert only.spectrum.used.channels == ("I0", "xs_roi1[0]", "xs_roi1[1]", "xs_roi1[2]")
    settings = AnalysisSettings(signals=Signals(exclude=("xs_roi1[1]",)))
    (only,) = finals(feed(Engine(settings, registry), compose(rows, keys=keys)))
    assert only.spectrum is not None
    assert only.spectrum.used.channels == ("I0", "xs_roi1[0]", "xs_roi1[2]")


def test_the_region_of_interest_that_shows_the_edge(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    rows = with_channels(spectrum_rows(), xs1_roi2=0.2, xs2_roi2=0.1)
    rows = [r | {"xs1_roi1": 900 + float(rng.normal(0, 30))} for r in rows]
    keys = {k: KEYS[k] for k in ("mono_energy", "I0")}
    keys |= dict.fromkeys(("xs1_roi1", "xs1_roi2", "xs2_roi2"), NUMBER)
    (only,) = finals(feed(engine, compose(rows, keys=keys)))
    assert only.prediction.label == "O6"
    assert only.spectrum is not None
    assert only.spectrum.used.signal == "(xs1_roi2+xs2_roi2)/I0"
    assert "xs1_roi1" in detail(only, Reason.SIGNAL_CHOSEN)


@pytest.mark.parametrize("declared_in", ["energies", "signals"])
def test_energy_and_signals_in_different_streams(engine: Engine, declared_in: str) -> None:
    start = SCAN | {"hints": {"dimensions": [(["mono_energy"], declared_in)]}}
    run = event_model.compose_run(metadata=start, time=1.7e9, validate=False)
    documents: DOCUMENTS = [("start", run.start_doc)]
    streams = {
        name: run.compose_descriptor(
            name=name, data_keys={k: KEYS[k] for k in keys}, time=1.7e9, validate=False
        )
        for name, keys in (("energies", ["mono_energy"]), ("signals", ["I0", "It"]))
    }
    documents += [("descriptor", stream.descriptor_doc) for stream in streams.values()]
    for row in spectrum_rows():
        for stream in streams.values():
            data = {key: row[key] for key in stream.descriptor_doc["data_keys"]}
            event = stream.compose_event(
                data=data, timestamps=dict.fromkeys(data, 1.7e9), time=1.7e9, validate=False
            )
            documents.append(("event", event))
    documents.append(("stop", run.compose_stop(validate=False)))
    (only,) = finals(feed(engine, documents))
    reason, words = first(only)
    assert reason is Reason.SIGNALS_UNKNOWN
    assert "stream energies holds mono_energy; stream signals holds I0, It" in words


def test_a_declared_energy_that_nobody_records(engine: Engine) -> None:
    (only,) = finals(feed(engine, compose([], keys={"I0": NUMBER})))
    assert first(only) == (Reason.SIGNALS_UNKNOWN, "no energy is recorded")

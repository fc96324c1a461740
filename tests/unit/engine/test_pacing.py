"""The engine on one scan: partial predictions, paced in eV, and a final one."""

from __future__ import annotations

import numpy as np
import pytest
from engine_parts import closed, feed, finals, make_registry, results

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.engine._pacing import Pacer
from live_lce.settings import AnalysisSettings, Pacing
from live_lce.testing import SCAN, compose, spectrum_rows

EDGE = 7112.0


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def engine(registry: Registry) -> Engine:
    return Engine(registry=registry)


def reasons(result: object) -> list[Reason]:
    return [f.reason for f in result.prediction.findings]  # type: ignore[attr-defined]


def test_a_scan_gives_partial_predictions_and_a_final_one(engine: Engine) -> None:
    documents = compose(spectrum_rows(white_line=0.7))
    outputs = feed(engine, documents)
    partials, (final,) = results(outputs)[:-1], finals(outputs)
    assert final.prediction.status is Status.OK
    assert final.prediction.label == "O6"
    assert (final.n_points, final.n_dropped) == (len(documents) - 3, 0)
    assert (final.raw_seq_num_first, final.raw_seq_num_last) == (1, final.n_points)
    assert final.raw_time == documents[-2][1]["time"]
    assert final.run.start["uid"] == final.run.uid
    answered = [p for p in partials if p.prediction.answered]
    assert len(answered) >= 5
    assert {p.prediction.status for p in answered} == {Status.PARTIAL}
    assert {reasons(p)[0] for p in answered} == {Reason.SCAN_RUNNING}
    assert Status.REJECTED not in {p.prediction.status for p in partials}
    assert [c.exit_status for c in closed(outputs)] == ["success"]
    assert outputs[-1] == closed(outputs)[0]
    assert engine.open_runs == ()


def test_partial_predictions_are_paced_in_ev(registry: Registry) -> None:
    settings = AnalysisSettings(pacing=Pacing(start=20.0, interval=10.0))
    rows = spectrum_rows()
    outputs = feed(Engine(settings, registry), compose(rows))
    last = [rows[r.raw_seq_num_last - 1]["mono_energy"] for r in results(outputs)[:-1]]
    assert last[0] >= EDGE + 20.0
    assert np.all(np.diff(last) >= 10.0 - 1e-9)
    assert np.all(np.diff(last) < 13.0)


def test_pacing_can_be_switched_off(registry: Registry) -> None:
    settings = AnalysisSettings(pacing=Pacing(partial=False))
    assert len(results(feed(Engine(settings, registry), compose(spectrum_rows())))) == 1


def test_descending_scans_are_followed_too(engine: Engine) -> None:
    outputs = feed(engine, compose(spectrum_rows(white_line=0.7)[::-1]))
    (final,) = finals(outputs)
    assert final.prediction.status is Status.OK
    assert final.prediction.label == "O6"
    assert len(results(outputs)) > 2


def test_no_partial_predictions_far_past_the_edge():
    for scan in (np.arange(7000.0, 7700.0, 1.0), np.arange(7700.0, 7000.0, -1.0)):
        pacer = Pacer(Pacing(start=10.0, interval=5.0, stop=60.0), 7112.0)
        due = [energy for energy in scan if pacer.due(energy)]
        assert due
        assert max(due) <= 7172.0


def test_partial_predictions_stop_where_the_absorber_is_found_from_the_energies(
    registry: Registry,
) -> None:
    """Plans of bluesky name no element: the edge that the points show counts."""
    rows = spectrum_rows()
    settings = AnalysisSettings(pacing=Pacing(stop=60.0))
    stated = feed(Engine(settings, registry), compose(rows))
    start = {key: value for key, value in SCAN.items() if key not in {"element", "edge"}}
    found = feed(Engine(settings, registry), compose(rows, start=start))
    last = [rows[r.raw_seq_num_last - 1]["mono_energy"] for r in results(found)[:-1]]
    assert max(last) <= EDGE + 60.0 < rows[-1]["mono_energy"]
    assert abs(len(results(found)) - len(results(stated))) <= 2
    assert finals(found)[0].prediction.absorber == "Fe"

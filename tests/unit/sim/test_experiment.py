"""Devices and plans on a real RunEngine: documents, pause, abort, score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

ophyd = pytest.importorskip("ophyd", reason="needs the extra `sim`")
ophyd.set_cl("dummy")

from bluesky import RunEngine

from live_lce.engine import (
    Engine,
    Result,
)
from live_lce.sim._scoring import score
from live_lce.sim.beamline import Beamline
from live_lce.sim.counting import DARK_RATE
from live_lce.sim.experiment import (
    Done,
    Scan,
    insitu_experiment,
    reaction,
    run_experiment,
)
from live_lce.sim.library import mixture, true_class
from live_lce.sim.optics import Glitch, Optics
from live_lce.sim.plans import xanes_energies

POINTS = len(xanes_energies(0.0))
CHROMIA = mixture({"Cr-eskolaite": 1.0})


@pytest.fixture
def engine() -> Any:
    engine = RunEngine({})
    yield engine
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(10)
    engine.loop.close()


def documents(engine: Any, *scans: Scan, seed: int = 0) -> tuple[list[Done], list[tuple[str, Any]]]:
    docs: list[tuple[str, Any]] = []
    token = engine.subscribe(lambda name, doc: docs.append((name, doc)))
    done = list(run_experiment(engine, scans, seed=seed))
    engine.unsubscribe(token)
    return done, docs


def data(docs: list[tuple[str, Any]]) -> np.ndarray:
    events = [d["data"] for n, d in docs if n == "event"]
    return np.array([[e[k] for k in ("energy", "I0", "It", "Ir")] for e in events])


def test_documents_say_what_a_beamline_says(engine: Any) -> None:
    [done], docs = documents(engine, Scan(CHROMIA, "Cr2O3", 450.0))
    start = docs[0][1]
    assert done.exit_status == "success" and done.uid == start["uid"]
    assert start["XDI"]["Element"] == {"symbol": "Cr", "edge": "K"}
    assert start["truth"] == {"O6": 1.0}
    assert start["hints"]["dimensions"] == [(["energy"], "primary")]
    descriptor = docs[1][1]
    assert descriptor["data_keys"]["energy"]["units"] == "eV"
    assert descriptor["hints"]["chambers"]["fields"] == ["I0", "It"]
    values = data(docs)
    np.testing.assert_allclose(values[:, 0], xanes_energies(5989.0))
    assert {d["data"]["furnace_temperature"] for n, d in docs if n == "event"} == {450.0}


def test_live_lce_finds_the_signals_by_itself(engine: Any) -> None:
    [done], docs = documents(engine, Scan(CHROMIA, "Cr2O3"))
    live = Engine()
    outputs = [o for name, doc in docs for o in live(name, doc)]
    final = [o for o in outputs if isinstance(o, Result) and o.final]
    assert len(final) == 1 and final[0].run.uid == done.uid
    assert final[0].prediction.absorber == "Cr" and final[0].n_points == POINTS
    normalized = final[0].normalized
    assert normalized is not None
    assert normalized.norm_method == "pre_edge"
    assert normalized.edge_step == pytest.approx(1.0, abs=0.15)
    # The post-edge line of a short scan finds the step within 15 %; the shape is exact.
    near = normalized.raw_energy < 5989.0 + 40.0
    truth, found = CHROMIA.seen(normalized.raw_energy[near]), normalized.norm[near]
    scale = (found @ truth) / (truth @ truth)
    assert scale == pytest.approx(1.0, abs=0.15)
    assert np.abs(found - scale * truth).mean() < 0.02


def test_same_seed_same_counts(engine: Any) -> None:
    scan = Scan(CHROMIA, "Cr2O3")
    first, again, other = (data(documents(engine, scan, seed=s)[1]) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_pause_repeats_the_last_point(engine: Any) -> None:
    [done], docs = documents(engine, Scan(CHROMIA, "Cr2O3", pause_at=40))
    numbers = [d["seq_num"] for n, d in docs if n == "event"]
    assert done.exit_status == "success"
    assert numbers == [*range(1, 41), *range(40, POINTS + 1)]
    values = data(docs)
    assert values[39, 0] == values[40, 0]
    assert values[39, 1] != values[40, 1]  # measured again, not copied


def test_abort_ends_the_run_early_and_the_engine_goes_on(engine: Any) -> None:
    scans = (Scan(CHROMIA, "Cr2O3", abort_at=30), Scan(CHROMIA, "Cr2O3"))
    done, docs = documents(engine, *scans)
    assert [d.exit_status for d in done] == ["abort", "success"]
    assert len(data(docs)) == 30 + POINTS
    assert engine.state == "idle"


def test_disturbances_are_in_the_data(engine: Any) -> None:
    clean, glitchy, noisy = (
        data(documents(engine, Scan(CHROMIA, "Cr2O3", beamline=b))[1])
        for b in (Beamline(), Beamline(optics=Optics((Glitch(6017.0),))), Beamline(flux=1e5))
    )
    at = np.argmin(np.abs(clean[:, 0] - 6017.0))
    assert glitchy[at, 1] < 0.6 * clean[at, 1]
    assert noisy[:, 1].mean() == pytest.approx(1e5 + DARK_RATE, rel=0.05)


def test_experiment_has_all_that_it_should() -> None:
    scans = insitu_experiment()
    assert {s.remark for s in scans} == {"", "paused", "aborted", "glitch", "noisy"}
    assert {s.true_class for s in scans} == {"T4", "S5", "O6", ""}
    fractions = [reaction(12).converted(700.0 + 20 * i) for i in range(12)]
    assert fractions[0] == 0 and fractions[-1] == 1 and fractions == sorted(fractions)
    with pytest.raises(ValueError, match="at least 6"):
        insitu_experiment(5)


def test_score_counts_missing_answers_and_leaves_mixtures_out() -> None:
    chromate = mixture({"Cr-tarapacaite": 1.0})
    mixed = mixture({"Cr-tarapacaite": 0.5, "Cr-eskolaite": 0.5})
    done = [
        Done(Scan(sample, "s"), str(i), "success")
        for i, sample in enumerate((CHROMIA, CHROMIA, chromate, chromate, chromate, mixed))
    ]
    result = score(done, {"0": "O6", "1": "T4", "2": "", "4": "T4", "5": "O6"})
    assert (result.right, result.scored, result.mixtures) == (2, 5, 1)
    assert [label for _, label in result.wrong] == ["T4", "", ""]
    assert not result.passed
    perfect = score(done[:5], {"0": "O6", "1": "O6", "2": "T4", "3": "T4", "4": "O6"})
    assert perfect.fraction == 0.8 and perfect.passed
    assert not score(done[5:], {"5": "O6"}).passed  # nothing scored is no success


def test_majority_needs_seventy_percent() -> None:
    assert true_class({"T4": 0.7, "O6": 0.3}) == "T4"
    assert true_class({"T4": 0.69, "O6": 0.31}) == ""

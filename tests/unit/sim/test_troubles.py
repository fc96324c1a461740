"""What is wrong with the simulated beamline, each against its formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from live_lce.sim.beamline import Beamline, troubled
from live_lce.sim.counting import Counting
from live_lce.sim.fluorescence import Fluorescence, escaping, line_energy
from live_lce.sim.library import exponents, mixture
from live_lce.sim.optics import Optics
from live_lce.sim.ring import NOMINAL_CURRENT, Ring, TopUp
from live_lce.sim.world import World

HEMATITE = mixture({"Fe-hematite": 1.0})
E0 = exponents("Fe", "K")[2]


def test_top_up_keeps_the_current_and_shakes_the_beam() -> None:
    ring = Ring(lifetime=1000.0, top_up=TopUp(interval=100.0, duration=5.0, depth=0.2))
    assert ring.current(0.0) == ring.current(100.0) == 1.0
    assert ring.current(99.0) == pytest.approx(np.exp(-0.099))
    assert ring.flux(94.0) == pytest.approx(ring.current(94.0))
    assert ring.flux(97.0) == pytest.approx(0.8 * ring.current(97.0))
    assert Ring(lifetime=1000.0).current(1000.0) == pytest.approx(np.exp(-1.0))


def test_dead_time_and_ceiling() -> None:
    detector = Counting(dark_rate=100.0, dead_time=1e-6, ceiling=4e5)
    low, high, full = detector.expected([0.0, 2e5, 1e6], 2.0)
    assert low == pytest.approx(2.0 * 100.0 / (1 + 1e-4))
    assert high == pytest.approx(2.0 * 200100.0 / 1.2001)
    assert full == 8e5
    rng = np.random.default_rng(0)
    assert set(detector.count(np.full(50, 1e6), 2.0, rng)) == {8e5}, "no noise when saturated"
    assert np.var(detector.count(np.full(500, 2e5), 2.0, rng)) == pytest.approx(high, rel=0.2)


def test_a_thin_sample_is_seen_as_it_is_and_a_thick_one_flattened() -> None:
    energy = np.arange(E0 - 20, E0 + 60, 0.5)

    def white_line(edge_step: float, matrix: float) -> float:
        sample = replace(HEMATITE, edge_step=edge_step, matrix=matrix)
        seen = np.array([escaping(e, sample) for e in energy])
        return float(seen.max() / seen[-40:].mean())

    truth = HEMATITE.seen(energy)
    thin, thick = white_line(1e-3, 1e-3), white_line(100.0, 5.0)
    assert thin == pytest.approx(truth.max() / truth[-40:].mean(), rel=0.02)
    assert thick < 1.1 < white_line(1.0, 0.8) < thin
    assert line_energy("Fe", "K") == pytest.approx(6405.2, abs=2)


def test_elements_see_their_part() -> None:
    detector = Fluorescence(efficiencies=(0.01, 0.02), background=0.0)
    one, two = detector.rates(1e6, E0 + 50, HEMATITE)
    assert two == pytest.approx(2 * one)
    assert one == pytest.approx(1e4 * escaping(E0 + 50, HEMATITE))


def test_harmonics_make_a_thick_sample_look_thin() -> None:
    thick = replace(HEMATITE, edge_step=3.0, matrix=3.0)

    def step(harmonics: float) -> float:
        beamline = Beamline(optics=Optics(harmonics=harmonics))
        below, above = (beamline.rates(E0 + x, 0.0, thick) for x in (-50.0, 80.0))
        return float(np.log(above[0] / above[1]) - np.log(below[0] / below[1]))

    assert step(0.0) == pytest.approx(3.0, abs=0.3)
    assert step(0.01) < 0.8 * step(0.0)


def test_the_true_energy_leaves_the_readback() -> None:
    optics = Optics(drift=3.6, backlash=0.5, offset=-1.0)
    assert optics.true_energy(7000.0, 1000.0) == pytest.approx(7000.0)
    assert optics.true_energy(7000.0, 0.0, downward=True) == pytest.approx(6999.5)


def test_backlash_shows_after_a_downward_move_only() -> None:
    world = World(Beamline(flux=1e12, optics=Optics(backlash=2.0)), HEMATITE)
    edge = E0 + 8.0

    def absorbed(come_from: float) -> float:
        world.move(come_from)
        world.move(edge)
        counts = world.count()
        return float(np.log(counts.i0 / counts.it))

    upward = absorbed(edge - 50)
    assert absorbed(edge + 50) == pytest.approx(float(HEMATITE.absorbance(edge + 2.0)), abs=1e-3)
    assert upward == pytest.approx(float(HEMATITE.absorbance(edge)), abs=1e-3)
    world.move(edge)
    counts = world.count()
    assert np.log(counts.i0 / counts.it) == pytest.approx(
        float(HEMATITE.absorbance(edge + 2.0)), abs=1e-3
    ), "standing still keeps it"


def test_a_beam_dump_leaves_darkness_and_a_fill_begins_anew() -> None:
    world = World(Beamline(ring=Ring(lifetime=10.0)), HEMATITE)
    world.move(E0 + 20)
    first = world.count(time=5.0)
    assert world.current == pytest.approx(NOMINAL_CURRENT * np.exp(-0.5))
    world.dump()
    dark = world.count(time=5.0)
    assert world.current == 0
    assert dark.i0 == pytest.approx(2500, abs=300) and sum(dark.fluorescence) < 200
    world.restore()
    again = world.count(time=5.0)
    assert again.i0 == pytest.approx(first.i0, rel=0.01)
    assert world.elapsed == 15.0


def test_counting_together_takes_the_time_of_one() -> None:
    world = World(sample=HEMATITE)
    world.count(time=2.0)
    world.count(time=2.0, passing=False)
    assert world.elapsed == 2.0


def test_what_the_world_refuses() -> None:
    world = World()
    with pytest.raises(RuntimeError, match="no sample"):
        world.count()
    for energy in (float("nan"), -3.0):
        with pytest.raises(ValueError, match="cannot go"):
            world.move(energy)


def test_a_troubled_beamline_still_sees_the_edge() -> None:
    world = World(troubled(E0), HEMATITE, seed=1)
    mu = []
    for energy in (E0 - 60, E0 + 60):
        world.move(energy)
        counts = world.count()
        mu.append(np.log(counts.i0 / counts.it))
        assert len(counts.fluorescence) == 4
    assert 0.8 < mu[1] - mu[0] < 1.2

"""Several sweeps over the edge in energies measured one after another."""

import numpy as np
import pytest

from live_lce.spectra import split_sweeps
from live_lce.spectra._sweeps import energy_offset
from live_lce.testing import xanes_energy, xanes_mu

UP = xanes_energy()
N = UP.size


def _lengths(energy):
    return [s.stop - s.start for s in split_sweeps(energy)]


@pytest.mark.parametrize(
    "energy",
    [
        UP,
        UP[::-1],
        UP[:1],
        UP[:0],
        np.repeat(UP, 3),  # several readings of each energy
        UP + np.random.default_rng(1).normal(0, 1.5, N),  # an encoder that jitters
        np.insert(UP, 60, UP[50:60]),  # a pause: ten points once more
        np.insert(UP, N - 2, UP[N - 7 : N - 2]),
        np.concatenate([UP[40:], UP[:40]]),  # regions out of order
        np.concatenate([UP[40:90], UP[:40], UP[90:]]),
        np.random.default_rng(2).permutation(UP),
        np.full(40, 7112.0),
        np.full(40, np.nan),
    ],
    ids=lambda energy: f"{energy.size}",
)
def test_a_plain_scan_is_one_sweep(energy):
    assert split_sweeps(energy) == [slice(0, energy.size)]


def test_a_wrong_reading_makes_no_sweep():
    energy = UP.copy()
    energy[30], energy[90] = UP[0], np.nan
    assert split_sweeps(energy) == [slice(0, N)]


def test_scans_one_after_another_are_told_apart():
    assert _lengths(np.tile(UP, 3)) == [N, N, N]
    assert split_sweeps(np.tile(UP, 2)) == [slice(0, N), slice(N, 2 * N)]


def test_up_and_down_with_backlash_are_two():
    both = np.concatenate([UP, UP[::-1] + 3.0])
    assert sum(_lengths(both)) == 2 * N and len(_lengths(both)) == 2
    sweeps = split_sweeps(np.concatenate([both, both]) + np.random.default_rng(3).normal(0, 0.1))
    assert len(sweeps) == 4
    assert [s.start for s in sweeps] == pytest.approx([0, N, 2 * N, 3 * N], abs=1)


def test_points_of_each_sweep_are_its_own():
    sweeps = split_sweeps(np.concatenate([UP, UP[::-1], UP]))
    assert [s.stop for s in sweeps[:-1]] == [s.start for s in sweeps[1:]]
    for s in sweeps:
        ordered = np.diff(np.concatenate([UP, UP[::-1], UP])[s])
        assert (ordered >= 0).all() or (ordered <= 0).all()


def test_a_quick_return_that_was_recorded_belongs_to_no_sweep():
    back = UP[[-20, -60, 20]]
    sweeps = split_sweeps(np.concatenate([UP, back, UP]))
    assert [s.stop - s.start for s in sweeps] == [N, N]


def test_a_sweep_that_was_given_up_is_one_of_its_own():
    assert _lengths(np.concatenate([UP, UP[: N // 3]])) == [N, N // 3]


def test_a_sweep_that_has_only_begun_does_not_touch_the_first():
    for begun in range(1, 5):
        assert split_sweeps(np.concatenate([UP, UP[:begun]])) == [slice(0, N)]
    assert len(split_sweeps(np.concatenate([UP, UP[:5]]))) == 2


def test_while_a_scan_runs_it_is_one_sweep():
    jitter = UP + np.random.default_rng(4).normal(0, 0.5, N)
    assert all(split_sweeps(jitter[:n]) == [slice(0, n)] for n in range(N))


@pytest.mark.parametrize("offset", [-3.0, 0.0, 0.6, 4.0])
def test_the_backlash_is_measured(offset):
    down = (UP - 0.3)[::-1]
    found = energy_offset(UP, xanes_mu(UP), down + offset, 2 * xanes_mu(down) + 1)
    assert found == pytest.approx(offset, abs=0.2)


def test_no_backlash_without_common_energies():
    assert np.isnan(energy_offset(UP[:20], UP[:20], UP[60:], UP[60:]))
    assert np.isnan(energy_offset(UP[:2], UP[:2], UP, UP))


@pytest.mark.parametrize("wrong", [1e-9, 2.0, 2000.0, 9999.0, 6e4])
def test_readings_of_no_energy_make_no_sweeps(wrong):
    energy = UP.copy()
    energy[[0, 53, 100, N - 1]] = wrong
    (only,) = split_sweeps(energy)
    assert only.stop - only.start >= N - 2

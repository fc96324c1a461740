"""Spectra on a relative grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from live_lce.spectra import to_grid
from live_lce.spectra._features import coverage

GRID = np.linspace(-18, 17, 100)
ENERGY = np.arange(7000.0, 7250.0, 0.7)


def wave(energy):
    return 1 / (1 + np.exp(-(energy - 7120) / 2)) + 0.1 * np.sin(energy / 4)


@settings(max_examples=30, deadline=None)
@given(st.floats(-50, 50), st.floats(0.1, 9), st.floats(-2, 2))
def test_energy_shift_scale_and_offset_pass_through(shift, scale, offset):
    plain, _ = to_grid(ENERGY, wave(ENERGY), 7120.0, GRID)
    moved, valid = to_grid(ENERGY + shift, scale * wave(ENERGY) + offset, 7120.0 + shift, GRID)
    assert valid.all()
    np.testing.assert_allclose(moved, scale * plain + offset, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(7000, 7249), min_size=1, max_size=50, unique=True))
def test_more_points_on_the_same_lines_change_nothing(extra):
    finer = np.unique(np.concatenate([ENERGY, extra]))
    finer = finer[np.concatenate([[True], np.diff(finer) > 1e-6])]
    on_lines = np.interp(finer, ENERGY, wave(ENERGY))
    plain, _ = to_grid(ENERGY, wave(ENERGY), 7120.0, GRID)
    np.testing.assert_allclose(to_grid(finer, on_lines, 7120.0, GRID)[0], plain, atol=1e-5)


def test_finer_data_are_averaged_so_that_noise_goes_down():
    rng = np.random.default_rng(0)
    energy = np.arange(7090.0, 7150.0, 0.02)
    values, _ = to_grid(energy, rng.normal(0, 0.1, energy.size), 7120.0, GRID)
    assert values.std() < 0.04
    assert abs(values.mean()) < 0.01


def test_outside_the_measured_range_is_nan_and_not_valid():
    energy = ENERGY[(ENERGY > 7110) & (ENERGY < 7125)]
    values, valid = to_grid(energy, wave(energy), 7120.0, GRID)
    np.testing.assert_array_equal(np.isnan(values), ~valid)
    half = (GRID[1] - GRID[0]) / 2
    inside = (energy[0] - half <= 7120 + GRID) & (energy[-1] + half >= 7120 + GRID)
    np.testing.assert_array_equal(valid, inside)
    assert coverage(energy, 7120.0, GRID) == pytest.approx(inside.mean())
    assert coverage(ENERGY, 7120.0, GRID) == 1.0
    assert coverage(ENERGY, float("nan"), GRID) == 0.0
    assert coverage(np.array([]), 7120.0, GRID) == 0.0


def test_a_stack_equals_its_rows_and_wrong_shapes_are_refused():
    stack = np.array([wave(ENERGY), 2 * wave(ENERGY)])
    values, valid = to_grid(ENERGY, stack, [7120.0, 7121.3], GRID)
    for row, reference, got in zip(stack, (7120.0, 7121.3), values, strict=True):
        np.testing.assert_array_equal(to_grid(ENERGY, row, reference, GRID)[0], got)
    assert valid.shape == (2, 100)
    with pytest.raises(ValueError, match="do not fit together"):
        to_grid(ENERGY, stack[:, 1:], 7120.0, GRID)
    with pytest.raises(ValueError, match="at least two energies"):
        to_grid(ENERGY, stack, 7120.0, [0.0])

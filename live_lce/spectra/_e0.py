"""Find the edge energy: the maximum of the derivative near the tabulated edge."""

from __future__ import annotations

import numpy as np

from live_lce.spectra._quality import noise
from live_lce.spectra._types import Array

SMOOTHING = 1.0
"""Width (eV, standard deviation) of the smoothing before the derivative."""
PAST_EDGE = 6.0
"""A rise is an edge only if the scan went so far (eV) beyond it."""
SIGNIFICANCE = 8.0
"""Least rise at the edge, in standard errors."""
_STEP = 0.25


def measured_e0(energy: Array, mu: Array, expected: float, tolerance: float) -> Array:
    """Return the energy of the steepest rise within `tolerance` of `expected`.

    Unlike `larch.xafs.find_e0` it cannot be drawn away by a glitch elsewhere
    in the scan, and it works on a stack.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    mu : ndarray of shape (..., n_points)
        Absorption.
    expected : float
        Tabulated edge energy in eV.
    tolerance : float
        Half width of the search in eV.

    Returns
    -------
    ndarray of shape (...)
        Edge energy in eV; NaN where the search range was not measured.
    """
    margin = 4 * SMOOTHING
    low = max(expected - tolerance - margin, float(energy[0]))
    high = min(expected + tolerance + margin, float(energy[-1]))
    shape = mu.shape[:-1]
    if high - low < 4 * margin:
        return np.full(shape, np.nan)
    grid = np.arange(low, high, _STEP)
    flat = mu.reshape(-1, mu.shape[-1])
    on_grid = np.stack([np.interp(grid, energy, row) for row in flat])
    offsets = np.arange(-margin, margin + _STEP / 2, _STEP)
    kernel = -offsets * np.exp(-0.5 * (offsets / SMOOTHING) ** 2)
    # Convolution with the derivative of a Gaussian; "valid" keeps the ends out.
    slope = np.stack([np.convolve(row, -kernel[::-1], mode="valid") for row in on_grid])
    half = len(offsets) // 2
    best = grid[half : half + slope.shape[1]][np.argmax(slope, axis=-1)]
    return np.asarray(best, dtype=float).reshape(shape)


def edge_passed(energy: Array, mu: Array, e0: float) -> bool:
    """Tell whether the steepest rise is an edge that the scan has left behind.

    Before the edge the steepest rise is noise, or the tail of the edge to come.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        Cleaned spectrum.
    e0 : float
        Energy of the steepest rise in eV.
    """
    away = energy - e0
    if away[-1] < PAST_EDGE:
        return False
    before, after = (away > -8) & (away < -1), (away > 1) & (away < 8)
    if not before.any() or not after.any():
        return True  # too coarse to tell: quality control refuses that by itself
    rise = float(mu[after].mean() - mu[before].mean())
    error = float(noise(energy, mu, e0)) * np.sqrt(1 / before.sum() + 1 / after.sum())
    if abs(rise) < SIGNIFICANCE * error:
        return False
    end = away > away[-1] - 4.0
    last = np.polyfit(away[end], mu[end], 1)[0] if end.sum() >= 3 else 0.0
    # 9 eV lie between the middles of the two ranges.
    return bool(last < 0.8 * abs(rise) / 9.0) or away[-1] > 30.0

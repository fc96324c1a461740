"""Estimate noise, spikes, sampling and over-absorption of spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from live_lce.spectra._types import Array

NEAR_EDGE = (-20.0, 30.0)
"""Range (eV from e0) that is too structured to measure noise in."""
SAMPLED = (-8.0, 25.0)
"""Range (eV from e0) in which wide steps lose the features."""
SPIKE_SIGMA = 10.0
OVER_ABSORPTION_MAX = 1.16
METAL_SHOULDER = 0.75
METAL_RISE = 6.25


def _residual(energy: Array, mu: Array) -> Array:
    """Return each inner point's distance from the line through its neighbours.

    Shape (..., n_points - 2), scaled so that white noise keeps its standard deviation.
    """
    left, here, right = energy[:-2], energy[1:-1], energy[2:]
    w = (right - here) / (right - left)
    line = w * mu[..., :-2] + (1 - w) * mu[..., 2:]
    return np.asarray((mu[..., 1:-1] - line) / np.sqrt(1 + w**2 + (1 - w) ** 2), dtype=float)


def noise(energy: Array, mu: Array, e0: float | Array | None = None) -> Array:
    """Estimate the standard deviation of one point, in units of mu.

    From second differences away from the edge, by the median absolute
    deviation, so that neither spikes nor the edge count as noise.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    mu : ndarray of shape (..., n_points)
        Absorption.
    e0 : float, optional
        Edge energy; points from -20 to +30 eV of it are left out where enough others remain.

    Returns
    -------
    ndarray of shape (...)
        Standard deviation; NaN for fewer than 5 points.
    """
    if energy.size < 5:
        return np.full(mu.shape[:-1], np.nan)
    residual = _residual(energy, mu)
    if e0 is not None:
        away = energy[1:-1] - float(np.mean(e0))
        outside = (away < NEAR_EDGE[0]) | (away > NEAR_EDGE[1])
        if outside.sum() >= 8:
            residual = residual[..., outside]
    return np.asarray(np.median(np.abs(residual), axis=-1) / 0.6745, dtype=float)


def spikes(energy: Array, mu: Array, e0: float) -> NDArray[np.bool_]:
    """Find single-point spikes.

    A spike stands off its neighbours' line while the neighbours stand off on
    the other side by half as much: the second difference of one wrong point is
    (-1/2, 1, -1/2).  A white line is wider than one point, except on coarse
    grids; there, near the edge, nothing is called a spike.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    mu : ndarray of shape (..., n_points)
        Absorption.
    e0 : float
        Edge energy in eV.

    Returns
    -------
    ndarray of bool of shape (..., n_points)
        True where a point is a spike.
    """
    found = np.zeros(mu.shape, dtype=bool)
    if energy.size < 7:
        return found
    residual = _residual(energy, mu)
    sigma = np.maximum(noise(energy, mu, e0), 1e-12)[..., None]
    span = np.ptp(mu, axis=-1)[..., None]
    here = residual[..., 1:-1]
    before, after = residual[..., :-2], residual[..., 2:]
    opposite = (before * here < 0) & (after * here < 0)
    tall = (np.abs(here) > SPIKE_SIGMA * sigma) & (np.abs(here) > 0.02 * span)
    # Both shoulders about half: a real peak sampled by one point has straight shoulders.
    shoulders = (np.minimum(np.abs(before), np.abs(after)) > 0.25 * np.abs(here)) & (
        np.maximum(np.abs(before), np.abs(after)) < 0.8 * np.abs(here)
    )
    step = np.maximum(np.diff(energy)[1:-2], np.diff(energy)[2:-1])
    away = energy[2:-2] - e0
    judged = (step <= 1.0) | (away < NEAR_EDGE[0]) | (away > NEAR_EDGE[1])
    found[..., 2:-2] = opposite & tall & shoulders & judged
    return found


def without_spikes(energy: Array, mu: Array, where: NDArray[np.bool_]) -> Array:
    """Return mu of shape (n_points,) with spikes replaced by their neighbours' line."""
    repaired = mu.copy()
    repaired[where] = np.interp(energy[where], energy[~where], mu[~where])
    return repaired


def widest_step(energy: Array, e0: float) -> float:
    """Return the widest energy step (eV) from -8 to +25 eV of `e0`."""
    inside = (energy[:-1] > e0 + SAMPLED[0]) & (energy[1:] < e0 + SAMPLED[1])
    steps = np.diff(energy)[inside]
    return float(steps.max()) if steps.size else float("inf")


def widest_hole(energy: Array, e0: float) -> float:
    """Return how much (eV) the widest step covers of the range from -8 to +25 eV of `e0`."""
    left = np.maximum(energy[:-1], e0 + SAMPLED[0])
    right = np.minimum(energy[1:], e0 + SAMPLED[1])
    return float(np.max(right - left, initial=0.0))


def over_absorbed(energy: Array, norm: Array, e0: float) -> bool:
    """Suspect over-absorption in a fluorescence spectrum: a white line too low for a compound.

    The normalized maximum of an oxide's white line lies above 1.16 in nearly all
    standards (metals and sulfides lie below too: this is a remark, not a decision).
    """
    window = (energy > e0) & (energy < e0 + 40)
    return bool(window.any()) and float(norm[window].max()) < OVER_ABSORPTION_MAX


def rises_like_a_metal(energy: Array, norm: Array, edge_reference: float) -> bool:
    """Suspect a metal: an edge that pauses at a shoulder and reaches its level late.

    In 3d metals the absorption starts at the Fermi level with a shoulder near half of the
    step; an oxide's edge rises at once into its white line.  The level is the mean 5 to
    15 eV behind the edge reference; a metal stays below 0.75 of it until 3 eV, and below
    0.95 until 6.25 eV.  The limits were set on measured standards
    (``docs/reference/models/metals.md``), since computed training spectra hold no metals.

    Parameters
    ----------
    energy, norm : ndarray of shape (n_points,)
        Normalized spectrum.
    edge_reference : float
        In eV; the spectrum must reach 15 eV past it.
    """
    step = 0.25
    x = np.arange(-5.0, 15.0 + step, step)
    y = gaussian_filter1d(np.interp(x + edge_reference, energy, norm), 0.5 / step)
    level = float(y[x >= 5].mean())
    shoulder = float(y[(x >= -1) & (x <= 3)].max())
    late = x[(x > 0) & (y >= 0.95 * level)]
    reached = float(late[0]) if late.size else float("inf")
    return shoulder < METAL_SHOULDER * level and reached >= METAL_RISE

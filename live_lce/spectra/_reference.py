"""Find the origin of the feature grid: where the main edge reaches half of its level.

The maximum of the derivative sits on the pre-edge peak of tetrahedral Ti, V and Cr and
on the main edge of everything else, 10 to 15 eV apart.  The last upward crossing of half
the level just behind it stays on the main edge.  The level is taken from the spectrum
itself, so that neither a biased edge step of a partial scan nor the arbitrary scale of
a computed spectrum matters.  Of a scan that ends early, the level is the mean over what
is there of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from live_lce.spectra._types import Array

STEP = 0.1
"""Sampling of the search (eV)."""
SMOOTHING = 1.0
"""Standard deviation of the Gaussian that the spectrum is smoothed with (eV)."""
LEVEL = (5.0, 15.0)
"""The level of a crossing is the mean over this range behind it (eV)."""
SEARCH = (-15.0, 25.0)
"""Where the crossing is looked for, from `e0` (eV); 25 reaches past a pre-edge peak."""
BASELINE_REACH = 40.0
"""The baseline is looked for no further below the edge than this (eV)."""
LEAST_LEVEL = 0.5
"""Least level behind the edge, in maxima of the spectrum: less is a pre-edge peak, or noise."""
EARLIEST = 10.0
"""Least data (eV) behind the reference of an unfinished scan: with less, pre-edge peaks of Ti
were taken for the edge (``docs/reference/models/partial-scans.md``)."""
LASTING = 0.4
"""An unfinished scan that falls below so much of the level behind its edge was on a peak."""
_FINISHED = SEARCH[1] + LEVEL[1] + 3 * SMOOTHING


def edge_reference(
    energy: ArrayLike,
    norm: ArrayLike,
    e0: ArrayLike | None = None,
    behind: float = LEVEL[1],
) -> float | NDArray[np.float64]:
    """Return the energy where the main edge reaches half of the level behind it.

    It does not change with the scale of `norm`, with a constant added to it, or with
    what was measured more than 15 eV behind it.

    Parameters
    ----------
    energy : array_like of shape (n_points,)
        Ascending energies in eV.
    norm : array_like of shape (n_points,) or (n_spectra, n_points)
        Absorption with the pre-edge line subtracted, on any scale; finite.
    e0 : float or array_like of shape (n_spectra,), optional
        A rough edge energy in eV: the crossing is looked for from 15 eV below to
        25 eV above it.  Without it, the whole spectrum is searched.
    behind : float, default 15
        The data must reach so far (eV) behind the reference; :data:`EARLIEST` to place
        unfinished scans.  Where they reach 15 eV, it changes nothing.

    Returns
    -------
    float or ndarray of shape (n_spectra,)
        The reference in eV; a float for one spectrum.

    Raises
    ------
    ValueError
        If a spectrum does not reach so far past its edge, or has no edge.
    """
    x = np.asarray(energy, dtype=np.float64)
    y = np.atleast_2d(np.asarray(norm, dtype=np.float64))
    found = edge_references(x, y, e0, behind)
    if np.isnan(found).any():
        which = "" if np.ndim(norm) == 1 else f" of {np.isnan(found).sum()} spectra"
        raise ValueError(
            f"no edge reference{which}: the data end at {x[-1]:.1f} eV, which is before"
            f" {behind:g} eV past the edge, or there is no edge"
        )
    return float(found[0]) if np.ndim(norm) == 1 else found


def edge_references(
    energy: Array, norm: Array, e0: ArrayLike | None = None, behind: float = LEVEL[1]
) -> Array:
    """Return the reference of every spectrum of a stack, NaN where there is none.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending energies in eV.
    norm : ndarray of shape (n_spectra, n_points)
        See ``edge_reference``.
    e0, behind
        See ``edge_reference``.

    Returns
    -------
    ndarray of shape (n_spectra,)
        The references in eV, NaN where the data end too early or have no edge.
    """
    if energy.ndim != 1 or norm.shape[-1] != energy.size or energy.size < 2:
        raise ValueError(f"energy {energy.shape} and norm {norm.shape} do not fit together")
    n_spectra = norm.shape[0]
    guess = None if e0 is None else np.broadcast_to(np.asarray(e0, np.float64), (n_spectra,))
    low, high = energy[0], energy[-1]
    if guess is not None:  # what lies elsewhere (another edge, EXAFS) has no say
        low = max(low, guess.min() - BASELINE_REACH)
        high = min(high, guess.max() + _FINISHED)
    x = np.arange(low, high + 1e-9, STEP)
    y = gaussian_filter1d(_resampled(energy, norm, x), SMOOTHING / STEP, mode="nearest")
    y = y - _baseline(x, y, guess)[:, None]
    found = _last_rise(x, y, guess, LEVEL[1])
    if behind < LEVEL[1]:
        early = np.where(np.isnan(found[0]), _last_rise(x, y, guess, behind), found)
        growing = np.full(n_spectra, True) if guess is None else high < guess + _FINISHED
        left = y.min(axis=1, where=x > early[0][:, None], initial=np.inf)
        found = np.where(growing & (left < LASTING * early[1]), np.nan, early)
    crossing: Array = found[0]
    return crossing


def _last_rise(x: Array, y: Array, guess: Array | None, behind: float) -> Array:
    """Return where each spectrum last rises through half its level, and the level: (2, n).

    NaN where it does not, or less than `behind` eV follow.  The level is the mean over what
    is there of LEVEL behind a point.
    """
    near, far, least = round(LEVEL[0] / STEP), round(LEVEL[1] / STEP), round(behind / STEP)
    if x.size < least + 2:
        return np.full((2, len(y)), np.nan)
    total = np.concatenate([np.zeros((len(y), 1)), np.cumsum(y, axis=1)], axis=1)
    start = np.arange(near, x.size - least + near)
    stop = np.minimum(start - near + far + 1, x.size)
    level = (total[:, stop] - total[:, start]) / (stop - start)
    below = y[:, : level.shape[1]] - level / 2
    rises = (below[:, :-1] < 0) & (below[:, 1:] >= 0)
    rises &= level[:, 1:] >= LEAST_LEVEL * y.max(axis=1, keepdims=True)
    if guess is not None:
        at = x[: rises.shape[1]]
        rises &= (at >= guess[:, None] + SEARCH[0]) & (at <= guess[:, None] + SEARCH[1])
    last = rises.shape[1] - 1 - np.argmax(rises[:, ::-1], axis=1)
    rows = np.arange(len(y))
    before, after = below[rows, last], below[rows, last + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        crossing = x[last] + STEP * before / (before - after)
    return np.where(rises.any(axis=1), [crossing, level[rows, last + 1]], np.nan)


def _resampled(energy: Array, norm: Array, x: Array) -> Array:
    """Interpolate a stack linearly; `x` lies inside `energy`."""
    right = np.clip(np.searchsorted(energy, x), 1, energy.size - 1)
    weight = (x - energy[right - 1]) / (energy[right] - energy[right - 1])
    resampled: Array = norm[:, right - 1] * (1 - weight) + norm[:, right] * weight
    return resampled


def _baseline(x: Array, y: Array, guess: Array | None) -> Array:
    """Return the mean of the lowest quarter below the edge: what precedes any pre-edge peak."""
    centre = x[np.argmax(np.gradient(y, axis=1), axis=1)] if guess is None else guess
    baseline = np.empty(len(y))
    for row, at in enumerate(centre):
        part = y[row, (x <= at) & (x >= at - BASELINE_REACH)]
        part = part if part.size else y[row, :1]
        baseline[row] = np.sort(part)[: max(1, part.size // 4)].mean()
    return baseline

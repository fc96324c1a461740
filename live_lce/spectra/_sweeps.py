"""Split energies that were measured one after another into sweeps over the edge."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from live_lce.spectra._energy import without_placeholders
from live_lce.spectra._types import Array

LEAST_TURN = 10.0
"""Energies that run back by less than this (eV) are jitter or a repeated piece, no new sweep."""
TURN = 0.25
"""The same, as a part of the whole range."""
LEAST_POINTS = 5
"""A run back with fewer points than this is a return to the start, no sweep."""
MEASURED_AGAIN = 0.3
"""Two sweeps have at least this part of either's points in common."""


def split_sweeps(energy: ArrayLike) -> list[slice]:
    """Return where each sweep lies in energies given in the order measured.

    A sweep runs one way over a sizeable part of the range, and over energies that its
    neighbour measured too: repeated scans one after another, up and down, with or without
    backlash.  Jitter of an encoder, repeated readings, a few points measured again after a
    pause, single wrong readings and regions measured out of order make no new sweep.

    Parameters
    ----------
    energy : array_like of shape (n_points,)
        In eV; may hold NaN.

    Returns
    -------
    list of slice
        In the order measured; ``[slice(0, n_points)]`` for a plain scan.  Points between two
        sweeps (a quick return that was recorded) and a sweep that has only just begun, of fewer
        than five points, are in no slice.
    """
    values = np.asarray(energy, dtype=float).ravel()
    whole = [slice(0, values.size)]
    where = np.flatnonzero(without_placeholders(values, np.isfinite(values)))
    finite = values[where]
    if finite.size < 2 * LEAST_POINTS:
        return whole
    turn = max(LEAST_TURN, TURN * float(np.ptp(finite)))
    falls = float((np.maximum.accumulate(finite) - finite).max())
    rises = float((finite - np.minimum.accumulate(finite)).max())
    if min(falls, rises) < turn:
        return whole
    runs = [run for run in _runs(finite, turn) if run[1] - run[0] >= LEAST_POINTS]
    sweeps = runs[:1]
    for first, stop in runs[1:]:
        begin, end = sweeps[-1]
        if _again(finite[begin:end], finite[first:stop]):
            sweeps.append((first, stop))
        else:
            sweeps[-1] = (begin, stop)
    # Where many points belong to no sweep, their order says nothing: energies were shuffled.
    if 4 * sum(stop - first for first, stop in sweeps) < 3 * finite.size:
        return whole
    return [slice(int(where[first]), int(where[stop - 1]) + 1) for first, stop in sweeps]


def energy_offset(
    energy: ArrayLike, mu: ArrayLike, other_energy: ArrayLike, other_mu: ArrayLike
) -> float:
    """Return how far the other sweep lies above the first in energy, e.g. by backlash.

    Parameters
    ----------
    energy, mu : array_like of shape (n_points,)
        One sweep, in any order.
    other_energy, other_mu : array_like of shape (n_others,)
        The other.

    Returns
    -------
    float
        In eV, from -15 to 15: where both agree best, whatever their scale and offset.
        NaN where they have less than 40 eV in common.
    """
    (x, y), (x2, y2) = _sorted(energy, mu), _sorted(other_energy, other_mu)
    reach = 15.0
    if x.size < LEAST_POINTS or x2.size < LEAST_POINTS:
        return float("nan")
    low, high = max(x[0], x2[0]) + reach, min(x[-1], x2[-1]) - reach
    if high - low < 40.0 - 2 * reach:
        return float("nan")
    grid = np.arange(low, high, 0.25)
    shifts = np.arange(-reach, reach + 0.125, 0.25)
    one = np.gradient(np.interp(grid, x, y))
    others = np.gradient(np.interp(grid + shifts[:, None], x2, y2), axis=1)
    alike = others @ one / np.sqrt((others**2).sum(axis=1) * (one**2).sum() + 1e-300)
    best = int(np.argmax(alike))
    if not 0 < best < shifts.size - 1:
        return float(shifts[best])
    left, here, right = alike[best - 1 : best + 2]
    curve = left - 2 * here + right
    return float(shifts[best] + (0.125 * (left - right) / curve if curve < 0 else 0.0))


def _runs(values: Array, turn: float) -> list[tuple[int, int]]:
    """Return first and last + 1 of each run between extremes `turn` apart."""
    extremes: list[int] = []
    low = high = direction = 0
    for n, value in enumerate(values):
        high = n if value > values[high] else high
        low = n if value < values[low] else low
        if direction >= 0 and values[high] - value >= turn:
            extremes.append(high)
            direction, low, high = -1, n, n
        elif direction <= 0 and value - values[low] >= turn:
            extremes.append(low)
            direction, low, high = 1, n, n
    # The first point is an extreme where the values run away from it at once.
    bounds = [0, *(n + 1 for n in extremes if n > 0), values.size]
    for n in range(1, len(bounds) - 1):
        # An extreme belongs to the longer of the runs that meet there.
        if bounds[n + 1] - bounds[n] > bounds[n] - bounds[n - 1]:
            bounds[n] -= 1
    return list(pairwise(bounds))


def _again(one: Array, other: Array) -> bool:
    """Tell whether either of two runs measures a good part of the other's energies again."""
    return max(_covered(one, other), _covered(other, one)) >= MEASURED_AGAIN


def _covered(points: Array, by: Array) -> float:
    """Return the part of `points` that lies between points of `by` as near as its own."""
    own, others = np.unique(points), np.unique(by)
    if own.size < 2 or others.size < 2:
        return 0.0
    step = np.maximum.reduce([np.diff(own, prepend=own[0]), np.diff(own, append=own[-1])])
    after = np.clip(np.searchsorted(others, own), 1, others.size - 1)
    gap = others[after] - others[after - 1]
    inside = (own >= others[0] - step) & (own <= others[-1] + step)
    return float(np.mean(inside & (gap <= 5 * np.maximum(step, np.median(step)))))


def _sorted(energy: ArrayLike, mu: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(energy, dtype=float).ravel(), np.asarray(mu, dtype=float).ravel()
    good = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[good], kind="stable")
    return x[good][order], y[good][order]

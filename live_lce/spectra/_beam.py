"""Find points at which no beam reached the detectors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import Finding, Reason
from live_lce.spectra._types import Array

NO_BEAM = 0.02
"""Of the full beam: a detector that reads less, and fell to it at once, has no beam."""
SUDDEN = 5.0
"""A fall or rise from one point to the next by this factor is no matter of optics."""
DIMMED = 0.5
"""A fall to less than this, at which mu jumps too, is one to a dark level that was not recorded."""
EXPOSED = 0.8
"""A point beside a loss with less than this of the next one's beam was exposed only partly."""
LEAST_POINTS = 8
"""Fewer points than this cannot show what the full beam is."""
_FLOOR = 1e-4


def without_beam(i0: Array, mu: Array | None = None) -> NDArray[np.bool_]:
    """Tell where a beam dump, top-up, shutter or filter change left I0 without beam.

    A smooth fall, as of an undulator off its peak or of a decaying ring current, is none, and
    a beam of a tenth can be measured with as long as mu goes on.

    Parameters
    ----------
    i0 : ndarray of shape (n_points,)
        Incident intensity in the order measured, dark level subtracted if it is known; of
        either polarity.
    mu : ndarray of shape (n_points,), optional
        Absorption made of it.  At a dark level that is a good part of the beam, mu says that
        the beam is gone.

    Returns
    -------
    ndarray of bool of shape (n_points,)
    """
    lost = np.zeros(i0.shape, dtype=bool)
    finite = np.isfinite(i0)
    if finite.sum() < LEAST_POINTS:
        return lost
    where = np.flatnonzero(finite)
    values = i0[where] if i0[where].sum() >= 0 else -i0[where]
    brightest = np.sort(values)[-max(5, values.size // 20) :]
    full = float(brightest[brightest.size // 2])
    if full <= 0 or values.min() > DIMMED * full:
        return lost
    level = values / full
    found = _dark(level, NO_BEAM)
    if mu is not None:
        found |= _dimmed(level, mu[where], found)
    found |= _half_exposed(level, found)
    lost[where] = found
    return lost


def remark(energy: Array, lost: NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Return `points_without_beam` with their number and energies (eV), if there are any."""
    if not lost.any():
        return ()
    n = int(lost.sum())
    ranges = [
        f"{min(energy[a], energy[b - 1]):.1f} to {max(energy[a], energy[b - 1]):.1f}"
        if b - a > 1
        else f"{energy[a]:.1f}"
        for a, b in _runs(lost)
    ]
    more = f" and {len(ranges) - 3} more" if len(ranges) > 3 else ""
    detail = f"{n} of {lost.size} points, at {', '.join(ranges[:3])}{more} eV"
    return (Finding(Reason.POINTS_WITHOUT_BEAM, detail),)


def _dark(level: Array, below: float) -> NDArray[np.bool_]:
    """Find runs below a level that begin with a sudden fall, or end with a sudden rise."""
    found = np.zeros(level.shape, dtype=bool)
    low = level < below
    if not low.any():
        return found
    log = np.log(np.maximum(level, _FLOOR))
    step = np.diff(log, prepend=log[0])
    limit = np.log(SUDDEN)
    for a, b in _runs(low):
        falls = np.flatnonzero(step[a:b] < -limit)
        rises = np.flatnonzero(step[a + 1 : b + 1] > limit)
        # The point before may have been exposed partly: then the fall has two parts.
        if not falls.size and a >= 2 and log[a - 2] - log[a] > 2 * limit:
            falls = np.array([0])
        if not rises.size and b + 1 < level.size and log[b + 1] - log[b - 1] > 2 * limit:
            rises = np.array([b - a - 1])
        if falls.size or rises.size:
            first = a + (int(falls[0]) if falls.size else 0)
            last = a + (int(rises[-1]) if rises.size else b - a - 1)
            found[first : last + 1] = True
    return found


def _dimmed(level: Array, mu: Array, dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find runs that begin and end suddenly in I0 and in mu: a dark level, no dimmer beam."""
    found = np.zeros(level.shape, dtype=bool)
    ratio = level[1:] / np.where(level[:-1] > 0, level[:-1], np.nan)
    cuts = np.flatnonzero((ratio < DIMMED) | (ratio > 1 / DIMMED)) + 1
    if not cuts.size:
        return found
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(mu))
    usual = steps[np.isfinite(steps) & ~dark[1:] & ~dark[:-1]]
    if usual.size < LEAST_POINTS:
        return found
    least = 8 * float(np.median(usual))
    wobble = np.abs(np.diff(np.log(np.maximum(level, _FLOOR))))
    usual_wobble = float(np.median(wobble))

    def jumps(border: int, outside: slice) -> bool:
        """Tell whether mu jumps at a border by more than it moves on its good side."""
        near = steps[outside]
        near = near[np.isfinite(near)]
        limit = max(least, 3 * float(near.max())) if near.size else least
        # Where mu cannot even be computed, there is no beam either.
        return not np.isfinite(steps[border - 1]) or steps[border - 1] > limit

    for a, b in pairwise([0, *cuts, level.size]):
        around = [level[n] for n in (a - 1, b) if 0 <= n < level.size]
        if not around or np.median(level[a:b]) > DIMMED * min(around) or dark[a:b].all():
            continue
        ends = []
        if a > 0 and not dark[a - 1]:
            ends.append(jumps(a, slice(max(a - 4, 0), a - 1)))
        if b < level.size and not dark[b]:
            ends.append(jumps(b, slice(b, b + 3)))
        deep = np.median(level[a:b]) * SUDDEN < min(around)
        if deep and b - a > 2:  # a dark level is noise, where a beam flickers
            ends.append(float(np.median(wobble[a : b - 1])) > 8 * usual_wobble)
        if ends and (any(ends) if deep else all(ends)):
            found[a:b] = True
    return found


def _half_exposed(level: Array, lost: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the point beside each loss that was exposed for a part of its time only."""
    found = np.zeros(level.shape, dtype=bool)
    for a, b in _runs(lost):
        if a >= 2 and level[a - 1] < EXPOSED * level[a - 2]:
            found[a - 1] = True
        if b + 1 < level.size and level[b] < EXPOSED * level[b + 1]:
            found[b] = True
    return found


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last + 1 of each run of True."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

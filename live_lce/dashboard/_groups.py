"""Columns that lie too close to be told apart are drawn as one: pure arrays.

A browser that draws with the processor, as over a remote desktop, draws some hundred columns at
ten updates a second, and not ten thousand; and a figure has a thousand pixels.  Where one zooms in,
each spectrum has its own column again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra import Array

MOST = 512
"""Columns in sight, and as many again beside them."""

Window = tuple[float, float]
Starts = NDArray[np.intp]


def cuts(left: Array, right: Array, most: int = MOST, window: Window | None = None) -> Starts:
    """Return the number of the first column of each group, ascending.

    Groups hold a power of two of columns, from the first one on, so that one more column at the
    end leaves all groups but the last as they are.  No group reaches across a pause that could be
    seen.

    Parameters
    ----------
    left, right : ndarray of shape (n,)
        Ends of the columns, ascending.
    most : int
        So many groups at most, without the cuts at pauses.
    window : (float, float), optional
        What is looked at: there and as far again on both sides, the groups are as small as `most`
        allows.

    Returns
    -------
    ndarray of int of shape (n_groups,)
    """
    n = len(left)
    if n == 0:
        return np.empty(0, np.intp)
    whole = _size(n, most)
    starts = np.arange(0, n, whole)
    low, high = (float(left[0]), float(right[-1])) if window is None else window
    if window is not None and whole > 1:
        beside = high - low
        first = int(np.searchsorted(right, low - beside)) // whole * whole
        last = min(n, -(-int(np.searchsorted(left, high + beside)) // whole) * whole)
        fine = np.arange(first, last, _size(max(1, last - first), 3 * most))
        starts = np.concatenate([starts[starts < first], fine, starts[starts >= last]])
    pauses = np.flatnonzero(left[1:] - right[:-1] > (high - low) / most) + 1
    return np.asarray(np.union1d(starts, pauses), dtype=np.intp)


def grouped(columns: Mapping[str, Array], starts: Starts) -> dict[str, Any]:
    """Return columns of which each is the mean of a group, of shape (n_groups,).

    From ``left`` to ``middle`` it shows the mean of those that answered, and from there to
    ``right`` how many did not; ``count`` is how many there are.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n,)
        From :func:`live_lce.dashboard._columns.columns`.
    starts : ndarray of int of shape (n_groups,)
        From :func:`cuts`.
    """
    n = len(columns["left"])
    ends = np.append(starts, n)[1:]
    left, right = columns["left"][starts], columns["right"][ends - 1]
    count = ends - starts
    silent = _sums(np.isfinite(columns["silent"]), starts)
    found = {"left": left, "right": right, "x": columns["x"][starts], "count": count.astype(float)}
    found["middle"] = right - (right - left) * silent / count
    found["silent"] = np.where(silent > 0, 1.0, np.nan)
    for name in columns.keys() - {"left", "right", "x", "silent"}:
        values = columns[name]
        known = np.isfinite(values)
        with np.errstate(invalid="ignore"):  # none is known: NaN
            found[name] = _sums(np.where(known, values, 0.0), starts) / _sums(known, starts)
    return found


def _size(n: int, most: int) -> int:
    """Return the least power of two of columns that makes no more than `most` groups."""
    size = 1
    while n > most * size:
        size *= 2
    return size


def _sums(values: Array, starts: Starts) -> Array:
    if len(starts) == 0:
        return np.empty(0)
    return np.asarray(np.add.reduceat(values.astype(float), starts), dtype=np.float64)

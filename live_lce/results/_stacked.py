"""Arrange a trend as arrays for drawing: stacked fractions against anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.results._trend import TrendPoint


@dataclass(frozen=True)
class Stacked:
    """Arrays of a trend, by ascending `x`.

    Parameters
    ----------
    classes : tuple of str
        Names of the columns.
    x : ndarray of shape (n,)
        Where the points lie; finite.
    fractions : ndarray of shape (n, n_classes)
        Probabilities, read as fractions of the absorbing atoms; rows of NaN where not answered.
    spread : ndarray of shape (n, n_classes)
        Standard deviation among the model's members; NaN where unknown or not answered.
    order : ndarray of int of shape (n,)
        Number of each row's point in what was given: a click on row ``i`` means
        ``points[order[i]]``.
    """

    classes: tuple[str, ...]
    x: NDArray[np.float64]
    fractions: NDArray[np.float64]
    spread: NDArray[np.float64]
    order: NDArray[np.intp]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Whether each row is an answer, of shape (n,)."""
        return np.asarray(np.isfinite(self.fractions).any(axis=1), dtype=bool)

    @property
    def tops(self) -> NDArray[np.float64]:
        """Upper limits of the stacked areas, of shape (n, n_classes)."""
        return np.cumsum(self.fractions, axis=1)


def stacked(points: Sequence[TrendPoint], classes: Sequence[str], x: ArrayLike) -> Stacked:
    """Return a trend as arrays, e.g. for stacked areas.

    Parameters
    ----------
    points : sequence of TrendPoint
        Of one sample and absorber, see :func:`live_lce.results.split`.
    classes : sequence of str
        Columns wanted, see :func:`live_lce.results.classes_of`; a class that a point
        knows nothing of is 0 there.
    x : array_like of shape (n_points,)
        Where to draw each point: time, scan number, or a recorded signal.  Points whose `x` is
        not finite are left out.

    Raises
    ------
    ValueError
        If `x` is not one number a point.
    """
    where = np.asarray(x, dtype=float)
    if where.shape != (len(points),):
        raise ValueError(f"x has the shape {where.shape}: give one number for {len(points)} points")
    order = np.argsort(where, kind="stable")
    order = order[np.isfinite(where[order])]
    names = tuple(classes)
    fractions = np.full((len(order), len(names)), np.nan)
    spread = np.full_like(fractions, np.nan)
    for row, at in enumerate(order):
        point = points[at]
        if point.answered and point.probabilities:
            fractions[row] = [point.probabilities.get(name, 0.0) for name in names]
            spread[row] = [point.spread.get(name, math.nan) for name in names]
    return Stacked(names, where[order], fractions, spread, order)


def cells(
    x: NDArray[np.float64], alone: float = 1.0, *, steady: bool = False
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return where the cell of each point begins and ends, for drawing one bar a point.

    Cells reach half-way to the neighbours, but no further than one and a half times the median
    distance on each side: where nothing was measured for longer, it is empty.  Points at the same
    place share its cell.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Ascending, as in :class:`Stacked`.
    alone : float
        Width where there is only one place.
    steady : bool
        Round the limit to a power of two, so that one more place at the end mostly leaves all
        cells but the last as they are.

    Returns
    -------
    left, right : ndarray of shape (n,)
    """
    places, first, count = np.unique(x, return_index=True, return_counts=True)
    between = np.diff(places)
    reach = 1.5 * float(np.median(between)) if len(between) else alone / 2
    if steady:
        reach = 2.0 ** round(math.log2(reach))
    half = np.minimum(between / 2, reach)
    before = np.concatenate([half[:1] if len(half) else [reach], half])[: len(places)]
    behind = np.concatenate([half, half[-1:] if len(half) else [reach]])[: len(places)]
    of_place = np.repeat(np.arange(len(places)), count)
    number = np.arange(len(x)) - first[of_place]
    width = ((before + behind) / count)[of_place]
    left = (places - before)[of_place] + number * width
    return left, left + width


def times(points: Iterable[TrendPoint]) -> NDArray[np.float64]:
    """Return `time` of each point (s since 1970)."""
    return np.array([point.time for point in points], dtype=float)


def scan_ids(points: Iterable[TrendPoint]) -> NDArray[np.float64]:
    """Return `scan_id` of each point; NaN where the raw run had none."""
    return np.array([math.nan if p.scan_id is None else p.scan_id for p in points], dtype=float)

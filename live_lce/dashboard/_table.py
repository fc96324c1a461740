"""The points of one figure as arrays, worked out once for each point and for all viewers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from live_lce.dashboard._trend_cache import starts_with
from live_lce.results import Stacked, TrendPoint, classes_of, stacked, times
from live_lce.results._stacked import scan_ids
from live_lce.spectra import Array


@dataclass(frozen=True)
class TrendTable:
    """Points of one sample and absorber, in the order given.

    Parameters
    ----------
    points : sequence of TrendPoint
        The points.
    classes : tuple of str
        What is stacked.
    fractions, spread : ndarray of shape (n, n_classes)
        See :class:`~live_lce.results._stacked.Stacked`, but not sorted.
    times, scan_ids : ndarray of shape (n,)
        Seconds since 1970, numbers of scans; NaN if unknown.
    """

    points: Sequence[TrendPoint]
    classes: tuple[str, ...]
    fractions: Array
    spread: Array
    times: Array
    scan_ids: Array

    def row(self, key: tuple[str, int]) -> int | None:
        """Return the number of a point, by its key; mostly it is one of the last."""
        for number in range(len(self.points) - 1, -1, -1):
            point = self.points[number]
            if point.analysis_uid == key[0] and point.spectrum_index == key[1]:
                return number
        return None

    def against(self, x: Array) -> Stacked:
        """Return the trend against `x` of shape (n,), as :func:`live_lce.results._stacked.stacked`.

        Parameters
        ----------
        x : ndarray of shape (n,)
            Where to draw each point; those that are not finite are left out.
        """
        order = np.argsort(x, kind="stable")
        order = order[np.isfinite(x[order])]
        return Stacked(self.classes, x[order], self.fractions[order], self.spread[order], order)


def table(
    points: Sequence[TrendPoint], known: TrendTable | None = None, otherwise: tuple[str, ...] = ()
) -> TrendTable:
    """Return points as arrays.

    Parameters
    ----------
    points : sequence of TrendPoint
        All of them.
    known : TrendTable, optional
        Of the points before the last ones were added.
    otherwise : tuple of str
        Classes, where no point has any.
    """
    if known is not None and starts_with(points, known.points):
        if len(points) == len(known.points):
            return known
        new = points[len(known.points) :]
        if set(classes_of(new)) <= set(known.classes):
            more = _made(new, known.classes)
            return TrendTable(
                points,
                known.classes,
                np.concatenate([known.fractions, more.fractions]),
                np.concatenate([known.spread, more.spread]),
                np.concatenate([known.times, more.times]),
                np.concatenate([known.scan_ids, more.scan_ids]),
            )
    return _made(points, classes_of(points) or otherwise)


def _made(points: Sequence[TrendPoint], classes: tuple[str, ...]) -> TrendTable:
    found = stacked(points, classes, np.arange(len(points)))
    return TrendTable(
        points, classes, found.fractions, found.spread, times(points), scan_ids(points)
    )

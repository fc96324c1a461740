"""Arrange the points of a trend in tables, columns and groups, and cache them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.results import PublishedRun, Stacked, TrendPoint, classes_of, stacked, times
from live_lce.results._stacked import cells, scan_ids
from live_lce.results._trend import point_of_row, point_of_stop
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


def edges(x: ArrayLike, alone: float = 1.0) -> tuple[Array, Array]:
    """Return left and right ends of columns around ascending places, (n,) each.

    As :func:`live_lce.results._stacked.cells`, but one more place at the end mostly leaves the
    columns before the last as they are: what is drawn need not be sent again.

    Parameters
    ----------
    x : array_like of shape (n,)
        Ascending.
    alone : float
        Width where there is only one place.
    """
    return cells(np.asarray(x, np.float64), alone, steady=True)


def columns(stacked: Stacked, alone: float) -> dict[str, Array]:
    """Return what is drawn of a trend, each of shape (n,).

    ``left`` and ``right`` of the columns; ``low_<class>`` and ``high_<class>`` of the stacked
    fractions, NaN where not answered; ``silent`` is 1 there, else NaN; ``under_<class>`` and
    ``over_<class>`` are the limits of a band around the top of each class but the last, as wide as
    the members disagree.

    Parameters
    ----------
    stacked : Stacked
        The trend.
    alone : float
        Width of a column where there is only one.
    """
    left, right = edges(stacked.x, alone)
    tops = stacked.tops
    found = {"left": left, "right": right, "x": stacked.x}
    found["silent"] = np.where(stacked.answered, np.nan, 1.0)
    for i, name in enumerate(stacked.classes):
        found[f"low_{name}"] = tops[:, i] - stacked.fractions[:, i]
        found[f"high_{name}"] = tops[:, i]
    for i, name in enumerate(stacked.classes[:-1]):
        # The top of the first class moves as that class does, the last but one as the last does.
        spread = stacked.spread[:, i if i == 0 else i + 1]
        found[f"under_{name}"] = np.clip(tops[:, i] - spread, 0, 1)
        found[f"over_{name}"] = np.clip(tops[:, i] + spread, 0, 1)
    return found


def news(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how to get from old columns to new ones by adding at the end.

    Parameters
    ----------
    old, new : mapping of str to array
        The same names.

    Returns
    -------
    (int, int) or None
        From which row on old values changed, and how many old rows there are; None where more than
        the last row changed.
    """
    n = len(old["x"])
    if set(old) != set(new) or n == 0 or len(new["x"]) < n:
        return None
    for name, values in new.items():
        same = np.asarray(old[name][: n - 1]), np.asarray(values[: n - 1])
        floats = same[0].dtype.kind == "f"
        if not np.array_equal(*same, equal_nan=floats):
            return None
    return (n - 1, n)


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
        From :func:`live_lce.dashboard._trend_data.columns`.
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


_Row = Mapping[str, Any]


@dataclass(frozen=True)
class _OfRun:
    run: PublishedRun
    rows: Sequence[_Row]
    points: tuple[TrendPoint, ...]


class TrendCache:
    """A trend that is kept up to date."""

    def __init__(self) -> None:
        self._of_run: dict[str, _OfRun] = {}
        self._points: tuple[TrendPoint, ...] | None = None  # made when it is asked for

    def forget(self) -> None:
        """Note that other runs count, or that runs say something else."""
        self._points = None

    def changed(self, run: PublishedRun, rows: Sequence[_Row]) -> None:
        """Note that a run has more predictions; `rows` are all of them."""
        if self._points is None or run.analysis.superseded_by:
            return
        known = self._of_run.get(run.analysis.uid)
        before = () if known is None else known.points
        now = self._of(run, rows)
        if not starts_with(now, before):
            self._points = None
            return
        new = sorted(now[len(before) :], key=_by_time)
        if self._points and new and _by_time(new[0]) < _by_time(self._points[-1]):
            self._points = None
        else:
            self._points = (*self._points, *new)

    def points(self, runs: Iterable[tuple[PublishedRun, Sequence[_Row]]]) -> tuple[TrendPoint, ...]:
        """Return the points of runs with all their predictions, by time.

        Parameters
        ----------
        runs : iterable of (PublishedRun, sequence of mapping)
            Those that count; gone through only where more than a point was added.
        """
        if self._points is None:
            found = {run.analysis.uid: self._of(run, rows) for run, rows in runs}
            self._of_run = {uid: self._of_run[uid] for uid in found}  # without those forgotten
            points = (point for of_run in found.values() for point in of_run)
            self._points = tuple(sorted(points, key=_by_time))
        return self._points

    def _of(self, run: PublishedRun, rows: Sequence[_Row]) -> tuple[TrendPoint, ...]:
        known = self._of_run.get(run.analysis.uid)
        if known is not None and known.run is run:
            if known.rows is rows:
                return known.points
            if known.rows and starts_with(rows, known.rows) and known.points:
                new = _points(run, rows[len(known.rows) :])
                if any(row["final"] for row in known.rows):
                    found = (*known.points, *new)
                    self._of_run[run.analysis.uid] = _OfRun(run, rows, found)
                    return found
        points = tuple(_points(run, rows))
        if not points:
            of_stop = point_of_stop(run)
            points = () if of_stop is None else (of_stop,)
        self._of_run[run.analysis.uid] = _OfRun(run, rows, points)
        return points


def starts_with(longer: Sequence[object], shorter: Sequence[object]) -> bool:
    """Whether a sequence begins with the very objects of another one."""
    return len(longer) >= len(shorter) and all(map(is_, longer, shorter))


def _points(run: PublishedRun, rows: Iterable[_Row]) -> list[TrendPoint]:
    return [point_of_row(run, row) for row in rows if row["final"]]


def _by_time(point: TrendPoint) -> tuple[float, int]:
    # Points without a time come first: no order is defined between NaN and a number.
    time = point.time if math.isfinite(point.time) else -math.inf
    return (time, point.spectrum_index)

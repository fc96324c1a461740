"""The final predictions of all runs as points of one trend, each worked out once.

While spectra are added at the end, what is there stays, and only they are worked out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any

from live_lce.results import PublishedRun, TrendPoint
from live_lce.results._trend import point_of_row, point_of_stop

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class _OfRun:
    run: PublishedRun
    rows: Sequence[_Row]
    points: tuple[TrendPoint, ...]


class Gathered:
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

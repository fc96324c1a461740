"""Compute trends once for all viewers that look at the same samples."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from live_lce.dashboard._signals import SignalTable
from live_lce.dashboard._trend_data import TrendTable, columns, starts_with, table
from live_lce.results import Stacked, TrendPoint, in_order
from live_lce.spectra import Array

TIME, SCAN = "time", "scan number"
SECOND = 1000.0
"""Bokeh counts milliseconds."""
_MINUTE = 60 * SECOND
_STEPS = 100
"""A span of time moves on by this part of itself, and not with every point."""
SERIES = 0.0
"""As a span: the current series."""
PAUSE = 12 * 3600.0
"""A series ends where nothing was measured for so long (s)."""
_KEPT = 12
"""Choices of viewers that are kept."""

Key = tuple[str, str]
"""Sample, empty for all, and absorber."""


@dataclass(frozen=True)
class TrendChoice:
    """What a viewer wants to see.

    Parameters
    ----------
    axis : str
        `TIME`, `SCAN` or the name of a recorded signal.
    span : float
        How far back (s); may be infinite.  `SERIES` stands for the current series of each figure:
        from its newest spectrum back to the last pause of more than `PAUSE`.
    each : bool
        Whether each sample has a figure of its own.
    """

    axis: str = TIME
    span: float = SERIES
    each: bool = False


@dataclass(frozen=True)
class Figure:
    """One figure: its points, and what is drawn of them.

    Parameters
    ----------
    table : TrendTable
        The points.
    stacked : Stacked
        Those that have a place on the axis, by place.
    columns : dict of str to ndarray
        See :func:`live_lce.dashboard._trend_data.columns`.
    n_left : int
        Spectra of other series, which are left out.
    """

    table: TrendTable
    stacked: Stacked
    columns: dict[str, Array]
    n_left: int = 0


@dataclass
class _Known:
    points: Sequence[TrendPoint] = ()
    seen: tuple[object, ...] = ()
    split: dict[Key, list[TrendPoint]] = field(default_factory=dict)
    figures: dict[Key, Figure] = field(default_factory=dict)


class Trends:
    """What viewers look at; used by the page's thread alone.

    Parameters
    ----------
    signals : SignalTable
        Recorded signals.
    """

    def __init__(self, signals: SignalTable) -> None:
        self._signals = signals
        self._known: OrderedDict[TrendChoice, _Known] = OrderedDict()

    def figures(
        self, points: Sequence[TrendPoint], choice: TrendChoice, now: float
    ) -> dict[Key, Figure]:
        """Return the figures of a choice; the same objects while nothing changed.

        Parameters
        ----------
        points : sequence of TrendPoint
            All there are, by time.
        choice : TrendChoice
            What is wanted.
        now : float
            The time (s since 1970).
        """
        known = self._known.setdefault(choice, _Known())
        self._known.move_to_end(choice)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        version = 0 if choice.axis in (TIME, SCAN) else self._signals.version
        since = _since(choice.span, now)
        seen = (id(points), len(points), since, version)
        if known.points is points and known.seen == seen:
            return known.figures
        begun = known.seen[2:] == seen[2:]
        if begun and starts_with(points, known.points):
            changed = _sorted_in(known.split, points[len(known.points) :], since, choice.each)
        else:
            known.split, changed = {}, set()
            changed = _sorted_in(known.split, points, since, choice.each)
        known.points, known.seen = points, seen
        old = known.figures
        known.figures = {
            key: self._figure(_shown(found, choice, now), choice.axis, old.get(key), len(found))
            if key in changed
            else old[key]
            for key, found in known.split.items()
        }
        return known.figures

    def _figure(
        self, points: Sequence[TrendPoint], axis: str, old: Figure | None, n: int
    ) -> Figure:
        made = table(tuple(points), old.table if old else None, in_order(("T4", "S5", "O6")))
        found = made.against(self._places(made, axis))
        return Figure(
            made, found, columns(found, _MINUTE if axis == TIME else 1.0), n - len(points)
        )

    def _places(self, made: TrendTable, axis: str) -> Array:
        if axis == TIME:
            return made.times * SECOND
        if axis == SCAN:
            return made.scan_ids
        values = self._signals.values(axis)
        return np.array([values.get(point.raw_uid, np.nan) for point in made.points])


def _since(span: float, now: float) -> float:
    if span == SERIES or not np.isfinite(span):
        return -np.inf
    step = span / _STEPS
    return float((now - span) // step * step)


def _shown(points: Sequence[TrendPoint], choice: TrendChoice, now: float) -> Sequence[TrendPoint]:
    return current_series(points, now) if choice.span == SERIES else points


def current_series(points: Sequence[TrendPoint], now: float) -> Sequence[TrendPoint]:
    """Return the last of the series that are parted by pauses of more than `PAUSE`.

    Scans of years ago that are replayed are another series than those of today, and so is one
    from a clock that is far ahead.

    Parameters
    ----------
    points : sequence of TrendPoint
        By time; at least one.
    now : float
        The time (s since 1970).
    """
    times = np.array([point.time for point in points])
    begins = np.flatnonzero(~(np.diff(times) <= PAUSE)) + 1  # also where a time is unknown
    starts, stops = [0, *begins.tolist()], [*begins.tolist(), len(points)]
    until_now = [i for i, start in enumerate(starts) if times[start] <= now + PAUSE]
    last = until_now[-1] if until_now else -1
    return points[starts[last] : stops[last]]


def _sorted_in(
    split: dict[Key, list[TrendPoint]], points: Sequence[TrendPoint], since: float, each: bool
) -> set[Key]:
    """Put points where they belong; return where any came."""
    changed = set()
    for point in points:
        if point.time >= since or since == -np.inf:
            key = (point.sample if each else "", point.absorber)
            split.setdefault(key, []).append(point)
            changed.add(key)
    return changed

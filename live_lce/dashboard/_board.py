"""Hold what the dashboard knows: one feed fills it, every viewer reads it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from live_lce.dashboard._trend_data import TrendCache
from live_lce.results import MeasuredPoints, PublishedRun, PublishedSpectrum, TrendPoint
from live_lce.results._trend import point_of_stop
from live_lce.tiled._analyses import resolved

Row = Mapping[str, Any]
"""One prediction: the columns of the contract."""
KEPT_WHOLE = 100
"""Runs that ended are kept with all that is in them: so many newest ones, and as many of those
that viewers asked for last."""


class Link(StrEnum):
    """How Tiled is reached."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    POLLING = "polling"
    GONE = "gone"


@dataclass(frozen=True)
class LinkState:
    """How Tiled is reached, since when (s since 1970), and what it said.

    `reached` tells whether it ever was; `address` is where it is looked for, without a key.
    """

    link: Link
    since: float
    detail: str = ""
    reached: bool = False
    address: str = ""


@dataclass(frozen=True)
class Begun:
    """A raw run that is being measured and has no prediction yet.

    Parameters
    ----------
    uid, sample : str
        Of the raw run.
    scan_id : int or None
        Of the raw run.
    time : float
        Of its start (s).
    """

    uid: str
    sample: str
    scan_id: int | None
    time: float


@dataclass(frozen=True)
class RunData:
    """One analysis run, as far as it was read.

    Parameters
    ----------
    run : PublishedRun
        What its documents say.
    start : mapping
        Its start document.
    rows : tuple of mapping
        Its predictions, in order.
    measured : mapping
        The newest points of each spectrum, by `spectrum_index`.
    spectra : mapping
        Normalized final spectra, by `spectrum_index`.
    complete : bool
        Whether all of it was read, and it has ended.
    heard : float
        When it last had news (s since 1970); 0 where it was only read.
    """

    run: PublishedRun
    start: Mapping[str, Any]
    rows: tuple[Row, ...] = ()
    measured: Mapping[int, MeasuredPoints] = field(default_factory=dict)
    spectra: Mapping[int, PublishedSpectrum] = field(default_factory=dict)
    complete: bool = False
    heard: float = 0.0

    def rows_of(self, spectrum_index: int) -> list[Row]:
        """Return the predictions of one spectrum, in order."""
        return [row for row in self.rows if row["spectrum_index"] == spectrum_index]

    @property
    def last_index(self) -> int:
        """The number of its newest spectrum."""
        return max((int(row["spectrum_index"]) for row in self.rows), default=0)


class Board:
    """What is known, safe to use from several threads; `version` grows with every change.

    Parameters
    ----------
    clock : callable
        Returns the time (s since 1970).
    address : str
        Of Tiled, for people.
    """

    def __init__(self, clock: Callable[[], float] = time.time, address: str = "") -> None:
        self.version = 0
        self.clock = clock
        self._lock = threading.RLock()
        self._link = LinkState(Link.CONNECTING, clock(), address=address)
        self._runs: dict[str, RunData] = {}
        self._counting: list[PublishedRun] = []
        self._known: dict[str, set[tuple[int, ...]]] = {}  # predictions of each run
        self._trend = TrendCache()
        self._begun: tuple[Begun, ...] = ()
        self._of_raw: dict[str, list[str]] = {}  # uids of the analyses of each raw run
        self._asked: dict[str, None] = {}  # the last one last
        self._since: dict[str, float] = {}  # when each run came, by this computer's clock

    @property
    def link(self) -> LinkState:
        """How Tiled is reached."""
        return self._link

    def set_link(self, link: Link, detail: str = "") -> None:
        """Note how Tiled is reached; the time stays while nothing changes."""
        with self._lock:
            if (self._link.link, self._link.detail) == (link, detail):
                return
            since = self._link.since if self._link.link is link else self.clock()
            reached = self._link.reached or link in (Link.STREAMING, Link.POLLING)
            self._link = replace(self._link, link=link, since=since, detail=detail, reached=reached)
            self.version += 1

    @property
    def begun(self) -> tuple[Begun, ...]:
        """Raw runs that are being measured and have no prediction yet, newest first."""
        with self._lock:
            return tuple(one for one in self._begun if one.uid not in self._of_raw)

    def set_begun(self, begun: Sequence[Begun]) -> None:
        """Note which raw runs are being measured."""
        with self._lock:
            if tuple(begun) != self._begun:
                self._begun = tuple(begun)
                self.version += 1

    def merge(
        self,
        found: Iterable[tuple[PublishedRun, Mapping[str, Any]]],
        *,
        arrived: float | None = None,
    ) -> list[str]:
        """Take in runs with their start documents; return the uids of those that are new.

        Parameters
        ----------
        found : iterable of (PublishedRun, mapping)
            The runs.
        arrived : float, optional
            When they came (s since 1970), if they were stored just now: clocks of the computers
            that write differ.  Else the time that they tell counts, unless it is in the future.
        """
        with self._lock:
            new, changed = [], set()
            for run, start in found:
                uid = run.analysis.uid
                known = self._runs.get(uid)
                if known is None:
                    self._runs[uid] = RunData(run, start)
                    told = min(run.analysis.time, self.clock())
                    self._since[uid] = told if arrived is None else arrived
                    self._of_raw.setdefault(run.analysis.raw_uid, []).append(uid)
                    new.append(uid)
                elif _said(known.run) != _said(run):
                    self._runs[uid] = replace(known, run=run)
                else:
                    continue
                changed.add(run.analysis.raw_uid)
            if changed:
                self._count(changed)
                self._trend.forget()
                self.version += 1
            return new

    def add_rows(self, uid: str, rows: Iterable[Row], *, heard: float = 0.0) -> int:
        """Take in predictions of a run; return how many were new.  Repeated ones are one."""
        with self._lock:
            data = self._runs[uid]
            known = self._known.setdefault(uid, set())
            found = {_identity(row): row for row in rows}
            new = {one: row for one, row in found.items() if one not in known}
            if not new:
                return 0
            known.update(new)
            ordered = sorted(new.values(), key=_order)
            if data.rows and _order(ordered[0]) < _order(data.rows[-1]):
                ordered = sorted((*data.rows, *ordered), key=_order)
            else:  # as it mostly is: a run of many spectra is not sorted with each of them
                ordered = [*data.rows, *ordered]
            self._runs[uid] = data = replace(
                data, rows=tuple(ordered), heard=max(heard, data.heard)
            )
            if any(row["final"] for row in new.values()):
                self._trend.changed(data.run, data.rows)
            self.version += 1
            return len(new)

    def add_points(self, uid: str, points: Iterable[MeasuredPoints]) -> None:
        """Take in measured points; of each spectrum the newest are kept."""
        with self._lock:
            data = self._runs[uid]
            newest, grown = dict(data.measured), False
            for one in points:
                old = newest.get(one.spectrum_index)
                if old is None or _grown(one) > _grown(old):
                    newest[one.spectrum_index], grown = one, True
            if grown:
                self._runs[uid] = replace(data, measured=newest)
                self.version += 1

    def add_spectra(self, uid: str, spectra: Iterable[PublishedSpectrum], complete: bool) -> None:
        """Take in normalized spectra, the last thing that is read of a run."""
        with self._lock:
            data = self._runs[uid]
            known = {one.spectrum_index: one for one in spectra} | dict(data.spectra)
            if len(known) > len(data.spectra) or complete != data.complete:
                self._runs[uid] = replace(data, spectra=known, complete=complete)
                self.version += 1

    def get(self, uid: str) -> RunData | None:
        """Return what is known of a run."""
        return self._runs.get(uid)

    def asked(self, uid: str) -> None:
        """Note that a viewer looks at a run."""
        with self._lock:
            self._asked.pop(uid, None)
            self._asked[uid] = None
            for old in list(self._asked)[:-KEPT_WHOLE]:
                del self._asked[old]

    def prune(self, before: float) -> None:
        """Forget what nobody looks at: a dashboard may run for months.

        Of runs that ended only the documents are kept, where they tell what the trend needs; what
        was forgotten is read again when a viewer asks for it.

        Parameters
        ----------
        before : float
            Runs that ended and came before that are forgotten wholly (s since 1970).
        """
        with self._lock:
            whole = {run.analysis.uid for run in self._counting[:KEPT_WHOLE]} | set(self._asked)
            others = [
                data
                for uid, data in self._runs.items()
                if uid not in self._asked and data.run.analysis.ended
            ]
            old = [data for data in others if self._since[data.run.analysis.uid] < before]
            for data in old:
                self._forget(data.run)
            gone = {data.run.analysis.uid for data in old}
            for data in others:
                uid = data.run.analysis.uid
                if (
                    uid not in whole
                    and uid not in gone
                    and data.rows
                    and point_of_stop(data.run) is not None
                ):
                    self._runs[uid] = RunData(data.run, data.start)
                    self._known.pop(uid, None)
                    self._trend.forget()
            if gone:
                self._counting = [r for r in self._counting if r.analysis.uid not in gone]
                self._trend.forget()
                self.version += 1

    def unended(self) -> list[str]:
        """Return the uids of runs without a stop document."""
        with self._lock:
            return [uid for uid, data in self._runs.items() if not data.run.analysis.ended]

    def counting(self) -> list[PublishedRun]:
        """Return the runs that count, newest first."""
        return self._counting

    def trend(self) -> tuple[TrendPoint, ...]:
        """Return the final predictions of the runs that count, by time; the same while unchanged.

        Of runs whose rows were not read, what their stop documents say.
        """
        with self._lock:
            counting = (self._runs[run.analysis.uid] for run in self._counting)
            return self._trend.points((data.run, data.rows) for data in counting)

    def _forget(self, run: PublishedRun) -> None:
        uid, raw_uid = run.analysis.uid, run.analysis.raw_uid
        del self._runs[uid], self._since[uid]
        self._known.pop(uid, None)
        self._of_raw[raw_uid].remove(uid)
        if not self._of_raw[raw_uid]:
            del self._of_raw[raw_uid]

    def _count(self, raw_uids: Iterable[str]) -> None:
        """Find out which analyses of some raw runs count; what others say does not matter."""
        uids = [uid for raw_uid in raw_uids for uid in self._of_raw[raw_uid]]
        judged = resolved(self._runs[uid].run.analysis for uid in uids)
        for analysis in judged:
            data = self._runs[analysis.uid]
            if data.run.analysis.superseded_by != analysis.superseded_by:
                self._runs[analysis.uid] = replace(data, run=replace(data.run, analysis=analysis))
        changed = set(uids)
        kept = [run for run in self._counting if run.analysis.uid not in changed]
        kept += [self._runs[a.uid].run for a in judged if not a.superseded_by]
        self._counting = sorted(kept, key=self._by_arrival, reverse=True)

    def _by_arrival(self, run: PublishedRun) -> tuple[float, float]:
        return (self._since[run.analysis.uid], run.analysis.time)


def _said(run: PublishedRun) -> PublishedRun:
    """Return a run without what is worked out here."""
    return replace(run, analysis=replace(run.analysis, superseded_by=""))


def _identity(row: Row) -> tuple[int, ...]:
    names = ("spectrum_index", "final", "raw_seq_num_last", "n_points")
    return tuple(int(row[name]) for name in names)


def _order(row: Row) -> tuple[int, ...]:
    return (int(row["spectrum_index"]), int(row["final"]), int(row["raw_seq_num_last"]))


def _grown(points: MeasuredPoints) -> tuple[bool, int]:
    return (points.final, points.raw_seq_num_last)

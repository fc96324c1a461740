"""Which results are wanted, and how a Tiled server is asked for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from live_lce.contract import Status

Attempts = Literal["latest", "all"]

SHORTEST_UID = 8
"""Characters of a uid that must be given."""

BATCH = 100
"""Uids in one query: its address stays below 8 kB, which proxies let through."""

_FULL_UID = 36


class QueryError(ValueError):
    """The query cannot be asked; one line with the fix."""


@dataclass(frozen=True)
class ResultQuery:
    """Which analysis runs are wanted; what is left out does not matter.

    Parameters
    ----------
    since, until : float, optional
        First and last start of the raw run (s), both included; see :func:`epoch`.
    uids : tuple of str
        Uids of raw runs or of analysis runs, or their first 8 characters or more.
    sample : str
        Name of the sample, as a whole.
    absorber : str
        Element symbol.
    label : str
        What the run ended as, e.g. ``O6``: the label of its last spectrum.
    status : str
        How it ended, e.g. ``abstain``.  A run that is still open has neither.

    Raises
    ------
    QueryError
        If a uid is too short, a status unknown, or `since` after `until`.
    """

    since: float | None = None
    until: float | None = None
    uids: tuple[str, ...] = ()
    sample: str = ""
    absorber: str = ""
    label: str = ""
    status: str = ""

    def __post_init__(self) -> None:
        for uid in self.uids:
            if len(uid) < SHORTEST_UID:
                raise QueryError(f"uid {uid!r}: give at least {SHORTEST_UID} characters")
        if self.status and self.status not in set(Status):
            raise QueryError(f"status {self.status!r}: choose of {', '.join(Status)}")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise QueryError("`since` is after `until`: exchange them")

    @property
    def splits_analyses(self) -> bool:
        """Whether one analysis of a raw run may be found and another not."""
        return bool(self.label or self.status or self.sample or self.uids)

    def searches(self) -> Iterator[list[Any]]:
        """Yield lists of Tiled's queries; a run is wanted that fulfils all of one list."""
        from tiled.queries import Key

        common: list[Any] = [Key("start.purpose") == "live_lce"]
        if self.since is not None:
            common.append(Key("start.raw_time") >= self.since)
        if self.until is not None:
            common.append(Key("start.raw_time") <= self.until)
        for key, value in (
            ("start.live_lce.absorber", self.absorber),
            ("stop.live_lce.label", self.label),
            ("stop.live_lce.status", self.status),
        ):
            if value:
                common.append(Key(key) == value)
        # Bluesky allows a sample's name, or a dictionary that holds it.
        samples: list[list[Any]] = [[]]
        if self.sample:
            keys = ("start.sample", "start.sample.name")
            samples = [[Key(key) == self.sample] for key in keys]
        uids = [[query] for query in self._uid_queries()] if self.uids else [[]]
        for sample in samples:
            for uid in uids:
                yield [*common, *sample, *uid]

    def _uid_queries(self) -> Iterator[Any]:
        from tiled.queries import In, Like

        full = [uid for uid in self.uids if len(uid) >= _FULL_UID]
        for key in ("start.original_run_uid", "start.uid"):
            for first in range(0, len(full), BATCH):
                yield In(key, full[first : first + BATCH])
            for uid in self.uids:
                if len(uid) < _FULL_UID:
                    yield Like(key, f"{uid}%")

    def wants_uid(self, *uids: str) -> bool:
        """Whether one of a run's uids is wanted: the server's ``LIKE`` is no exact prefix."""
        return not self.uids or any(uid.startswith(self.uids) for uid in uids)


def epoch(moment: float | str | datetime) -> float:
    """Return a moment as seconds since 1970.

    Parameters
    ----------
    moment : float, str or datetime
        Seconds; or ISO 8601, e.g. ``2026-11-21`` or ``2026-11-21T10:00+01:00``.  Without a
        time zone it is the local time of this computer, and a date alone is its midnight.

    Raises
    ------
    QueryError
        If it is none of these.

    Examples
    --------
    >>> epoch("2026-11-21T10:00+01:00")
    1795251600.0
    """
    if isinstance(moment, int | float):
        return float(moment)
    try:
        parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return parsed.timestamp()
    except (ValueError, OverflowError) as error:
        raise QueryError(
            f"{moment!r} is no time: give a date such as 2026-11-21, or 2026-11-21T10:00+01:00"
        ) from error

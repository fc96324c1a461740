"""What an archive of runs offers, wherever it keeps them, and which runs are asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from live_lce.archives._documents import Document
from live_lce.engine import _metadata as metadata
from live_lce.engine._presets import lookup, recognize

SHORTEST_UID = 8
"""So many characters of a uid tell a run from the others."""

OURS = "live_lce"
"""``purpose`` of the runs that live_lce wrote itself; these are never replayed."""


class ArchiveError(ValueError):
    """A source cannot be read; one line that says what is wrong and what to do."""


@dataclass(frozen=True)
class Query:
    """Which runs are wanted.  What is empty or None does not restrict.

    Parameters
    ----------
    since, until : float or None
        Limits of the time in the start document (s since 1970), both included.
    uids : tuple of str
        Whole uids, or their first 8 or more characters.
    scan_ids : tuple of int
        Scan ids.
    sample : str
        Sample's name, wherever the beamline keeps it; ``*`` stands for any text, capitals
        do not matter.
    absorber : str
        Element, as ``Fe`` or ``iron``.  A run that does not tell its absorber is taken.
    plan_name : str
        Name of the plan, written as `sample` is.
    where : tuple of (str, str)
        Dotted keys of the start document, and the values they must have.

    Raises
    ------
    ArchiveError
        If a uid is too short, the absorber is no element, or the times are none.
    """

    since: float | None = None
    until: float | None = None
    uids: tuple[str, ...] = ()
    scan_ids: tuple[int, ...] = ()
    sample: str = ""
    absorber: str = ""
    plan_name: str = ""
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for uid in self.uids:
            if len(uid) < SHORTEST_UID:
                raise ArchiveError(f"uid {uid!r}: give at least {SHORTEST_UID} characters")
        if self.absorber:
            symbol = metadata.element(self.absorber)
            if not symbol:
                raise ArchiveError(f"absorber {self.absorber!r} is no element: write e.g. Fe")
            object.__setattr__(self, "absorber", symbol)
        for time in (self.since, self.until):
            if time is not None and not math.isfinite(time):
                raise ArchiveError(f"{time} is no time: give seconds since 1970")

    def matches(self, start: Mapping[str, Any]) -> bool:
        """Tell whether a start document is asked for; runs of live_lce itself never are.

        Parameters
        ----------
        start : mapping
            Start document.
        """
        if start.get("purpose") == OURS or not self._in_time(start.get("time")):
            return False
        uid = str(start.get("uid", ""))
        if self.uids and not uid.startswith(self.uids):
            return False
        if self.scan_ids and start.get("scan_id") not in self.scan_ids:
            return False
        if self.plan_name and not _is_like(str(start.get("plan_name") or ""), self.plan_name):
            return False
        if not all(_is_value(lookup(start, key), text) for key, text in self.where):
            return False
        preset = recognize(start) if self.sample or self.absorber else None
        if self.sample and not _is_like(metadata.find_sample(start, preset), self.sample):
            return False
        stated = metadata.find_absorber(start, preset) if self.absorber else ""
        return not stated or stated == self.absorber

    def _in_time(self, time: Any) -> bool:
        if self.since is None and self.until is None:
            return True
        if not isinstance(time, (int, float)) or isinstance(time, bool):
            return False
        return (self.since is None or time >= self.since) and (
            self.until is None or time <= self.until
        )


def _is_like(text: str, pattern: str) -> bool:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def _is_value(value: Any, text: str) -> bool:
    """Compare a value of a start document with what a person wrote for it."""
    if isinstance(value, bool) or value is None:
        return value is not None and str(value).lower() == text.lower()
    if isinstance(value, (int, float)):
        try:
            return value == float(text)
        except ValueError:
            return False
    return isinstance(value, str) and value == text


class ArchivedRun(Protocol):
    """One run; can be pickled, and then opens its source by itself."""

    @property
    def uid(self) -> str:
        """Uid of the run."""

    @property
    def start(self) -> Mapping[str, Any]:
        """The start document."""

    @property
    def where(self) -> str:
        """File or path in the catalog, for people."""

    def documents(self) -> Iterator[Document]:
        """Yield the documents, in the order in which the engine wants them.

        Raises
        ------
        Exception
            Whatever the file or the server raises; what is wrong with a file is one line.
        """


class Archive(Protocol):
    """A place where runs are kept."""

    @property
    def name(self) -> str:
        """What it is called, for people."""

    @property
    def problems(self) -> list[str]:
        """What could not be read so far; one line each.  Other runs are read all the same."""

    @property
    def left_out(self) -> Mapping[str, int]:
        """What was no archive of runs, nor data, so far: files by format."""

    def runs(self, query: Query) -> Iterator[ArchivedRun]:
        """Yield the runs that match, in ascending order of time where the store can sort.

        Raises
        ------
        ArchiveError
            If the source cannot be read.
        """

    def count(self, query: Query) -> int | None:
        """Return about how many runs match, or None if that is not cheap to find out."""

    def close(self) -> None:
        """Let the source go."""

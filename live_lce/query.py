"""Select runs: one query for raw runs in archives and for published analysis runs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from live_lce.contract import Status
from live_lce.engine import _metadata as metadata
from live_lce.engine._presets import lookup, recognize

Attempts = Literal["latest", "all"]

SHORTEST_UID = 8
"""Characters of a uid that must be given."""
WHOLE_UID = 36
"""Characters of a whole uid; what is shorter in a query is the beginning of one."""
OURS = "live_lce"
"""``purpose`` in the start documents of analysis runs."""


class QueryError(ValueError):
    """The query cannot be asked; one line with the fix."""


@dataclass(frozen=True)
class RunQuery:
    """Which runs are wanted.  A run must fit every field; an empty field does not restrict.

    Each field means the same for raw runs and for analysis runs.  *Names* are compared as a
    whole, ``*`` stands for any text, and capitals do not matter.

    Parameters
    ----------
    since, until : float or None
        First and last start of the raw run (s since 1970), both included; from
        :func:`live_lce.results.epoch`, for example.
    uids : tuple of str
        Whole uids, or their first 8 or more characters, of the raw run or of an analysis of it.
    scan_ids : tuple of int
        Scan ids of the raw run.
    sample : str
        Name of the sample, wherever the start document keeps it.
    absorber : str
        Element, as ``Fe`` or ``iron``.  A raw run that does not state its absorber is taken,
        because only its analysis can tell; an analysis that found none is not.
    plan_name : str
        Name of the plan.  Analysis runs do not record it.
    where : tuple of (str, str)
        Dotted keys of the start document, and the values they must have, capitals included.
    label : str
        Name of the label that the run ended with, e.g. ``O6``: that of its last spectrum.
    status : str
        The status that the run ended with, e.g. ``abstain``.
    model : str
        Name of the model.  Raw runs have no label, status or model, and do not match where one
        is asked for.
    attempts : {"latest", "all"}
        Of several analyses of a raw run, stream and absorber the one that counts, or all.

    Raises
    ------
    QueryError
        If a uid is too short, the absorber is no element, a status is unknown, a time is not
        finite, or `since` is after `until`.

    Examples
    --------
    >>> query = RunQuery(sample="hematite*", absorber="iron")
    >>> query.absorber
    'Fe'
    >>> query.matches({"uid": "0b1ffa52", "sample": {"name": "Hematite 3"}})
    True
    """

    since: float | None = None
    until: float | None = None
    uids: tuple[str, ...] = ()
    scan_ids: tuple[int, ...] = ()
    sample: str = ""
    absorber: str = ""
    plan_name: str = ""
    where: tuple[tuple[str, str], ...] = ()
    label: str = ""
    status: str = ""
    model: str = ""
    attempts: Attempts = "latest"

    def __post_init__(self) -> None:
        for uid in self.uids:
            if len(uid) < SHORTEST_UID:
                raise QueryError(f"uid {uid!r}: give at least {SHORTEST_UID} characters")
        if self.absorber:
            symbol = metadata.element(self.absorber)
            if not symbol:
                raise QueryError(f"absorber {self.absorber!r} is no element: write e.g. Fe")
            object.__setattr__(self, "absorber", symbol)
        for time in (self.since, self.until):
            if time is not None and not math.isfinite(time):
                raise QueryError(f"{time} is no time: give seconds since 1970")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise QueryError("`since` is after `until`: exchange them")
        if self.status and self.status not in set(Status):
            raise QueryError(f"status {self.status!r}: choose of {', '.join(Status)}")
        if self.attempts not in get_args(Attempts):
            raise QueryError(f"attempts {self.attempts!r}: choose `latest` or `all`")

    def matches(self, start: Mapping[str, Any]) -> bool:
        """Tell whether a raw run is wanted; analysis runs of live_lce never are.

        Parameters
        ----------
        start : mapping
            Start document.
        """
        if start.get("purpose") == OURS or self.label or self.status or self.model:
            return False
        if not self._matches(start, start.get("time"), start.get("uid")):
            return False
        if not self.absorber:
            return True
        stated = metadata.find_absorber(start, recognize(start))
        return not stated or stated == self.absorber

    def matches_analysis(self, run: Mapping[str, Any]) -> bool:
        """Tell whether an analysis run is wanted; other runs never are.

        Of several analyses of a raw run each is judged by itself, see `attempts`.

        Parameters
        ----------
        run : mapping
            ``start`` and, if it ended, ``stop``: the metadata of a run in Tiled.
        """
        start, stop = _mapping(run.get("start")), _mapping(run.get("stop"))
        ours, ended = _mapping(start.get("live_lce")), _mapping(stop.get("live_lce"))
        if start.get("purpose") != OURS:
            return False
        uids = (start.get("uid"), start.get("original_run_uid"))
        return (
            self._matches(start, start.get("raw_time"), *uids)
            and (not self.absorber or ours.get("absorber") == self.absorber)
            and (not self.status or ended.get("status") == self.status)
            and _is_like(ended.get("label"), self.label)
            and _is_like(_mapping(ours.get("model")).get("name"), self.model)
        )

    def _matches(self, start: Mapping[str, Any], time: Any, *uids: Any) -> bool:
        """Judge what raw runs and analysis runs have in common."""
        return (
            self._in_time(time)
            and (not self.uids or any(self._wants_uid(uid) for uid in uids))
            and (not self.scan_ids or self._wants_scan(start.get("scan_id")))
            and _is_like(start.get("plan_name"), self.plan_name)
            and all(_is_value(lookup(start, key), text) for key, text in self.where)
            and (not self.sample or _is_like(_sample(start), self.sample.strip()))
        )

    def _in_time(self, time: Any) -> bool:
        if self.since is None and self.until is None:
            return True
        if not isinstance(time, (int, float)) or isinstance(time, bool):
            return False
        return (self.since is None or time >= self.since) and (
            self.until is None or time <= self.until
        )

    def _wants_uid(self, uid: Any) -> bool:
        return isinstance(uid, str) and any(
            uid == wanted if len(wanted) >= WHOLE_UID else uid.startswith(wanted)
            for wanted in self.uids
        )

    def _wants_scan(self, scan_id: Any) -> bool:
        return (
            isinstance(scan_id, (int, float))
            and not isinstance(scan_id, bool)
            and scan_id in self.scan_ids
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sample(start: Mapping[str, Any]) -> str:
    return metadata.find_sample(start, recognize(start))


def _is_like(value: Any, pattern: str) -> bool:
    """Compare a name with a pattern; an empty pattern does not restrict."""
    if not pattern:
        return True
    known = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    text = str(value) if known else ""
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

"""Turn the options that select runs into a query."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from live_lce.cli._output import UsageError

if TYPE_CHECKING:
    from live_lce.query import RunQuery

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def moment(text: str, option: str, *, now: float, end: bool = False) -> float | None:
    """Return a time that a person wrote (s since 1970); None for an empty text.

    Parameters
    ----------
    text : str
        ISO date or time, of this computer's time zone unless it names one, or how long ago
        as ``7d`` (s, m, h, d, w).
    option : str
        Named in the error.
    now : float
        From where durations count (s).
    end : bool
        Whether a date without a time means the end of that day.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    text = text.strip()
    if not text:
        return None
    if ago := _DURATION.fullmatch(text):
        return now - float(ago.group(1)) * _SECONDS[ago.group(2).lower()]
    try:
        found = datetime.fromisoformat(text)
        if end and _DAY.fullmatch(text):
            return math.nextafter((found + timedelta(days=1)).timestamp(), -math.inf)
        return found.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{option} {text}: give a date (2026-11-21), a time (2026-11-21T14:30) or how long "
            "ago (7d, 12h, 30m)"
        ) from None


def pairs(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return texts as ``key=value`` in two parts.

    Raises
    ------
    UsageError
        If one has no ``=`` or no key.
    """
    found = []
    for text in texts:
        key, sign, value = text.partition("=")
        if not (sign and key.strip()):
            raise UsageError(f"--where {text}: give key=value, e.g. proposal.cycle=2026-3")
        found.append((key.strip(), value.strip()))
    return tuple(found)


def query(
    *,
    since: str,
    until: str,
    uid: Sequence[str],
    scan_id: Sequence[int],
    sample: str,
    absorber: str,
    plan: str,
    where: Sequence[str],
    now: float,
) -> RunQuery:
    """Return the query that the options of a command stand for.

    Raises
    ------
    UsageError
        If one of them cannot be.
    """
    from live_lce.query import QueryError, RunQuery

    begin = moment(since, "--since", now=now)
    end = moment(until, "--until", now=now, end=True)
    if begin is not None and end is not None and begin > end:
        raise UsageError(f"--since {since} is after --until {until}: exchange them")
    try:
        return RunQuery(
            begin, end, tuple(uid), tuple(scan_id), sample, absorber, plan, pairs(where)
        )
    except QueryError as error:
        raise UsageError(str(error)) from None

"""Translate a query for Tiled.

Tiled may return more than `RunQuery.matches` and `RunQuery.matches_analysis` accept, and never
less: callers filter what comes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from live_lce.query import OURS, WHOLE_UID, RunQuery
from live_lce.tiled._connection import find_child

logger = logging.getLogger(__name__)

BATCH = 100
"""Uids in one query: its address stays below 8 kB, which proxies let through."""
MOST_SORTED = 5_000
"""Tiled sorts all runs anew for every hundred that it sends: no cost with 10^3 runs, seven times
that of listing them with 10^4 (``benchmarks/tiled_listing.py``)."""

_BAD_REQUEST = 400
_LARGEST = 2**53


@dataclass(frozen=True)
class _Keys:
    """Where Tiled finds the fields of a query; empty where it cannot be asked."""

    time: str
    uids: tuple[str, ...]
    absorber: str = ""
    label: str = ""
    status: str = ""
    model: str = ""


_RAW = _Keys("start.time", ("start.uid",))
_ANALYSIS = _Keys(
    "start.raw_time",
    ("start.original_run_uid", "start.uid"),
    absorber="start.live_lce.absorber",
    label="stop.live_lce.label",
    status="stop.live_lce.status",
    model="start.live_lce.model.name",
)


def find_raw(container: Any, query: RunQuery) -> Iterator[Any]:
    """Yield clients of the raw runs that may match; the rest is for `RunQuery.matches`.

    Runs come in ascending order of time, see :func:`by_time`; in the order in which they were
    stored where the server does not sort; in the order of `query.uids` where these are given.

    Parameters
    ----------
    container : tiled container
        A catalog of runs.
    query : RunQuery
        What is asked for.
    """
    if query.uids:
        yield from _by_uid(container, query)
        return
    narrowed = _conditions(query, _RAW)
    for conditions, is_sorted in ((narrowed, True), (narrowed, False), ([], False)):
        seen = False
        try:
            found = _search(container, conditions)
            for run in (by_time(found) if is_sorted else found).values():
                seen = True
                yield run
        except Exception as error:
            if seen or not _is_refused(error):
                raise
            logger.info("Tiled cannot search or sort so (%s).", error)
        else:
            return


def count_raw(container: Any, query: RunQuery) -> int | None:
    """Return how many runs Tiled finds, at most some too many; None if it cannot search so."""
    if query.uids:
        return len(query.uids)
    try:
        return len(_search(container, _conditions(query, _RAW)))
    except Exception as error:
        if not _is_refused(error):
            raise
        return None


def find_analyses(container: Any, query: RunQuery) -> Iterator[Any]:
    """Yield clients of the analysis runs that may match, some perhaps twice.

    The rest is for `RunQuery.matches_analysis`.

    Parameters
    ----------
    container : tiled container
        Where the analysis runs are.
    query : RunQuery
        What is asked for.
    """
    for conditions in analysis_searches(query):
        yield from _search(container, conditions).values()


def analysis_searches(query: RunQuery) -> Iterator[list[Any]]:
    """Yield lists of Tiled's queries for analysis runs; a run may match that fits one list."""
    from tiled.queries import Eq

    common = [Eq("start.purpose", OURS), *_conditions(query, _ANALYSIS)]
    if not query.uids:
        yield common
        return
    for one in _uid_conditions(query.uids, _ANALYSIS):
        yield [*common, one]


def by_time(container: Any) -> Any:
    """Return a container whose runs come in ascending order of time.

    With more than `MOST_SORTED` runs, they stay in the order in which they were stored: that of
    time, where they were stored live.  A server on SQLite sorts the times as text, which is right
    from September 2001 on.  A Mongo database sorts by time without being asked, and fails if it
    is.
    """
    if any(key.split(".")[-1] == "time" for key, _ in container.sorting):
        return container
    return container.sort(("start.time", 1)) if len(container) <= MOST_SORTED else container


def like_pattern(text: str) -> str:
    """Return a pattern for Tiled's ``Like`` that finds whatever a name in a query means.

    Capitals do not matter in a name; whether they do in ``Like`` depends on the database of the
    server, and none of them knows more than the letters of ASCII.  So a letter stands for any
    character, as does what has a meaning in ``Like``: more is found, and never less.

    Parameters
    ----------
    text : str
        With ``*`` for any text.
    """
    kept = "0123456789 -.:;,/+()#@"
    return "".join("%" if c == "*" else c if c in kept else "_" for c in text)


def _search(container: Any, conditions: list[Any]) -> Any:
    for condition in conditions:
        container = container.search(condition)
    return container


def _conditions(query: RunQuery, keys: _Keys) -> list[Any]:
    """Return what Tiled can be asked of a query beside its uids.

    Not the sample: its name may be a text, a number or a list, in many places.
    """
    from tiled.queries import Comparison, Eq, In, Like

    asked: list[Any] = []
    if query.since is not None:
        asked.append(Comparison("ge", keys.time, float(query.since)))
    if query.until is not None:
        asked.append(Comparison("le", keys.time, float(query.until)))
    scans = query.scan_ids
    if 0 < len(scans) <= BATCH and all(abs(scan_id) <= _LARGEST for scan_id in scans):
        asked.append(In("start.scan_id", list(scans)))
    if query.plan_name.strip("*"):
        asked.append(Like("start.plan_name", like_pattern(query.plan_name)))
    for key, text in query.where:
        if not _may_be_other_than_text(text) and re.fullmatch(r"[A-Za-z_][\w.-]*", key, re.ASCII):
            asked.append(Eq(f"start.{key}", text))
    for key, text in ((keys.absorber, query.absorber), (keys.status, query.status)):
        if key and text:
            asked.append(Eq(key, text))
    for key, text in ((keys.label, query.label), (keys.model, query.model)):
        if key and text.strip("*"):
            asked.append(Like(key, like_pattern(text)))
    return asked


def _uid_conditions(uids: tuple[str, ...], keys: _Keys) -> Iterator[Any]:
    from tiled.queries import Eq, In, Like

    whole = [uid for uid in dict.fromkeys(uids) if len(uid) >= WHOLE_UID]
    for key in keys.uids:
        for first in range(0, len(whole), BATCH):
            some = whole[first : first + BATCH]
            yield Eq(key, some[0]) if len(some) == 1 else In(key, some)
        for uid in dict.fromkeys(uids):
            if len(uid) < WHOLE_UID:
                yield Like(key, _beginning(uid))


def _beginning(uid: str) -> str:
    """Return a pattern for what begins with a uid; odd characters stand for any."""
    return re.sub(r"[^0-9A-Za-z-]", "_", uid) + "%"


def _by_uid(container: Any, query: RunQuery) -> Iterator[Any]:
    for uid in dict.fromkeys(query.uids):
        if len(uid) >= WHOLE_UID and re.fullmatch(r"[0-9A-Za-z-]+", uid):
            run = find_child(container, uid)  # runs are stored under their uids, mostly
            if run is not None and _uid(run) == uid:
                yield run
                continue
        try:
            for condition in _uid_conditions((uid,), _RAW):
                yield from container.search(condition).values()
        except Exception as error:
            if not _is_refused(error):
                raise
            yield from (r for r in container.values() if _uid(r).startswith(uid))


def _uid(run: Any) -> str:
    return str((run.metadata.get("start") or {}).get("uid", ""))


def _may_be_other_than_text(text: str) -> bool:
    """Whether a value could be a number or a truth value in the start document."""
    if text.lower() in {"true", "false"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_refused(error: Exception) -> bool:
    return getattr(getattr(error, "response", None), "status_code", None) == _BAD_REQUEST

"""As much of a query as Tiled can answer itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from live_lce.archives._archive import Query
from live_lce.tiled._connection import find_child

logger = logging.getLogger(__name__)

MOST_SORTED = 5_000
"""Tiled sorts all runs anew for every hundred that it sends: no cost with 10^3 runs, seven times
that of listing them with 10^4 (``benchmarks/tiled_listing.py``)."""

_WHOLE_UID = 36
_BAD_REQUEST = 400


def find_runs(container: Any, query: Query) -> Iterator[Any]:
    """Yield clients of the runs that may match; the rest is for `Query.matches`.

    Runs come in ascending order of time, see :func:`by_time`; in the order in which they were
    stored where the server does not sort.

    Parameters
    ----------
    container : tiled container
        A catalog of runs.
    query : Query
        What is asked for.
    """
    if query.uids:
        yield from _by_uid(container, query)
        return
    for ask in (_sorted_runs, narrowed, _all_runs):
        seen = False
        try:
            for run in ask(container, query).values():
                seen = True
                yield run
        except Exception as error:
            if seen or not _is_refused(error):
                raise
            logger.info("Tiled cannot search or sort so (%s).", error)
        else:
            return


def _sorted_runs(container: Any, query: Query) -> Any:
    return by_time(narrowed(container, query))


def _all_runs(container: Any, query: Query) -> Any:
    return container


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


def count_runs(container: Any, query: Query) -> int | None:
    """Return how many runs Tiled finds, at most some too many; None if it cannot search so."""
    if query.uids:
        return len(query.uids)
    try:
        return len(narrowed(container, query))
    except Exception as error:
        if not _is_refused(error):
            raise
        return None


def narrowed(container: Any, query: Query) -> Any:
    """Return the search results for what can be asked; never fewer runs than match."""
    from tiled.queries import Comparison, Eq, In, Like

    asked: list[Any] = []
    if query.since is not None:
        asked.append(Comparison("ge", "start.time", float(query.since)))
    if query.until is not None:
        asked.append(Comparison("le", "start.time", float(query.until)))
    if query.scan_ids:
        asked.append(In("start.scan_id", list(query.scan_ids)))
    if query.plan_name.strip("*"):
        asked.append(Like("start.plan_name", like_pattern(query.plan_name)))
    for key, text in query.where:
        if not _may_be_other_than_text(text):
            asked.append(Eq(f"start.{key}", text))
    for one in asked:
        container = container.search(one)
    return container


def like_pattern(text: str) -> str:
    """Return a pattern for Tiled's ``Like`` that finds whatever a query's text means.

    Capitals do not matter in a query; whether they do in ``Like`` depends on the database of the
    server, and none of them knows more than the letters of ASCII.  So a letter stands for any
    character, as does what has a meaning in ``Like``: more is found, and never less.

    Parameters
    ----------
    text : str
        With ``*`` for any text.
    """
    kept = "0123456789 -.:;,/+()#@"
    return "".join("%" if c == "*" else c if c in kept else "_" for c in text)


def _by_uid(container: Any, query: Query) -> Iterator[Any]:
    from tiled.queries import Eq, Like

    for uid in dict.fromkeys(query.uids):
        if len(uid) == _WHOLE_UID:
            run = find_child(container, uid)  # runs are stored under their uids, mostly
            if run is not None:
                yield run
            else:
                yield from container.search(Eq("start.uid", uid)).values()
            continue
        try:
            yield from container.search(Like("start.uid", uid.replace("\\", "_") + "%")).values()
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

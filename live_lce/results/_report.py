"""Write a report of a series: one HTML file for the logbook, the group, the supplement."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from live_lce.query import Attempts, RunQuery
from live_lce.results._catalog import find, open_runs
from live_lce.results._report_data import gather
from live_lce.results._report_page import page


class NothingFoundError(ValueError):
    """There is nothing to report on."""


def report(
    source: Any,
    query: RunQuery | None = None,
    *,
    attempts: Attempts | None = None,
    api_key: str | None = None,
    path: str = "processed",
    title: str = "",
    cards: Mapping[str, Mapping[str, Any]] | None = None,
    axis: Callable[[Sequence[str]], Mapping[str, float]] | None = None,
    axis_label: str = "",
    now: Callable[[], float] = time.time,
) -> str:
    """Return a series as one HTML page that needs nothing else.

    It has a summary, the trend, spectra, what to do about each remark, the models with what their
    cards say, settings, versions, and the uids of all raw runs.  There is no script in it, it loads
    nothing, and it can be read in the dark and on paper.

    Parameters
    ----------
    source, attempts, api_key, path
        See :func:`live_lce.results.analyses`.
    query : RunQuery, optional
        Which runs; all by default.
    title : str
        Of the page; by default from the query.
    cards : mapping of str to mapping, optional
        Model cards as JSON, by the sha256 of the model.
    axis : callable, optional
        Takes raw uids and returns where their trend is drawn, e.g. a recorded signal (see
        :func:`live_lce.results.signal_values`); by default the time.
    axis_label : str
        What that is, with its unit.
    now : callable
        Returns the time (s since 1970): the only thing in the page that is not from Tiled.

    Raises
    ------
    NothingFoundError
        If no run is found.
    ResultsError
        If the server does not answer, refuses the key, or has no such container.
    """
    wanted = query or RunQuery()
    if attempts is not None:
        wanted = replace(wanted, attempts=attempts)
    with open_runs(source, api_key=api_key, path=path) as container:
        runs = find(container, wanted)
        if not runs:
            raise NothingFoundError("Nothing was found: there is nothing to report on")
        data = gather(container, runs, cards or {})
    if axis is not None:
        places = axis(list(dict.fromkeys(run.analysis.raw_uid for run in runs)))
        data = replace(data, axis=places, axis_label=axis_label)
    samples = dict.fromkeys(run.sample for run in runs)
    return page(
        data,
        title=title or _title(wanted, samples),
        asked=_asked(wanted),
        made=now(),
    )


def _title(query: RunQuery, samples: Mapping[str, None]) -> str:
    name = query.sample or (next(iter(samples)) if len(samples) == 1 else "")
    words = [name or f"{len(samples)} samples", query.absorber]
    return f"Local environments: {', '.join(filter(None, words))}"


def _asked(query: RunQuery) -> str:
    """Return a query in words."""
    names = ("sample", "absorber", "label", "status", "model")
    named = [(name, getattr(query, name)) for name in names]
    parts = [f"{name} {value}" for name, value in named if value]
    if query.since is not None:
        parts.append(f"from {_moment(query.since)}")
    if query.until is not None:
        parts.append(f"until {_moment(query.until)}")
    if query.scan_ids:
        parts.append(f"scans {', '.join(map(str, query.scan_ids))}")
    if query.uids:
        parts.append(f"{len(query.uids)} uids" if len(query.uids) > 3 else " ".join(query.uids))
    if query.attempts == "all":
        parts.append("all analyses, also superseded ones")
    return f"Asked for: {', '.join(parts) or 'everything'}."


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s since 1970"

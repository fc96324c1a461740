"""Find analysis runs in Tiled by a query: metadata only, a hundred per request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from live_lce.query import Attempts, RunQuery
from live_lce.tiled import Connection, PublishedAnalysis, analyses_of, explain
from live_lce.tiled._analyses import read_analysis, resolved
from live_lce.tiled._connection import find_child
from live_lce.tiled._query import find_analyses


class ResultsError(RuntimeError):
    """Results cannot be read; one line with what to do."""


@dataclass(frozen=True)
class PublishedRun:
    """One analysis run, as its start and stop documents tell.

    Parameters
    ----------
    analysis : PublishedAnalysis
        Uids, attempt, and whether it counts.
    sample : str
        Name of the sample, empty if unknown.
    scan_id : int or None
        Of the raw run.
    data_session : str
        Of the raw run, empty if it had none.
    raw_time : float
        Start of the raw run (s); NaN if unknown.
    edge : str
        Absorption edge.
    label, status : str
        How it ended; empty while it is open.
    confidence : float
        Of `label`; 0 if not answered.
    n_final : int
        Number of its spectra.
    reason : str
        Codes of all its spectra, joined by ``;``.
    probabilities, spread : dict of str to float
        Of the last spectrum: the probability of each class, and its standard deviation among the
        model's members; empty before contract 1.4, or if not computed.
    label_set : tuple of str
        Classes that cannot be excluded; empty before contract 1.4.
    model, model_version : str
        Name and version; empty if there was no model.
    classes : tuple of str
        The model's classes.
    contract : str
        Version of the contract that it follows.
    source : str
        Where the raw documents came from.
    used : str
        What mu was made of, of the last spectrum, e.g. ``ln(I0/It), energy = mono_energy``; empty
        before contract 1.5, or where no spectrum could be built.
    versions : dict of str
        Packages that made it.
    link : str
        Address of its node.
    """

    analysis: PublishedAnalysis
    sample: str
    scan_id: int | None
    data_session: str
    raw_time: float
    edge: str
    label: str
    status: str
    confidence: float
    n_final: int
    reason: str
    probabilities: dict[str, float]
    spread: dict[str, float]
    label_set: tuple[str, ...]
    model: str
    model_version: str
    classes: tuple[str, ...]
    contract: str
    source: str
    used: str
    versions: dict[str, str]
    link: str


@contextmanager
def open_runs(source: Any, *, api_key: str | None = None, path: str = "processed") -> Iterator[Any]:
    """Open the container of analysis runs for reading; nothing is made where it is missing.

    Parameters
    ----------
    source : str or tiled container
        Address of the server, joined with `path`; or the container itself, which stays open.
    api_key : str, optional
        Else from the address, else from ``TILED_API_KEY``; one that may only read is enough.
    path : str
        Where the runs are, ``/`` between levels; empty for `source` itself.

    Yields
    ------
    tiled container
        Of the analysis runs.

    Raises
    ------
    ResultsError
        If the server does not answer, refuses the key, or has no such container.
    """
    if not isinstance(source, str):
        yield source
        return
    connection = Connection(source, api_key=api_key)
    try:
        try:
            node = connection.container()
            for key in filter(None, path.split("/")):
                child = find_child(node, key)
                if child is None:
                    raise ResultsError(
                        f"{connection.uri} has no container {path}: check `tiled.uri` and "
                        "`tiled.path`, and whether the API key may read it"
                    )
                node = child
        except ResultsError:
            raise
        except Exception as error:
            raise ResultsError(explain(error, to="read")) from error
        yield node
    finally:
        connection.close()


def find(
    container: Any, query: RunQuery | None = None, *, attempts: Attempts | None = None
) -> list[PublishedRun]:
    """Return the analysis runs that a query wants, by start of the raw run.

    Parameters
    ----------
    container : tiled container
        Where the analysis runs are.
    query : RunQuery, optional
        All by default.
    attempts : {"latest", "all"}
        Replaces the query's, see :class:`live_lce.RunQuery`.

    Raises
    ------
    QueryError
        If `attempts` is neither.
    ResultsError
        If the server fails.
    """
    wanted = query or RunQuery()
    if attempts is not None:
        wanted = replace(wanted, attempts=attempts)
    try:
        found = {run.analysis.uid: run for run in _search(container, wanted)}
        own = [run.analysis for run in found.values()]
        if _splits_analyses(wanted):
            # What counts is known from all analyses of a raw run, found or not.
            there = analyses_of(container, sorted({a.raw_uid for a in own}))
            judged = [a for analyses in there.values() for a in analyses]
        else:
            judged = resolved(own)
    except Exception as error:
        raise ResultsError(explain(error, to="read")) from error
    runs = [replace(found[a.uid], analysis=a) for a in judged if a.uid in found]
    if wanted.attempts == "latest":
        runs = [run for run in runs if not run.analysis.superseded_by]
    return sorted(runs, key=_by_time)


def _splits_analyses(query: RunQuery) -> bool:
    """Whether one analysis of a raw run may be found and another not."""
    return bool(
        query.label
        or query.status
        or query.model
        or query.sample
        or query.plan_name
        or query.where
        or query.uids
    )


def _by_time(run: PublishedRun) -> tuple[float, float, str]:
    begun = run.raw_time if run.raw_time == run.raw_time else run.analysis.time
    return (begun, run.analysis.time, run.analysis.uid)


def _search(container: Any, query: RunQuery) -> Iterator[PublishedRun]:
    for node in find_analyses(container, query):
        if query.matches_analysis(node.metadata):
            run = read_run(node.metadata, node.item["links"]["full"])
            if run:
                yield run


def read_run(metadata: Mapping[str, Any], link: str) -> PublishedRun | None:
    """Return the analysis run whose metadata these are; None for a run that is not ours.

    Parameters
    ----------
    metadata : mapping
        ``start`` and, if it ended, ``stop``: the metadata of a run in Tiled.
    link : str
        Address of its node, ``item["links"]["full"]``.
    """
    analysis = read_analysis(metadata)
    if analysis is None:
        return None
    start, stop = metadata["start"], metadata.get("stop") or {}
    ours, ended = start["live_lce"], stop.get("live_lce") or {}
    model = ours.get("model") or {}
    scan_id = start.get("scan_id")
    return PublishedRun(
        analysis=analysis,
        sample=sample_name(start.get("sample")),
        scan_id=scan_id if isinstance(scan_id, int) else None,
        data_session=str(start.get("data_session") or ""),
        raw_time=_number(start.get("raw_time")),
        edge=str(ours.get("edge", "")),
        label=str(ended.get("label", "")),
        status=str(ended.get("status", "")),
        confidence=float(ended.get("confidence") or 0.0),
        n_final=int(ended.get("n_final", 0)),
        reason=str(ended.get("reason", "")),
        probabilities=_numbers(ended.get("probabilities")),
        spread=_numbers(ended.get("spread")),
        label_set=_names(ended.get("label_set")),
        model=str(model.get("name", "")),
        model_version=str(model.get("version", "")),
        classes=tuple(map(str, model.get("classes", ()))),
        contract=str(ours.get("contract", "")),
        source=str(ours.get("source", "")),
        used=_used(ended.get("used")) or _used(ours.get("used")),
        versions={str(k): str(v) for k, v in (ours.get("versions") or {}).items()},
        link=link,
    )


def _number(value: Any) -> float:
    """Return a number; NaN for the null that JSON makes of what is not finite."""
    return math.nan if value is None else float(value)


def _numbers(value: Any) -> dict[str, float]:
    """Return the finite numbers of a mapping."""
    found = value if isinstance(value, Mapping) else {}
    known = {str(k): float(v) for k, v in found.items() if isinstance(v, int | float)}
    return {name: number for name, number in known.items() if math.isfinite(number)}


def _names(value: Any) -> tuple[str, ...]:
    """Return names from a list, or from one text with commas as in the rows."""
    names = value.split(",") if isinstance(value, str) else value or ()
    return tuple(str(name) for name in names if name)


def _used(value: Any) -> str:
    return str(value.get("words", "")) if isinstance(value, Mapping) else ""


def sample_name(value: Any) -> str:
    """Return the name of a start document's ``sample``; bluesky allows a dictionary too."""
    if isinstance(value, Mapping):
        return str(value.get("name", ""))
    return str(value or "")

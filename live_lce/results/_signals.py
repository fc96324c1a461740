"""Read recorded signals of raw runs: numbers of start documents, means of columns.

A signal's name is where it is and what it is called there: ``start.scan_id``,
``start.series.temperature``, ``primary.furnace_temperature``, ``baseline.ring_current``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from live_lce.results._catalog import ResultsError
from live_lce.tiled import explain
from live_lce.tiled._query import BATCH

START = "start"
"""First part of the names of numbers in start documents."""

_ARROW_FILE = "application/vnd.apache.arrow.file"
_NOT_FOUND = 404
_OF_NO_USE = frozenset({"time", "hints", "plan_args", "plan_pattern_args", "versions"})
"""Keys of the start document that hold numbers without a meaning for a series."""


def signal_names(raw: Any, uid: str) -> dict[str, str]:
    """Return the signals that a raw run recorded: their names, with their units or an empty text.

    Costs two requests.  Left out is what a XANES scan runs through: energies, angles of the
    monochromator, and the one axis of a scan that has one.

    Parameters
    ----------
    raw : tiled container
        Of the raw runs, as TiledWriter writes them.
    uid : str
        Of the raw run; names of the newest one are those to offer.

    Returns
    -------
    dict of str to str
        Empty if the run is not there.

    Raises
    ------
    ResultsError
        If the server fails.
    """
    try:
        for run in _runs(raw, [uid]):
            start = run.metadata["start"]
            found = {f"{START}.{name}": "" for name in _numbers(start)}
            for stream, data_keys in _streams(run):
                found |= {f"{stream}.{k}": units for k, units in _scalars(start, data_keys)}
            return found
    except Exception as error:
        raise ResultsError(explain(error, to="read")) from error
    return {}


def signal_values(raw: Any, uids: Sequence[str], name: str) -> dict[str, float]:
    """Return a signal of raw runs: the number in the start document, or the mean of the column.

    Costs a request for a hundred runs, and two more each for a column, of which nothing else is
    read.  A point that was measured again after a pause counts once.

    Parameters
    ----------
    raw : tiled container
        Of the raw runs.
    uids : sequence of str
        Full uids.
    name : str
        See :func:`signal_names`.

    Returns
    -------
    dict of str to float
        By uid; runs that are not there or did not record it are left out, so that no number is
        NaN.

    Raises
    ------
    ResultsError
        If the server fails.
    """
    place, _, key = name.partition(".")
    found: dict[str, float] = {}
    try:
        for run in _runs(raw, uids):
            start = run.metadata["start"]
            value = _numbers(start).get(key) if place == START else _mean(run, place, key)
            if value is not None and math.isfinite(value):
                found[str(start["uid"])] = value
    except Exception as error:
        raise ResultsError(explain(error, to="read")) from error
    return found


def _runs(raw: Any, uids: Sequence[str]) -> Iterator[Any]:
    from tiled.queries import In

    once = list(dict.fromkeys(uids))
    for first in range(0, len(once), BATCH):
        yield from raw.search(In("start.uid", once[first : first + BATCH])).values()


def _numbers(start: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a start document, also one level down."""
    found: dict[str, float] = {}
    for key, value in start.items():
        if key in _OF_NO_USE:
            continue
        inner = value if isinstance(value, Mapping) else {}
        for name, number in ((key, value), *((f"{key}.{k}", v) for k, v in inner.items())):
            if isinstance(number, int | float) and not isinstance(number, bool):
                found[name] = float(number)
    return {name: number for name, number in found.items() if not _is_energy(name, "")}


def _streams(run: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield names of streams and their data keys, also of the layout of 2025."""
    streams = dict(getattr(run, "base", run).items())  # `base` where it is marked as a run
    between = streams.get("streams")
    if between is not None and "data_keys" not in between.metadata:
        streams = dict(between.items())
    for name, stream in streams.items():
        if name != START:
            yield name, stream.metadata.get("data_keys") or {}


def _scalars(
    start: Mapping[str, Any], data_keys: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield names and units of columns of numbers in the events, without what is scanned."""
    dimensions = (start.get("hints") or {}).get("dimensions") or []
    scanned = {field for fields, _ in dimensions for field in fields} if len(dimensions) < 2 else {}
    for name, key in data_keys.items():
        units = str(key.get("units") or "")
        number = key.get("dtype") in ("number", "integer") and not key.get("shape")
        if number and "external" not in key and name not in scanned and not _is_energy(name, units):
            yield name, units


def _is_energy(name: str, units: str) -> bool:
    said = name.lower()
    return units.lower() in ("ev", "kev") or "energy" in said or "bragg" in said


def _mean(run: Any, stream: str, key: str) -> float | None:
    """Return the mean of a column over the events of a run; None if it was not recorded."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    link = _table(run, stream, key)
    if link is None:
        return None
    response = _get(run, link, {"column": ["seq_num", key]}, _ARROW_FILE)
    if response is None:
        return None
    table = pa.ipc.open_file(pa.BufferReader(response.content)).read_all()
    numbers = table["seq_num"].to_numpy()
    _, last = np.unique(numbers[::-1], return_index=True)  # a repeated point replaces the first
    values = pc.cast(table[key], pa.float64()).to_numpy()[::-1][last]  # null becomes NaN
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else None


def _table(run: Any, stream: str, key: str) -> str | None:
    """Return the address of the table that has a column; None if there is none.

    Asked for a column that a table does not have, Tiled 0.2.20 fails with an internal error.
    """
    for folder in ("", "/streams"):
        response = _get(
            run,
            f"{run.item['links']['search']}{folder}/{quote(stream, safe='')}",
            {"page[limit]": 100, "fields": ["structure", "structure_family"]},
            "application/json",
        )
        if response is None:
            continue
        for child in response.json()["data"]:
            structure = child["attributes"].get("structure") or {}
            if {key, "seq_num"} <= set(structure.get("columns", ())):
                return str(child["links"]["full"])
        break
    return None


def _get(run: Any, link: str, params: Mapping[str, Any], accept: str) -> Any:
    """Return an answer of the server; None if there is no such thing."""
    from tiled.client.utils import handle_error, retry_context

    client = run.context.http_client
    for attempt in retry_context():
        with attempt:
            response = client.get(link, params=params, headers={"Accept": accept})
            if response.status_code != _NOT_FOUND:
                handle_error(response)
    return None if response.status_code == _NOT_FOUND else response

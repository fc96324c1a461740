"""The documents of a run in Tiled from its metadata and tables.

For servers without the exporter behind ``BlueskyRun.documents()``.  Only the columns that the
engine looks at are read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from live_lce.engine.roles import Roles
from live_lce.engine.signals import resolve
from live_lce.settings import Signals
from live_lce.sources.documents import Document

_COUNTING = ("seq_num", "time")
_ARROW = "application/vnd.apache.arrow.file"


def rebuild(run: Any, signals: Signals | None = None) -> Iterator[Document]:
    """Yield the documents of a run, stream by stream.

    Repeated ``seq_num`` come in the order in which they were stored.  Timestamps are left
    out.  A run that has not ended has no stop document.

    Parameters
    ----------
    run : BlueskyRun client
        Of the layout of TiledWriter (``BlueskyRun`` 3.0).
    signals : Signals, optional
        The engine's settings that name data keys; without them all columns are read.
    """
    from bluesky_tiled_plugins.exporters import build_descriptor_docs

    start = dict(run.metadata["start"])
    yield "start", start
    for name, stream in _streams(run):
        descriptors = build_descriptor_docs(
            dict(stream.metadata), stream_name=name, run_start_uid=start["uid"]
        )
        for descriptor in descriptors:
            yield "descriptor", dict(descriptor)
        keys = frozenset(key for descriptor in descriptors for key in descriptor["data_keys"])
        if signals is not None:
            keys = needed_keys(start, descriptors, signals)
        for event in _events(stream, descriptors, keys):
            yield "event", event
    stop = run.metadata.get("stop")
    if stop:
        yield "stop", dict(stop)


def needed_keys(
    start: Mapping[str, Any], descriptors: Sequence[Mapping[str, Any]], signals: Signals
) -> frozenset[str]:
    """Return the data keys that the engine reads of a stream; none if it is no spectrum.

    Parameters
    ----------
    start : mapping
        Start document.
    descriptors : sequence of mapping
        Descriptors of one stream.
    signals : Signals
        Settings that name data keys.
    """
    found: set[str] = set()
    for descriptor in descriptors:
        roles = resolve(start, descriptor, signals)
        if isinstance(roles, Roles):
            found |= {*roles.keys, roles.i0, roles.it, roles.ir, roles.mu, signals.outer}
    return frozenset(found - {""})


def _streams(run: Any) -> Iterator[tuple[str, Any]]:
    """Yield the streams, also of the layout of 2025 with a folder in between."""
    streams = dict(run.base.items())
    between = streams.get("streams")
    if between is not None and "BlueskyEventStream" not in {s.name for s in between.specs}:
        streams = dict(between.items())
    yield from streams.items()


def _events(
    stream: Any, descriptors: Sequence[Mapping[str, Any]], keys: frozenset[str]
) -> Iterator[dict[str, Any]]:
    columns = _columns(stream, keys)
    if not all(name in columns for name in _COUNTING):
        return  # no event has come yet
    numbers, times = columns.pop("seq_num"), columns.pop("time")
    # While a run is written, one part may be a row ahead of another.
    n_rows = min(map(len, (numbers, times, *columns.values())))
    for row in range(n_rows):
        number, time = int(numbers[row]), float(times[row])
        descriptor = _descriptor_at(descriptors, time)
        yield {
            "uid": f"event-{descriptor}-{number}",
            "descriptor": descriptor,
            "seq_num": number,
            "time": time,
            "data": {name: values[row] for name, values in columns.items()},
            "timestamps": {},
            "filled": {},
        }


def _columns(stream: Any, keys: frozenset[str]) -> dict[str, Any]:
    """Read columns of the tables of a stream, and arrays that lie beside them."""
    columns: dict[str, Any] = {}
    for name, part in stream.base.items():
        if part.structure_family == "table":
            wanted = [c for c in part.columns if c in keys or c in _COUNTING]
            if wanted := [c for c in wanted if c not in columns]:
                columns |= _table(part, wanted)
        elif name in keys and "external" not in part.metadata:
            columns[name] = part.read()
    return columns


def _table(table: Any, wanted: list[str]) -> dict[str, list[Any]]:
    # Not table.read(columns=...): Tiled's server returns them in any order, which the
    # client takes for an error.
    import pyarrow

    buffer = io.BytesIO()
    some = wanted if len(wanted) < len(table.columns) else None
    table.export(buffer, columns=some, format=_ARROW)
    found = pyarrow.ipc.open_file(buffer.getvalue()).read_all()
    return {name: found.column(name).to_pylist() for name in wanted}


def _descriptor_at(descriptors: Sequence[Mapping[str, Any]], time: float) -> str:
    """Return the uid of the descriptor that held at a time, as Tiled's exporter does."""
    uid = descriptors[0]["uid"]
    for descriptor in descriptors[1:]:
        if descriptor["time"] <= time:
            uid = descriptor["uid"]
    return str(uid)

"""Rebuild the documents of a run in Tiled from its metadata and tables.

For servers without the exporter behind ``BlueskyRun.documents()``, and for runs of which the
exporter does not give all.  Only the columns that the engine looks at are read, and turned into
events a page at a time.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from live_lce.archives._documents import Document
from live_lce.engine import _axis as axis
from live_lce.engine._grouping import separating
from live_lce.engine._roles import Roles
from live_lce.engine._signals import resolve
from live_lce.settings import Signals

_COUNTING = ("seq_num", "time")
_ARROW = "application/vnd.apache.arrow.file"
_PAGE = 1000
"""Rows of a table that are Python objects at a time."""
_BLOCK = 1_000_000
"""Values of an array that are read at a time."""


def rebuild(run: Any, signals: Signals | None = None) -> Iterator[Document]:
    """Yield the documents of a run, stream by stream, in the order of their descriptors.

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
    for name, stream in sorted(_streams(run), key=_begin):
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
        yield from _external(stream, descriptors[0], keys)
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
    scanned = axis.scanned(start).names
    for descriptor in descriptors:
        roles = resolve(start, descriptor, signals)
        if isinstance(roles, Roles):
            found |= {*roles.read, signals.outer}
            found |= {*separating(descriptor["data_keys"], scanned, roles)}
    return frozenset(found - {""})


def _streams(run: Any) -> list[tuple[str, Any]]:
    """Return the streams, also of the layout of 2025 with a folder in between."""
    streams = dict(run.base.items())
    between = streams.get("streams")
    if between is not None and "BlueskyEventStream" not in {s.name for s in between.specs}:
        streams = dict(between.items())
    return list(streams.items())


def _begin(named: tuple[str, Any]) -> float:
    return float(named[1].metadata["time"])


def _events(
    stream: Any, descriptors: Sequence[Mapping[str, Any]], keys: frozenset[str]
) -> Iterator[dict[str, Any]]:
    names, parts = _parts(stream, keys)
    if not all(name in names for name in _COUNTING):
        return  # no event has come yet
    # While a run is written, one part may be a row ahead of another.
    for row in zip(*parts, strict=False):
        data = dict(zip(names, (value for part in row for value in part), strict=True))
        number, time = int(data.pop("seq_num")), float(data.pop("time"))
        descriptor = _descriptor_at(descriptors, time)
        yield {
            "uid": f"event-{descriptor}-{number}",
            "descriptor": descriptor,
            "seq_num": number,
            "time": time,
            "data": data,
            "timestamps": {},
            "filled": {},
        }


def _external(
    stream: Any, descriptor: Mapping[str, Any], keys: frozenset[str]
) -> Iterator[Document]:
    """Yield where the external data of a stream are, as Tiled's exporter does."""
    for key, told in descriptor["data_keys"].items():
        if key not in keys or "external" not in told or key not in stream.base:
            continue
        part = stream.base[key]
        source = part.data_sources()[0]
        uris = [asset.data_uri for asset in source.assets]
        uid, n_rows = f"sr-{descriptor['uid']}-{key}", part.shape[0]
        resource = {
            "uid": uid,
            "run_start": descriptor["run_start"],
            "data_key": key,
            "mimetype": source.mimetype,
            "uri": uris[0],
            # One file a point is not read: the engine says so.
            "parameters": dict(source.parameters) | ({"template": "?"} if len(uris) > 1 else {}),
        }
        yield "stream_resource", resource
        yield (
            "stream_datum",
            {
                "uid": f"sd-{descriptor['uid']}-{key}",
                "stream_resource": uid,
                "descriptor": descriptor["uid"],
                "indices": {"start": 0, "stop": n_rows},
                "seq_nums": {"start": 1, "stop": n_rows + 1},
            },
        )


def _parts(stream: Any, keys: frozenset[str]) -> tuple[list[str], list[Iterator[Any]]]:
    """Return the columns' names, and iterators over the rows of tables and arrays."""
    names: list[str] = []
    parts: list[Iterator[Any]] = []
    for name, part in stream.base.items():
        if part.structure_family == "table":
            wanted = [c for c in part.columns if c in keys or c in _COUNTING]
            if wanted := [c for c in wanted if c not in names]:
                names += wanted
                parts.append(_table_rows(part, wanted))
        elif name in keys and "external" not in part.metadata:
            names.append(name)
            parts.append(_array_rows(part))
    return names, parts


def _table_rows(table: Any, wanted: list[str]) -> Iterator[tuple[Any, ...]]:
    # TiledWriter stores one partition; Tiled cannot read some of its rows.  In Arrow they take
    # 8 bytes a value, which is little; as Python objects it would be ten times as much.
    for partition in range(table.structure().npartitions):
        found = _read(table, partition, wanted)
        for begin in range(0, found.num_rows, _PAGE):
            page = found.slice(begin, _PAGE)
            yield from zip(*(page.column(name).to_pylist() for name in wanted), strict=True)


def _read(table: Any, partition: int, wanted: list[str]) -> Any:
    # Not table.read(columns=...): Tiled's server returns them in any order, which the
    # client takes for an error.
    import pyarrow
    from tiled.client.utils import export_util

    buffer = io.BytesIO()
    link = table.item["links"]["partition"].format(index=partition)
    some = {"column": wanted} if len(wanted) < len(table.columns) else {}
    export_util(buffer, _ARROW, table.context.http_client.get, link, params=some)
    return pyarrow.ipc.open_file(buffer.getvalue()).read_all()


def _array_rows(array: Any) -> Iterator[tuple[Any]]:
    if array.structure_family != "array":  # ragged
        yield from ((row,) for row in array.read())
        return
    n_rows, *shape = array.shape
    step = max(1, _BLOCK // max(1, math.prod(shape)))
    for begin in range(0, n_rows, step):
        yield from ((row,) for row in array[begin : begin + step])


def _descriptor_at(descriptors: Sequence[Mapping[str, Any]], time: float) -> str:
    """Return the uid of the descriptor that held at a time, as Tiled's exporter does."""
    uid = descriptors[0]["uid"]
    for descriptor in descriptors[1:]:
        if descriptor["time"] <= time:
            uid = descriptor["uid"]
    return str(uid)

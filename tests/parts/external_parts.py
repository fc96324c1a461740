"""Runs whose signals are in HDF5 files, for the tests of reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import event_model
import h5py
import numpy as np

from live_lce.archives import Document
from live_lce.testing import SCAN, START_TIME, spectrum_rows

COLUMNS = ("mono_energy", "I0", "It")


def columns(rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Return the signals of a good Fe scan, a column each."""
    rows = spectrum_rows(0.7) if rows is None else rows
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def write(path: Path, data: Mapping[str, Any], **options: Any) -> str:
    """Write a file; return its address."""
    with h5py.File(path, "w", **options) as file:
        for key, column in data.items():
            file[f"entry/{key}"] = column
    return address(path)


def address(path: Path) -> str:
    return f"file://localhost{path}"


def data_keys(keys: Iterable[str], external: Iterable[str], shape: Any = (1,)) -> dict[str, Any]:
    return {
        key: {"dtype": "number", "shape": [], "source": "sim"}
        | ({"external": "STREAM:", "shape": list(shape)} if key in set(external) else {})
        for key in keys
    }


def resource(uri: str, key: str, run: str) -> dict[str, Any]:
    return {
        "uid": f"resource-{run[:8]}-{key}",
        "run_start": run,
        "data_key": key,
        "uri": uri,
        "mimetype": "application/x-hdf5",
        "parameters": {"dataset": f"/entry/{key}", "chunk_shape": [1024]},
    }


def datum(of: Mapping[str, Any], descriptor: str, first: int, stop: int) -> dict[str, Any]:
    return {
        "uid": f"{of['uid']}/{first}",
        "stream_resource": of["uid"],
        "descriptor": descriptor,
        "indices": {"start": first, "stop": stop},
        "seq_nums": {"start": first + 1, "stop": stop + 1},
    }


def run(
    uri: str,
    data: Mapping[str, Any],
    *,
    external: Iterable[str] = COLUMNS,
    chunk: int = 20,
    start: Mapping[str, Any] = SCAN,
    stream: str = "primary",
    resources: Mapping[str, Any] | None = None,
    uid: str | None = None,
    n_rows: int | None = None,
) -> list[Document]:
    """Return the documents of a flight, or of a step scan where not all signals are external."""
    external = tuple(external)
    bundle = event_model.compose_run(uid=uid, metadata=dict(start), time=START_TIME, validate=False)
    run_uid = bundle.start_doc["uid"]
    keys = data_keys(data, external)
    descriptor = bundle.compose_descriptor(
        name=stream, data_keys=keys, time=START_TIME, validate=False
    )
    uid = descriptor.descriptor_doc["uid"]
    documents: list[Document] = [
        ("start", bundle.start_doc),
        ("descriptor", descriptor.descriptor_doc),
    ]
    told = [resource(uri, key, run_uid) | dict(resources or {}) for key in external]
    documents += [("stream_resource", one) for one in told]
    n = len(next(iter(data.values()))) if n_rows is None else n_rows
    events = len(external) < len(data)
    for first in range(0, n, 1 if events else chunk):
        stop = first + 1 if events else min(first + chunk, n)
        documents += [("stream_datum", datum(one, uid, first, stop)) for one in told]
        if events:
            row = {key: float(data[key][first]) for key in data if key not in external}
            now = START_TIME + first
            event = descriptor.compose_event(
                data=row, timestamps=dict.fromkeys(row, now), time=now, validate=False
            )
            documents.append(("event", event))
    stop_doc = bundle.compose_stop(time=START_TIME + n + 1, validate=False)
    return [*documents, ("stop", stop_doc)]


def said(result: Any) -> tuple[Any, ...]:
    """Return what a result says of its spectrum, bit by bit."""
    p, n = result.prediction, result.normalized
    return (
        result.final, result.n_points, p.status, p.findings, p.label, p.confidence,
        None if p.probabilities is None else p.probabilities.tobytes(),
        None if n is None else (n.energy.tobytes(), n.norm.tobytes()),
    )  # fmt: skip

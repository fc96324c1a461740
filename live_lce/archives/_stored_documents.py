"""Repair stored documents: their order, readings that are not numbers, missing parts.

Pure: documents in, documents out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from live_lce.archives._archive import ArchiveError
from live_lce.archives._documents import Document

_NUMBERS = ("number", "integer")


def in_order(documents: Iterable[tuple[str, Any]]) -> list[Document]:
    """Return the documents of one run so that no event comes before its descriptor.

    Tiled sorts them by time, which is wrong where a clock jumped, and ends a run that has
    not ended with an empty stop document.
    """
    first, events, last = [], [], []
    for name, doc in documents:
        if name == "stop":
            if doc and doc.get("run_start"):
                last.append((name, dict(doc)))
        elif name in ("start", "descriptor"):
            first.append((name, dict(doc)))
        else:
            events.append((name, dict(doc)))
    if all(name == "event" for name, _ in events):
        events.sort(key=lambda item: int(item[1]["seq_num"]))
    return first + events + last


def with_numbers(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield documents with NaN where a number is null.

    The stores make no difference between NaN, which beamlines send, and null, which they do
    not: Tiled's tables come back with null for both, databroker's JSON too.
    """
    numeric: dict[str, frozenset[str]] = {}  # descriptor uid: data keys
    for name, doc in documents:
        if name == "descriptor":
            numeric[str(doc.get("uid"))] = frozenset(
                key for key, told in doc["data_keys"].items() if told.get("dtype") in _NUMBERS
            )
        elif name in ("event", "event_page"):
            keys = numeric.get(str(doc.get("descriptor")), frozenset())
            doc = {**doc, "data": _filled(doc["data"], keys)}  # noqa: PLW2901
        yield name, doc


def _filled(data: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    filled = dict(data)
    for key in keys & data.keys():
        value = data[key]
        if value is None:
            filled[key] = math.nan
        elif isinstance(value, list):
            filled[key] = [math.nan if one is None else one for one in value]
    return filled


def check_streams(
    stop: Mapping[str, Any] | None, descriptors: Iterable[Mapping[str, Any]], where: str
) -> None:
    """Refuse a run of which whole streams are hidden.

    Parameters
    ----------
    stop : mapping or None
        Stop document: it tells the number of events of each stream.
    descriptors : iterable of mapping
        All that came.
    where : str
        For the error.

    Raises
    ------
    ArchiveError
        If there were events in a stream that is not there.
    """
    counted = (stop or {}).get("num_events")
    if not isinstance(counted, Mapping):
        return
    there = {str(doc.get("name")) for doc in descriptors}
    hidden = sorted(str(n) for n, number in counted.items() if number and str(n) not in there)
    if hidden:
        raise ArchiveError(
            f"{where}: the events of {', '.join(hidden)} cannot be read: they were deleted, or "
            "this API key may not see them"
        )


def has_arrays(documents: Iterable[Document]) -> bool:
    """Whether a run has arrays in its events."""
    return any(
        key.get("dtype") == "array" and "external" not in key
        for name, doc in documents
        if name == "descriptor"
        for key in doc["data_keys"].values()
    )


def has_several_spectra(start: Mapping[str, Any], outer: str) -> bool:
    """Whether a stream may hold several spectra one after the other: a grid, or outer steps."""
    shape = start.get("shape")
    return bool(outer) or (isinstance(shape, Sequence) and len(shape) > 1)

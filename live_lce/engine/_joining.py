"""Join rows of files and events of one stream into whole events, by ``seq_num``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from live_lce.engine._external import Files, Range, Source, UnreadableError, read_range, row_shape
from live_lce.engine._roles import Roles

Event = dict[str, Any]


@dataclass
class _Row:
    """A value, and where it was read; without a source if it came in an event."""

    value: Any
    source: Source | None = None
    index: int = 0


@dataclass
class _Parts:
    """What came for one `seq_num`."""

    descriptor: str = ""
    event: Mapping[str, Any] | None = None
    rows: dict[str, _Row] = field(default_factory=dict)


class Joining:
    """Joins the events of a stream with the rows of its files.

    A point is given when the last of its parts has come, in whatever order they come.  When
    all parts come again, as after a pause, it is given again.

    Parameters
    ----------
    files : Files
        Reads them.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._roles: dict[str, Roles] = {}  # by descriptor uid
        self._shapes: dict[str, dict[str, tuple[int, ...]]] = {}
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._early: dict[str, list[Mapping[str, Any]]] = {}  # stream_datum before its resource
        self._to_read: dict[str, list[Range]] = {}  # by data key
        self._coming: dict[int, _Parts] = {}
        self._given: dict[int, _Parts] = {}
        self._errors: dict[str, str] = {}  # by data key
        self._missing: Counter[str] = Counter()  # rows, by data key
        self._uris: set[str] = set()

    def describe(self, descriptor: Mapping[str, Any], roles: Roles) -> None:
        """Take in a descriptor whose roles have external data keys.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is malformed.
        """
        uid, keys = str(descriptor["uid"]), descriptor["data_keys"]
        self._shapes[uid] = {key: row_shape(keys[key]) for key in roles.external}
        self._roles[uid] = roles

    def resource(self, document: Mapping[str, Any]) -> Iterator[Event]:
        """Take in a `stream_resource`; yield the events that are whole now."""
        uid = str(document["uid"])
        self._resources[uid] = document
        for datum in self._early.pop(uid, []):
            yield from self.datum(datum)

    def datum(self, document: Mapping[str, Any]) -> Iterator[Event]:
        """Take in a `stream_datum`; yield the events that are whole now.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is malformed.
        """
        resource = self._resources.get(str(document["stream_resource"]))
        if resource is None:
            self._early.setdefault(str(document["stream_resource"]), []).append(document)
            return
        uid, key = str(document["descriptor"]), str(resource["data_key"])
        if uid not in self._roles or key not in self._roles[uid].external:
            return
        announced = read_range(document, resource, self._shapes[uid][key])
        self._uris.add(announced.source.uri)
        self._to_read.setdefault(key, []).append(announced)
        yield from self._read(key, last=False)

    def event(self, document: Mapping[str, Any]) -> Iterator[Event]:
        """Take in an event; yield it if it is whole now.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is malformed.
        """
        uid, seq_num = str(document["descriptor"]), int(document["seq_num"])
        data, filled = document["data"], document.get("filled") or {}
        if not isinstance(data, Mapping):
            raise TypeError("data is no mapping")
        parts = self._coming.setdefault(seq_num, _Parts())
        parts.event, parts.descriptor = document, uid
        for key in self._roles[uid].external:
            if key in data and filled.get(key, True):  # somebody has read the file for us
                parts.rows[key] = _Row(data[key])
        yield from self._whole(seq_num)

    def finish(self) -> Iterator[Event]:
        """Read what is still missing and once more what was read; yield what is new in it.

        Events without their rows are yielded as they are.
        """
        for key in list(self._to_read):
            yield from self._read(key, last=True)
        yield from self._read_again()
        for seq_num, parts in sorted(self._coming.items()):
            if seq_num in self._given:
                continue  # repeated in part: what was whole stands
            roles = self._roles[parts.descriptor]
            for key in set(roles.external) - parts.rows.keys():
                self._missing[key] = max(self._missing[key], 1)
            if parts.event is not None or set(roles.needed) <= parts.rows.keys():
                yield _event(seq_num, parts)

    def close(self) -> None:
        """Let go of the files."""
        self._files.close(self._uris)

    def problem(self, *, needed: bool) -> str:
        """Return why rows are missing, of needed signals or of the others; empty if none is."""
        wanted = {key for roles in self._roles.values() for key in roles.needed}
        said: dict[str, None] = {}
        for key in sorted(k for k, n in self._missing.items() if n and (k in wanted) == needed):
            said[self._errors.get(key, f"no stream_datum came for {key}")] = None
        if needed and self._early:
            said[f"no stream_resource came for {len(self._early)} of the files"] = None
        return "; ".join(said)

    def _read(self, key: str, *, last: bool) -> Iterator[Event]:
        """Read the rows of a data key in order, as far as they are there."""
        ranges = self._to_read[key]
        while ranges:
            one = ranges[0]
            n_before = one.stop - one.first
            try:
                rows = self._files.rows(one.source, one.first, one.stop, last=last)
            except UnreadableError as error:
                self._errors[key], rows = str(error), ()
            for value in rows[:n_before]:
                seq_num, row = one.seq_num, _Row(value, one.source, one.first)
                one.first, one.seq_num = one.first + 1, seq_num + 1
                parts = self._coming.setdefault(seq_num, _Parts())
                parts.rows[key] = row
                # An event knows its descriptor best: in mid-run there may be a new one.
                parts.descriptor = parts.descriptor if parts.event else one.descriptor
                yield from self._whole(seq_num)
            if one.first < one.stop:
                if rows or key not in self._errors:
                    self._errors[key] = f"rows of {key} from {one.first} on are not in the file"
                if not last:
                    return
                self._missing[key] += one.stop - one.first
            ranges.pop(0)
            if not last:
                self._errors.pop(key, None)

    def _whole(self, seq_num: int) -> Iterator[Event]:
        parts = self._coming[seq_num]
        roles = self._roles[parts.descriptor]
        if not set(roles.external) <= parts.rows.keys():
            return
        if parts.event is None and set(roles.read) - set(roles.external):
            return
        del self._coming[seq_num]
        if not roles.array:  # an event that is a spectrum has been judged when it is given
            self._given[seq_num] = parts
        yield _event(seq_num, parts)

    def _read_again(self) -> Iterator[Event]:
        """Read all rows once more: a file that grows may show zeros before it shows a row."""
        places: dict[tuple[str, str], list[tuple[int, _Row, Source]]] = {}
        for seq_num, parts in self._given.items():
            for key, row in parts.rows.items():
                if row.source is not None:
                    place = places.setdefault((key, row.source.uri), [])
                    place.append((seq_num, row, row.source))
        changed: set[int] = set()
        for (key, _), rows in places.items():
            first, stop = min(r.index for _, r, _ in rows), max(r.index for _, r, _ in rows) + 1
            try:
                found = self._files.rows(rows[0][2], first, stop, last=True)
            except UnreadableError as error:  # what was read stands, but nobody can check it
                self._errors[key] = f"read while the scan ran, not at its end: {error}"
                self._missing[key] += 1
                continue
            for seq_num, row, _ in rows:
                if row.index - first < len(found):
                    value = found[row.index - first]
                    if not _same(value, row.value):
                        row.value = value
                        changed.add(seq_num)
        for seq_num in sorted(changed):
            yield _event(seq_num, self._given[seq_num])


def _event(seq_num: int, parts: _Parts) -> Event:
    """Return one event of all parts; its time is NaN where no event came."""
    whole = parts.event or {"time": math.nan, "data": {}}
    rows = {key: row.value for key, row in parts.rows.items()}
    return {
        "descriptor": parts.descriptor,
        "seq_num": seq_num,
        "time": whole["time"],
        "data": {**whole["data"], **rows},
    }


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # NaN equals NaN here; lists too

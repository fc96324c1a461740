"""Recognize how a file keeps bluesky documents: JSON lines, a JSON list, msgpack.

Documents are taken out one by one: memory holds one of them, however long the file is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import IO, Any

import numpy as np

MAX_BYTES = 32_000_000
"""A document that takes more is refused."""
HEAD = 4096
"""So many bytes at the beginning of a file tell its container."""

_CHUNK = 1 << 20
BLANK = b" \t\r\n\x1e"  # the last one begins the records of a JSON sequence (RFC 7464)
BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.?)*+(?P<end>"|\Z)|[\[\]{}]', re.DOTALL)
_NAMES = rb"start|stop|descriptor|event|event_page|bulk_events|resource|datum|datum_page|stream_"
# A pair, or {"name", "doc"}; before the first one their number, where they are one list.
_PACKED = re.compile(
    rb"(?P<list>[\x90-\x9f]|\xdc..|\xdd....)?"
    rb"(?:\x92(?:[\xa0-\xbf]|\xd9.)(?:" + _NAMES + rb")|\x82\xa4name|\x82\xa3doc)",
    re.DOTALL,
)
_LINE = re.compile(rb'\[\s*"(?:' + _NAMES + rb')|\{\s*"(?:name|doc)"')
_NUMPY_KINDS = "biufSU"

Place = tuple[int, int, Any]
"""Number of a document, from 1, the bytes before it, and what stands there."""


class Container(StrEnum):
    """How documents are kept; the values are for people."""

    LINES = "JSON lines"
    LIST = "JSON list"
    MSGPACK = "msgpack"


class ContainerError(ValueError):
    """A file is damaged; says how."""


class TornError(ContainerError):
    """A file ends within a document, or before the end of a list."""


def recognize(head: bytes) -> Container | None:
    """Return what the beginning of an unpacked file says; None if it holds no documents.

    Parameters
    ----------
    head : bytes
        The first `HEAD` bytes, or all.
    """
    if _PACKED.match(head):
        return Container.MSGPACK
    text = head.removeprefix(BOM).lstrip(BLANK)
    if text[:1] == b"[" and text[1:].lstrip(BLANK)[:1] in (b"[", b"{", b"]"):
        return Container.LIST
    # Other words in brackets are headings of data files, other objects other JSON.
    return Container.LINES if _LINE.match(text) else None


def taken_out(container: Container, file: IO[bytes], number: int, offset: int) -> Iterator[Place]:
    """Yield what stands in a file, from a document on: JSON as bytes, of msgpack the values.

    Parameters
    ----------
    container : Container
        What the file is.
    file : binary file
        Unpacked.
    number, offset : int
        The first document's number, and the bytes before it.

    Raises
    ------
    TornError
        If the file ends within a document.
    ContainerError
        If it is damaged, or a document is too large.
    """
    file.seek(offset)
    if container is Container.MSGPACK:
        yield from _packed(file, number, offset)
    elif container is Container.LIST:
        yield from _items(file, number, offset)
    else:
        while line := file.readline(MAX_BYTES + 1):
            _check_size(len(line))
            yield number, offset, line
            number, offset = number + 1, offset + len(line)


def _items(file: IO[bytes], number: int, offset: int) -> Iterator[Place]:
    """Yield the items of a JSON list, or of several that follow each other."""
    rest, scanned, depth, inside = b"", 0, 0, offset > 0
    while chunk := file.read(_CHUNK):
        rest += chunk
        begin = 0  # of the item that has begun, else behind the last one
        for token in _TOKEN.finditer(rest, scanned):
            mark = token[0][:1]
            if mark == b'"':
                if token["end"]:
                    continue
                scanned = token.start()
                break
            opens = mark in b"[{"
            if depth == 0:
                _check_gap(rest[begin : token.start()])
                if not inside or not opens:  # a bracket of the list itself
                    if mark != (b"]" if inside else b"["):
                        raise ContainerError(f"no JSON list: {mark.decode()} between its items")
                    inside, begin = not inside, token.end()
                    continue
                begin = token.start()
            depth += 1 if opens else -1
            if depth == 0:
                yield number, offset + begin, rest[begin : token.end()]
                number, begin = number + 1, token.end()
        else:
            scanned = len(rest)
        rest, scanned, offset = rest[begin:], scanned - begin, offset + begin
        _check_size(len(rest))
    if depth or inside:
        raise TornError("the list has no end")
    _check_gap(rest)


def _check_gap(between: bytes) -> None:
    if strange := between.removeprefix(BOM).strip(BLANK + b","):
        said = strange[:20].decode("utf-8", errors="replace")
        raise ContainerError(f"no JSON list of documents: {said!r} between its items")


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ContainerError(f"a document of more than {MAX_BYTES / 1e6:.0f} MB")


def _packed(file: IO[bytes], number: int, offset: int) -> Iterator[Place]:
    """Yield the values in a msgpack, or of the list that it is."""
    import msgpack

    unpacker = msgpack.Unpacker(
        file, object_hook=_numpy_value, max_buffer_size=MAX_BYTES, read_size=_CHUNK
    )
    try:
        if offset == 0:
            head = file.read(HEAD)
            file.seek(0)
            match = _PACKED.match(head)
            if match is not None and match["list"]:
                unpacker.read_array_header()
        at = unpacker.tell()
        for value in unpacker:
            yield number, offset + at, value
            number, at = number + 1, unpacker.tell()
    except msgpack.BufferFull:
        raise ContainerError(f"a document of more than {MAX_BYTES / 1e6:.0f} MB") from None
    except (ValueError, msgpack.UnpackException) as error:
        raise ContainerError(f"no msgpack ({str(error) or type(error).__name__})") from None
    if file.tell() > offset + at:
        raise TornError("the file ends within a document")


def _numpy_value(value: dict[Any, Any]) -> Any:
    """Return what the package msgpack-numpy packed; of its own decoder, pickles are not wanted."""
    if b"nd" not in value:
        return value
    kind = np.dtype(value.get(b"type", "O"))
    if kind.kind not in _NUMPY_KINDS:
        raise ValueError(f"an array of {kind.kind!r}, not of numbers or text")
    flat = np.frombuffer(value[b"data"], kind)
    return flat.reshape(value[b"shape"]) if value[b"nd"] else flat[0].item()

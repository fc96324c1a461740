"""Read bluesky documents from files: JSON lines, a JSON list or msgpack, also gzipped."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from live_lce.archives._containers import (
    BLANK,
    BOM,
    HEAD,
    Container,
    ContainerError,
    TornError,
    recognize,
    taken_out,
)

logger = logging.getLogger(__name__)

_GZIP = b"\x1f\x8b"

Document = tuple[str, dict[str, Any]]


class DocumentsError(ValueError):
    """A file cannot be read as bluesky documents; one line with file and line number."""


@dataclass(frozen=True)
class Position:
    """Where a document begins: its line or number, from 1, and the bytes before it (unpacked)."""

    line: int = 1
    offset: int = 0


def read_documents(path: str | Path, *, position: Position | None = None) -> Iterator[Document]:
    """Yield the documents of a file.

    A document is ``[name, document]``, or ``{"name": ..., "doc": ...}`` as in the backup files
    of TiledWriter: one a line, in a JSON list, or packed by msgpack (suitcase.msgpack,
    databroker-pack).  Gzipped files are unpacked.  A last one that is torn (the program that
    wrote it was killed) is skipped with a warning.

    Parameters
    ----------
    path : path
        The file.
    position : Position, optional
        Where to begin.

    Raises
    ------
    DocumentsError
        If the file cannot be opened, or something in it is no document.
    """
    for _, name, doc in _read(Path(path), position or Position()):
        yield name, doc


def find_starts(
    path: str | Path, on_damaged: Callable[[DocumentsError], None]
) -> Iterator[tuple[dict[str, Any], Position]]:
    """Yield the start documents of a file, and where they stand.

    Of JSON, the other documents are not parsed, except the first.

    Parameters
    ----------
    path : path
        The file.
    on_damaged : callable
        Gets the error of a start document that is damaged or has no uid.

    Raises
    ------
    DocumentsError
        If the file cannot be opened, or the first thing in it is no document.
    """
    for position, name, doc in _read(Path(path), Position(), b'"start"', on_damaged):
        if name != "start":
            continue
        if isinstance(doc.get("uid"), str):
            yield doc, position
        else:
            on_damaged(DocumentsError(f"{path}:{position.line}: a start document without a uid"))


def _read(
    path: Path,
    position: Position,
    having: bytes = b"",
    on_damaged: Callable[[DocumentsError], None] | None = None,
) -> Iterator[tuple[Position, str, dict[str, Any]]]:
    """Yield the first document, and those that hold some text."""
    number, first = position.line - 1, True
    try:
        with _open(path) as file:
            container = recognize(file.read(HEAD)) or Container.LINES
            for number, offset, raw in taken_out(container, file, position.line, position.offset):
                if isinstance(raw, bytes) and not (raw.strip() and (first or having in raw)):
                    continue
                try:
                    name, doc = _parse(raw, f"{path}:{number}")
                except DocumentsError as error:
                    torn = container is Container.LINES and not raw.endswith(b"\n")
                    if torn and not first:
                        logger.warning("%s; the torn last line was skipped", error)
                        return
                    if first or on_damaged is None:
                        raise
                    on_damaged(error)
                    continue
                first = False
                yield Position(number, offset), name, doc
    except TornError as error:
        if first:
            raise DocumentsError(f"{path}:{number + 1}: {error}") from None
        logger.warning("%s:%d: %s; what is torn was skipped", path, number + 1, error)
    except ContainerError as error:
        raise DocumentsError(f"{path}:{number + 1}: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DocumentsError(f"{path}: cannot be read: {error}") from error


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = path.suffix == ".gz" or file.read(2) == _GZIP
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def _parse(raw: Any, where: str) -> Document:
    value = _json(raw, where) if isinstance(raw, bytes) else raw
    if isinstance(value, dict):
        value = [value.get("name"), value.get("doc")]
    if not (isinstance(value, list) and len(value) == 2):
        raise DocumentsError(f'{where}: expected [name, document] or {{"name", "doc"}}')
    name, doc = value
    if not isinstance(name, str) or not isinstance(doc, dict):
        raise DocumentsError(f'{where}: expected [name, document] or {{"name", "doc"}}')
    return name, doc


def _json(text: bytes, where: str) -> Any:
    try:
        return json.loads(text.strip(BLANK).removeprefix(BOM))
    except UnicodeDecodeError:
        raise DocumentsError(
            f"{where}: binary data; expected bluesky documents, one JSON a line"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DocumentsError(f"{where}: no JSON ({error})") from None

"""Reading bluesky documents from JSON-lines files."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

logger = logging.getLogger(__name__)

_GZIP = b"\x1f\x8b"

Document = tuple[str, dict[str, Any]]


class DocumentsError(ValueError):
    """A file cannot be read as bluesky documents; one line with file and line number."""


@dataclass(frozen=True)
class Position:
    """Where a line begins: its number, from 1, and the bytes before it (when unpacked)."""

    line: int = 1
    offset: int = 0


def read_documents(path: str | Path, *, position: Position | None = None) -> Iterator[Document]:
    """Yield the documents of a JSON-lines file, one a line.

    A line is ``[name, document]``, or ``{"name": ..., "doc": ...}`` as in the backup files
    of TiledWriter.  Gzipped files are unpacked.  A last line that is torn (the program that
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
        If the file cannot be opened, or a line is no document.
    """
    for _, name, doc in _read(Path(path), position or Position()):
        yield name, doc


def find_starts(
    path: str | Path, on_damaged: Callable[[DocumentsError], None]
) -> Iterator[tuple[dict[str, Any], Position]]:
    """Yield the start documents of a JSON-lines file, and where they stand.

    The other lines are not parsed, except the first.

    Parameters
    ----------
    path : path
        The file.
    on_damaged : callable
        Gets the error of a start document that is damaged or has no uid.

    Raises
    ------
    DocumentsError
        If the file cannot be opened, or its first line is no document.
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
    """Yield the documents of the first line, and of those that hold some text."""
    number, offset = position.line - 1, position.offset
    first = True
    try:
        with _open(path) as file:
            file.seek(offset)
            for line in file:
                number += 1
                here, offset = Position(number, offset), offset + len(line)
                if not line.strip() or not (first or having in line):
                    continue
                try:
                    name, doc = _parse(line, f"{path}:{number}")
                except DocumentsError as error:
                    if not first and not line.endswith(b"\n"):
                        logger.warning("%s; the torn last line was skipped", error)
                        return
                    if first or on_damaged is None:
                        raise
                    on_damaged(error)
                    continue
                first = False
                yield here, name, doc
    except (OSError, EOFError, zlib.error) as error:
        raise DocumentsError(f"{path}: cannot be read: {error}") from error


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    with path.open("rb") as file:
        packed = path.suffix == ".gz" or file.read(2) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")


def _parse(line: bytes, where: str) -> Document:
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        raise DocumentsError(
            f"{where}: binary data; expected bluesky documents, one JSON a line"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DocumentsError(f"{where}: no JSON ({error})") from None
    if isinstance(value, dict):
        value = [value.get("name"), value.get("doc")]
    if not (isinstance(value, list) and len(value) == 2):
        raise DocumentsError(f'{where}: expected [name, document] or {{"name", "doc"}}')
    name, doc = value
    if not isinstance(name, str) or not isinstance(doc, dict):
        raise DocumentsError(f'{where}: expected [name, document] or {{"name", "doc"}}')
    return name, doc

"""Reading bluesky documents from JSON-lines files."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

logger = logging.getLogger(__name__)

Document = tuple[str, dict[str, Any]]


class DocumentsError(ValueError):
    """A file cannot be read as bluesky documents; one line with file and line number."""


def read_documents(path: str | Path) -> Iterator[Document]:
    """Yield the documents of a JSON-lines file, one a line.

    A line is ``[name, document]``, or ``{"name": ..., "doc": ...}`` as in the backup files
    of TiledWriter.  Files that end in ``.gz`` are decompressed.  A last line that is torn
    (the program that wrote it was killed) is skipped with a warning.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    DocumentsError
        If the file cannot be opened, or a line is no document.
    """
    path = Path(path)
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    document = _parse(line, f"{path}:{number}")
                except DocumentsError as error:
                    if number == 1 or line.endswith(b"\n"):
                        raise
                    logger.warning("%s; the torn last line was skipped", error)
                    return
                yield document
    except (OSError, EOFError, zlib.error) as error:
        raise DocumentsError(f"{path}: cannot be read: {error}") from error


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")


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

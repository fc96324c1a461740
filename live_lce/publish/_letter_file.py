"""Reading dead letters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_lce.publish._documents import Document

INCOMPLETE = ".incomplete"
_LAST = 1_000_000  # bytes: longer than any stop document


@dataclass(frozen=True)
class DeadLetter:
    """A run that could not be processed wholly; one of the runs that can be replayed.

    Parameters
    ----------
    path : Path
        Its file.
    uid : str
        Uid of the raw run; empty where nothing tells it.
    start : dict
        Start document; empty if it is not there.
    whole : bool
        Whether all documents are there, as they were.
    lacks : str
        What is missing otherwise.
    errors : tuple of str
        What went wrong, each once.
    source : str
        Where the documents came from.
    """

    path: Path
    uid: str
    start: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    lacks: str = ""
    errors: tuple[str, ...] = ()
    source: str = ""

    @property
    def where(self) -> str:
        """The file, for people."""
        return str(self.path)

    def documents(self) -> Iterator[Document]:
        """Yield the documents in the order of their arrival.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        for record in _records(self.path):
            yield str(record["name"]), record["doc"]


def read_letter(path: Path) -> DeadLetter:
    """Read a file of dead letters, but for its documents.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    uid = source = last = ""
    start: dict[str, Any] = {}
    errors: dict[str, None] = {}
    exact = True
    for record in _records(path):
        last = str(record["name"])
        if last == "start" and not start and isinstance(record["doc"], dict):
            start = record["doc"]
        if "error" in record:
            errors[str(record["error"])] = None
            exact = exact and record.get("exact", True) is True
            uid, source = str(record.get("run", uid)), str(record.get("source", source))
    lacks = ""
    if path.stem.endswith(INCOMPLETE) or not start:
        lacks = "not all of the run is in the file"
    elif not exact:
        lacks = "a document that failed could not be written as it was"
    elif last != "stop":
        lacks = "the file ends before the run's stop document"
    known = uid or str(start.get("uid", ""))
    return DeadLetter(path, known, start, not lacks, lacks, tuple(errors), source)


def ends_whole(path: Path) -> bool:
    """Whether a file holds a run to its stop document."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LAST))
            lines = file.read(_LAST).splitlines()
        return bool(lines) and json.loads(lines[-1])["name"] == "stop"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines; torn ones are left out."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict) and {"name", "doc"} <= record.keys():
                    yield record

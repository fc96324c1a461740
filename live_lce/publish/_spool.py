"""Write every document to disk before it goes to Tiled.

One file per analysis run, ``<uid>.jsonl``, with lines ``{"name", "doc"}`` as in
the backup files of ``TiledWriter``.  A file is locked while its writer lives.  A run
that is to supersede others says so in ``"again"`` beside its start document.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Any

from live_lce._support.private_files import PRIVATE, Access
from live_lce.publish._documents import Document, utf8_values
from live_lce.tiled._analyses import Again

SUFFIX = ".jsonl"


def lock(handle: IO[Any]) -> bool:
    """Lock an open file for this writer; False if another one holds it."""
    if sys.platform == "win32":  # no flock there: one process per spool
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class SpoolFile:
    """The file of one run, open for appending.

    An earlier attempt at the same run may be in the file: the new one is
    appended, and readers take the best.

    Parameters
    ----------
    folder : Path
        Made if missing.
    uid : str
        Uid of the analysis run.
    access : Access
        Who may read it.

    Attributes
    ----------
    shared : bool
        Another living process writes the same run: this is a second file of it.

    Raises
    ------
    OSError
        If folder or file cannot be written.
    """

    def __init__(self, folder: Path, uid: str, access: Access = PRIVATE) -> None:
        access.folder(folder)
        self.path, self._handle = _open_own(folder, uid, access)
        self.shared = self.path.stem != uid
        if self._handle.tell() and _last_byte(self.path) != b"\n":
            # The last attempt was killed in mid-line: do not continue its line.
            self._write(b"\n")

    def append(self, name: str, doc: Mapping[str, Any], **more: Any) -> int:
        """Append one document and hand it to the operating system.

        Parameters
        ----------
        name : str
            The document's name.
        doc : mapping
            The document.
        **more : object
            Kept beside it in its line.

        Returns
        -------
        int
            Bytes written.

        Raises
        ------
        OSError
            If the disk is full or broken; a part of the line may be in the file.
        """
        return self._write(json.dumps({"name": name, "doc": doc, **more}).encode() + b"\n")

    def _write(self, line: bytes) -> int:
        # Unbuffered: what a full disk refused must not come back at the close.
        rest = memoryview(line)
        while rest:
            rest = rest[self._handle.write(rest) :]
        return len(line)

    def restart(self) -> None:
        """Forget what is in the file."""
        if self._handle.tell():
            self._handle.truncate(0)

    def close(self) -> None:
        """Keep the file and unlock it."""
        self._handle.close()

    def remove(self) -> None:
        """Delete the file: its run is safe elsewhere."""
        self.path.unlink(missing_ok=True)
        self._handle.close()


def _open_own(folder: Path, uid: str, access: Access) -> tuple[Path, FileIO]:
    # Two processes may analyse the same raw run: each keeps its own file.
    names = [uid] + [f"{uid}-{os.getpid()}-{n}" for n in range(100)]
    for name in names:
        path = folder / f"{name}{SUFFIX}"
        handle = access.append(path)
        if lock(handle):
            return path, handle
        handle.close()
    raise OSError(f"all spool files of run {uid} in {folder} are in use")


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1)


@dataclass(frozen=True)
class SpooledRun:
    """What a spool file holds.

    Parameters
    ----------
    path : Path
        The file.
    documents : tuple of (name, document)
        The best attempt: the last complete one, else the longest.
    again : Again
        What happens where its raw run is analysed already.
    """

    path: Path
    documents: tuple[Document, ...]
    again: Again = Again.NO

    @property
    def start(self) -> dict[str, Any]:
        """The start document; empty if the file holds none."""
        return dict(self.documents[0][1]) if self.documents else {}

    @property
    def complete(self) -> bool:
        """Whether the run has its stop document."""
        return bool(self.documents) and self.documents[-1][0] == "stop"


def waiting(folder: Path) -> list[Path]:
    """Return the spool files in a folder (of any state), by name."""
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def in_use(path: Path) -> bool:
    """Whether a living writer holds the file."""
    try:
        with path.open("a", encoding="utf-8") as handle:
            return not lock(handle)
    except OSError:  # of another account, or no file: it waits for whoever can read it
        return False


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a file; the value is whether no living writer holds it."""
    try:
        handle = path.open("r+", encoding="utf-8")
    except FileNotFoundError:
        yield True
        return
    with handle:
        yield lock(handle)


def read_spooled(path: Path) -> SpooledRun:
    """Read a spool file; torn lines are left out.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    attempts: list[list[Document]] = []
    wanted: list[Again] = []
    with path.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            found = _parse(line)
            if found is None:
                continue
            document, again = found
            if document[0] == "start":
                attempts.append([])
                wanted.append(again)
            if attempts:
                attempts[-1].append(document)
    if not attempts:
        return SpooledRun(path, ())
    numbers = range(len(attempts))
    complete = [n for n in numbers if attempts[n][-1][0] == "stop"]
    best = complete[-1] if complete else max(numbers, key=lambda n: len(attempts[n]))
    return SpooledRun(path, tuple(attempts[best]), wanted[best])


def _parse(line: str) -> tuple[Document, Again] | None:
    try:
        record = json.loads(line)
        held = dict(record["doc"])
        if "\\ud" in line:  # written by a release that let lone surrogates pass
            held = utf8_values(held)
        document = str(record["name"]), held
        return document, Again(record.get("again", Again.NO))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None

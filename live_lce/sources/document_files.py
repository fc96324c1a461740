"""Files of documents and data files as an archive: one file, a folder, a pattern."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

from live_lce.sources.archive import ArchivedRun, ArchiveError, Query
from live_lce.sources.documents import Document, DocumentsError, Position, find_starts
from live_lce.sources.documents import read_documents as _read
from live_lce.sources.run_filter import RunFilter

_DOCUMENTS = (".jsonl", ".json")
_DATA = (
    *(".xdi", ".dat", ".txt", ".csv", ".asc", ".prj", ".xmu", ".nor", ".xas", ".xanes"),
    *(".xafs", ".exafs"),
)
_NUMBERED = re.compile(r"\.\d{2,5}")  # scan.0001, as at the APS
_COUNTED_BYTES = 200_000_000
"""More than this is not read only to count the runs."""


@dataclass(frozen=True)
class FileRun:
    """A run in a file of documents.

    Parameters
    ----------
    path : Path
        The file.
    start : dict
        The start document.
    position : Position
        Where in the file the start document stands.
    """

    path: Path
    start: dict[str, Any] = field(compare=False)
    position: Position

    @property
    def uid(self) -> str:
        """Uid of the run."""
        return str(self.start["uid"])

    @property
    def where(self) -> str:
        """The file, and the line unless the run is the first."""
        return str(self.path) if self.position.line == 1 else f"{self.path}:{self.position.line}"

    def documents(self) -> Iterator[Document]:
        """Yield the documents of this run, also where others lie between them.

        Raises
        ------
        DocumentsError
            If the file cannot be read, or a line is no document.
        """
        mine = RunFilter(self.uid)
        for name, doc in _read(self.path, position=self.position):
            if mine.ends(name, doc):
                return
            if mine.holds(name, doc):
                yield name, doc
            if mine.ended:
                return


class FileArchive:
    """Files of documents and of data.

    Parameters
    ----------
    source : str
        File, folder (read with all folders in it) or pattern.

    Raises
    ------
    ArchiveError
        If there is no such file.
    """

    def __init__(self, source: str) -> None:
        self.name = source
        self.problems: list[str] = []
        self._path = Path(source).expanduser()
        self._pattern = "" if self._path.exists() else str(self._path)
        if self._pattern and not (re.search(r"[*?\[]", source) and self._files()):
            raise ArchiveError(
                f"{source}: no such file or folder: check the path (or write http://..., "
                "profile:NAME or databroker:NAME)"
            )

    def runs(self, query: Query) -> Iterator[ArchivedRun]:
        """Yield the runs that match, file by file.

        Raises
        ------
        ArchiveError
            If the only file cannot be read; of several, the others are read.
        """
        alone = self._path.is_file()
        for path in self._files():
            try:
                yield from _runs_of(path, query, self._problem)
            except ArchiveError as error:
                if alone:
                    raise
                self._problem(str(error))

    def count(self, query: Query) -> int | None:
        """Return the number of runs that match, unless the files are large."""
        try:
            if sum(path.stat().st_size for path in self._files()) > _COUNTED_BYTES:
                return None
            return sum(1 for _ in self.runs(query))
        except (OSError, ArchiveError):
            return None

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""

    def _problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    def _files(self) -> list[Path]:
        if self._pattern:
            found = [Path(name) for name in sorted(_glob(self._pattern))]
            return [path for path in found if path.is_file()]
        if self._path.is_dir():
            return [path for path in sorted(self._path.rglob("*")) if _is_wanted(path)]
        return [self._path]


def _glob(pattern: str) -> list[str]:
    return glob(pattern, recursive=True)  # noqa: PTH207 - pathlib takes no absolute patterns


def _is_wanted(path: Path) -> bool:
    """Whether a file in a folder looks like documents or data by its name."""
    suffix = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    wanted = suffix in (*_DOCUMENTS, *_DATA) or _NUMBERED.fullmatch(suffix)
    return bool(wanted) and not path.name.startswith(".") and path.is_file()


def _runs_of(path: Path, query: Query, problem: Callable[[str], None]) -> Iterator[ArchivedRun]:
    if not _holds_documents(path):
        from live_lce.sources.data_documents import read_data_runs

        yield from (run for run in read_data_runs(path) if query.matches(run.start))
        return
    seen = False
    try:
        for start, position in find_starts(path, lambda error: problem(str(error))):
            seen = True
            if query.matches(start):
                yield FileRun(path, start, position)
    except DocumentsError as error:
        raise ArchiveError(str(error)) from None
    if not seen:
        raise ArchiveError(f"{path}: no start document: expected the documents of whole runs")


def _holds_documents(path: Path) -> bool:
    """Whether a file is JSON lines; else it is data."""
    from live_lce.sources.files_athena import is_athena

    try:
        with path.open("rb") as file:
            head = file.read(4096)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path, "rb") as unpacked:
                head = unpacked.read(4096)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path}: cannot be read: {error}") from None
    text = head.decode("latin-1").lstrip("\ufeff \t\r\n")
    named = path.name.lower().removesuffix(".gz").endswith(_DOCUMENTS)
    return (named or text.startswith(("[", "{"))) and not is_athena(text)

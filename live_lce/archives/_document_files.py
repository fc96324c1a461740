"""Read a file, a folder or a pattern of document and data files as an archive."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live_lce.archives._archive import ArchivedRun, ArchiveError
from live_lce.archives._containers import HEAD, recognize
from live_lce.archives._documents import (
    Document,
    DocumentsError,
    Position,
    find_starts,
    read_documents as _read,
)
from live_lce.archives._run_filter import documents_of
from live_lce.datafiles._kinds import kind_of, may_be_data, may_be_documents, suffix_of
from live_lce.query import RunQuery
from live_lce.settings import Signals

if TYPE_CHECKING:
    from live_lce.archives._data_files import DataRun

_COUNTED_BYTES = 200_000_000
"""More than this is not read only to count the runs."""


class _OtherFormatError(ArchiveError):
    """A file is of a format that holds no runs: `kind`."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


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
        """The file, and the line or number of the start document unless it is the first."""
        return str(self.path) if self.position.line == 1 else f"{self.path}:{self.position.line}"

    def documents(self) -> Iterator[Document]:
        """Yield the documents of this run, also where others lie between them.

        Raises
        ------
        DocumentsError
            If the file cannot be read, or something in it is no document.
        """
        yield from documents_of(self.uid, _read(self.path, position=self.position))


class FileArchive:
    """Files of documents and of data.

    Parameters
    ----------
    source : str
        File, folder (read with all folders in it) or pattern.
    signals : Signals, optional
        Settings that name columns of data files.

    Raises
    ------
    ArchiveError
        If there is no such file.
    """

    def __init__(self, source: str, *, signals: Signals | None = None) -> None:
        self.name = source
        self.problems: list[str] = []
        self._signals = signals
        self._left: dict[Path, str] = {}
        self._path = Path(source).expanduser()
        self._pattern = "" if self._path.exists() else str(self._path)
        if self._pattern and not (re.search(r"[*?\[]", source) and self._files()):
            raise ArchiveError(
                f"{source}: no such file or folder: check the path (or write http://..., "
                "profile:NAME or databroker:NAME)"
            )

    def runs(self, query: RunQuery) -> Iterator[ArchivedRun]:
        """Yield the runs that match, file by file.

        Raises
        ------
        ArchiveError
            If the only file cannot be read; of several, the others are read.
        """
        alone = self._path.is_file()
        for path in self._files():
            try:
                yield from _runs_of(path, query, self._problem, self._signals)
            except ArchiveError as error:
                if alone:
                    raise
                if isinstance(error, _OtherFormatError) and self._path.is_dir():
                    self._left[path] = error.kind
                else:
                    self._problem(str(error))

    @property
    def left_out(self) -> Counter[str]:
        """Files of a folder that are neither documents nor data, by format."""
        return Counter(self._left.values())

    def count(self, query: RunQuery) -> int | None:
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
        return self._inside() if self._path.is_dir() else [self._path]

    def _inside(self) -> list[Path]:
        """Return the files of the folder that look like documents or data by their names."""
        wanted, kinds = [], dict[str, str]()
        for path in sorted(self._path.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(self._path).parts)
            if hidden or not path.is_file():
                continue
            if may_be_documents(path) or may_be_data(path):
                wanted.append(path)
                continue
            suffix = suffix_of(path)
            if suffix not in kinds:
                kinds[suffix] = kind_of(path)[0] or suffix or "file without a suffix"
            self._left[path] = kinds[suffix]
        return wanted


def _glob(pattern: str) -> list[str]:
    return glob(pattern, recursive=True)  # noqa: PTH207 - pathlib takes no absolute patterns


def _runs_of(
    path: Path, query: RunQuery, problem: Callable[[str], None], signals: Signals | None
) -> Iterator[ArchivedRun]:
    if not _holds_documents(path):
        yield from (run for run in _data_runs(path, signals) if query.matches(run.start))
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


def _data_runs(path: Path, signals: Signals | None) -> list[DataRun]:
    from live_lce.archives._data_files import read_data_runs
    from live_lce.datafiles import FileError

    try:
        return read_data_runs(path, signals=signals)
    except (FileError, OSError) as error:
        kind, what_to_do = kind_of(path)
        if not kind:
            text = str(error) if isinstance(error, FileError) else f"{path}: {error}"
            raise ArchiveError(text) from None
        said = f"{path}: is {kind}, in which there are no runs" + (what_to_do and f": {what_to_do}")
        raise _OtherFormatError(said, kind) from None


def _holds_documents(path: Path) -> bool:
    """Whether a file holds documents; else it is data.

    Raises
    ------
    ArchiveError
        If it cannot be read, or holds other JSON.
    """
    from live_lce.datafiles._facilities import is_athena

    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path, "rb") as unpacked:
                head = unpacked.read(HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path}: cannot be read: {error}") from None
    if is_athena(head.decode("latin-1")):
        return False
    if recognize(head) is not None:
        return True
    if suffix_of(path) == ".json" and head.lstrip().startswith((b"{", b"[")):
        said = f'{path}: expected documents, [name, document] or {{"name", "doc"}}'
        raise _OtherFormatError(said, "other JSON")
    return may_be_documents(path) and not kind_of(path)[0]

"""Define what an archive of runs offers, wherever it keeps them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from live_lce.archives._documents import Document
from live_lce.query import RunQuery


class ArchiveError(ValueError):
    """A source cannot be read; one line that says what is wrong and what to do."""


@dataclass(frozen=True)
class Query(RunQuery):
    """The former name of :class:`live_lce.RunQuery`; it goes in 0.3."""

    def __post_init__(self) -> None:
        warnings.warn(
            "Query is now live_lce.RunQuery: import that instead", DeprecationWarning, stacklevel=3
        )
        super().__post_init__()


class ArchivedRun(Protocol):
    """One run; can be pickled, and then opens its source by itself."""

    @property
    def uid(self) -> str:
        """Uid of the run."""

    @property
    def start(self) -> Mapping[str, Any]:
        """The start document."""

    @property
    def where(self) -> str:
        """File or path in the catalog, for people."""

    def documents(self) -> Iterator[Document]:
        """Yield the documents, in the order in which the engine wants them.

        Raises
        ------
        Exception
            Whatever the file or the server raises; what is wrong with a file is one line.
        """


class Archive(Protocol):
    """A place where runs are kept."""

    @property
    def name(self) -> str:
        """What it is called, for people."""

    @property
    def problems(self) -> list[str]:
        """What could not be read so far; one line each.  Other runs are read all the same."""

    @property
    def left_out(self) -> Mapping[str, int]:
        """What was no archive of runs, nor data, so far: files by format."""

    def runs(self, query: RunQuery) -> Iterator[ArchivedRun]:
        """Yield the runs that match, in ascending order of time where the store can sort.

        Raises
        ------
        ArchiveError
            If the source cannot be read.
        """

    def count(self, query: RunQuery) -> int | None:
        """Return about how many runs match, or None if that is not cheap to find out."""

    def close(self) -> None:
        """Let the source go."""

"""Treat documents, runs and catalogs that are open in Python as an archive."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from live_lce.archives._archive import Archive, ArchivedRun, ArchiveError
from live_lce.archives._documents import Document
from live_lce.archives._run_filter import documents_of
from live_lce.archives._stored_documents import in_order, with_numbers
from live_lce.query import RunQuery
from live_lce.settings import Signals

_TAKEN = (
    "documents, as (name, document); runs with documents(); a catalog of Tiled or databroker; or "
    "what `live-lce replay` takes: a file, a folder, an address"
)


@dataclass(frozen=True)
class HeldRun:
    """A run among documents in memory.

    Parameters
    ----------
    held : sequence of (str, dict)
        Documents, those of other runs too.
    begin : int
        Position of the start document.
    """

    held: Sequence[Document] = field(repr=False)
    begin: int

    @property
    def start(self) -> Mapping[str, Any]:
        """The start document."""
        return self.held[self.begin][1]

    @property
    def uid(self) -> str:
        """Uid of the run."""
        return str(self.start["uid"])

    @property
    def where(self) -> str:
        """For people."""
        return "documents"

    def documents(self) -> Iterator[Document]:
        """Yield the documents of this run, also where others lie between them."""
        there = (self.held[n] for n in range(self.begin, len(self.held)))
        yield from documents_of(self.uid, there)


@dataclass(frozen=True)
class OpenRun:
    """A run that an object gives, such as databroker's Header.

    Parameters
    ----------
    run : object
        With a method ``documents()``.
    start : mapping
        Start document.
    """

    run: Any = field(repr=False, compare=False)
    start: Mapping[str, Any] = field(compare=False)

    @property
    def uid(self) -> str:
        """Uid of the run."""
        return str(self.start["uid"])

    @property
    def where(self) -> str:
        """For people."""
        return type(self.run).__name__

    def documents(self) -> Iterator[Document]:
        """Yield the documents."""
        yield from with_numbers(in_order(self.run.documents()))


class OpenRuns:
    """Documents or runs in memory; gone through once.

    Parameters
    ----------
    items : iterable
        (name, document) or {"name", "doc"}, or runs.
    name : str
        For people.
    signals : Signals, optional
        Settings that name data keys.
    """

    def __init__(self, items: Iterable[Any], name: str, signals: Signals | None = None) -> None:
        self.name = name
        self.problems: list[str] = []
        self.left_out: Mapping[str, int] = {}
        self._items, self._signals = items, signals

    def runs(self, query: RunQuery) -> Iterator[ArchivedRun]:
        """Yield the runs that match.

        Raises
        ------
        ArchiveError
            If something is neither a document nor a run; one line.
        """
        items = iter(self._items)
        first = next(items, None)
        if first is None:
            return
        items = chain([first], items)
        found = self._held(items) if _document(first) else (self._open(item) for item in items)
        yield from (run for run in found if query.matches(run.start))

    def count(self, query: RunQuery) -> int | None:
        """Return None: they can be gone through only once."""
        return None

    def close(self) -> None:
        """Do nothing: what is open was opened by others."""

    def _held(self, items: Iterable[Any]) -> Iterator[ArchivedRun]:
        documents = []
        for number, item in enumerate(items, start=1):
            document = _document(item)
            if document is None:
                raise ArchiveError(f"{self.name}: item {number} is no document: give {_TAKEN}")
            documents.append(document)
        starts = [n for n, (name, _) in enumerate(documents) if name == "start"]
        if not starts:
            raise ArchiveError(f"{self.name}: no start document: give those of whole runs")
        for begin in starts:
            if documents[begin][1].get("uid"):
                yield HeldRun(documents, begin)
            else:
                self.problems.append(f"{self.name}: item {begin + 1}: a start without a uid")

    def _open(self, item: Any) -> ArchivedRun:
        if _is_node(item) or _is_node(getattr(item, "v2", None)):  # databroker's Header has a node
            from live_lce.archives._tiled import open_run

            return open_run(item if _is_node(item) else item.v2, self._signals)
        start = getattr(item, "start", None)
        if not (callable(getattr(item, "documents", None)) and isinstance(start, Mapping)):
            said = f"{type(item).__name__} is no run"
            raise ArchiveError(f"{self.name}: {said}: give {_TAKEN}")
        if not start.get("uid"):
            raise ArchiveError(f"{self.name}: a run without a uid")
        return OpenRun(item, start)


def sources_of(source: Any, signals: Signals | None = None) -> list[Archive | str]:
    """Return what stands for the given object: archives, or the sources of `open_archive`.

    Parameters
    ----------
    source : object
        Documents, runs, a catalog, or a source as a text or path; also several of the latter.
    signals : Signals, optional
        Settings that name data keys.

    Raises
    ------
    ArchiveError
        If it is none of these.
    """
    if isinstance(source, str | Path):
        return [str(source)]
    node = source if _is_node(source) else getattr(source, "v2", None)  # of databroker's Broker
    if _is_node(node) and not _is_run(node):
        from live_lce.archives._databroker import OpenCatalog
        from live_lce.archives._tiled import TiledArchive

        return [TiledArchive(OpenCatalog(node, type(source).__name__), signals=signals)]
    if _is_node(node) or callable(getattr(source, "documents", None)):
        return [OpenRuns([source], "run", signals)]
    if _document(source) is not None:
        raise ArchiveError("one document is no run: give all of a run")
    if isinstance(source, Mapping):
        source = source.values()
    if not isinstance(source, Iterable) or isinstance(source, bytes):
        raise ArchiveError(f"{type(source).__name__} cannot be replayed: give {_TAKEN}")
    items = iter(source)
    first = next(items, None)
    if isinstance(first, str | Path):
        return [str(path) for path in chain([first], items)]
    name = type(source).__name__
    if first is None:
        return [OpenRuns((), name)]
    if not (_is_node(first) or _document(first) or callable(getattr(first, "documents", None))):
        raise ArchiveError(f"{name} of {type(first).__name__} cannot be replayed: give {_TAKEN}")
    return [OpenRuns(chain([first], items), name, signals)]


def _document(item: Any) -> Document | None:
    """Return a document as a pair; None if it is none."""
    if isinstance(item, dict) and {"name", "doc"} <= item.keys():
        item = (item["name"], item["doc"])
    if not (isinstance(item, tuple | list) and len(item) == 2):
        return None
    name, doc = item
    # Names of bluesky's DocumentNames are enums.
    name = getattr(name, "value", name)
    return (name, dict(doc)) if isinstance(name, str) and isinstance(doc, Mapping) else None


def _is_node(item: Any) -> bool:
    # Asking a client for an attribute may ask its server.
    module = sys.modules.get("tiled.client.base")
    return module is not None and isinstance(item, module.BaseClient)


def _is_run(node: Any) -> bool:
    return any(spec.name == "BlueskyRun" for spec in node.specs)

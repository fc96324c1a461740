"""Runs in Tiled as an archive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from live_lce.publish.connection import explain, find_child
from live_lce.settings import Signals
from live_lce.sources.archive import ArchivedRun, ArchiveError, Query
from live_lce.sources.documents import Document
from live_lce.sources.tiled_query import count_runs, find_runs
from live_lce.sources.tiled_source import TiledSource

logger = logging.getLogger(__name__)

_NOT_ACCEPTABLE = 406
_FORBIDDEN = 403
_NOT_FOUND = 404


@dataclass(frozen=True)
class TiledRun:
    """A run in Tiled; it opens its own connection, also in another process.

    Parameters
    ----------
    source : TiledSource
        Where it is.
    key : str
        Its key in the catalog.
    start : dict
        The start document.
    signals : Signals, optional
        Settings that name data keys, for servers whose tables are read.
    """

    source: TiledSource
    key: str
    start: dict[str, Any] = field(compare=False)
    signals: Signals | None = None

    @property
    def uid(self) -> str:
        """Uid of the run."""
        return str(self.start["uid"])

    @property
    def where(self) -> str:
        """The catalog, and the key in it."""
        return f"{self.source.name}, {self.key}"

    def documents(self) -> Iterator[Document]:
        """Yield the documents: the start, all descriptors, the events, the stop if it ended.

        Raises
        ------
        ArchiveError
            If the run cannot be read; one line with what to do.
        """
        try:
            yield from self._documents()
        except ArchiveError:
            raise
        except Exception as error:
            self.source.drop()
            raise ArchiveError(f"{self.where}: {_explain(error)}") from error

    def _documents(self) -> Iterator[Document]:
        if self.source.exports:
            try:
                documents = in_order(self._node().documents())
            except Exception as error:
                # 406: the server has no exporter.  Other errors are of this run, such as
                # one with so many columns that it has several tables.
                self.source.drop()
                if _status(error) == _NOT_ACCEPTABLE:
                    self.source.exports = False
                    logger.info("%s has no exporter: tables are read.", self.source.name)
                else:
                    logger.warning("%s: not exported (%s): read again.", self.where, error)
            else:
                if not _has_arrays(documents):
                    yield from documents
                    return
        from live_lce.sources.tiled_tables import rebuild

        yield from rebuild(self._node(), self.signals)

    def _node(self) -> Any:
        node = find_child(self.source.catalog(), self.key)
        if node is None:
            raise ArchiveError(f"{self.where}: the run is not there any more")
        return node


def in_order(documents: Iterable[tuple[str, Any]]) -> list[Document]:
    """Return the documents of one run so that no event comes before its descriptor.

    Tiled sorts them by time, which is wrong where a clock jumped, and ends a run that has
    not ended with an empty stop document.
    """
    first, events, last = [], [], []
    for name, doc in documents:
        if name == "stop":
            if doc and doc.get("run_start"):
                last.append((name, dict(doc)))
        elif name in ("start", "descriptor"):
            first.append((name, dict(doc)))
        else:
            events.append((name, dict(doc)))
    if all(name == "event" for name, _ in events):
        events.sort(key=lambda item: int(item[1]["seq_num"]))
    return first + events + last


def _status(error: Exception) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0))


def _explain(error: Exception) -> str:
    """Return one sentence, for people who read and do not write."""
    status = _status(error)
    if status == _NOT_FOUND:
        return (
            "there is nothing at this address: write that of the server, or "
            "http://HOST/api/v1/metadata/NAME for a container in it"
        )
    if status == _FORBIDDEN:
        return "Tiled refuses to be read: give the API key the scopes read:metadata and read:data"
    return explain(error)


def _has_arrays(documents: Iterable[Document]) -> bool:
    """Whether a run has arrays in its events.

    Where a ``seq_num`` was repeated, Tiled's exporter counts the arrays wrongly.
    """
    return any(
        key.get("dtype") == "array" and "external" not in key
        for name, doc in documents
        if name == "descriptor"
        for key in doc["data_keys"].values()
    )


class TiledArchive:
    """A catalog of runs in Tiled.

    Parameters
    ----------
    source : TiledSource
        Where it is; connected when first asked.
    signals : Signals, optional
        Settings that name data keys.
    """

    def __init__(self, source: TiledSource, *, signals: Signals | None = None) -> None:
        self.name = source.name
        self.problems: list[str] = []
        self._source, self._signals = source, signals
        # One connection to list, one to read: a failure of one run leaves the list alone.
        self._reading = source.another()

    def runs(self, query: Query) -> Iterator[ArchivedRun]:
        """Yield the runs that match, in the order in which they were stored.

        Raises
        ------
        ArchiveError
            If Tiled cannot be read; one line with what to do.
        """
        seen: set[str] = set()
        for node in self._guarded(lambda: find_runs(self._source.catalog(), query)):
            start = node.metadata.get("start")
            if not isinstance(start, dict) or not start.get("uid"):
                self.problems.append(f"{self.name}, {node.item['id']}: is no bluesky run")
                continue
            if query.uids:  # several beginnings of one uid
                if start["uid"] in seen:
                    continue
                seen.add(start["uid"])
            if query.matches(start):
                yield TiledRun(self._reading, node.item["id"], dict(start), self._signals)

    def count(self, query: Query) -> int | None:
        """Return how many runs match as far as Tiled can tell; at most some too many.

        Raises
        ------
        ArchiveError
            If Tiled cannot be read.
        """
        found: list[int | None] = list(
            self._guarded(lambda: iter([count_runs(self._source.catalog(), query)]))
        )
        return found[0]

    def close(self) -> None:
        """Close the connections."""
        self._source.close()
        self._reading.close()

    def _guarded(self, ask: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        try:
            yield from ask()
        except ArchiveError:
            raise
        except Exception as error:
            self._source.drop()
            raise ArchiveError(f"{self.name}: {_explain(error)}") from error

"""Read runs from Tiled as an archive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from live_lce.archives._archive import ArchivedRun, ArchiveError
from live_lce.archives._documents import Document
from live_lce.archives._stored_documents import (
    check_streams,
    has_arrays,
    has_several_spectra,
    in_order,
    with_numbers,
)
from live_lce.archives._tiled_source import TiledSource
from live_lce.query import RunQuery
from live_lce.settings import Signals
from live_lce.tiled import explain
from live_lce.tiled._query import count_raw, find_raw
from live_lce.tiled._run import tags_of

logger = logging.getLogger(__name__)

LONG = 20_000
"""Of runs with more events, the columns are read and not the documents."""

_NOT_ACCEPTABLE = 406
_FORBIDDEN = 403
_OWNER_TAGS = ("user:", "service:")
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
        The start document, with the access tags of the run's node.
    signals : Signals, optional
        Settings that name data keys, for servers whose tables are read.
    n_events : int
        Events in it, as the stop document tells.
    """

    source: TiledSource
    key: str
    start: dict[str, Any] = field(compare=False)
    signals: Signals | None = None
    n_events: int = 0

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
        node = self._node()
        documents: Iterable[Document] | None = None
        if not (_is_table(node) and self._is_better_as_table()):
            documents = self._exported(node)
        if documents is None:
            from live_lce.archives._tiled_tables import rebuild

            documents = rebuild(self._node(), self.signals)
        descriptors = []
        for name, doc in with_numbers(documents):
            if name == "start":
                # The tags of the node, which are not in the exported document.
                yield name, dict(self.start)
                continue
            if name == "descriptor":
                descriptors.append(doc)
            elif name == "stop":
                check_streams(doc, descriptors, self.where)
            yield name, doc

    def _exported(self, node: Any) -> list[Document] | None:
        """Return what the server exports; None where the tables have to be read."""
        try:
            documents = in_order(node.documents())
        except Exception as error:
            if not _is_table(node):
                raise
            # 406: the server has no exporter.  Other errors are of this run, such as
            # one with so many columns that it has several tables.
            self.source.drop()
            if _status(error) == _NOT_ACCEPTABLE:
                self.source.exports = False
                logger.info("%s has no exporter: tables are read.", self.source.name)
            else:
                logger.warning("%s: not exported (%s): read again.", self.where, error)
            return None
        if _is_table(node):
            # Where a seq_num was repeated, Tiled's exporter counts the arrays wrongly.
            return None if has_arrays(documents) else documents
        if documents[-1][0] != "stop":
            from live_lce.archives._databroker_tail import missed_events

            documents += missed_events(node, documents, self.signals)
        return documents

    def _is_better_as_table(self) -> bool:
        """Whether the exporter would give less than the tables, or all of a long run at once.

        It leaves out points that were measured twice.  In a single spectrum the later ones
        count; of several, the earlier one may have ended before.
        """
        outer = self.signals.outer if self.signals else ""
        return (
            not self.source.exports
            or self.n_events > LONG
            or has_several_spectra(self.start, outer)
        )

    def _node(self) -> Any:
        node = self.source.run(self.key)
        if node is None:
            raise ArchiveError(f"{self.where}: the run is not there any more")
        return node


class _RunInProgress(TiledSource):
    """The place of one run that is open already; left open."""

    def __init__(self, node: Any) -> None:
        super().__init__("profile:")
        self.name, self._node = type(node).__name__, node

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("An open run cannot be sent to another process")

    def run(self, key: str) -> Any:
        """Return the run."""
        return self._node


def open_run(node: Any, signals: Signals | None = None) -> TiledRun:
    """Return a run of which somebody has the client.

    Parameters
    ----------
    node : BlueskyRun client
        The run.
    signals : Signals, optional
        Settings that name data keys.

    Raises
    ------
    ArchiveError
        If it is no run.
    """
    start = node.metadata.get("start")
    if not isinstance(start, Mapping) or not start.get("uid"):
        raise ArchiveError(f"{node.item['id']}: is no bluesky run")
    source, n_events = _RunInProgress(node), _n_events(node.metadata)
    return TiledRun(source, node.item["id"], _with_tags(start, node), signals, n_events)


def _is_table(node: Any) -> bool:
    """Whether a run lies in tables, as TiledWriter stores them (else: in a Mongo database)."""
    return any(s.name == "BlueskyRun" and (s.version or "").startswith("3.") for s in node.specs)


def _n_events(metadata: Mapping[str, Any]) -> int:
    """Return how many events a run holds as its stop document tells; 0 if it does not."""
    counted = (metadata.get("stop") or {}).get("num_events")
    return sum(counted.values()) if isinstance(counted, Mapping) else 0


def _with_tags(start: Mapping[str, Any], node: Any) -> dict[str, Any]:
    """Return a start document with the access tags of its run.

    TiledWriter takes them out of the document and gives them to the node.  A run that was
    written without tags belongs to its writer, by a tag that nobody can give: it stays without,
    and its predictions belong to who writes them, as those of a live scan do.
    """
    tags = [tag for tag in tags_of(node) if not tag.startswith(_OWNER_TAGS)]
    return {**start, "tiled_access_tags": tags} if tags else dict(start)


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
        self.left_out: Mapping[str, int] = {}
        self._source, self._signals = source, signals
        # One connection to list, one to read: a failure of one run leaves the list alone.
        self._reading = source.another()

    def runs(self, query: RunQuery) -> Iterator[ArchivedRun]:
        """Yield the runs that match, in ascending order of time where Tiled can sort.

        Raises
        ------
        ArchiveError
            If Tiled cannot be read; one line with what to do.
        """
        seen: set[str] = set()
        for node in self._guarded(lambda: find_raw(self._source.catalog(), query)):
            start = node.metadata.get("start")
            if not isinstance(start, dict) or not start.get("uid"):
                self.problems.append(f"{self.name}, {node.item['id']}: is no bluesky run")
                continue
            if query.uids:  # several beginnings of one uid
                if start["uid"] in seen:
                    continue
                seen.add(start["uid"])
            if query.matches(start):
                yield TiledRun(
                    self._reading,
                    node.item["id"],
                    _with_tags(start, node),
                    self._signals,
                    _n_events(node.metadata),
                )

    def count(self, query: RunQuery) -> int | None:
        """Return how many runs match as far as Tiled can tell; at most some too many.

        Raises
        ------
        ArchiveError
            If Tiled cannot be read.
        """
        found: list[int | None] = list(
            self._guarded(lambda: iter([count_raw(self._source.catalog(), query)]))
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

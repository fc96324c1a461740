"""Pick the documents of one run from a sequence that may interleave several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from live_lce.archives._documents import Document


def documents_of(uid: str, documents: Iterable[Document]) -> Iterator[Document]:
    """Yield the documents of one run, until it ends or begins once more.

    Parameters
    ----------
    uid : str
        Uid of the run.
    documents : iterable of (str, dict)
        From its start document on; those of other runs may lie between its own.
    """
    mine = RunFilter(uid)
    for name, doc in documents:
        if mine.ends(name, doc):
            return
        if mine.holds(name, doc):
            yield name, doc
        if mine.ended:
            return


class RunFilter:
    """Tells the documents of one run from those of others.

    Parameters
    ----------
    uid : str
        Uid of the run.

    Attributes
    ----------
    ended : bool
        The run's stop document was seen.
    """

    def __init__(self, uid: str) -> None:
        self._uid = uid
        self._begun = False
        self.ended = False
        self._mine: set[str] = set()  # uids of descriptors and resources

    def ends(self, name: str, doc: Mapping[str, Any]) -> bool:
        """Tell whether a document begins the run a second time: another attempt at it."""
        return name == "start" and self._begun and doc.get("uid") == self._uid

    def holds(self, name: str, doc: Mapping[str, Any]) -> bool:
        """Tell whether a document belongs to the run.

        What is so malformed that it names no run does: the engine counts it.
        """
        if name == "start":
            mine = bool(doc.get("uid") == self._uid)
            self._begun = self._begun or mine
            return mine
        if name in {"descriptor", "resource", "stream_resource", "stop"}:
            mine = bool(doc.get("run_start", self._uid) == self._uid)
            if mine and name == "stop":
                self.ended = True
            elif mine:
                self._mine.add(str(doc.get("uid")))
            return mine
        parent = doc.get("descriptor", doc.get("resource", doc.get("stream_resource")))
        return parent is None or str(parent) in self._mine

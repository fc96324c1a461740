"""Write one analysis run into a Tiled container: never untagged, halves replaced."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Iterable
from typing import Any

from live_lce.tiled._analyses import (
    ATTEMPTS,
    Again,
    Attempt,
    PublishedAnalysis,
    analyses_of,
    attempt_uids,
    by_uid,
    is_settled,
    next_attempt,
    read_analysis,
)
from live_lce.tiled._connection import find_child

logger = logging.getLogger(__name__)


class UntaggedError(RuntimeError):
    """Tiled did not apply the access tags of the raw run; nothing was published."""


class NotRemovableError(RuntimeError):
    """A half-written run is in the way and cannot be deleted."""


def remove_run(container: Any, uid: str) -> None:
    """Delete a run with all that it holds.

    Raises
    ------
    NotRemovableError
        If the API key may not delete.
    Exception
        What else Tiled's client raises.
    """
    import httpx

    try:
        container.delete_contents([uid], recursive=True, external_only=False)
    except httpx.HTTPStatusError as error:
        if error.response.status_code >= 500 or error.response.status_code == 429:
            raise  # that says nothing about what is allowed
        raise NotRemovableError(
            f"Run {uid} is in Tiled half-written and cannot be deleted: give the API key the "
            f"scopes delete:node and delete:revision, or delete it ({error.response.status_code})."
        ) from error


_TAKEN_OVER = "Another live_lce process writes the same run."


class TakenOverError(RuntimeError):
    """Another writer of the same analysis run is at work, or has replaced ours."""


class TiledRunWriter:
    """The writer of one run.

    A half-written attempt at the same analysis is deleted; where that is not allowed, this
    one becomes the next attempt, which says that it supersedes the half.

    Parameters
    ----------
    container : tiled container
        Where runs are.
    start : dict
        The start document, composed as the first attempt; written at once.
    batch_size : int
        Events per request; 1 for those who watch.
    replace : bool
        Whether a run that was ended as aborted is replaced.
    again : Again
        What happens where the raw run is analysed already.
    late : bool
        The run was composed some time ago: it supersedes no analysis that began after it.
    stopped : bool
        Whether the raw run has a stop document, or may get one.

    Attributes
    ----------
    skipped : bool
        The run is complete in Tiled already: nothing will be written.
    rewritten : bool
        A half-written run was deleted first.
    attempt : Attempt
        As what it is written.

    Raises
    ------
    UntaggedError, NotRemovableError, TakenOverError
        See there.
    Exception
        Whatever Tiled's client raises.
    """

    def __init__(
        self,
        container: Any,
        start: dict[str, Any],
        *,
        batch_size: int = 1,
        replace: bool = True,
        again: Again = Again.NO,
        late: bool = False,
        stopped: bool = True,
    ) -> None:
        self.skipped = self.rewritten = False
        self.attempt = Attempt(start["uid"])
        self._container, self._start = container, start
        own, others = _present(container, start, again)
        if is_settled(start, own, again, replace=replace, stopped=stopped):
            self.skipped = True
            return
        self._make_room(own, others, start["time"] if late else math.inf)
        self._begin(batch_size)

    def _make_room(
        self, own: list[PublishedAnalysis], others: list[PublishedAnalysis], before: float
    ) -> None:
        staying = {a.uid: None for a in own}
        for half in (a for a in own if not a.complete):
            try:
                remove_run(self._container, half.uid)
            except NotRemovableError as error:
                logger.info("%s It is written again as another attempt.", error)
            else:
                del staying[half.uid]
                self.rewritten = True
        attempt = next_attempt(self._start["uid"], list(staying), others, before=before)
        if attempt is None:
            raise NotRemovableError(
                f"{ATTEMPTS} attempts at run {self._start['uid']} are in Tiled: delete them."
            )
        self.attempt = attempt

    def _begin(self, batch_size: int) -> None:
        import httpx
        from bluesky_tiled_plugins import TiledWriter

        tags = self._start.get("tiled_access_tags")
        if tags is not None:
            check_tags(self._container, tags)
        self._writer = TiledWriter(self._container, batch_size=batch_size)
        try:
            self._writer("start", self.attempt.document("start", self._start))
        except httpx.HTTPStatusError as error:
            if error.response.status_code == 409:  # it was not there when we looked
                raise TakenOverError(_TAKEN_OVER) from error
            raise
        if tags is not None:
            self._verify(self._container, self.attempt.uid, tags)

    def write(self, name: str, doc: dict[str, Any]) -> None:
        """Write a document after the start, composed as of the first attempt."""
        if self.skipped:
            return
        if name in ("descriptor", "stop"):
            self._check_ours()
        self._writer(name, self.attempt.document(name, doc))

    def _check_ours(self) -> None:
        # Equal input has an equal uid: a second process may have deleted our run as
        # half-written and begun its own under the same key.
        run = find_child(self._container, self.attempt.uid)
        if run is None or run.metadata["start"]["time"] != self._start["time"]:
            raise TakenOverError(_TAKEN_OVER)

    @staticmethod
    def _verify(container: Any, uid: str, tags: Iterable[str]) -> None:
        run = find_child(container, uid)
        if run is None or set(tags_of(run)) != set(tags):
            remove_run(container, uid)
            raise UntaggedError(_untagged(tags))


def _present(
    container: Any, start: dict[str, Any], again: Again
) -> tuple[list[PublishedAnalysis], list[PublishedAnalysis]]:
    """Return the attempts at this analysis, and what else there is of its subject."""
    uids = attempt_uids(start["uid"])
    if again is Again.NO:  # keys are indexed in Tiled, metadata mostly not
        return sorted(by_uid(container, uids), key=lambda a: a.attempt), []
    subject = read_analysis({"start": start})
    if subject is None:
        return [], []
    found = analyses_of(container, [subject.raw_uid])[subject.raw_uid]
    same = [a for a in found if a.subject == subject.subject]
    return [a for a in same if a.uid in uids], [a for a in same if a.uid not in uids]


def tags_of(node: Any) -> list[str]:
    """Return the access tags of a node, from servers new and old."""
    attributes = node.item["attributes"]
    tags = attributes.get("access_tags")
    if tags is None:
        tags = (attributes.get("access_blob") or {}).get("tags", [])
    return list(tags)


def check_tags(container: Any, tags: Iterable[str]) -> None:
    """Try the access tags on an empty node, since Tiled may ignore them without a word.

    Raises
    ------
    UntaggedError
        If the node did not get them.  It held nothing and is deleted.
    """
    key = f"live-lce-tags-{secrets.token_hex(8)}"
    import httpx

    try:
        node = container.create_container(key, access_tags=list(tags))
    except httpx.HTTPStatusError as error:
        if error.response.status_code >= 500 or error.response.status_code == 401:
            raise
        raise UntaggedError(f"{_untagged(tags)} Tiled says: {error}") from error
    applied = set(tags_of(node)) == set(tags)
    try:
        container.delete_contents([key], recursive=True, external_only=False)
    except httpx.HTTPStatusError as error:
        logger.warning("The empty node %s stays in Tiled: it cannot be deleted (%s).", key, error)
    if not applied:
        raise UntaggedError(_untagged(tags))


def _untagged(tags: Iterable[str]) -> str:
    return (
        f"Tiled does not apply the access tags {sorted(tags)}: its access policy must know them "
        "and this API key must own them. Runs with these tags stay on disk."
    )

"""One analysis run into a Tiled container: look first, never untagged, replace halves."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from typing import Any

from live_lce.publish.connection import find_child

logger = logging.getLogger(__name__)


class UntaggedError(RuntimeError):
    """Tiled did not apply the access tags of the raw run; nothing was published."""


class NotRemovableError(RuntimeError):
    """A half-written run is in the way and cannot be deleted."""


def is_complete(run: Any) -> bool:
    """Whether a run in Tiled needs no second writing: it was ended by its own analysis."""
    stop = run.metadata.get("stop") or {}
    return stop.get("exit_status") == "success"


def remove_run(container: Any, uid: str) -> None:
    """Delete a run with all that it holds.

    Raises
    ------
    NotRemovableError
        If the API key may not delete.
    """
    import httpx

    try:
        container.delete_contents([uid], recursive=True, external_only=False)
    except httpx.HTTPStatusError as error:
        raise NotRemovableError(
            f"Run {uid} is in Tiled half-written and cannot be deleted: give the API key the "
            f"scopes delete:node and delete:revision, or delete it ({error.response.status_code})."
        ) from error


class TakenOverError(RuntimeError):
    """Another writer of the same analysis run is at work, or has replaced ours."""


class TiledRun:
    """The writer of one run.

    Parameters
    ----------
    container : tiled container
        Where runs are.
    start : dict
        The start document; written at once.
    batch_size : int
        Events per request; 1 for those who watch.
    replace : bool
        Whether a run that was ended as aborted is replaced.

    Attributes
    ----------
    skipped : bool
        The run is complete in Tiled already: nothing will be written.
    rewritten : bool
        A half-written run was deleted first.

    Raises
    ------
    UntaggedError, NotRemovableError, TakenOverError
        See there.
    Exception
        Whatever Tiled's client raises.
    """

    def __init__(
        self, container: Any, start: dict[str, Any], *, batch_size: int = 1, replace: bool = True
    ) -> None:
        self.skipped = self.rewritten = False
        self._container, self._start = container, start
        uid = start["uid"]
        present = find_child(container, uid)
        if present is not None:
            ended = "stop" in present.metadata
            if is_complete(present) or (ended and not replace):
                self.skipped = True
                return
            remove_run(container, uid)
            self.rewritten = True
        tags = start.get("tiled_access_tags")
        if tags is not None:
            check_tags(container, tags)
        from bluesky_tiled_plugins import TiledWriter

        self._writer = TiledWriter(container, batch_size=batch_size)
        self._writer("start", start)
        if tags is not None:
            self._verify(container, uid, tags)

    def write(self, name: str, doc: dict[str, Any]) -> None:
        """Write a document after the start."""
        if self.skipped:
            return
        if name in ("descriptor", "stop"):
            self._check_ours()
        self._writer(name, doc)

    def _check_ours(self) -> None:
        # Equal input has an equal uid: a second process may have deleted our run as
        # half-written and begun its own under the same key.
        run = find_child(self._container, self._start["uid"])
        if run is None or run.metadata["start"]["time"] != self._start["time"]:
            raise TakenOverError("Another live_lce process writes the same run.")

    @staticmethod
    def _verify(container: Any, uid: str, tags: Iterable[str]) -> None:
        run = find_child(container, uid)
        if run is None or set(tags_of(run)) != set(tags):
            remove_run(container, uid)
            raise UntaggedError(_untagged(tags))


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

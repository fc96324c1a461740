"""Ask Tiled what it already has of raw runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from live_lce.replaying._setup import Setup
from live_lce.tiled import PublishedAnalysis, analyses_of, explain
from live_lce.tiled._connection import find_child

logger = logging.getLogger(__name__)


class Lookup:
    """Asks the Tiled server that gets the results; never writes, never raises.

    Parameters
    ----------
    setup : Setup
        Where results go; without a server nothing is published.
    """

    def __init__(self, setup: Setup) -> None:
        self._connection = setup.connection() if setup.tiled else None
        self._path = [part for part in setup.config.tiled.path.split("/") if part]
        self._told = False

    def analyses(self, raw_uids: Sequence[str]) -> dict[str, list[PublishedAnalysis]]:
        """Return the analyses of each raw run; none where Tiled does not answer.

        The publisher looks again before it writes, so that this only saves work.
        """
        if self._connection is not None:
            try:
                node = self._container(self._connection.container())
                if node is not None:
                    return analyses_of(node, raw_uids)
            except Exception as error:
                self._connection.drop()
                if not self._told:
                    self._told = True
                    logger.warning("What is in Tiled already is not known: %s", explain(error))
        return {uid: [] for uid in raw_uids}

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()

    def _container(self, node: Any) -> Any:
        for part in self._path:
            if node is not None:
                node = find_child(node, part)
        return node

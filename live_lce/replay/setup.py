"""What every process of a replay needs to know; can be pickled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from live_lce.config import Config
from live_lce.replay.plan import Today

if TYPE_CHECKING:
    from live_lce.classifiers.registry import Registry
    from live_lce.publish.connection import Connection
    from live_lce.publish.publisher import TiledPublisher


@dataclass(frozen=True)
class Setup:
    """How runs are analysed and where the results go.

    Parameters
    ----------
    config : Config
        The configuration.
    tiled : str
        Address of the Tiled server that gets the results; empty publishes nothing.
    force : bool
        Publish beside analyses by other models or settings, and supersede them.
    partial_rows : bool
        Whether outcomes tell the predictions on growing scans too (they are published anyway).
    prepare : callable, optional
        Called first in each process of its own, e.g. to set up its log.
    """

    config: Config
    tiled: str = ""
    force: bool = False
    partial_rows: bool = True
    prepare: Callable[[], None] | None = None

    def registry(self) -> Registry:
        """Return the models in use."""
        from live_lce.classifiers.registry import Registry

        return Registry.beside_shipped(self.config.models)

    def today(self) -> Today:
        """Return what an analysis carries that is made with this setup."""
        analysis = self.config.analysis
        family = analysis.classification.family
        cards = self.registry().cards()
        return Today(analysis.digest, frozenset(c.sha256 for c in cards if c.family == family))

    def connection(self) -> Connection:
        """Return a connection to the root that holds the container of analysis runs."""
        from live_lce.publish.connection import Connection

        return Connection(self.tiled, api_key=self._api_key)

    def publisher(self) -> TiledPublisher | None:
        """Return a new publisher; None where nothing is published."""
        from live_lce.publish.publisher import TiledPublisher

        if not self.tiled:
            return None
        return TiledPublisher(
            self.tiled,
            settings=self.config.analysis,
            spool=self.config.publish.spool,
            source="replay",
            path=self.config.tiled.path,
            api_key=self._api_key,
            force=self.force,
        )

    @property
    def _api_key(self) -> str | None:
        key = self.config.tiled.api_key
        return key.get_secret_value() if key else None

"""Hold what every process of a replay needs; can be pickled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from live_lce.config import Config
from live_lce.pipeline import Pipeline
from live_lce.replaying._plan import Today

if TYPE_CHECKING:
    from live_lce.classifiers import Registry
    from live_lce.tiled import Connection


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
    source : str
        Told in what is published: ``replay`` or ``retry``.
    anew : bool
        Supersede every earlier analysis.
    partial_rows : bool
        Whether outcomes tell the predictions on growing scans too (they are published anyway).
    prepare : callable, optional
        Called first in each process of its own, e.g. to set up its log.
    """

    config: Config
    tiled: str = ""
    force: bool = False
    source: str = "replay"
    anew: bool = False
    partial_rows: bool = True
    prepare: Callable[[], None] | None = None

    def registry(self) -> Registry:
        """Return the models in use."""
        from live_lce.classifiers import Registry

        return Registry.beside_shipped(self.config.models)

    def today(self) -> Today:
        """Return what an analysis carries that is made with this setup."""
        analysis = self.config.analysis
        family = analysis.classification.family
        cards = self.registry().cards()
        return Today(analysis.digest, frozenset(c.sha256 for c in cards if c.family == family))

    def connection(self) -> Connection:
        """Return a connection to the root that holds the container of analysis runs."""
        from live_lce.tiled import Connection

        return Connection(self.tiled, api_key=self.config.key_for(self.tiled))

    def pipeline(self, on_error: Callable[[str, str, Exception], object]) -> Pipeline:
        """Return a new pipeline; it keeps runs that fail unless all of them are retried."""
        from live_lce.tiled._analyses import Again

        return Pipeline.from_config(
            self.config,
            source=self.source,
            tiled=self.tiled,
            publishes=bool(self.tiled),
            keeps_failed=bool(self.tiled) and not self.anew,
            again=Again.ANEW if self.anew else Again.FORCE if self.force else Again.NO,
            # Nobody watches a scan that is over: its growing spectrum's points would only cost.
            growing=False,
            on_error=on_error,
        )

"""Share models, trends and the feed among all viewers."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from live_lce.classifiers import Atlas, ModelCard, ModelDamagedError, Registry
from live_lce.classifiers._session import Session
from live_lce.dashboard._archive import PastRuns
from live_lce.dashboard._board import Board
from live_lce.dashboard._feed import Feed
from live_lce.dashboard._signals import SignalTable
from live_lce.dashboard._trends import Trends


@dataclass(frozen=True)
class Services:
    """What all viewers share.

    Parameters
    ----------
    board : Board
        What is known.
    feed : Feed
        Fills the board.
    signals : SignalTable
        Recorded signals of the raw runs.
    archive : PastRuns
        Searches and exports, for viewers that ask.
    models : Models
        The installed models.
    pool : Executor
        For what waits for Tiled.
    raw_link : str
        Address of a raw run without its uid, for links; empty where there is none to show.
    trends : Trends
        What viewers look at under Trend.
    """

    board: Board
    feed: Feed
    signals: SignalTable
    archive: PastRuns
    models: Models
    pool: Executor
    raw_link: str
    trends: Trends


logger = logging.getLogger(__name__)


class Models:
    """Cards, sessions and atlases by the sha256 that an analysis run names.

    Another version of a model is another model: it would explain what it did not say.

    Parameters
    ----------
    registry : Registry
        The installed models.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()

    def card(self, sha256: str) -> ModelCard | None:
        """Return the card of a model; None if that very model is not installed."""
        return next((c for c in self._registry.cards() if sha256 and c.sha256 == sha256), None)

    def cards(self) -> dict[str, dict[str, Any]]:
        """Return the cards of all installed models as JSON, by sha256."""
        return {card.sha256: card.model_dump(mode="json") for card in self._registry.cards()}

    def session(self, card: ModelCard | None) -> Session | None:
        """Return a loaded model; None if it is damaged."""
        if card is None:
            return None
        try:
            with self._lock:
                return self._registry.session(card)
        except ModelDamagedError as error:
            logger.warning("%s", error)
            return None

    def atlas(self, card: ModelCard | None) -> Atlas | None:
        """Return what a model carries of its training spectra; None if nothing."""
        session = self.session(card)
        return None if session is None else session.atlas

"""The models that are installed where the dashboard runs, found by what the runs name."""

from __future__ import annotations

import logging
import threading
from typing import Any

from live_lce.classifiers import Atlas, ModelCard, ModelDamagedError, Registry
from live_lce.classifiers._session import Session

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

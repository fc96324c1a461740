"""Run a Tiled server for a test, and read back what a callback published to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live_lce.classifiers import Registry
from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.results import predictions
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled

if TYPE_CHECKING:
    import pandas as pd


class RecordingServer:
    """A Tiled server that lives as long as a test, and what was published to it.

    Needs the extra ``server``.

    Examples
    --------
    >>> with RecordingServer() as server:  # doctest: +SKIP
    ...     live = server.callback()
    ...     RE(my_xanes_plan(), live)
    ...     live.close()
    ...     assert set(server.predictions(final=True)["status"]) == {"ok"}
    """

    def __init__(self) -> None:
        self._tiled = EmbeddedTiled()
        self._folder = tempfile.TemporaryDirectory(prefix="live_lce-")
        self._callbacks: list[LiveLCE] = []

    @property
    def uri(self) -> str:
        """Address of the server."""
        return self._tiled.uri

    @property
    def api_key(self) -> str:
        """Key that may read and write everything."""
        return self._tiled.api_key

    def callback(
        self, settings: AnalysisSettings | None = None, *, registry: Registry | None = None
    ) -> LiveLCE:
        """Return a callback that publishes to this server; closing the server closes it too.

        Parameters
        ----------
        settings : AnalysisSettings, optional
            As at your beamline, for example from ``load_config().analysis``.
        registry : Registry, optional
            Where the models are; by default those that came with live_lce.
        """
        settings = settings or AnalysisSettings()
        publisher = TiledPublisher(
            self.uri,
            api_key=self.api_key,
            settings=settings,
            spool=Path(self._folder.name) / f"spool-{len(self._callbacks)}",
            source="RE",
        )
        made = LiveLCE(settings, publisher=publisher, registry=registry, voice=False)
        self._callbacks.append(made)
        return made

    def predictions(self, **options: Any) -> pd.DataFrame:
        """Return what was published so far: one row a prediction.

        Parameters
        ----------
        **options
            See :func:`live_lce.results.predictions`.
        """
        return predictions(self.uri, api_key=self.api_key, **options)

    def close(self) -> None:
        """Close the callbacks, then the server, and remove what it stored."""
        for callback in self._callbacks:
            callback.close()
        self._tiled.close()
        self._folder.cleanup()

    def __enter__(self) -> RecordingServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

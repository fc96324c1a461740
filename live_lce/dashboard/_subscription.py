"""Subscribe to Tiled's streams."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from live_lce.contract import MEASURED_STREAM, PREDICTIONS_STREAM
from live_lce.results import MeasuredPoints, PublishedRun, points_of
from live_lce.results._catalog import read_run
from live_lce.results._tables import filled
from live_lce.tiled._connection import find_child

logger = logging.getLogger(__name__)

CONNECT_WITHIN = 10.0
"""Seconds; Tiled's client waits without end where it cannot connect."""

Wants = Callable[[PublishedRun], bool]
OnRun = Callable[[PublishedRun, Mapping[str, Any]], object]
OnRows = Callable[[str, list[dict[str, Any]]], object]
OnPoints = Callable[[str, MeasuredPoints], object]


class NoStreamError(ConnectionError):
    """The server does not stream, or did not answer in time."""


class Subscription:
    """Hears of new analysis runs and of their rows.

    Parameters
    ----------
    container : tiled container
        Where the analysis runs are.
    wants : callable
        Takes a run that the stream tells of; says whether its rows are wanted.
    on_run : callable
        Takes a run that is wanted, and its start document.
    on_rows : callable
        Takes a run's uid and new predictions, in a thread of Tiled's client.
    on_points : callable
        Takes a run's uid and the measured points of its newest prediction, likewise.

    Raises
    ------
    NoStreamError
        If there is no streaming.
    """

    def __init__(
        self,
        container: Any,
        wants: Wants,
        on_run: OnRun,
        on_rows: OnRows,
        on_points: OnPoints,
    ) -> None:
        self._container, self._wants, self._on_run = container, wants, on_run
        self._on_rows, self._on_points = on_rows, on_points
        self._subscribed: Any = None
        self._closed = False
        self.n_runs = 0
        """Runs that were subscribed to, also those that ended."""
        self._error: BaseException | None = None
        self.heard = time.monotonic()
        _try_websocket(container)
        connected = threading.Event()

        def connect() -> None:
            from bluesky_tiled_plugins import subscribe_to_streams

            try:
                self._subscribed = subscribe_to_streams(
                    container,
                    self._update,
                    streams={PREDICTIONS_STREAM: None, MEASURED_STREAM: ("points",)},
                    run_filter=self._wanted,
                )
            except BaseException as error:  # told in the thread that waits
                self._error = error
            connected.set()
            if self._closed:  # nobody waits any more
                self.close()

        thread = threading.Thread(target=connect, name="live_lce dashboard stream", daemon=True)
        thread.start()
        if not connected.wait(CONNECT_WITHIN):
            self.close()
            raise NoStreamError("the server's stream did not answer")
        if self._error is not None:
            raise NoStreamError(f"the server does not stream ({self._error})") from self._error

    def close(self) -> None:
        """End the subscription; what its threads still do is not waited for."""
        self._closed = True
        subscribed, self._subscribed = self._subscribed, None
        if subscribed is not None:
            # It joins its threads, and those may be waiting for a server that went away.
            threading.Thread(
                target=subscribed.disconnect, name="live_lce dashboard unsubscribe", daemon=True
            ).start()

    def _wanted(self, child: Any) -> bool:
        run = read_run(child.metadata, child.child().item["links"]["full"])
        if run is None:
            return False
        self.heard = time.monotonic()
        # The stream remembers runs that were removed since, too: Tiled's client would wait for
        # their rows without end, and for no others.
        if not self._wants(run) or find_child(self._container, run.analysis.uid) is None:
            return False
        self._on_run(run, child.metadata["start"])
        self.n_runs += 1
        return True

    def _update(self, update: Any) -> None:
        self.heard = time.monotonic()
        try:
            if update.stream_name == PREDICTIONS_STREAM:
                rows = [filled(row) for row in update.data().to_dict("records")]
                self._on_rows(update.run_uid, rows)
            else:
                for row in np.asarray(update.data()):
                    self._on_points(update.run_uid, points_of(row))
        except Exception:  # polling brings what is missed here
            logger.exception("An update of run %s could not be used", update.run_uid)


def _try_websocket(container: Any) -> None:
    """Do what Tiled's client does to subscribe, and undo it.

    Where that is refused, the client would wait for it without end, in one more thread each time:
    by a server without a streaming cache, or one with logins of which the key may make no key.

    Raises
    ------
    NoStreamError
        If it is refused, or not answered.
    """
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    context = container.context
    key = context.api_key
    if context.server_info.authentication.providers:
        try:
            made = context.create_api_key(expires_in=60, note="live_lce dashboard, websocket")
            context.revoke_api_key(made["first_eight"])
        except Exception as error:
            raise NoStreamError(
                "the API key may not subscribe, for which Tiled wants the scope `apikeys`"
            ) from error
    scheme = "wss" if context.api_uri.scheme == "https" else "ws"
    node = "".join(f"/{segment}" for segment in container.path_parts)
    # Where Tiled's client looks for it (0.2.20), also below a proxy's prefix.
    uri = context.api_uri.copy_with(scheme=scheme, path=f"/api/v1/stream/single{node}")
    headers = {"Authorization": f"Apikey {key}"} if key else {}
    try:
        with connect(
            str(uri), additional_headers=headers, open_timeout=CONNECT_WITHIN, close_timeout=1.0
        ):
            pass
    except (WebSocketException, OSError) as error:
        raise NoStreamError(f"the server does not stream ({error})") from error

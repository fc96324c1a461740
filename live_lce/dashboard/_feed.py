"""Fill the board from Tiled, by subscription where possible and by polling always.

One thread asks; no viewer ever waits for Tiled.  Asking finds what a subscription missed: then
it is deaf (a server that restarted forgets who listened) and is made anew.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping
from typing import Any

from live_lce.dashboard._board import Board, Link
from live_lce.dashboard._reading import Reader, let_pass
from live_lce.dashboard._signals import SignalTable
from live_lce.dashboard._subscription import NoStreamError, Subscription
from live_lce.results import MeasuredPoints, PublishedRun
from live_lce.tiled import explain

logger = logging.getLogger(__name__)

STREAMING_PAUSE, POLLING_PAUSE, GONE_PAUSE = 5.0, 1.0, 2.0
"""Seconds between two times of asking."""
SOON = 0.3
"""Seconds after a final prediction: then its run has its stop document."""
DEAF_AFTER = 2.0
"""A subscription may be so much later than asking (s)."""
NEW = 60.0
"""Runs that began so long ago are found by asking (s)."""
RENEWED_AFTER = 200
"""Runs after which a subscription is made anew: the plugins' one (2.0.12) forgets none of them."""
AGAIN = 60.0
"""Seconds until a server that does not let us subscribe is tried again."""


class Feed:
    """The thread that keeps a board up to date.

    Parameters
    ----------
    reader : Reader
        Asks Tiled.
    board : Board
        What is filled.
    signals : SignalTable
        Recorded signals, filled when viewers want them.
    streaming : bool
        Whether to subscribe; False asks only.
    """

    def __init__(
        self, reader: Reader, board: Board, signals: SignalTable, *, streaming: bool = True
    ) -> None:
        self._reader, self._board, self._signals = reader, board, signals
        self._subscription: Subscription | None = None
        self._streaming = streaming
        self._no_stream, self._no_stream_before = "", 0.0
        self._ask_at = 0.0
        self._soon = math.inf  # when a run will have ended of which the last row came
        self._suspect: float | None = None  # when asking found what was not told
        self._wanted: list[str] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live_lce dashboard", daemon=True)
        self._thread.start()

    def want(self, uid: str) -> None:
        """Have a run read wholly, soon."""
        self._board.asked(uid)
        data = self._board.get(uid)
        if (data is None or not data.complete) and uid not in self._wanted:
            self._wanted.append(uid)
            self._wake.set()

    def want_signal(self, name: str) -> None:
        """Have a recorded signal of the raw runs read, soon."""
        if self._signals.want(name):
            self._wake.set()

    def close(self) -> None:
        """End the thread and the connection."""
        self._stop.set()
        self._wake.set()
        self._thread.join(10)
        self._unsubscribe()
        self._reader.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= min(self._ask_at, self._soon):
                if now >= self._soon:  # before asking: a row may come meanwhile
                    self._soon = math.inf
                self._ask_at = now + self._ask()
            try:
                self._serve()
            except Exception as error:
                self._ask_at = time.monotonic() + self._failed(error)
            self._wake.wait(max(0.0, min(self._ask_at, self._soon) - time.monotonic()))
            self._wake.clear()

    def _ask(self) -> float:
        """Ask Tiled for what is new; return after how many seconds to ask again."""
        asked = time.monotonic()
        try:
            news = self._reader.refresh(self._board)
            self._board.set_begun(self._reader.begun())
            listening = self._subscription is not None
            if self._subscription and self._is_deaf(self._subscription.heard, asked, news):
                logger.info("Tiled's stream is deaf: subscribing again")
                self._unsubscribe()
            elif self._subscription and self._subscription.n_runs >= RENEWED_AFTER:
                self._unsubscribe()
            why = "" if self._subscription else self._subscribe()
        except Exception as error:
            return self._failed(error)
        if why:
            self._board.set_link(Link.POLLING, f"{why}: asked every second")
            return POLLING_PAUSE
        self._board.set_link(Link.STREAMING)
        # What came between asking and subscribing; and whether what was asked is told, too.
        return STREAMING_PAUSE if listening and not news else DEAF_AFTER

    def _is_deaf(self, heard: float, asked: float, news: bool) -> bool:
        """Whether an earlier time of asking found what the subscription never told."""
        deaf = self._suspect is not None and heard < self._suspect
        self._suspect = asked if news and heard < asked - DEAF_AFTER else None
        return deaf

    def _failed(self, error: Exception) -> float:
        logger.debug("Tiled failed", exc_info=error)
        self._unsubscribe()
        self._reader.drop()
        self._no_stream_before = 0.0  # what comes back may be another server
        self._board.set_link(Link.GONE, explain(error, to="read"))
        return GONE_PAUSE

    def _subscribe(self) -> str:
        """Subscribe; return why that cannot be done, or an empty text."""
        self._suspect = None
        container = self._reader.container()
        if not self._streaming:
            return "no subscription is wanted"
        if container is None:
            return "nothing was published yet"
        if time.monotonic() >= self._no_stream_before:
            try:
                self._subscription = Subscription(
                    container, self._wants, self._on_run, self._on_rows, self._on_points
                )
                return ""
            except NoStreamError as error:
                logger.info("%s", error)
                self._no_stream, self._no_stream_before = str(error), time.monotonic() + AGAIN
        return self._no_stream

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _serve(self) -> None:
        """Read what viewers want, before anything else is asked."""
        while self._wanted and not self._stop.is_set():
            uid = self._wanted[0]  # stays wanted if Tiled goes away
            try:
                self._reader.read(self._board, uid)
            except Exception as error:
                let_pass(error, uid)
            self._wanted.pop(0)
        if self._reader.fill_in(self._board) or self._signals.fill(self._reader, self._board):
            self._wake.set()  # there is more of it

    def _wants(self, run: PublishedRun) -> bool:
        # The stream tells of all runs that it remembers, also of those that ended long ago.
        known = self._board.get(run.analysis.uid)
        if known is not None:
            return not known.run.analysis.ended
        # By the time that it tells, or, whatever its clock, because it was not there before.
        recent = run.analysis.time >= self._board.clock() - NEW
        return recent or not self._reader.knows(run.analysis.uid)

    def _on_run(self, run: PublishedRun, start: Mapping[str, Any]) -> None:
        if self._board.get(run.analysis.uid) is None:
            self._board.merge([(run, start)], arrived=self._board.clock())

    def _on_rows(self, uid: str, rows: list[dict[str, Any]]) -> None:
        self._board.add_rows(uid, rows, heard=self._board.clock())
        if any(row["final"] for row in rows):
            self._soon = time.monotonic() + SOON
            self._wake.set()

    def _on_points(self, uid: str, points: MeasuredPoints) -> None:
        self._board.add_points(uid, [points])

"""Sending again from disk what failed: a few times, with growing pauses."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live_lce.publish._republish import Report, send_file
from live_lce.tiled._connection import is_away

logger = logging.getLogger(__name__)

ATTEMPTS = 6


@dataclass
class _Delay:
    attempts: int = 0
    not_before: float = -float("inf")


class Resending:
    """The runs that one publisher could not send, in the order in which they ended.

    Parameters
    ----------
    container : callable
        Returns the container of the runs, or raises.
    gone : callable
        Called with an error that means that the server does not answer.
    pause : float
        After a first failure of a run (s); doubled after each further one.
    clock : callable
        Returns a monotonic time (s).
    """

    def __init__(
        self,
        container: Callable[[], Any],
        gone: Callable[[Exception], None],
        *,
        pause: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._container, self._gone = container, gone
        self._pause, self._clock = pause, clock
        self._runs: dict[Path, _Delay] = {}

    def __bool__(self) -> bool:
        return bool(self._runs)

    def add(self, path: Path) -> None:
        """Take in the file of a run that failed."""
        self._runs[path] = _Delay()

    def send(self, *, at_once: bool = False) -> int:
        """Send what is due; return how many runs Tiled took.

        A run that failed too often is left to ``live-lce republish``.  When the server
        does not answer, the others wait, and none of it counts as an attempt.

        Parameters
        ----------
        at_once : bool
            Pauses do not matter: this is the last occasion.
        """
        sent = 0
        for path, run in list(self._runs.items()):
            if not at_once and self._clock() < run.not_before:
                continue
            try:
                send_file(path, self._container(), Report())
            except Exception as error:
                logger.debug("Run %s failed again:", path.stem, exc_info=error)
                if is_away(error):
                    self._gone(error)
                    break
                run.attempts += 1
                run.not_before = self._clock() + self._pause * 2 ** (run.attempts - 1)
                if run.attempts >= ATTEMPTS:
                    del self._runs[path]
            else:
                del self._runs[path]
                sent += 1
        return sent

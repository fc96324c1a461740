"""Where results go: the publisher's interface, to disk or to Tiled."""

from __future__ import annotations

from typing import Protocol

from live_lce.engine.types import Result, RunClosed


class Publisher(Protocol):
    """Takes results from one worker thread; never raises, never loses a run.

    Attributes
    ----------
    counters : dict of int
        What happened so far, see :data:`COUNTERS`.
    """

    counters: dict[str, int]

    def result(self, result: Result, latency: float) -> None:
        """Publish one prediction; `latency` (s) is counted from its raw document's arrival."""

    def closed(self, closed: RunClosed) -> None:
        """Write the stop documents of every analysis run of this raw run."""

    def close(self) -> None:
        """End what is still open (``exit_status: abort``) and let go of everything."""

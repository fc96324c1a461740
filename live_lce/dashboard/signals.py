"""Recorded signals of the raw runs, read when a viewer wants one as the axis of the trend."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from live_lce.results.signals import signal_names, signal_values

if TYPE_CHECKING:
    from live_lce.dashboard.board import Board
    from live_lce.dashboard.reading import Reader

AT_ONCE = 20
"""Runs asked for in one go before anything else has its turn."""


class SignalTable:
    """Values of recorded signals by raw uid; safe to use from several threads."""

    def __init__(self) -> None:
        self.version = 0
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._asked: dict[str, set[str]] = {}
        self._of = ""

    @property
    def names(self) -> Mapping[str, str]:
        """Names of the signals of the newest raw run, with their units."""
        return self._names

    def want(self, name: str) -> bool:
        """Have a signal read from now on; return whether that is new."""
        with self._lock:
            new = name not in self._values
            self._values.setdefault(name, {})
            self._asked.setdefault(name, set())
            return new

    def values(self, name: str) -> Mapping[str, float]:
        """Return what is known of a signal, by raw uid."""
        with self._lock:
            return dict(self._values.get(name, {}))

    def fill(self, reader: Reader, board: Board) -> bool:
        """Read some of what is wanted; return whether there is more."""
        runs = [run for run in board.counting() if run.analysis.ended]
        if not runs:
            return False
        raw = reader.raw()
        if raw is None:
            return False
        newest = runs[0].analysis.raw_uid
        if newest != self._of:
            self._of, self._names = newest, signal_names(raw, newest)
            self.version += 1
        more = False
        for name, asked in list(self._asked.items()):
            todo = [r.analysis.raw_uid for r in runs if r.analysis.raw_uid not in asked]
            found = signal_values(raw, todo[:AT_ONCE], name) if todo else {}
            with self._lock:
                self._values[name] |= found
                asked.update(todo[:AT_ONCE])
            self.version += bool(found)
            more |= len(todo) > AT_ONCE
        return more

"""Read recorded signals of the raw runs when a viewer wants one as the trend's axis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from live_lce.dashboard._board import Board
from live_lce.dashboard._reading import Reader, let_pass
from live_lce.results import signal_names, signal_values

T = TypeVar("T")

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
            names = _tried(lambda: signal_names(raw, newest), newest)
            self._of, self._names = newest, names
            self.version += 1
        more = False
        with self._lock:
            wanted = list(self._asked.items())
        for name, asked in wanted:
            todo = [r.analysis.raw_uid for r in runs if r.analysis.raw_uid not in asked]
            now = todo[:AT_ONCE]
            found = _tried(partial(signal_values, raw, now, name), name) if now else {}
            with self._lock:
                self._values[name] |= found
                asked.update(now)
            self.version += bool(found)
            more |= len(todo) > AT_ONCE
        return more


def _tried(ask: Callable[[], dict[str, T]], what: str) -> dict[str, T]:
    """Return what is found; nothing where that one thing cannot be read."""
    try:
        return ask()
    except Exception as error:
        let_pass(error, what)
        return {}

"""Print one line for each scan where the scientist sits, and how things stand."""

from __future__ import annotations

import queue
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from live_lce._support.text import one_line
from live_lce.contract import Status
from live_lce.engine import Result, RunClosed

MOST_LINES = 10
"""Spectra of one run that get a line; a map has thousands."""
_WAITING = 200  # lines; more are left out while nothing can be written
_LONGEST = 60  # characters of a name


def plain(value: Any) -> str:
    """Return a name as one line of printable text, cut: a terminal obeys what is none."""
    text = one_line(str(value)[: 4 * _LONGEST])
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def sentence(result: Result) -> str:
    """Return one line on a spectrum, such as ``scan 12 Fe K: O6 98 %, ln(I0/It)``."""
    prediction = result.prediction
    name = _scan(result.run.start, result.run.uid)
    if result.spectrum_index:
        name += f" spectrum {result.spectrum_index + 1}"
    if result.run.sample:
        name += f" ({plain(result.run.sample)})"
    edge = f" {prediction.absorber} {prediction.edge}".rstrip() if prediction.absorber else ""
    why = prediction.findings[0] if prediction.findings else None
    if prediction.answered:
        said = f"{plain(prediction.label)} {prediction.confidence:.0%}".replace("%", " %")
        if prediction.status is not Status.OK and why is not None:
            said += f", {prediction.status.value}: {one_line(why.sentence)}"
    else:
        said = {Status.ABSTAIN: "no answer"}.get(prediction.status, prediction.status.value)
        said += f": {one_line(why.sentence)}" if why is not None else ""
    used = one_line(result.used.words)
    return f"{name}{edge}: {said}" + (f", {used}" if used and prediction.answered else "")


def _scan(start: Any, uid: str) -> str:
    scan_id = start.get("scan_id")
    return f"scan {plain(scan_id)}" if isinstance(scan_id, (int, str)) else f"run {plain(uid)[:8]}"


class Voice:
    """Writes lines from a thread of its own: whatever a terminal does, nobody waits for it.

    Parameters
    ----------
    write : callable, optional
        Takes a line; by default it goes to standard error, where it disturbs no program.
    """

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or _to_terminal
        self._lines: queue.Queue[str | threading.Event] = queue.Queue(_WAITING)
        self._said: Counter[str] = Counter()  # by raw run
        self._thread: threading.Thread | None = None

    def result(self, result: Result) -> None:
        """Say what came of a spectrum."""
        uid = result.run.uid
        self._said[uid] += 1
        if self._said[uid] <= MOST_LINES:
            self._say(f"live_lce: {sentence(result)}")

    def closed(self, closed: RunClosed) -> None:
        """Say how many spectra of a run got no line."""
        more = self._said.pop(closed.uid, 0) - MOST_LINES
        if more > 0:
            self._say(f"live_lce: run {plain(closed.uid)[:8]}: {more} more spectra, see Tiled")

    def wait(self, timeout: float) -> None:
        """Wait until the lines are written, for so long (s) at most."""
        if self._thread is not None:
            written = threading.Event()
            with suppress(queue.Full):
                self._lines.put_nowait(written)
                written.wait(timeout)

    def _say(self, line: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="live_lce_voice", daemon=True)
            self._thread.start()
        with suppress(queue.Full):  # nobody reads: predictions are in Tiled
            self._lines.put_nowait(line)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            if isinstance(line, threading.Event):
                line.set()
                continue
            with suppress(Exception):  # a terminal that is gone
                self._write(line)


def _to_terminal(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201


@dataclass(frozen=True)
class LiveStatus:
    """How a callback stands.

    Parameters
    ----------
    state : str
        ``starting`` (libraries are being loaded), ``ready``, ``behind`` (documents wait on disk or
        partial predictions are left out), ``closed``, or ``broken``.
    documents, waiting : int
        Received so far, and not yet processed.
    open_runs : int
        Runs that have not ended.
    results : int
        Predictions so far, partial ones too.
    last : str
        The line on the last spectrum; empty if there was none.
    goes_to : str
        Where results go.
    troubles : dict of int
        Counters of what did not go well, without those that are 0.
    """

    state: str
    documents: int
    waiting: int
    open_runs: int
    results: int
    last: str
    goes_to: str
    troubles: dict[str, int]

    def __str__(self) -> str:
        waiting, runs = f"{self.waiting} waiting", f"{self.open_runs} open runs"
        troubles = ", ".join(f"{name} {count}" for name, count in self.troubles.items()) or "none"
        return "\n".join(
            (
                f"live_lce is {self.state}; results go {self.goes_to}",
                f"  documents  {self.documents}, {waiting}; {runs}",
                f"  results    {self.results}, last: {self.last or 'none yet'}",
                f"  troubles   {troubles}",
            )
        )

    __repr__ = __str__

"""Hold the documents of open runs, so that a run that fails can be kept whole.

When a document fails, the earlier ones of its run are gone already: the worker must have kept
them.  It keeps those of each open run until its stop document: the first 100 as they are, later
ones pickled in a temporary file without a name, up to 200 MB a run.  That is tens of microseconds a
document in the worker's thread and nothing in the RunEngine's.  Nothing is left of a run that went
well.  From its first failure on, a run's documents go to the dead letters at once: a kill does not
lose them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from live_lce._support.spill_queue import LostItemError, SpillQueue
from live_lce.contract import REASON_WORDS, Reason, Status
from live_lce.engine import Result
from live_lce.publish._dead_letter import UNKNOWN, DeadLetters, Failure, Letter

logger = logging.getLogger(__name__)

IN_MEMORY = 100
"""Documents of one run in memory; where the rest cannot go to disk, ten times as many."""
MOST_BYTES = 200_000_000
"""Of one run in its temporary file; a longer run is not kept whole."""
MOST_RUNS = 32
"""Open runs; more than the engine has."""
TRACEBACKS = 20
"""So many of one run are written in full."""
OURS = {Reason.INTERNAL_ERROR, Reason.MODEL_DAMAGED}
"""Reasons of predictions that failed by the fault of software or files."""

_END = "end"  # stands for the end of the callback; the engine knows no such document


def fault(result: Result) -> Reason | None:
    """Return why a last prediction failed, if that was the fault of software or files."""
    prediction = result.prediction
    if not result.final or prediction.status is not Status.FAILED or not prediction.findings:
        return None
    reason = prediction.findings[0].reason
    return reason if reason in OURS else None


class FailedRuns:
    """Follows the documents behind the engine; never raises.

    Parameters
    ----------
    letters : DeadLetters, optional
        Where runs go that fail; None keeps nothing.
    source : str
        Where the documents come from.

    Attributes
    ----------
    source : str
        As given; may change between runs.
    """

    def __init__(self, letters: DeadLetters | None, source: str) -> None:
        self._letters = letters
        self.source = source
        self._failures: list[tuple[str, Exception]] = []
        self._runs: dict[str, _KeptRun] = {}
        self._owners: dict[str, str] = {}  # descriptor uid: run uid
        self._logged = False

    @property
    def counters(self) -> dict[str, int]:
        """What was kept, see :data:`live_lce.publish._dead_letter.COUNTERS`."""
        return dict(self._letters.counters) if self._letters is not None else {}

    def failed(self, name: str, error: Exception) -> None:
        """Note an error in the document that the engine has now."""
        if self._letters is not None:
            self._failures.append((name, error))

    def take(self, name: str, doc: Any, outputs: Iterable[object] = ()) -> None:
        """Take in a document that the engine had, with what came of it."""
        if self._letters is None:
            return
        failures, self._failures = self._failures, []
        try:
            for output in outputs:  # first: the stop document is the last line of a whole run
                if isinstance(output, Result):
                    self._judge(self._letters, output)
            self._take(self._letters, name, doc, failures)
            if name == "stop":
                self._end(self._owner(name, doc))
        except Exception:  # an odd document may not end the worker
            if not self._logged:
                self._logged = True
                logger.exception("A run that failed could not be kept; please report it")

    def close(self, outputs: Iterable[object] = ()) -> None:
        """End all runs; `outputs` are what the engine gave last."""
        self.take(_END, None, outputs)
        for uid in list(self._runs):
            self._end(uid)

    def _take(
        self, letters: DeadLetters, name: str, doc: Any, failures: list[tuple[str, Exception]]
    ) -> None:
        uid = self._owner(name, doc)
        if name == "start" and uid:
            if uid in self._runs and self._runs[uid].began_with(doc):
                return  # it came twice: nothing is lost
            self._begin(letters, uid, doc)
        elif name == "descriptor" and uid in self._runs:
            self._runs[uid].descriptors.append(self._text(doc, "uid"))
            self._owners[self._text(doc, "uid")] = uid
        if uid:
            runs = [self._runs[uid]] if uid in self._runs else []
        else:  # any of the runs may need it
            runs = [run for known, run in self._runs.items() if known != UNKNOWN]
            if len(runs) > 1 and not failures:
                return
        if failures and not runs:
            runs = [self._begin(letters, uid or UNKNOWN, None)]
        for run in runs:
            if name != _END or failures:
                run.take(name, doc, failures)

    def _judge(self, letters: DeadLetters, result: Result) -> None:
        reason = fault(result)
        if reason is None:
            return
        run = self._runs.get(result.run.uid) or self._begin(letters, result.run.uid, None)
        detail = result.prediction.findings[0].detail
        text = f"{reason.value}: {detail or REASON_WORDS[reason]}"
        row = {"stream": result.run.stream, "spectrum_index": result.spectrum_index}
        run.write("prediction", row, Failure(text))

    def _begin(self, letters: DeadLetters, uid: str, start: Any) -> _KeptRun:
        while uid not in self._runs and len(self._runs) >= MOST_RUNS:
            self._end(next(iter(self._runs)))
        if uid not in self._runs:
            self._runs[uid] = _KeptRun(letters, uid, self.source, start)
        return self._runs[uid]

    def _end(self, uid: str) -> None:
        run = self._runs.pop(uid, None)
        if run is not None:
            run.close()
            for descriptor in run.descriptors:
                self._owners.pop(descriptor, None)

    def _owner(self, name: str, doc: Any) -> str:
        """Return the uid of a document's run; empty if it does not tell."""
        if name == "start":
            return self._text(doc, "uid")
        return self._text(doc, "run_start") or self._owners.get(self._text(doc, "descriptor"), "")

    @staticmethod
    def _text(doc: Any, key: str) -> str:
        try:
            value = doc[key] if isinstance(doc, Mapping) else ""
        except Exception:
            return ""
        return value if isinstance(value, str) else ""


class _KeptRun:
    """One run that has not ended: kept aside while all goes well, then a dead letter."""

    def __init__(self, letters: DeadLetters, uid: str, source: str, start: Any) -> None:
        self.descriptors: list[str] = []
        self._letters, self._uid, self._source = letters, uid, source
        self._start = start
        self._documents: SpillQueue[tuple[str, Any]] = SpillQueue(IN_MEMORY)
        self._whole = start is not None
        self._letter: Letter | None = None
        self._failures = 0

    def began_with(self, start: Any) -> bool:
        """Whether this is its start document again."""
        try:
            return bool(self._start is start or self._start == start)
        except Exception:  # arrays do not compare
            return False

    def take(self, name: str, doc: Any, failures: list[tuple[str, Exception]]) -> None:
        if failures:
            self._failures += 1
            kind, error = failures[0]
            found = Failure.of(error, kind, full=self._failures <= TRACEBACKS)
            more = f" (and {len(failures) - 1} more in it)" if len(failures) > 1 else ""
            self.write(name, doc, Failure(found.error + more, found.traceback))
        elif self._letter is not None:
            self._letter.append(name, doc)
        elif self._whole:
            self._documents.put((name, doc))
            in_memory = len(self._documents) - self._documents.spilled
            if self._documents.file_size > MOST_BYTES or in_memory > 10 * IN_MEMORY:
                self._whole = False
                self._documents.close()
                self._documents = SpillQueue(IN_MEMORY)

    def write(self, name: str, doc: Any, failure: Failure) -> None:
        """Write a failure; the first one brings what was kept aside to disk."""
        if self._letter is None:
            self._letter = self._letters.open(self._uid, self._source, whole=self._whole)
            while len(self._documents):
                try:
                    self._letter.append(*self._documents.get())
                except LostItemError as error:
                    self._letter.give_up(str(error))
            self._documents.close()
        self._letter.append(name, doc, failure)

    def close(self) -> None:
        self._documents.close()
        if self._letter is not None:
            self._letter.close()

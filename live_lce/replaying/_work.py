"""Run archived runs through a pipeline, one after the other."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from live_lce._support.spill_queue import SpillQueue
from live_lce.archives import ArchivedRun, ArchiveError, Document, DocumentsError
from live_lce.contract import REASON_WORDS
from live_lce.engine import Output, Result
from live_lce.engine._run import as_time
from live_lce.publish import Failure, TiledPublisher
from live_lce.publish._kept_runs import fault
from live_lce.records import replay_row
from live_lce.replaying._outcome import Outcome, RunStatus
from live_lce.replaying._setup import Setup

logger = logging.getLogger(__name__)

IN_MEMORY = 20_000
"""Documents of one run that are kept in memory; the rest waits in a temporary file."""
SILENCE = 7200.0
"""A run without a stop document may still be running for so long after its last one (s)."""
MOST_ERRORS = 5
"""Different errors that are told of one run."""
_LOST = "{}: run {}: neither Tiled nor the disk took it: make room and replay it again"


@dataclass
class _Read:
    """A whole run, read before any of it is analysed."""

    documents: SpillQueue[Document] = field(default_factory=lambda: SpillQueue(IN_MEMORY))
    ended: bool = False
    last_time: float = float("-inf")


class Worker:
    """Analyses and publishes runs, each as a whole; never raises.

    A run is read to its end first: of one that cannot be read, nothing is published.

    Parameters
    ----------
    setup : Setup
        How, and where results go.
    now : callable
        Returns the time (s), to tell runs that may still be running.
    on_result : callable, optional
        Gets each result of the engine.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        now: Callable[[], float] = time.time,
        on_result: Callable[[Result], object] | None = None,
    ) -> None:
        self._setup = setup
        self._now = now
        self._on_result = on_result
        self._errors: dict[str, None] = {}
        self._broken: Exception | None = None  # what ends the replay of a run
        self._pipeline = setup.pipeline(self._failed)

    def __call__(self, run: ArchivedRun) -> Outcome:
        """Replay one run.

        Parameters
        ----------
        run : ArchivedRun
            From an archive.

        Returns
        -------
        Outcome
            Also where it failed.
        """
        try:
            outcome = self._replay(run)
        except Exception as error:
            logger.debug("Run %s failed so:", run.uid, exc_info=error)
            self._pipeline.reset()  # whatever state the error left in it
            outcome = Outcome(run.uid, run.where, RunStatus.FAILED, problem=_problem(run, error))
        return replace(outcome, scan=str(run.start.get("scan_id", "")))

    def close(self) -> dict[str, int]:
        """Close the publisher; return its counters and those of the dead letters.

        Empty if nothing is published.
        """
        self._pipeline.close()
        return self._pipeline.published

    def _replay(self, run: ArchivedRun) -> Outcome:
        read = _read(run)
        try:
            if self._pipeline.publisher is not None and self._may_run(read):
                return Outcome(run.uid, run.where, RunStatus.RUNNING, ended=False)
            return self._analyse(run, read)
        finally:
            read.documents.close()

    def _may_run(self, read: _Read) -> bool:
        # What is published of a run that goes on would stand in the way of the whole one.
        return not read.ended and read.last_time > self._now() - SILENCE

    def _analyse(self, run: ArchivedRun, read: _Read) -> Outcome:
        publisher = self._pipeline.publisher
        if isinstance(publisher, TiledPublisher):
            publisher.expect_archived(stopped=read.ended)
        malformed = self._malformed
        before = Counter(self._pipeline.published)
        self._errors = {}
        self._pipeline.begin(run.where)
        rows = self._feed(read)
        counters = Counter(self._pipeline.published) if publisher is not None else None
        status = _status(bool(rows), before, counters)
        return Outcome(
            run.uid,
            run.where,
            status,
            rows=tuple(row for row in rows if row["final"] or self._setup.partial_rows),
            problem=_LOST.format(run.where, run.uid[:8]) if status is RunStatus.FAILED else "",
            malformed=self._malformed - malformed,
            errors=tuple(self._errors),
            ended=read.ended,
        )

    def _feed(self, read: _Read) -> list[dict[str, Any]]:
        """Return the rows of a run's predictions; what is no fault of its documents is raised."""
        rows: list[dict[str, Any]] = []
        self._broken = None
        while len(read.documents) and self._broken is None:
            rows += self._rows(self._pipeline(*read.documents.get()))
        if self._broken is None:
            rows += self._rows(self._pipeline.finish())
        while len(read.documents):  # the rest of the run is kept
            self._pipeline.keep(*read.documents.get())
        if self._broken is not None:
            raise self._broken
        return rows

    def _rows(self, outputs: list[Output]) -> list[dict[str, Any]]:
        return [self._row(output) for output in outputs if isinstance(output, Result)]

    def _row(self, result: Result) -> dict[str, Any]:
        if self._on_result is not None:
            self._on_result(result)
        if reason := fault(result):
            self._tell(f"{result.run.stream}: {reason.value}: {REASON_WORDS[reason]}")
        return replay_row(result)

    def _failed(self, counter: str, name: str, error: Exception) -> None:
        """Take in an error; one in a document only is told, and the rest of its run goes on."""
        self._tell(Failure.of(error, name, full=False).error)
        if counter != "malformed" and self._broken is None:
            self._broken = error

    @property
    def _malformed(self) -> int:
        return self._pipeline.counters.get("malformed", 0)

    def _tell(self, error: str) -> None:
        if len(self._errors) < MOST_ERRORS:
            self._errors[error] = None


def _read(run: ArchivedRun) -> _Read:
    read = _Read()
    try:
        for name, doc in run.documents():
            read.documents.put((name, doc))
            read.ended = read.ended or name == "stop"
            if name in ("start", "event", "stop"):
                read.last_time = max(read.last_time, as_time(doc))
        if not len(read.documents):
            raise ArchiveError(f"{run.where}: run {run.uid[:8]} has no documents: left alone")
    except BaseException:
        read.documents.close()
        raise
    return read


def _status(any_rows: bool, before: Counter[str], after: Counter[str] | None) -> RunStatus:
    if not any_rows:
        return RunStatus.NO_SPECTRUM
    if after is None:
        return RunStatus.PREDICTED
    if after["runs_lost"] > before["runs_lost"]:
        return RunStatus.FAILED
    if any(after[name] > before[name] for name in ("errors", "runs_spooled")):
        return RunStatus.KEPT
    if after["runs_published"] > before["runs_published"]:
        return RunStatus.PUBLISHED
    return RunStatus.THERE


def _problem(run: ArchivedRun, error: Exception) -> str:
    """Return one line that names the run."""
    text = " ".join(str(error).split())
    if isinstance(error, ArchiveError | DocumentsError):
        return text
    return f"{run.where}: run {run.uid[:8]}: {type(error).__name__}: {text}"

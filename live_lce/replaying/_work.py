"""One archived run after the other: documents, engine, publisher."""

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
from live_lce.engine import Engine, Output, Result, RunClosed
from live_lce.engine._run import as_time
from live_lce.external import Hdf5Files
from live_lce.publish import Failure, Publisher, TiledPublisher
from live_lce.publish._kept_runs import FailedRuns, fault
from live_lce.replaying._outcome import Outcome, RunStatus
from live_lce.replaying._rows import prediction_row
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
        self._publisher: Publisher | None = setup.publisher()
        self._registry = setup.registry()
        self._letters = setup.dead_letters()
        self._failed_runs = FailedRuns(None, "")
        self._errors: dict[str, None] = {}
        self._files = Hdf5Files(roots=setup.config.files.roots)
        self._engine = self._new_engine()

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
            self._engine = self._new_engine()  # whatever state the error left in it
            outcome = Outcome(run.uid, run.where, RunStatus.FAILED, problem=_problem(run, error))
        return replace(outcome, scan=str(run.start.get("scan_id", "")))

    def close(self) -> dict[str, int]:
        """Close the publisher; return its counters and those of the dead letters.

        Empty if nothing is published.
        """
        self._files.shutdown()
        if self._publisher is None:
            return {}
        self._publisher.close()
        return {**self._publisher.counters, **(self._letters.counters if self._letters else {})}

    def _replay(self, run: ArchivedRun) -> Outcome:
        read = _read(run)
        try:
            if self._publisher is not None and self._may_run(read):
                return Outcome(run.uid, run.where, RunStatus.RUNNING, ended=False)
            return self._analyse(run, read)
        finally:
            read.documents.close()

    def _may_run(self, read: _Read) -> bool:
        # What is published of a run that goes on would stand in the way of the whole one.
        return not read.ended and read.last_time > self._now() - SILENCE

    def _analyse(self, run: ArchivedRun, read: _Read) -> Outcome:
        malformed = self._engine.counters["malformed"]
        if isinstance(self._publisher, TiledPublisher):
            self._publisher.expect_archived(stopped=read.ended)
        before = Counter(self._publisher.counters) if self._publisher else Counter[str]()
        rows: list[dict[str, Any]] = []
        self._errors = {}
        self._failed_runs = FailedRuns(self._letters, run.where)
        try:
            self._feed(read, rows)
        finally:
            self._failed_runs.close()
        counters = Counter(self._publisher.counters) if self._publisher else None
        status = _status(bool(rows), before, counters)
        return Outcome(
            run.uid,
            run.where,
            status,
            rows=tuple(row for row in rows if row["final"] or self._setup.partial_rows),
            problem=_LOST.format(run.where, run.uid[:8]) if status is RunStatus.FAILED else "",
            malformed=self._engine.counters["malformed"] - malformed,
            errors=tuple(self._errors),
            ended=read.ended,
        )

    def _feed(self, read: _Read, rows: list[dict[str, Any]]) -> None:
        while len(read.documents):
            name, doc = read.documents.get()
            began = time.perf_counter()
            outputs: list[Output] = []
            try:
                outputs = self._engine(name, doc)
                for output in outputs:
                    self._take(output, time.perf_counter() - began, rows)
            except Exception as error:  # not the engine's habit: the rest of the run is kept
                self._malformed(name, error)
                self._failed_runs.take(name, doc, outputs)
                while len(read.documents):
                    self._failed_runs.take(*read.documents.get())
                raise
            self._failed_runs.take(name, doc, outputs)
        outputs = self._engine.finish()
        for output in outputs:
            self._take(output, 0.0, rows)
        self._failed_runs.close(outputs)

    def _malformed(self, name: str, error: Exception) -> None:
        self._tell(Failure.of(error, name, full=False).error)
        self._failed_runs.failed(name, error)

    def _tell(self, error: str) -> None:
        if len(self._errors) < MOST_ERRORS:
            self._errors[error] = None

    def _take(self, output: Any, latency: float, rows: list[dict[str, Any]]) -> None:
        if isinstance(output, RunClosed):
            if self._publisher is not None:
                self._publisher.closed(output)
            return
        if self._publisher is not None:
            self._publisher.result(output, latency)
        rows.append(prediction_row(output))
        if self._on_result is not None:
            self._on_result(output)
        if reason := fault(output):
            self._tell(f"{output.run.stream}: {reason.value}: {REASON_WORDS[reason]}")

    def _new_engine(self) -> Engine:
        return Engine(
            self._setup.config.analysis,
            self._registry,
            on_malformed=self._malformed,
            files=self._files,
        )


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

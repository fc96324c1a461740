"""Where results go: the publisher's interface, to disk and to Tiled."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from live_lce.engine.types import Result, RunClosed
from live_lce.publish.connection import Connection, TiledAwayError, explain, is_away
from live_lce.publish.documents import AnalysisRun, Document, RunKey, run_key
from live_lce.publish.republish import Report, send_file
from live_lce.publish.spool import SpoolFile
from live_lce.publish.tiled_run import TakenOverError, TiledRun
from live_lce.settings import AnalysisSettings

logger = logging.getLogger(__name__)

COUNTERS = {
    "events_published": "Events that Tiled took.",
    "runs_published": "Runs completely in Tiled.",
    "runs_spooled": "Runs that stayed on disk: send them with `live-lce republish`.",
    "runs_resent": "Runs that failed at first and were sent again from disk.",
    "runs_skipped": "Runs that were complete in Tiled already.",
    "runs_rewritten": "Half-written runs that were deleted in Tiled and written again.",
    "errors": "Failures of Tiled, disk or software; each is in the log.",
}
"""Names and meanings of a publisher's counters."""
RESEND_ATTEMPTS = 3


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


class _OpenRun:
    """An analysis run being written: composer, file, and Tiled while that works."""

    def __init__(self, documents: AnalysisRun) -> None:
        self.documents = documents
        self.file: SpoolFile | None = None
        self.tiled: TiledRun | None = None
        self.skipped = False


class SpoolPublisher:
    """Keeps analysis runs on disk, to be sent later by ``live-lce republish``.

    Parameters
    ----------
    spool : Path
        Folder of the spool files.
    settings : AnalysisSettings
        Go into start documents and uids.
    source : str
        Where the raw documents come from, e.g. ``RE`` or ``replay``.
    now : callable
        Returns the time (s) for the documents.
    """

    def __init__(
        self,
        spool: Path,
        *,
        settings: AnalysisSettings,
        source: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.counters = dict.fromkeys(COUNTERS, 0)
        self._spool = Path(spool)
        self._settings = settings
        self._source = source
        self._now = now
        self._runs: dict[RunKey, _OpenRun] = {}

    def result(self, result: Result, latency: float) -> None:
        """Publish one prediction; never raises."""
        try:
            run = self._runs.get(run_key(result)) or self._open(result)
            if run.skipped:
                return
            for document in run.documents.result(result, latency):
                self._write(run, document)
        except Exception as error:
            self._failed("a prediction could not be composed", result.run.uid, error)

    def closed(self, closed: RunClosed) -> None:
        """Write the stop documents of this raw run's analysis runs; never raises."""
        self._end([key for key in self._runs if key[0] == closed.uid], "success", "")

    def close(self) -> None:
        """End what is open; never raises."""
        self._end(list(self._runs), "abort", "live_lce was closed before the raw run ended.")

    def _open(self, first: Result) -> _OpenRun:
        documents = AnalysisRun(first, settings=self._settings, source=self._source, now=self._now)
        run = self._runs[documents.key] = _OpenRun(documents)
        try:
            run.file = SpoolFile(self._spool, documents.uid)
        except OSError as error:
            self._disk_failed(run, error)
        self._write(run, documents.start)
        return run

    def _end(self, keys: list[RunKey], exit_status: str, reason: str) -> None:
        for key in keys:
            run = self._runs.pop(key)
            if run.skipped:
                continue
            try:
                self._write(run, run.documents.stop(exit_status, reason))
                self._finish(run)
            except Exception as error:
                self._failed("the analysis run could not be ended", key[0], error)

    def _write(self, run: _OpenRun, document: Document) -> None:
        if run.file is not None:
            try:
                run.file.append(*document)
            except OSError as error:
                self._disk_failed(run, error)
        self._send(run, document)

    def _send(self, run: _OpenRun, document: Document) -> None:
        """Pass a document on, once it is on disk."""

    def _finish(self, run: _OpenRun) -> None:
        """Account for a run that has its stop document."""
        if run.file is not None:
            run.file.close()
            self.counters["runs_spooled"] += 1

    def _disk_failed(self, run: _OpenRun, error: OSError) -> None:
        run.file = None
        self.counters["errors"] += 1
        logger.error(
            "Run %s cannot be kept on disk (%s): make room in %s or set `publish.spool`.",
            run.documents.uid, error, self._spool,
        )  # fmt: skip

    def _failed(self, what: str, raw_uid: str, error: Exception) -> None:
        self.counters["errors"] += 1
        logger.error("Raw run %s: %s; please report it.", raw_uid, what, exc_info=error)


class TiledPublisher(SpoolPublisher):
    """Writes analysis runs to Tiled while their raw runs go on, and keeps on disk what fails.

    Every document is on disk before it goes to Tiled; the file is removed when
    Tiled has the run's stop document.  What failed is sent again from disk when a later
    run ends, and at the close.  All connecting is done in the calling thread.

    Parameters
    ----------
    uri_or_container : str or tiled container
        Address of the server, joined with `path`; or the container of the runs
        itself (then `path`, `api_key` and the short retries do not apply).
    settings, source, now
        See :class:`SpoolPublisher`.
    spool : Path
        Folder of the spool files.
    path : str
        Container of the runs, made if missing.
    api_key : str, optional
        Else from the URI, else from ``TILED_API_KEY``.
    backoff : float
        Pause after a failure of the server (s); runs that begin in it stay on disk.
    """

    def __init__(
        self,
        uri_or_container: Any,
        *,
        settings: AnalysisSettings,
        spool: Path,
        source: str,
        path: str = "processed",
        api_key: str | None = None,
        backoff: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(spool, settings=settings, source=source, now=now)
        self._given = None if isinstance(uri_or_container, str) else uri_or_container
        self._connection = Connection(
            uri_or_container if isinstance(uri_or_container, str) else "",
            api_key=api_key,
            path=path,
            backoff=backoff,
        )
        self._waiting: dict[Path, int] = {}  # spooled by this publisher: attempts so far

    def close(self) -> None:
        """End what is open, send what failed once more, and disconnect; never raises."""
        super().close()
        if self._waiting:
            self._connection.forgive()
            self._resend()
        self._connection.close()

    def _send(self, run: _OpenRun, document: Document) -> None:
        name, doc = document
        if name != "start" and run.tiled is None:
            return
        try:
            if name == "start":
                self._start(run, doc)
            elif run.tiled is not None:
                run.tiled.write(name, doc)
                self.counters["events_published"] += name == "event"
        except Exception as error:
            self._tiled_failed(run, error)

    def _start(self, run: _OpenRun, doc: dict[str, Any]) -> None:
        if run.file is not None and run.file.shared:
            raise TakenOverError("Another live_lce process writes the same run.")
        container = self._given if self._given is not None else self._connection.container()
        run.tiled = TiledRun(container, doc)
        self.counters["runs_rewritten"] += run.tiled.rewritten
        if run.tiled.skipped:
            run.skipped = True
            self.counters["runs_skipped"] += 1
            logger.info("Run %s is in Tiled already.", doc["uid"])
            if run.file is not None:
                run.file.remove()

    def _finish(self, run: _OpenRun) -> None:
        if run.tiled is None:
            super()._finish(run)
            if run.file is not None:
                self._waiting[run.file.path] = 0
        else:
            self.counters["runs_published"] += 1
            if run.file is not None:
                run.file.remove()
        self._resend()

    def _resend(self) -> None:
        """Send again what failed, each run a few times at most; the rest waits for a command."""
        for path, attempts in list(self._waiting.items()):
            try:
                container = self._given if self._given is not None else self._connection.container()
                send_file(path, container, Report())
            except Exception as error:
                logger.debug("Run %s failed again:", path.stem, exc_info=error)
                if is_away(error):
                    if self._given is None and not isinstance(error, TiledAwayError):
                        self._connection.drop()
                    return
                self._waiting[path] = attempts + 1
                if attempts + 1 >= RESEND_ATTEMPTS:
                    del self._waiting[path]
            else:
                del self._waiting[path]
                self.counters["runs_spooled"] -= 1
                self.counters["runs_resent"] += 1

    def _tiled_failed(self, run: _OpenRun, error: Exception) -> None:
        run.tiled = None
        self.counters["errors"] += 1
        where = (
            f"it is kept in {run.file.path.parent}; send it later with `live-lce republish`"
            if run.file is not None
            else "and the disk failed too: it is LOST; replay the raw run"
        )
        logger.error(
            "Run %s did not get to Tiled, %s. %s", run.documents.uid, where, explain(error)
        )
        logger.debug("Run %s failed so:", run.documents.uid, exc_info=error)
        if is_away(error) and self._given is None:
            self._connection.drop()

"""Publish results to disk and to Tiled."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from live_lce._support.private_files import PRIVATE, Access
from live_lce.engine import Result, RunClosed
from live_lce.publish._documents import AnalysisRun, Document, ExitStatus, RunKey, run_key
from live_lce.publish._keeping import SPOOL_LIMIT, KeptRun, Spool
from live_lce.publish._republish import Resending
from live_lce.settings import AnalysisSettings
from live_lce.tiled import Connection, explain
from live_lce.tiled._analyses import NOT_STOPPED, Again
from live_lce.tiled._connection import is_away
from live_lce.tiled._run import TakenOverError, TiledRunWriter

logger = logging.getLogger(__name__)

ARCHIVED_BATCH = 10_000
"""Rows in one request where nobody watches."""
COUNTERS = {
    "events_published": "Events that Tiled took.",
    "runs_published": "Runs completely in Tiled.",
    "runs_spooled": "Runs that stayed on disk: send them with `live-lce republish`.",
    "runs_resent": "Runs that failed at first and were sent again from disk.",
    "runs_skipped": "Runs that were complete in Tiled already.",
    "runs_rewritten": "Half-written runs that were deleted in Tiled and written again.",
    "runs_superseding": "Runs that supersede earlier analyses, or halves that cannot be deleted.",
    "runs_not_kept": "Runs that were not kept on disk, or not whole: spool or disk are full.",
    "partials_not_kept": "Partial predictions that a nearly full spool left out.",
    "runs_lost": "Runs that neither Tiled nor the disk took: replay them.",
    "errors": "Failures of Tiled, disk or software; each is in the log.",
}
"""Names and meanings of a publisher's counters."""


class Publisher(Protocol):
    """Takes results from one worker thread; never raises, never loses a run.

    Attributes
    ----------
    counters : dict of int
        What happened so far, see ``COUNTERS``.
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

    def __init__(self, documents: AnalysisRun, kept: KeptRun) -> None:
        self.documents = documents
        self.kept = kept
        self.tiled: TiledRunWriter | None = None
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
    limit : int
        Bytes that the spool may take.
    again : Again
        What happens where a raw run is analysed already.
    now : callable
        Returns the time (s) for the documents.
    growing : bool
        Whether the measured points of partial predictions are published, not only of final
        ones: for those who watch.
    access : Access
        Who may read the spool.
    """

    def __init__(
        self,
        spool: Path,
        *,
        settings: AnalysisSettings,
        source: str,
        limit: int = SPOOL_LIMIT,
        again: Again = Again.NO,
        now: Callable[[], float] = time.time,
        growing: bool = True,
        access: Access = PRIVATE,
    ) -> None:
        self.counters = dict.fromkeys(COUNTERS, 0)
        self._spool = Spool(Path(spool), limit, self.counters, again, access)
        self._settings = settings
        self._source = source
        self._now = now
        self._growing = growing
        self._runs: dict[RunKey, _OpenRun] = {}

    def result(self, result: Result, latency: float) -> None:
        """Publish one prediction; never raises."""
        try:
            run = self._runs.get(run_key(result)) or self._open(result)
            if run.skipped:
                return
            documents = run.documents.result(result, latency)
            keep = result.final or run.kept.takes_partial()
            for document in documents:
                self._write(run, document, keep=keep or document[0] != "event")
        except Exception as error:
            self._failed("a prediction could not be composed", result.run.uid, error)

    def closed(self, closed: RunClosed) -> None:
        """Write the stop documents of this raw run's analysis runs; never raises."""
        keys = [key for key in self._runs if key[0] == closed.uid]
        if closed.exit_status == "unknown":
            self._end(keys, "abort", NOT_STOPPED)
        else:
            self._end(keys, "success", "")

    def close(self) -> None:
        """End what is open; never raises."""
        self._end(list(self._runs), "abort", "live_lce was closed before the raw run ended.")

    def _open(self, first: Result) -> _OpenRun:
        documents = AnalysisRun(
            first,
            settings=self._settings,
            source=self._source,
            now=self._now,
            growing=self._growing,
        )
        run = self._runs[documents.key] = _OpenRun(documents, self._spool.open(documents.uid))
        self._write(run, documents.start)
        return run

    def _end(self, keys: list[RunKey], exit_status: ExitStatus, reason: str) -> None:
        for key in keys:
            run = self._runs.pop(key)
            if run.skipped:
                continue
            try:
                self._write(run, run.documents.stop(exit_status, reason))
                self._finish(run)
            except Exception as error:
                self._failed("the analysis run could not be ended", key[0], error)

    def _write(self, run: _OpenRun, document: Document, *, keep: bool = True) -> None:
        if keep:
            run.kept.append(*document)
        self._send(run, document)

    def _send(self, run: _OpenRun, document: Document) -> None:
        """Pass a document on, once it is on disk."""

    def _finish(self, run: _OpenRun) -> None:
        """Account for a run that has its stop document."""
        run.kept.close()
        if run.kept.whole:
            self._spool.fine()
            self.counters["runs_spooled"] += 1
        else:
            self.counters["runs_lost"] += 1
            raw_uid = run.documents.key[0]
            logger.warning("Raw run %s got neither to Tiled nor to disk: replay it.", raw_uid)

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
    settings, spool, source, limit, now, growing, access
        See :class:`SpoolPublisher`.
    path : str
        Container of the runs, made if missing.
    api_key : str, optional
        Else from the URI, else from ``TILED_API_KEY``.
    backoff : float
        Pause after a failure of the server (s); runs that begin in it stay on disk.
    force : bool
        A raw run that was analysed with another model or other settings is analysed again:
        both analyses stay, and the new one says that it supersedes the old.
    again : Again, optional
        More than `force` can say.
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
        limit: int = SPOOL_LIMIT,
        force: bool = False,
        again: Again | None = None,
        now: Callable[[], float] = time.time,
        growing: bool = True,
        access: Access = PRIVATE,
    ) -> None:
        if again is None:
            again = Again.FORCE if force else Again.NO
        super().__init__(
            spool,
            settings=settings,
            source=source,
            limit=limit,
            again=again,
            now=now,
            growing=growing,
            access=access,
        )
        self._given = None if isinstance(uri_or_container, str) else uri_or_container
        self._connection = Connection(
            uri_or_container if isinstance(uri_or_container, str) else "",
            api_key=api_key,
            path=path,
            backoff=backoff,
        )
        self._failed_runs = Resending(self._container, self._gone, pause=backoff)
        self._batch_size, self._stopped = 1, True

    def expect_archived(self, *, stopped: bool) -> None:
        """Expect a run that is over: nobody watches it, and its rows go in few requests.

        Parameters
        ----------
        stopped : bool
            Whether it has a stop document.
        """
        self._batch_size, self._stopped = ARCHIVED_BATCH, stopped

    def close(self) -> None:
        """End what is open, send what failed once more, and disconnect; never raises."""
        super().close()
        if self._failed_runs:
            self._connection.forgive()
            self._resend(at_once=True)
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

    def _container(self) -> Any:
        return self._given if self._given is not None else self._connection.container()

    def _gone(self, error: Exception) -> None:
        """Leave the server alone for a while."""
        if self._given is None:
            self._connection.drop()

    def _start(self, run: _OpenRun, doc: dict[str, Any]) -> None:
        if run.kept.shared:
            raise TakenOverError("Another live_lce process writes the same run.")
        run.tiled = TiledRunWriter(
            self._container(),
            doc,
            batch_size=self._batch_size,
            again=self._spool.again,
            stopped=self._stopped,
        )
        self.counters["runs_rewritten"] += run.tiled.rewritten
        self.counters["runs_superseding"] += bool(run.tiled.attempt.supersedes)
        if run.tiled.skipped:
            run.skipped = True
            self.counters["runs_skipped"] += 1
            logger.info("Run %s is in Tiled already.", doc["uid"])
            run.kept.remove()

    def _finish(self, run: _OpenRun) -> None:
        if run.tiled is None:
            super()._finish(run)
            if run.kept.whole and run.kept.path is not None:
                self._failed_runs.add(run.kept.path)
        else:
            self.counters["runs_published"] += 1
            run.kept.remove()
            if run.kept.whole:
                self._spool.fine()
        self._resend()

    def _resend(self, *, at_once: bool = False) -> None:
        sent = self._failed_runs.send(at_once=at_once)
        self.counters["runs_spooled"] -= sent
        self.counters["runs_resent"] += sent

    def _tiled_failed(self, run: _OpenRun, error: Exception) -> None:
        run.tiled = None
        self.counters["errors"] += 1
        kept = run.kept.path if run.kept.whole else None
        where = (
            f"it is kept in {kept.parent}; send it later with `live-lce republish`"
            if kept is not None
            else "and the disk failed too: it is LOST; replay the raw run"
        )
        logger.error(
            "Run %s did not get to Tiled, %s. %s", run.documents.uid, where, explain(error)
        )
        logger.debug("Run %s failed so:", run.documents.uid, exc_info=error)
        if is_away(error) and self._given is None:
            self._connection.drop()

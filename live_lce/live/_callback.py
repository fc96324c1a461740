"""Classify the scans of a RunEngine: ``RE.subscribe(LiveLCE(...))``."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from live_lce._support.spill_queue import LostItemError, SpillQueue
from live_lce.engine import Result
from live_lce.external._files import PATIENCE
from live_lce.live._voice import LiveStatus, Voice, sentence
from live_lce.pipeline import Pipeline

if TYPE_CHECKING:
    from live_lce.classifiers import Registry
    from live_lce.engine import RunClosed
    from live_lce.publish import DeadLetters, Publisher
    from live_lce.settings import AnalysisSettings

logger = logging.getLogger(__name__)


COUNTERS = (
    "results",
    "publisher_errors",
    "callback_errors",
    "engine_errors",
    "voice_errors",
    "intake_errors",
    "documents_lost",
    "after_close",
)
"""`intake_errors`: documents that could not be taken in; `documents_lost`: taken in, but not to be
read back from the disk; `after_close`: came after `close()`."""


TROUBLES = (
    *COUNTERS[1:],
    *("malformed", "late_joined", "not_stopped", "partials_dropped", "points_late"),
    *("dead_letters", "dead_letters_not_kept"),
    *("errors", "runs_spooled", "runs_lost", "runs_not_kept", "partials_not_kept"),
)
"""Counters of the callback, the engine and the publisher that are worth a look."""


class _Item(NamedTuple):
    arrival: float  # perf_counter
    name: str
    doc: Any
    last: bool = False  # no document: the end


class LiveLCE:
    """Classifies XANES scans while they run.

    Called in the RunEngine's thread, it only puts documents into a queue: it never raises
    and never waits.  A worker thread runs the engine and hands the predictions to the
    publisher.  When the worker falls behind, partial predictions are left out first (and
    counted); documents are never dropped: what does not fit in memory waits on disk.

    Parameters
    ----------
    settings : AnalysisSettings, optional
        Everything that can change a prediction.
    publisher : Publisher, optional
        Where results go, e.g. to Tiled; closed with this object.
    registry : Registry, optional
        Where the models are.
    max_documents : int
        Documents kept in memory; beyond half of it partial predictions are left out.
    on_result : callable, optional
        Called in the worker thread with each `Result`, after the publisher.
    dead_letters : DeadLetters, optional
        Where runs are kept that cannot be processed wholly.
    voice : bool or callable
        Whether a line on each spectrum is printed; or what is called with the line instead.
    file_roots : sequence of path
        Folders in which files of detectors may lie, see `Hdf5Files`.
    pipeline : Pipeline, optional
        Where the documents go, instead of one made of `settings`, `registry`, `publisher`,
        `dead_letters` and `file_roots`; closed with this object.

    Raises
    ------
    ValueError
        If the settings name a preset that does not exist.

    Examples
    --------
    >>> RE.subscribe(LiveLCE.from_config())  # doctest: +SKIP
    """

    def __init__(
        self,
        settings: AnalysisSettings | None = None,
        *,
        publisher: Publisher | None = None,
        registry: Registry | None = None,
        max_documents: int = 10_000,
        on_result: Callable[[Result], object] | None = None,
        dead_letters: DeadLetters | None = None,
        voice: bool | Callable[[str], object] = True,
        file_roots: Sequence[str | Path] = (),
        pipeline: Pipeline | None = None,
    ) -> None:
        self._pipeline = pipeline or Pipeline(
            settings,
            registry=registry,
            publisher=publisher,
            dead_letters=dead_letters,
            source="RE",
            file_roots=file_roots,
            patience=PATIENCE,
        )
        self.settings = self._pipeline.settings
        self._voice = Voice(None if voice is True else voice) if voice else None
        self._last: Result | None = None
        self._pipeline.on_result[:0] = [self._tell]  # `last` is known to what is called next
        self._pipeline.on_result += [on_result] if on_result is not None else []
        self._pipeline.on_closed.append(self._tell_end)
        self._high_water = max(1, max_documents // 2)
        self._queue: SpillQueue[_Item] = SpillQueue(max_documents)
        self._counts: Counter[str] = Counter()
        self._received = 0
        self._done = 0  # documents that left the queue
        self._ended = False
        self._progress = threading.Condition()
        self._putting = threading.Lock()
        self._ready = threading.Event()
        self._closing = False
        self._logged: set[str] = set()
        self._worker = threading.Thread(target=self._work, name="live_lce", daemon=True)
        self._worker.start()
        atexit.register(self._close_at_exit)

    @classmethod
    def from_config(
        cls,
        path: str | Path | None = None,
        *,
        on_result: Callable[[Result], object] | None = None,
        voice: bool | Callable[[str], object] | None = None,
    ) -> Self:
        """Make one from the configuration file (see ``live-lce config``).

        Parameters
        ----------
        path : path, optional
            The file; without it the usual places and the environment are used.  Without
            an address of Tiled the analysis runs are kept on disk, for `live-lce republish`.
        on_result : callable, optional
            Called with each `Result`.
        voice : bool or callable, optional
            As above; None: as `live.voice` in the configuration says.
        """
        from live_lce.config import load_config

        config = load_config(Path(path) if path else None)
        return cls(
            pipeline=Pipeline.from_config(config, source="RE", patience=PATIENCE),
            max_documents=config.live.max_documents,
            on_result=on_result,
            voice=config.live.voice if voice is None else voice,
        )

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take in a document, in microseconds.  Never raises."""
        try:
            arrival = time.perf_counter()
            item = _Item(arrival, str(name), doc)
            with self._putting:
                if self._closing or self._ended:
                    self._counts["after_close"] += 1
                    return
                self._queue.put(item)
                self._received += 1
        except Exception:  # nothing may reach the RunEngine
            self._failed("intake_errors", "live_lce could not take in a document")

    @property
    def counters(self) -> dict[str, int]:
        """What happened so far: documents, results, errors, and the engine's counters."""
        pipeline = self._pipeline.counters
        own = {name: pipeline.get(name, 0) + self._counts[name] for name in COUNTERS}
        return {
            **pipeline,
            **own,
            "documents": self._received,
            "waiting": len(self._queue),
            "spilled": self._queue.spilled,
        }

    @property
    def last(self) -> Result | None:
        """The last final result; None if there was none yet."""
        return self._last

    def status(self) -> LiveStatus:
        """Return how it stands, for people: ``print(live.status())``."""
        counters = self.counters
        found = {**counters, **self._pipeline.published}
        return LiveStatus(
            state=self._state(counters["waiting"]),
            documents=counters["documents"],
            waiting=counters["waiting"],
            open_runs=len(self._pipeline.open_runs),
            results=counters["results"],
            last=self._line(),
            goes_to=self._pipeline.goes_to,
            troubles={name: found[name] for name in TROUBLES if found.get(name)},
        )

    def __repr__(self) -> str:
        line, waiting = self._line(), len(self._queue)
        said = f"; {line}" if line else ""
        return f"<LiveLCE {self._state(waiting)}, {self._received} documents{said}>"

    def _line(self) -> str:
        try:
            return sentence(self._last) if self._last is not None else ""
        except Exception:  # an odd start document; it is counted as `voice_errors`
            return ""

    def _state(self, waiting: int) -> str:
        if self._ended:
            return "closed" if self._closing else "broken"
        if not self._ready.is_set():
            return "starting"
        if self._pipeline.is_broken:
            return "broken"
        return "behind" if waiting >= self._high_water else "ready"

    def wait_until_ready(self, timeout: float | None = None) -> bool:
        """Wait until the heavy libraries are loaded (documents are taken in before that too).

        Parameters
        ----------
        timeout : float, optional
            In seconds; None waits without end.

        Returns
        -------
        bool
            False if the time was over first.
        """
        return self._ready.wait(timeout)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all documents received so far are processed and handed on.

        Parameters
        ----------
        timeout : float, optional
            In seconds; None waits without end.

        Returns
        -------
        bool
            False if not all of them were processed: the time was over first, or some could not
            be (`intake_errors`, `documents_lost` in `counters`).
        """
        wanted = self._received
        with self._progress:
            self._progress.wait_for(lambda: self._done >= wanted or self._ended, timeout)
        if self._voice is not None:
            self._voice.wait(1.0)
        return self._done >= wanted and not self._missed

    def close(self, timeout: float | None = 60.0) -> bool:
        """Process what has come in, end the open runs and close the publisher.

        Parameters
        ----------
        timeout : float, optional
            In seconds; None waits without end.

        Returns
        -------
        bool
            False if the time was over first (the worker then goes on in the background), or if
            some documents could not be processed (`intake_errors`, `documents_lost`).
        """
        with self._putting:
            if not self._closing:
                self._closing = True
                self._queue.put(_Item(time.perf_counter(), "", None, last=True))
        if threading.current_thread() is not self._worker:
            self._worker.join(timeout)
        atexit.unregister(self._close_at_exit)
        if self._voice is not None:
            self._voice.wait(1.0)
        return self._ended and self._done >= self._received and not self._missed

    @property
    def _missed(self) -> int:
        return self._counts["intake_errors"] + self._counts["documents_lost"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _close_at_exit(self) -> None:
        if not self.close(timeout=10.0):
            logger.warning("live_lce was not done when Python ended: replay the last runs.")

    # -- in the worker thread ----------------------------------------------------------

    def _work(self) -> None:
        try:
            self._pipeline.warm_up()  # so that the first scan does not wait for it
            self._ready.set()
            self._work_off()
            self._pipeline.close()
            self._queue.close()
        except BaseException:  # a library that leaves with sys.exit: say it, and let nobody wait
            self._failed("engine_errors", "live_lce ended: no scan is classified from here on")
        finally:
            self._ready.set()
            with self._progress:
                self._ended = True
                self._progress.notify_all()

    def _work_off(self) -> None:
        """Take documents until the end, whatever they are."""
        while True:
            try:
                item = self._queue.get()
                if item.last:
                    return
                self._process(item)
            except LostItemError as error:
                self._failed("documents_lost", "A document cannot be read back from the disk")
                self._pipeline.keep("document", {}, error)  # of any of the open runs
            except Exception:  # no document may end the worker
                self._failed("engine_errors", "live_lce failed on a document")
            with self._progress:
                self._done += 1
                self._progress.notify_all()

    def _process(self, item: _Item) -> None:
        partials = len(self._queue) < self._high_water
        self._pipeline(item.name, item.doc, partials=partials, arrival=item.arrival)

    def _tell(self, result: Result) -> None:
        if not result.final:
            return
        self._last = result
        try:
            if self._voice is not None:
                self._voice.result(result)
        except Exception:  # an odd start document
            self._failed("voice_errors", "A line on a scan could not be made")

    def _tell_end(self, closed: RunClosed) -> None:
        try:
            if self._voice is not None:
                self._voice.closed(closed)
        except Exception:
            self._failed("voice_errors", "A line on a scan could not be made")

    def _failed(self, counter: str, sentence: str) -> None:
        """Count a failure, and log the first of its kind."""
        self._counts[counter] += 1
        if counter not in self._logged:
            self._logged.add(counter)
            text = "%s; further failures of this kind are only counted."
            logger.error(text, sentence, exc_info=sys.exception())

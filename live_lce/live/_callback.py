"""The RunEngine callback: ``RE.subscribe(LiveLCE(...))``."""

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
from live_lce.engine._presets import check_name
from live_lce.external import Hdf5Files
from live_lce.external._files import PATIENCE
from live_lce.live._voice import LiveStatus, Voice, sentence
from live_lce.publish._kept_runs import FailedRuns
from live_lce.settings import AnalysisSettings

if TYPE_CHECKING:
    from live_lce.classifiers import Registry
    from live_lce.engine import Engine, Output
    from live_lce.publish import DeadLetters, Publisher

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
    ) -> None:
        self.settings = settings or AnalysisSettings()
        check_name(self.settings.signals.preset)
        self._publisher = publisher
        self._registry = registry
        self._on_result = on_result
        self._voice = Voice(None if voice is True else voice) if voice else None
        self._last: Result | None = None
        self._failed_runs = FailedRuns(dead_letters, "RE")
        self._high_water = max(1, max_documents // 2)
        self._queue: SpillQueue[_Item] = SpillQueue(max_documents)
        self._files = Hdf5Files(patience=PATIENCE, roots=file_roots)
        self._engine: Engine | None = None
        self._unable: Exception | None = None  # why there is no engine
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
        from live_lce.classifiers import Registry
        from live_lce.config import load_config
        from live_lce.publish._from_config import dead_letters_from, publisher_from

        config = load_config(Path(path) if path else None)
        return cls(
            config.analysis,
            publisher=publisher_from(config, "RE"),
            registry=Registry.beside_shipped(config.models),
            max_documents=config.live.max_documents,
            on_result=on_result,
            dead_letters=dead_letters_from(config),
            voice=config.live.voice if voice is None else voice,
            file_roots=config.files.roots,
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
        engine = dict(self._engine.counters) if self._engine is not None else {}
        own = {name: self._counts[name] for name in COUNTERS}
        return {
            **engine,
            **own,
            **self._failed_runs.counters,
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
        published = dict(getattr(self._publisher, "counters", {}))
        goes_to = "nowhere: no publisher was given"
        if self._publisher is not None:
            to_disk = type(self._publisher).__name__ == "SpoolPublisher"
            goes_to = "to disk, for `live-lce republish`" if to_disk else "to Tiled"
        found = {**counters, **published}
        return LiveStatus(
            state=self._state(counters["waiting"]),
            documents=counters["documents"],
            waiting=counters["waiting"],
            open_runs=len(self._engine.open_runs) if self._engine is not None else 0,
            results=counters["results"],
            last=self._line(),
            goes_to=goes_to,
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
        if self._unable is not None:
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
            engine = self._warm_up()
            self._ready.set()
            self._work_off(engine)
            self._wind_up(engine)
        except BaseException:  # a library that leaves with sys.exit: say it, and let nobody wait
            self._failed("engine_errors", "live_lce ended: no scan is classified from here on")
        finally:
            self._ready.set()
            with self._progress:
                self._ended = True
                self._progress.notify_all()

    def _work_off(self, engine: Engine | None) -> None:
        """Take documents until the end, whatever they are."""
        while True:
            try:
                item = self._queue.get()
                if item.last:
                    return
                self._process(engine, item)
            except LostItemError as error:
                self._failed("documents_lost", "A document cannot be read back from the disk")
                self._failed_runs.failed("document", error)  # of any of the open runs
                self._failed_runs.take("document", {})
            except Exception:  # no document may end the worker
                self._failed("engine_errors", "live_lce failed on a document")
            with self._progress:
                self._done += 1
                self._progress.notify_all()

    def _process(self, engine: Engine | None, item: _Item) -> None:
        outputs: list[Output] = []
        if engine is not None:
            partials = len(self._queue) < self._high_water
            try:
                outputs = engine(item.name, item.doc, partials=partials, arrival=item.arrival)
                self._hand_over(outputs, item.arrival)
            except Exception as error:  # not the engine's habit
                self._failed("engine_errors", "live_lce failed on a document")
                self._failed_runs.failed(item.name, error)
        elif self._unable is not None and item.name == "start":  # the whole run can be retried
            self._failed_runs.failed(item.name, self._unable)
        self._failed_runs.take(item.name, item.doc, outputs)

    def _wind_up(self, engine: Engine | None) -> None:
        """End the open runs, and let go of everything."""
        outputs: list[Output] = []
        if engine is not None:
            outputs = engine.finish()
            self._hand_over(outputs, time.perf_counter())
        self._failed_runs.close(outputs)
        self._files.shutdown()
        if self._publisher is not None:
            try:
                self._publisher.close()
            except Exception:
                self._failed("publisher_errors", "The publisher failed to close")
        self._queue.close()

    def _warm_up(self) -> Engine | None:
        """Load what takes seconds, so that the first scan does not wait for it."""
        try:
            from live_lce.engine import Engine

            self._engine = Engine(
                self.settings,
                self._registry,
                on_malformed=self._failed_runs.failed,
                files=self._files,
            )
        except Exception as error:
            self._unable = error
            self._failed("engine_errors", "live_lce cannot start: no scan will be classified")
            return None
        try:
            from live_lce.classifiers._session import load_onnxruntime
            from live_lce.spectra._larch_import import load_larch_xafs

            load_onnxruntime()
            load_larch_xafs()
        except (Exception, SystemExit):
            logger.exception("larch or onnxruntime cannot be loaded: predictions will fail")
        return self._engine

    def _hand_over(self, outputs: list[Output], arrival: float) -> None:
        for output in outputs:
            self._publish(output, arrival)
            self._tell(output)
            if self._on_result is not None and isinstance(output, Result):
                try:
                    self._on_result(output)
                except Exception:
                    self._failed("callback_errors", "The on_result callback failed")

    def _tell(self, output: Output) -> None:
        try:
            if isinstance(output, Result):
                if output.final:
                    self._last = output
                    if self._voice is not None:
                        self._voice.result(output)
            elif self._voice is not None:
                self._voice.closed(output)
        except Exception:  # an odd start document
            self._failed("voice_errors", "A line on a scan could not be made")

    def _publish(self, output: Output, arrival: float) -> None:
        is_result = isinstance(output, Result)
        self._counts["results"] += is_result
        if self._publisher is None:
            return
        try:
            if isinstance(output, Result):
                self._publisher.result(output, time.perf_counter() - arrival)
            else:
                self._publisher.closed(output)
        except Exception:
            self._failed("publisher_errors", "The publisher failed on a result")

    def _failed(self, counter: str, sentence: str) -> None:
        """Count a failure, and log the first of its kind."""
        self._counts[counter] += 1
        if counter not in self._logged:
            self._logged.add(counter)
            text = "%s; further failures of this kind are only counted."
            logger.error(text, sentence, exc_info=sys.exception())

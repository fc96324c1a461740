"""Put engine, publisher and kept-back runs together: documents in, published predictions out.

A source is whatever calls ``pipeline(name, doc)``: the RunEngine's callback adds a queue and a
thread, a replay adds archives and processes.  The pipeline itself has no thread.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from live_lce.engine import Result
from live_lce.engine._presets import check_name
from live_lce.external import Hdf5Files
from live_lce.publish._kept_runs import FailedRuns
from live_lce.settings import AnalysisSettings

if TYPE_CHECKING:
    from live_lce.classifiers import Registry
    from live_lce.config import Config
    from live_lce.engine import Engine, Output, RunClosed
    from live_lce.publish import DeadLetters, Publisher
    from live_lce.tiled._analyses import Again

logger = logging.getLogger(__name__)

COUNTERS = ("results", "publisher_errors", "callback_errors", "engine_errors")
"""What a pipeline counts, beside its engine: predictions, and failures of each part."""

_WORDS = {
    "publisher_errors": "The publisher failed on a result",
    "callback_errors": "The on_result callback failed",
    "engine_errors": "live_lce failed on a document",
}
_UNABLE = "live_lce cannot start: no scan will be classified"


class Pipeline:
    """Turns bluesky documents into predictions and publishes them.

    Give it documents in their order, from one thread at a time.  It never raises: a run with a
    document that fails is kept whole as a dead letter, for ``live-lce retry``.

    Parameters
    ----------
    settings : AnalysisSettings, optional
        Everything that can change a prediction.
    registry : Registry, optional
        Where the models are.
    publisher : Publisher, optional
        Where results go, e.g. to Tiled; closed with this object.
    dead_letters : DeadLetters, optional
        Where runs are kept that cannot be processed wholly.
    source : str
        Where the documents come from, e.g. ``RE``; noted in dead letters.
    on_result : callable or sequence of callable, optional
        Called with each `Result`, after the publisher.
    on_closed : callable, optional
        Called with each `RunClosed`, after the publisher.
    on_error : callable, optional
        Called with the counter that counts the error (``malformed``, ``engine_errors``, ...), the
        name of the document and the error; must not raise.
    file_roots : sequence of path
        Folders in which files of detectors may lie, see `Hdf5Files`.
    patience : float
        Seconds to wait for announced rows of such files when a scan has ended; 0 for archives.
    clock : callable
        Returns the time (s) that latencies are measured with.

    Attributes
    ----------
    settings, registry, publisher
        As given.
    on_result, on_closed : list of callable
        As given; more may be added before the first document.

    Raises
    ------
    ValueError
        If the settings name a preset that does not exist.

    Examples
    --------
    >>> from live_lce import Pipeline
    >>> predictions = []
    >>> with Pipeline(on_result=predictions.append) as pipeline:
    ...     for name, doc in [("start", {"uid": "a", "time": 0.0})]:
    ...         outputs = pipeline(name, doc)
    >>> predictions  # a run without a spectrum
    []
    >>> pipeline.counters["documents"], pipeline.counters["engine_errors"]
    (1, 0)
    """

    def __init__(
        self,
        settings: AnalysisSettings | None = None,
        *,
        registry: Registry | None = None,
        publisher: Publisher | None = None,
        dead_letters: DeadLetters | None = None,
        source: str = "",
        on_result: Callable[[Result], object] | Sequence[Callable[[Result], object]] = (),
        on_closed: Callable[[RunClosed], object] | None = None,
        on_error: Callable[[str, str, Exception], object] | None = None,
        file_roots: Sequence[str | Path] = (),
        patience: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.settings = settings or AnalysisSettings()
        check_name(self.settings.signals.preset)
        self.registry = registry
        self.publisher = publisher
        self._letters = dead_letters
        self._failed_runs = FailedRuns(dead_letters, source)
        self.on_result = [on_result] if callable(on_result) else list(on_result)
        self.on_closed = [on_closed] if on_closed is not None else []
        self._on_error = on_error
        self._files = Hdf5Files(patience=patience, roots=file_roots)
        self._clock = clock
        self._engine: Engine | None = None
        self._unable: Exception | None = None  # why there is no engine
        self._counts: Counter[str] = Counter()
        self._logged: set[str] = set()
        self._closed = False

    @classmethod
    def from_config(
        cls,
        config: Config | str | Path | None = None,
        *,
        source: str = "",
        tiled: str = "",
        publishes: bool = True,
        keeps_failed: bool = True,
        again: Again | None = None,
        growing: bool = True,
        on_result: Callable[[Result], object] | Sequence[Callable[[Result], object]] = (),
        on_closed: Callable[[RunClosed], object] | None = None,
        on_error: Callable[[str, str, Exception], object] | None = None,
        patience: float = 0.0,
    ) -> Self:
        """Make one from the configuration (see ``live-lce config``).

        Without an address of Tiled the analysis runs are kept on disk, for
        ``live-lce republish``.

        Parameters
        ----------
        config : Config or path, optional
            The configuration, or its file; without it the usual places and the environment.
        source : str
            Where the documents come from; written into what is published.
        tiled : str
            Address of the Tiled server, instead of the configured one.
        publishes : bool
            Whether results are published.
        keeps_failed : bool
            Whether runs that fail are kept as dead letters.
        again : Again, optional
            What happens where a raw run is analysed already; by default it is left alone.
        growing : bool
            Whether the measured points of partial predictions are published.
        on_result, on_closed, on_error, patience
            As above.
        """
        from live_lce.classifiers import Registry
        from live_lce.config import Config, load_config
        from live_lce.publish._from_config import dead_letters_from, publisher_from
        from live_lce.tiled._analyses import Again

        if not isinstance(config, Config):
            config = load_config(Path(config) if config else None)
        again = Again.NO if again is None else again
        return cls(
            config.analysis,
            registry=Registry.beside_shipped(config.models),
            publisher=publisher_from(config, source, tiled=tiled, again=again, growing=growing)
            if publishes
            else None,
            dead_letters=dead_letters_from(config) if keeps_failed else None,
            source=source,
            on_result=on_result,
            on_closed=on_closed,
            on_error=on_error,
            file_roots=config.files.roots,
            patience=patience,
        )

    @property
    def counters(self) -> dict[str, int]:
        """What happened so far: the engine's counters, `COUNTERS`, and those of dead letters."""
        engine = dict(self._engine.counters) if self._engine is not None else {}
        own = {name: self._counts[name] for name in COUNTERS}
        return {**engine, **own, **self._failed_runs.counters}

    @property
    def published(self) -> dict[str, int]:
        """What became of the analysis runs and of runs that failed.

        Counters of the publisher and the dead letters; empty if nothing is published.
        """
        if self.publisher is None:
            return {}
        return {**getattr(self.publisher, "counters", {}), **self._failed_runs.counters}

    @property
    def open_runs(self) -> tuple[str, ...]:
        """Uids of the runs that have not ended."""
        return self._engine.open_runs if self._engine is not None else ()

    @property
    def goes_to(self) -> str:
        """Where results go, in words."""
        if self.publisher is None:
            return "nowhere: no publisher was given"
        to_disk = type(self.publisher).__name__ == "SpoolPublisher"
        return "to disk, for `live-lce republish`" if to_disk else "to Tiled"

    @property
    def is_broken(self) -> bool:
        """Whether no engine could be made, so that no scan is classified."""
        return self._unable is not None

    def warm_up(self) -> None:
        """Load models and libraries now: the first document does not wait for them then."""
        if self._ready() is None:
            return
        try:
            from live_lce.classifiers._session import load_onnxruntime
            from live_lce.spectra._larch_import import load_larch_xafs

            load_onnxruntime()
            load_larch_xafs()
        except (Exception, SystemExit):
            logger.exception("larch or onnxruntime cannot be loaded: predictions will fail")

    def __call__(
        self,
        name: str,
        doc: Mapping[str, Any],
        *,
        partials: bool = True,
        arrival: float | None = None,
    ) -> list[Output]:
        """Take in one document, and publish what comes of it.

        Parameters
        ----------
        name : str
            The document's name, e.g. ``event``; unknown ones are ignored.
        doc : mapping
            The document.
        partials : bool
            False leaves out partial predictions, and counts them.
        arrival : float, optional
            When it came, on the pipeline's clock.  Without it, as in a replay, no run is closed
            for its silence.

        Returns
        -------
        list of Result or RunClosed
            What came of it.
        """
        outputs: list[Output] = []
        if (engine := self._ready()) is not None:
            came = self._clock() if arrival is None else arrival
            try:
                outputs = engine(name, doc, partials=partials, arrival=arrival)
            except Exception as error:  # not the engine's habit
                self._failed("engine_errors", name, error)
            self._hand_over(name, outputs, came)
        elif self._unable is not None and name == "start":  # the whole run can be retried
            self._failed_runs.failed(name, self._unable)
            if self._on_error is not None:
                self._on_error("engine_errors", name, self._unable)
        self._failed_runs.take(name, doc, outputs)
        return outputs

    def begin(self, source: str) -> None:
        """Note where the documents of the next runs come from, for dead letters."""
        self._failed_runs.source = source

    def keep(self, name: str, doc: Mapping[str, Any], error: Exception | None = None) -> None:
        """Take in a document for a dead letter only: the engine does not see it.

        Parameters
        ----------
        name, doc
            The document.
        error : Exception, optional
            Why its run is kept.  A document that tells no run is of any of the open ones.
        """
        if error is not None:
            self._failed_runs.failed(name, error)
        self._failed_runs.take(name, doc)

    def finish(self) -> list[Output]:
        """End the runs that are open; publish and return their last predictions."""
        outputs: list[Output] = []
        if self._engine is not None:
            try:
                outputs = self._engine.finish()
            except Exception as error:
                self._failed("engine_errors", "stop", error)
            self._hand_over("stop", outputs, self._clock())
        self._failed_runs.close(outputs)
        return outputs

    def reset(self) -> None:
        """Forget the open runs, whatever state an error left them in."""
        self._failed_runs.close()
        self._engine = None
        self._unable = None

    def close(self) -> None:
        """End the open runs, close the publisher, and let go of files."""
        if self._closed:
            return
        self._closed = True
        self.finish()
        self._files.shutdown()
        if self.publisher is not None:
            try:
                self.publisher.close()
            except Exception as error:
                self._count("publisher_errors", error, "The publisher failed to close")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ready(self) -> Engine | None:
        """Return the engine, made when it is wanted first; None if it cannot be made."""
        if self._engine is None and self._unable is None:
            try:
                from live_lce.engine import Engine

                self._engine = Engine(
                    self.settings, self.registry, on_malformed=self._malformed, files=self._files
                )
            except Exception as error:
                self._unable = error
                self._count("engine_errors", error, _UNABLE)
        return self._engine

    def _malformed(self, name: str, error: Exception) -> None:
        self._failed_runs.failed(name, error)
        if self._on_error is not None:
            self._on_error("malformed", name, error)

    def _hand_over(self, name: str, outputs: Iterable[Output], came: float) -> None:
        for output in outputs:
            try:
                self._publish(output, came)
            except Exception as error:
                self._failed("publisher_errors", name, error)
            try:
                if isinstance(output, Result):
                    for on_result in self.on_result:
                        on_result(output)
                else:
                    for on_closed in self.on_closed:
                        on_closed(output)
            except Exception as error:
                self._failed("callback_errors", name, error)

    def _publish(self, output: Output, came: float) -> None:
        self._counts["results"] += isinstance(output, Result)
        if self.publisher is None:
            return
        if isinstance(output, Result):
            self.publisher.result(output, self._clock() - came)
        else:
            self.publisher.closed(output)

    def _failed(self, counter: str, name: str, error: Exception) -> None:
        """Count a failure; if it is none of a hook, the run is kept."""
        self._count(counter, error, _WORDS[counter])
        if counter != "callback_errors":
            self._failed_runs.failed(name, error)
        if self._on_error is not None:
            self._on_error(counter, name, error)

    def _count(self, counter: str, error: Exception, said: str) -> None:
        """Count a failure, and log the first of its kind."""
        self._counts[counter] += 1
        if counter not in self._logged:
            self._logged.add(counter)
            text = "%s; further failures of this kind are only counted."
            logger.error(text, said, exc_info=error)

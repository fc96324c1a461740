"""Turn documents into results, without I/O, threads or a clock."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from live_lce.analysis import Analysis, analyse
from live_lce.classifiers import Prediction, Registry
from live_lce.contract import Finding, Reason, Status
from live_lce.engine._external import Files
from live_lce.engine._presets import check_name
from live_lce.engine._run import Run, as_time
from live_lce.engine._signals import resolve
from live_lce.engine._types import Result, RunClosed, RunInfo
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Spectrum

if TYPE_CHECKING:
    from event_model import EventPage

logger = logging.getLogger(__name__)

Output = Result | RunClosed

COUNTERS = (
    "documents",
    "ignored",
    "malformed",
    "late_joined",
    "not_stopped",
    "partials",
    "partials_dropped",
    "points_dropped",
    "points_late",
)
"""`documents` seen; `ignored`: of runs that are closed or whose start was missed;
`malformed`; runs `late_joined` and `not_stopped`; `partials`: partial spectra looked at;
`partials_dropped`; `points_dropped`: events without a needed value; `points_late`: events
of an outer step that had ended."""


class Engine:
    """Turns bluesky documents into predictions, deterministically.

    Parameters
    ----------
    settings : AnalysisSettings, optional
        Everything that can change a prediction.
    registry : Registry, optional
        Where the models are.
    max_open_runs : int
        Beyond it the oldest open run is closed.
    silence : float
        A run without documents for so long (s) is closed when another one begins or ends.
        Measured by `arrival`, never by the times in documents: the clock of one run's computer
        tells nothing about another run.
    analyse : callable, optional
        Spectrum to analysis; for programs that bring their own.
    on_malformed : callable, optional
        Called with the name and the error of each document that could not be handled, of a
        page for each of its rows; must not raise.
    files : Files, optional
        Reads signals that are in external files; without it they are rejected.

    Raises
    ------
    ValueError
        If the settings name a preset that does not exist.
    """

    KEPT = 10_000
    """So many closed runs and descriptors are remembered, to ignore what comes late."""

    def __init__(
        self,
        settings: AnalysisSettings | None = None,
        registry: Registry | None = None,
        *,
        max_open_runs: int = 16,
        silence: float = 7200.0,
        analyse: Callable[[Spectrum], Analysis] | None = None,
        on_malformed: Callable[[str, Exception], object] | None = None,
        files: Files | None = None,
    ) -> None:
        self.settings = settings or AnalysisSettings()
        check_name(self.settings.signals.preset)
        self.counters: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
        self._analyse = analyse or _default_analyse(registry, self.settings)
        self._max_open_runs = max_open_runs
        self._silence = silence
        self._on_malformed = on_malformed
        self._files = files
        self._arrival = -math.inf  # of the latest document
        self._runs: dict[str, Run] = {}  # open, in the order of their start
        self._owner: dict[str, str] = {}  # descriptor uid: run uid
        self._closed: dict[str, None] = {}
        self._missed: dict[str, bool] = {}  # run uid: may hold a spectrum
        self._logged: set[str] = set()

    @property
    def open_runs(self) -> tuple[str, ...]:
        """Uids of the runs that have not ended."""
        return tuple(self._runs)

    def __call__(
        self,
        name: str,
        doc: Mapping[str, Any],
        *,
        partials: bool = True,
        arrival: float | None = None,
    ) -> list[Output]:
        """Take in one document.  Never raises.

        Parameters
        ----------
        name : str
            ``start``, ``descriptor``, ``event``, ``event_page``, ``stream_resource``,
            ``stream_datum`` or ``stop``; others are ignored.
        doc : mapping
            The document.
        partials : bool
            False leaves out partial predictions, and counts them.
        arrival : float, optional
            When the document came, on a clock that only goes forward (s).  Without it, as in a
            replay, no run is closed for its silence: the same documents give the same results.

        Returns
        -------
        list of Result or RunClosed
            In the order in which they came about.
        """
        self.counters["documents"] += 1
        if arrival is not None:
            self._arrival = max(self._arrival, arrival)
        if name != "event_page":
            return self._guarded(name, self._handle(name, doc, partials))
        events: list[Any] = []
        try:
            from event_model import unpack_event_page

            events = list(unpack_event_page(cast("EventPage", doc)))
        except Exception as error:
            self._malformed(name, error)
        # Each row for itself: a bad one must not take the others with it.
        rows = [self._guarded("event", self._event(event, partials)) for event in events]
        return [output for outputs in rows for output in outputs]

    def finish(self) -> list[Output]:
        """Close the runs that are still open, and return their last predictions."""
        ends = [self._guarded("stop", self._close(uid, "unknown")) for uid in list(self._runs)]
        return [output for outputs in ends for output in outputs]

    def _guarded(self, name: str, handled: Iterator[Output]) -> list[Output]:
        outputs: list[Output] = []
        try:
            for output in handled:
                outputs.append(output)  # what came before an error is kept
        except Exception as error:  # no document may hurt the scan or other runs
            self._malformed(name, error)
        return outputs

    def _malformed(self, name: str, error: Exception) -> None:
        self.counters["malformed"] += 1
        if self._on_malformed is not None:
            self._on_malformed(name, error)
        kind = f"{name}: {type(error).__name__}"
        if kind not in self._logged:
            self._logged.add(kind)
            logger.warning(
                "A malformed %s document was ignored (%s: %s); further ones are only counted.",
                name,
                type(error).__name__,
                error,
                exc_info=error if logger.isEnabledFor(logging.DEBUG) else None,
            )

    def _handle(self, name: str, doc: Mapping[str, Any], partials: bool) -> Iterator[Output]:
        if name == "event":
            yield from self._event(doc, partials)
        elif name == "start":
            yield from self._start(doc)
        elif name == "descriptor":
            self._descriptor(doc)
        elif name == "stream_resource":
            if (run := self._heard(str(doc["run_start"]))) is not None:
                yield from run.resource(doc, partials=partials)
        elif name == "stream_datum":
            if (run := self._heard(self._owner.get(doc["descriptor"], ""))) is not None:
                yield from run.datum(doc, partials=partials)
        elif name == "stop":
            yield from self._stop(doc)

    def _start(self, doc: Mapping[str, Any]) -> Iterator[Output]:
        run = Run(doc, self.settings, self._analyse, self.counters, self._files)
        if run.uid in self._runs:
            raise ValueError(f"a second start document for run {run.uid}")
        run.heard_at = self._arrival
        yield from self._close_silent()
        while len(self._runs) >= self._max_open_runs:
            yield from self._close(next(iter(self._runs)), "unknown")
        self._closed.pop(run.uid, None)  # a replay of a run that was seen before
        self._runs[run.uid] = run

    def _descriptor(self, doc: Mapping[str, Any]) -> None:
        run_uid, uid = str(doc["run_start"]), str(doc["uid"])
        if (run := self._heard(run_uid)) is not None:
            run.descriptor(doc)
            self._owner[uid] = run_uid
            return
        self.counters["ignored"] += 1
        if run_uid not in self._closed:
            spectrum = resolve({}, doc, self.settings.signals) is not None
            self._missed[run_uid] = self._missed.get(run_uid, False) or spectrum
            _trim(self._missed, self.KEPT)

    def _event(self, doc: Mapping[str, Any], partials: bool) -> Iterator[Output]:
        run = self._heard(self._owner.get(doc["descriptor"], ""))
        if run is None:
            self.counters["ignored"] += 1
            return
        yield from run.event(doc, partials=partials)

    def _stop(self, doc: Mapping[str, Any]) -> Iterator[Output]:
        uid, exit_status = str(doc["run_start"]), str(doc.get("exit_status") or "success")
        if uid in self._runs:
            yield from self._close(uid, exit_status)
        elif uid in self._closed:
            self.counters["ignored"] += 1
        else:
            yield from self._late(uid, doc, exit_status)
        yield from self._close_silent()

    def _late(self, uid: str, doc: Mapping[str, Any], exit_status: str) -> Iterator[Output]:
        """End a run whose start document was missed."""
        self.counters["late_joined"] += 1
        if self._missed.pop(uid, True):
            time = as_time(doc)
            yield Result(
                run=RunInfo(uid),
                spectrum_index=0,
                final=True,
                prediction=Prediction(Status.FAILED, (Finding(Reason.NO_START_DOCUMENT),)),
                raw_time=time if math.isfinite(time) else math.nan,
            )
        self._remember(uid)
        yield RunClosed(uid, exit_status)

    def _close(self, uid: str, exit_status: str) -> Iterator[Output]:
        run = self._runs.pop(uid)
        for descriptor in run.descriptors:
            self._owner.pop(descriptor, None)
        self._remember(uid)
        if exit_status == "unknown":
            self.counters["not_stopped"] += 1
        yield from run.finish(exit_status)
        yield RunClosed(uid, exit_status)

    def _heard(self, uid: str) -> Run | None:
        """Return an open run of which a document came just now."""
        run = self._runs.get(uid)
        if run is not None:
            run.heard_at = self._arrival
        return run

    def _close_silent(self) -> Iterator[Output]:
        limit = self._arrival - self._silence
        for uid in [uid for uid, run in self._runs.items() if run.heard_at < limit]:
            yield from self._close(uid, "unknown")

    def _remember(self, uid: str) -> None:
        self._closed[uid] = None
        _trim(self._closed, self.KEPT)


def _default_analyse(
    registry: Registry | None, settings: AnalysisSettings
) -> Callable[[Spectrum], Analysis]:
    models = registry if registry is not None else Registry()
    return lambda spectrum: analyse(spectrum, models, settings)


def _trim(kept: dict[str, Any], size: int) -> None:
    while len(kept) > size:
        del kept[next(iter(kept))]

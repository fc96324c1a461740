"""Follow one open run: its streams, and how it ends."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from live_lce.classifiers import Prediction
from live_lce.contract import Finding, Reason, Status
from live_lce.engine import _metadata as metadata
from live_lce.engine._decision import Analyse, ended
from live_lce.engine._external import Files, NoFiles
from live_lce.engine._joining import Joining
from live_lce.engine._presets import choose
from live_lce.engine._roles import Roles
from live_lce.engine._signals import declares_energy, named, resolve
from live_lce.engine._stream import Stream
from live_lce.engine._types import Result, RunInfo
from live_lce.settings import AnalysisSettings

logger = logging.getLogger(__name__)


class Run:
    """The state of a run between its start and its stop document.

    Parameters
    ----------
    start : mapping
        Start document.
    settings : AnalysisSettings
        Settings.
    analyse : callable
        Spectrum to analysis.
    counters : Counter
        Passed on to the streams.
    files : Files, optional
        Reads signals that are in files.

    Raises
    ------
    KeyError
        If the start document has no uid.
    """

    def __init__(
        self,
        start: Mapping[str, Any],
        settings: AnalysisSettings,
        analyse: Analyse,
        counters: Counter[str],
        files: Files | None = None,
    ) -> None:
        self.uid = str(start["uid"])
        self.last_time = as_time(start)
        self.descriptors: dict[str, str] = {}  # uid: stream
        self._start = start
        self._settings = settings
        self._analyse = analyse
        self._counters = counters
        self._files = files or NoFiles()
        self.heard_at = -math.inf  # when its last document came; kept by the engine
        preset = choose(settings.signals.preset, start)
        normalization = settings.normalization
        stated = metadata.find_absorber(start, preset)
        self._absorber = normalization.absorber or stated
        # The edge that is stated belongs to the element that is stated.
        other = stated not in ("", self._absorber)
        self._edge = normalization.edge or ("" if other else metadata.find_edge(start, preset))
        self._sample = metadata.find_sample(start, preset)
        self._roles: dict[str, Roles | None] = {}  # by descriptor uid
        self._keys: dict[str, frozenset[str]] = {}  # by stream, of its last descriptor
        self._streams: dict[str, Stream] = {}
        self._problems: dict[str, Finding] = {}
        self._joining: dict[str, Joining] = {}  # by stream, where signals are in files
        self._resources: list[Mapping[str, Any]] = []

    def descriptor(self, document: Mapping[str, Any]) -> None:
        """Take in a descriptor.

        Raises
        ------
        KeyError, TypeError, AttributeError
            If it is malformed.
        """
        uid, stream = str(document["uid"]), str(document.get("name") or "primary")
        found = resolve(self._start, document, self._settings.signals)
        keys = frozenset(document["data_keys"])
        self.descriptors[uid] = stream
        self._roles[uid] = found if isinstance(found, Roles) else None
        if stream in self._streams and keys != self._keys[stream]:
            self._streams[stream].descriptor_changed = True
        self._keys[stream] = keys
        if isinstance(found, Roles) and found.external:
            self._join(stream).describe(document, found)
        if stream in self._streams:
            return
        if isinstance(found, Roles):
            self._problems.pop(stream, None)
            self._streams[stream] = self._open(stream, found)
        elif isinstance(found, Finding):
            self._problems.setdefault(stream, found)

    def event(self, document: Mapping[str, Any], *, partials: bool) -> list[Result]:
        """Take in an event, and return what it gives.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is malformed.
        """
        self.last_time = max(self.last_time, as_time(document))
        uid = document["descriptor"]
        name, roles = self.descriptors[uid], self._roles[uid]
        if name not in self._streams:
            return []
        if roles is not None and roles.external:
            return self._take(name, self._joining[name].event(document), partials)
        return self._streams[name].event(document, roles, partials=partials)

    def resource(self, document: Mapping[str, Any], *, partials: bool) -> list[Result]:
        """Take in a `stream_resource`, and return what it gives.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it, or a `stream_datum` that waited for it, is malformed.
        """
        self._resources.append(document)
        results = []
        for name, joining in self._joining.items():
            results += self._take(name, joining.resource(document), partials)
        return results

    def datum(self, document: Mapping[str, Any], *, partials: bool) -> list[Result]:
        """Take in a `stream_datum`, read what it announces, and return what that gives.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is malformed.
        """
        name = self.descriptors[str(document["descriptor"])]
        if name not in self._joining:
            return []
        return self._take(name, self._joining[name].datum(document), partials)

    def finish(self, exit_status: str) -> list[Result]:
        """Return the last predictions of every stream.

        Parameters
        ----------
        exit_status : str
            Of the stop document; ``unknown`` where none came.
        """
        results: list[Result] = []
        for name, stream in self._streams.items():
            results.extend(self._finish(name, stream, exit_status))
        for name, finding in self._problems.items():
            apart = self._apart() if finding.reason is Reason.SIGNALS_UNKNOWN else ""
            detail = f"{apart}; {finding.detail}" if apart else finding.detail
            results.append(self._rejected(name, Finding(finding.reason, detail), exit_status))
        silent = not self._streams and not self._problems
        if silent and declares_energy(self._start, self._settings.signals):
            name = self._settings.signals.stream or "primary"
            finding = Finding(Reason.NO_POINTS)
            if self.descriptors:
                finding = Finding(Reason.SIGNALS_UNKNOWN, self._apart() or "no energy is recorded")
            results.append(self._rejected(name, finding, exit_status))
        return results

    def _apart(self) -> str:
        """Say which streams hold energy and signals, where no stream holds both."""
        said = [
            f"stream {stream} holds {', '.join(found)}"
            for stream, keys in self._keys.items()
            if stream != "baseline" and (found := named(keys))
        ]
        return "; ".join(said) if len(said) > 1 else ""

    def _finish(self, name: str, stream: Stream, exit_status: str) -> list[Result]:
        joining = self._joining.get(name)
        if joining is None:
            return stream.finish(exit_status)
        try:
            results = self._take(name, joining.finish(), partials=True)
        finally:
            joining.close()
        problem, remark = joining.problem(needed=True), joining.problem(needed=False)
        if problem or remark:
            said = "; ".join(dict.fromkeys(text for text in (problem, remark) if text))
            logger.warning("Run %s, stream %s: external data: %s", self.uid, name, said)
        if problem and not stream.n_used:
            finding = Finding(Reason.EXTERNAL_DATA, problem)
            return [*results, self._rejected(name, finding, exit_status)]
        stream.missing = Finding(Reason.ROWS_MISSING, problem) if problem else None
        stream.foil_missing = Finding(Reason.ROWS_MISSING, remark) if remark else None
        return results + stream.finish(exit_status)

    def _take(self, name: str, events: Iterable[dict[str, Any]], partials: bool) -> list[Result]:
        stream = self._streams[name]
        return [
            result
            for event in events
            for result in stream.event(event, self._roles[event["descriptor"]], partials=partials)
        ]

    def _join(self, name: str) -> Joining:
        if name not in self._joining:
            joining = self._joining[name] = Joining(self._files)
            for document in self._resources:
                list(joining.resource(document))  # no stream_datum came before its descriptor
        return self._joining[name]

    def _open(self, name: str, roles: Roles) -> Stream:
        return Stream(
            RunInfo(self.uid, name, self._start, self._sample),
            roles,
            absorber=self._absorber,
            edge=self._edge,
            settings=self._settings,
            analyse=self._analyse,
            counters=self._counters,
        )

    def _rejected(self, stream: str, finding: Finding, exit_status: str) -> Result:
        prediction = Prediction(Status.REJECTED, (finding,), self._absorber, self._edge)
        return Result(
            run=RunInfo(self.uid, stream, self._start, self._sample),
            spectrum_index=0,
            final=True,
            prediction=ended(prediction, exit_status),
            raw_time=self.last_time if math.isfinite(self.last_time) else math.nan,
        )


def as_time(document: Mapping[str, Any]) -> float:
    """Return a document's time (s); minus infinity if it has no usable one."""
    time = document.get("time")
    usable = isinstance(time, (int, float)) and not isinstance(time, bool) and math.isfinite(time)
    return float(time) if usable and time is not None else -math.inf

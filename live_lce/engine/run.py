"""One open run: its streams, and how it ends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from live_lce.classifiers.types import Prediction
from live_lce.contract import Finding, Reason, Status
from live_lce.engine import metadata
from live_lce.engine.presets import choose
from live_lce.engine.roles import Roles
from live_lce.engine.signals import declares_energy, resolve
from live_lce.engine.stream import Stream
from live_lce.engine.types import Result, RunInfo
from live_lce.engine.verdict import Analyse, ended
from live_lce.settings import AnalysisSettings


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
    ) -> None:
        self.uid = str(start["uid"])
        self.last_time = as_time(start)
        self.descriptors: dict[str, str] = {}  # uid: stream
        self._start = start
        self._settings = settings
        self._analyse = analyse
        self._counters = counters
        preset = choose(settings.signals.preset, start)
        normalization = settings.normalization
        self._absorber = normalization.absorber or metadata.find_absorber(start, preset)
        self._edge = normalization.edge or metadata.find_edge(start, preset)
        self._sample = metadata.find_sample(start, preset)
        self._roles: dict[str, Roles | None] = {}  # by descriptor uid
        self._keys: dict[str, frozenset[str]] = {}  # by stream, of its last descriptor
        self._streams: dict[str, Stream] = {}
        self._problems: dict[str, Finding] = {}

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
        stream = self._streams.get(self.descriptors[uid])
        if stream is None:
            return []
        return stream.event(document, self._roles[uid], partials=partials)

    def finish(self, exit_status: str) -> list[Result]:
        """Return the last predictions of every stream.

        Parameters
        ----------
        exit_status : str
            Of the stop document; ``unknown`` where none came.
        """
        results: list[Result] = []
        for stream in self._streams.values():
            results.extend(stream.finish(exit_status))
        for name, finding in self._problems.items():
            results.append(self._rejected(name, finding, exit_status))
        if not self.descriptors and declares_energy(self._start, self._settings.signals):
            name = self._settings.signals.stream or "primary"
            results.append(self._rejected(name, Finding(Reason.NO_POINTS), exit_status))
        return results

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

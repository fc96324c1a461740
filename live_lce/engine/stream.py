"""One stream of a run: its events become spectra."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from live_lce.analysis import Analysis
from live_lce.contract import Finding, Reason, Status
from live_lce.engine.grouping import Grouping
from live_lce.engine.pacing import Pacer
from live_lce.engine.points import Points, read_point
from live_lce.engine.roles import Roles
from live_lce.engine.types import Result, RunInfo
from live_lce.engine.verdict import Analyse, ended, judge, provisional, remark
from live_lce.settings import AnalysisSettings
from live_lce.spectra.edges import tabulated_edge
from live_lce.spectra.energy import bragg_to_energy

SMALLEST_SCAN = 30.0
"""Where no document says that energy was scanned, a smaller range (eV) is no scan."""


@dataclass
class _Growing:
    """A spectrum that is still being measured."""

    index: int
    pacer: Pacer
    points: Points = field(default_factory=Points)


class Stream:
    """Collects the points of one stream and classifies them.

    Parameters
    ----------
    info : RunInfo
        The run and stream.
    roles : Roles
        Of the stream's first descriptor.
    absorber, edge : str
        As stated; empty if they are not.
    settings : AnalysisSettings
        Settings.
    analyse : callable
        Spectrum to analysis.
    counters : Counter
        Counts `partials`, `partials_dropped`, `points_dropped`, `points_late`.
    """

    def __init__(
        self,
        info: RunInfo,
        roles: Roles,
        *,
        absorber: str,
        edge: str,
        settings: AnalysisSettings,
        analyse: Analyse,
        counters: Counter[str],
    ) -> None:
        self._info = info
        self._roles = roles
        self._absorber = absorber
        self._edge = edge
        self._settings = settings
        self._analyse = analyse
        self._counters = counters
        self._grouping = Grouping(info.start, roles, settings.signals)
        self._growing: dict[int, _Growing] = {}
        self._done: dict[int, int] = {}  # group: spectrum index
        self._skipped = 0  # partial predictions left out since the last result
        self.n_used = 0  # points with all that is needed, of all spectra
        self.descriptor_changed = False
        self.missing: Finding | None = None  # needed rows of external files
        self.foil_missing: Finding | None = None  # rows that an answer can do without

    def event(
        self, event: Mapping[str, Any], roles: Roles | None, *, partials: bool
    ) -> list[Result]:
        """Take in an event, and return what it gives.

        Parameters
        ----------
        event : mapping
            Event document.
        roles : Roles or None
            Of the event's descriptor; None if that lacks the needed signals.
        partials : bool
            Whether partial predictions are made; if not, they are counted.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the event is malformed.
        """
        seq_num, data = int(event["seq_num"]), event["data"]
        if not isinstance(data, Mapping):
            raise TypeError("data is no mapping")
        point = read_point(event, roles) if roles else None
        if point is None:
            self._counters["points_dropped"] += 1
        else:
            self.n_used += 1
        group = self._grouping.group(seq_num, data)
        if self._grouping.by_event:
            growing = _Growing(self._done.setdefault(group, len(self._done)), self._pacer())
            growing.points.add(seq_num, point)
            return [self._final(growing, "success")]
        if group in self._done:
            self._counters["points_late"] += 1
            return []
        results = self._finish_others(group)
        growing = self._growing.setdefault(
            group, _Growing(len(self._done) + len(self._growing), self._pacer())
        )
        growing.points.add(seq_num, point)
        if point is not None and growing.pacer.due(self._energy(point.values["axis"])):
            results.extend(self._partial(growing, partials))
        return results

    def finish(self, exit_status: str) -> list[Result]:
        """Return the last predictions of what has not ended yet.

        Parameters
        ----------
        exit_status : str
            Of the run; ``unknown`` where no stop document came.
        """
        if not (self._growing or self._done) and self._roles.declared:
            self._growing[0] = _Growing(0, self._pacer())  # an empty scan
        open_spectra = list(self._growing.values())
        self._growing.clear()
        return [
            self._final(growing, exit_status)
            for growing in open_spectra
            if self._roles.declared or growing.pacer.extent >= SMALLEST_SCAN
        ]

    def _finish_others(self, group: int) -> list[Result]:
        results = []
        for other in [g for g in self._growing if g != group]:
            growing = self._growing.pop(other)
            self._done[other] = growing.index
            results.append(self._final(growing, "success"))
        return results

    def _partial(self, growing: _Growing, partials: bool) -> list[Result]:
        if not partials:
            self._skipped += 1
            self._counters["partials_dropped"] += 1
            return []
        self._counters["partials"] += 1
        analysis = judge(growing.points, self._roles, self._absorber, self._edge, self._analyse)
        # What cannot be classified yet may be tomorrow: only the final one complains.
        if analysis.prediction.status in {Status.REJECTED, Status.FAILED}:
            return []
        prediction = provisional(analysis.prediction, Finding(Reason.SCAN_RUNNING))
        return [self._result(growing, replace(analysis, prediction=prediction), final=False)]

    def _final(self, growing: _Growing, exit_status: str) -> Result:
        analysis = judge(growing.points, self._roles, self._absorber, self._edge, self._analyse)
        prediction = analysis.prediction
        if self.missing is not None:
            prediction = provisional(prediction, self.missing)
        prediction = ended(prediction, exit_status)
        return self._result(growing, replace(analysis, prediction=prediction), final=True)

    def _result(self, growing: _Growing, analysis: Analysis, *, final: bool) -> Result:
        remarks = []
        if self.descriptor_changed:
            remarks.append(Finding(Reason.DESCRIPTOR_CHANGED))
        if self.foil_missing is not None:
            remarks.append(self.foil_missing)
        if self._skipped:
            remarks.append(Finding(Reason.PARTIALS_DROPPED, str(self._skipped)))
            self._skipped = 0
        points, normalized = growing.points, analysis.normalized
        n_dropped = points.n_dropped + (normalized.n_dropped if normalized else 0)
        first, last = points.span
        return Result(
            run=self._info,
            spectrum_index=growing.index,
            final=final,
            prediction=remark(analysis.prediction, *remarks),
            normalized=normalized,
            n_points=points.n_used - (normalized.n_dropped if normalized else 0),
            n_dropped=n_dropped,
            raw_seq_num_first=first,
            raw_seq_num_last=last,
            raw_time=points.last_time,
            spectrum=analysis.spectrum,
        )

    def _pacer(self) -> Pacer:
        energy = None
        if self._absorber:
            try:
                energy = tabulated_edge(self._absorber, self._edge or "K")
            except KeyError:
                energy = None
        return Pacer(self._settings.pacing, energy)

    def _energy(self, value: float) -> float:
        """Return one point's energy (eV) for the pacing, which needs no certain units."""
        roles = self._roles
        if roles.bragg and roles.d_spacing is not None:
            return float(bragg_to_energy(np.array([value]), roles.d_spacing)[0])
        in_kev = roles.energy_units == "keV" or (roles.energy_units == "auto" and value < 200.0)
        return value * 1000.0 if in_kev else value

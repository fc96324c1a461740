"""Turn the events of one stream into spectra."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from live_lce.analysis import Analysis
from live_lce.classifiers import Prediction
from live_lce.contract import Finding, Reason, Status
from live_lce.engine._decision import Analyse, ended, judge, provisional, remark
from live_lce.engine._grouping import Grouping
from live_lce.engine._pacing import Pacer
from live_lce.engine._points import Point, Points, Unusable, read_point
from live_lce.engine._roles import Roles
from live_lce.engine._sweeping import Turns, first_sweep
from live_lce.engine._types import Result, RunInfo
from live_lce.settings import AnalysisSettings
from live_lce.spectra import SpectrumRejectedError, tabulated_edge
from live_lce.spectra._energy import angles_to_ev

SMALLEST_SCAN = 30.0
"""Where no document says that energy was scanned, a smaller range (eV) is no scan."""
_LACKING = Unusable({"signals": "are not described"})
"""An event whose descriptor lacks the needed signals."""


@dataclass
class _Growing:
    """A spectrum that is still being measured."""

    group: int
    index: int
    pacer: Pacer
    points: Points = field(default_factory=Points)
    energies: dict[int, float] = field(default_factory=dict)  # eV, by seq_num
    turns: Turns = field(default_factory=Turns)
    sweep: int = 0  # which of several sweeps over the edge; 0 if there is only one
    n_between: int = 0  # points on the way back from this sweep

    def add(self, seq_num: int, point: Point | Unusable, energy: float) -> None:
        self.points.add(seq_num, point)
        self.energies[seq_num] = energy
        self.turns.add(energy)


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
        self._sweeps = settings.signals.spectrum_per in {"auto", "outer"}
        self._edge_energy = _edge_energy(absorber, edge)
        self._growing: dict[int, _Growing] = {}
        self._done: dict[int, int] = {}  # group: spectrum index
        self._n_opened = 0
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
        point = read_point(event, roles) if roles else _LACKING
        if isinstance(point, Point):
            self.n_used += 1
        else:
            self._counters["points_dropped"] += 1
        energy = math.nan
        if isinstance(point, Point) and not self._roles.array:
            energy = self._energy(point.values["axis"])
        group = self._grouping.group(seq_num, data, energy)
        if self._grouping.by_event:
            growing = _Growing(group, self._done.setdefault(group, len(self._done)), self._pacer())
            growing.points.add(seq_num, point)
            return [self._final(growing, "success")]
        if (groups := self._grouping.regrouped()) is not None:
            self._regroup(groups)
        if group in self._done or self._is_of_earlier_sweep(group, seq_num):
            self._counters["points_late"] += 1
            return []
        results = self._finish_others(group)
        self._grown(group).add(seq_num, point, energy)
        if self._growing[group].turns.is_due:
            results.extend(self._split(group))
        growing = self._growing[group]
        if isinstance(point, Point) and growing.pacer.due(energy):
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
            self._grown(0)  # an empty scan
        results = []
        for group in list(self._growing):
            if self._growing[group].turns.turned:
                results += self._split(group)
            growing = self._growing.pop(group)
            if self._roles.declared or growing.pacer.extent >= SMALLEST_SCAN:
                results.append(self._final(growing, exit_status))
        return results

    def _is_of_earlier_sweep(self, group: int, seq_num: int) -> bool:
        growing = self._growing.get(group)
        return growing is not None and growing.sweep > 1 and seq_num < min(growing.energies)

    def _finish_others(self, group: int) -> list[Result]:
        results = []
        for other in [g for g in self._growing if self._grouping.ends(g, group)]:
            if self._growing[other].turns.turned:
                results += self._split(other)
            growing = self._growing.pop(other)
            self._done[other] = growing.index
            results.append(self._final(growing, "success"))
        return results

    def _grown(self, group: int) -> _Growing:
        """Return the spectrum of a group, a new one if it has none."""
        if group not in self._growing:
            self._growing[group] = _Growing(group, self._n_opened, self._pacer())
            self._n_opened += 1
        return self._growing[group]

    def _regroup(self, groups: Mapping[int, int]) -> None:
        """Assign all points anew; nothing has been said of any yet."""
        before = list(self._growing.values())
        self._growing.clear()
        self._n_opened = 0
        held = {
            seq: (growing, point)
            for growing in before
            for seq, point in growing.points.by_seq_num.items()
        }
        for seq in sorted(held):
            growing, point = held[seq]
            new = self._grown(groups[seq])
            new.add(seq, point, growing.energies[seq])
            new.pacer.due(growing.energies[seq])

    def _split(self, group: int) -> list[Result]:
        """Return the last predictions of the sweeps that have ended."""
        results: list[Result] = []
        while self._sweeps:
            growing = self._growing[group]
            numbers = sorted(growing.energies)
            cut = first_sweep([growing.energies[n] for n in numbers], self._edge_energy)
            if cut is None:
                break
            parts = []
            sweep = max(growing.sweep, 1)
            for index, number, kept in (
                (growing.index, sweep, numbers[: cut[0]]),
                (self._n_opened, sweep + 1, numbers[cut[1] :]),
            ):
                part = _Growing(group, index, self._pacer(), sweep=number)
                for n in kept:
                    part.add(n, growing.points.by_seq_num[n], growing.energies[n])
                    if n != numbers[-1]:
                        part.pacer.due(growing.energies[n])
                parts.append(part)
            self._n_opened += 1
            parts[0].n_between = cut[1] - cut[0]
            self._growing[group] = parts[1]
            results.append(self._final(parts[0], "success"))
        return results

    def _partial(self, growing: _Growing, partials: bool) -> list[Result]:
        if not partials:
            self._skipped += 1
            self._counters["partials_dropped"] += 1
            return []
        if self._grouping.refused is not None:
            return []
        self._counters["partials"] += 1
        analysis = judge(growing.points, self._roles, self._absorber, self._edge, self._analyse)
        # What cannot be classified yet may be tomorrow: only the final one complains.
        if analysis.prediction.status in {Status.REJECTED, Status.FAILED}:
            return []
        found = _edge_energy(analysis.prediction.absorber, analysis.prediction.edge)
        if found is not None:
            growing.pacer.found(found)
        prediction = provisional(analysis.prediction, Finding(Reason.SCAN_RUNNING))
        return [self._result(growing, replace(analysis, prediction=prediction), final=False)]

    def _final(self, growing: _Growing, exit_status: str) -> Result:
        analysis = judge(growing.points, self._roles, self._absorber, self._edge, self._analyse)
        prediction = analysis.prediction
        if self._grouping.refused is not None:
            finding = self._grouping.refused
            prediction = Prediction(
                Status.REJECTED,
                (finding,),
                prediction.absorber,
                prediction.edge,
                model=prediction.model,
                classes=prediction.classes,
            )
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
        if words := self._apart(growing):
            remarks.append(Finding(Reason.SWEEPS_SPLIT, words))
        if points.n_used and points.n_dropped:
            remarks.append(Finding(Reason.POINTS_DROPPED, points.dropped))
        # The spectrum lacks points without beam; of events that are spectra it has all points.
        n_points = points.n_used if analysis.spectrum is None else analysis.spectrum.energy.size
        n_dropped = (
            points.n_dropped + growing.n_between + (normalized.n_dropped if normalized else 0)
        )
        first, last = points.span
        return Result(
            run=self._info,
            spectrum_index=growing.index,
            final=final,
            prediction=remark(analysis.prediction, *remarks),
            normalized=normalized,
            n_points=n_points - (normalized.n_dropped if normalized else 0),
            n_dropped=n_dropped,
            raw_seq_num_first=first,
            raw_seq_num_last=last,
            raw_time=points.last_time,
            spectrum=analysis.spectrum,
        )

    def _apart(self, growing: _Growing) -> str:
        """Say what sets a spectrum apart from others in its stream; empty if it is alone."""
        said = [self._grouping.words(growing.group)]
        if growing.sweep:
            first, last = growing.points.span
            said.append(f"sweep {growing.sweep}, events {first} to {last}")
        if growing.n_between:
            said.append(f"{growing.n_between} points on the way back left out")
        return ", ".join(part for part in said if part)

    def _pacer(self) -> Pacer:
        return Pacer(self._settings.pacing, self._edge_energy)

    def _energy(self, value: float) -> float:
        """Return one point's energy (eV) for the pacing, which needs no certain units."""
        roles = self._roles
        if not (math.isfinite(value) and value > 0):
            return math.nan  # a counter that was not there
        if roles.bragg and roles.d_spacing is not None:
            try:
                energy, _ = angles_to_ev(np.array([value]), roles.d_spacing, roles.units)
            except SpectrumRejectedError:  # the last prediction says so
                return math.nan
            return float(energy[0])
        return value * 1000.0 if value < 200.0 else value


def _edge_energy(absorber: str, edge: str) -> float | None:
    """Return the tabulated edge (eV); None where there is none."""
    try:
        return tabulated_edge(absorber, edge or "K") if absorber else None
    except KeyError:
        return None

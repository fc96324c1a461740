"""Read how a series developed: one point per final spectrum."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from live_lce.results._catalog import PublishedRun
from live_lce.results._presentation import in_order
from live_lce.results._tables import final_rows

_WITH_PROBABILITIES = (1, 4)
"""First contract whose stop documents hold the probabilities."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What was said of one spectrum of a series.

    Parameters
    ----------
    analysis_uid, raw_uid : str
        Uids of the analysis run and of the raw run.
    spectrum_index : int
        Its number in the analysis run, from 0.
    sample : str
        Name, empty if unknown.
    scan_id : int or None
        Of the raw run.
    absorber, edge : str
        What was measured.
    time : float
        Start of the raw run; where the run has several spectra, the last raw event of this one
        (s since 1970); NaN if unknown.
    status, reason : str
        As in the contract.
    answered : bool
        Whether `label` is an answer.
    label : str
        Empty if not answered.
    confidence : float
        Of `label`; 0 if not answered.
    probabilities, spread : mapping of str to float
        Of each class: its probability, and the standard deviation of the probability among the
        model's members.  Only what was computed, also where it was not good enough for an answer.
    label_set : tuple of str
        Classes that cannot be excluded, most probable first.
    begun : float
        Start of the raw run (s since 1970), what a query's `since` and `until` mean; NaN if
        unknown.
    """

    analysis_uid: str
    raw_uid: str
    spectrum_index: int
    sample: str
    scan_id: int | None
    absorber: str
    edge: str
    time: float
    status: str
    reason: str
    answered: bool
    label: str
    confidence: float
    probabilities: Mapping[str, float]
    spread: Mapping[str, float]
    label_set: tuple[str, ...] = ()
    begun: float = math.nan

    @property
    def key(self) -> tuple[str, int]:
        """What no other point has: analysis uid and number of the spectrum."""
        return (self.analysis_uid, self.spectrum_index)


def trend(container: Any, runs: Sequence[PublishedRun]) -> list[TrendPoint]:
    """Return the points of a series, by run and number of the spectrum.

    Costs nothing where a run has one spectrum and follows contract 1.4 or later: its stop document
    says all.  Other runs, and those that are still open, cost a request each.

    Parameters
    ----------
    container : tiled container
        Where the runs are.
    runs : sequence of PublishedRun
        From :func:`live_lce.results.find`.

    Raises
    ------
    ResultsError
        If rows cannot be read.
    """
    points: list[TrendPoint] = []
    for run in runs:
        point = point_of_stop(run)
        if point is not None:
            points.append(point)
            continue
        rows = final_rows(container, run)
        found = {int(row["spectrum_index"]): point_of_row(run, row) for row in rows}
        points += [found[number] for number in sorted(found)]
    return points


def point_of_row(run: PublishedRun, row: Mapping[str, Any]) -> TrendPoint:
    """Return the point of a final prediction, e.g. one that has just arrived.

    Parameters
    ----------
    run : PublishedRun
        Its analysis run.
    row : mapping
        The columns of the stream ``predictions``.
    """
    several = run.n_final > 1 or int(row["spectrum_index"]) > 0
    raw_time = float(row.get("raw_time", math.nan)) if several else run.raw_time
    return TrendPoint(
        analysis_uid=run.analysis.uid,
        raw_uid=run.analysis.raw_uid,
        spectrum_index=int(row["spectrum_index"]),
        sample=run.sample,
        scan_id=run.scan_id,
        absorber=str(row["absorber"]) or run.analysis.absorber,
        edge=str(row["edge"]) or run.edge,
        time=raw_time if several and math.isfinite(raw_time) else run.raw_time,
        status=str(row["status"]),
        reason=str(row["reason"]),
        answered=bool(row["answered"]),
        label=str(row["label"]),
        confidence=float(row["confidence"]),
        probabilities=_of_classes(row, "p_"),
        spread=_of_classes(row, "spread_"),
        label_set=tuple(filter(None, str(row["label_set"]).split(","))),
        begun=run.raw_time,
    )


def point_of_stop(run: PublishedRun) -> TrendPoint | None:
    """Return the point of a run as its stop document tells; None where that does not tell all.

    It does where the run has one spectrum and follows contract 1.4 or later.

    Parameters
    ----------
    run : PublishedRun
        The analysis run.
    """
    if not run.analysis.ended or run.n_final != 1 or _contract(run) < _WITH_PROBABILITIES:
        return None
    return TrendPoint(
        analysis_uid=run.analysis.uid,
        raw_uid=run.analysis.raw_uid,
        spectrum_index=0,
        sample=run.sample,
        scan_id=run.scan_id,
        absorber=run.analysis.absorber,
        edge=run.edge,
        time=run.raw_time,
        status=run.status,
        reason=run.reason,
        answered=bool(run.label),
        label=run.label,
        confidence=run.confidence,
        probabilities=run.probabilities,
        spread=run.spread,
        label_set=run.label_set,
        begun=run.raw_time,
    )


def split(points: Iterable[TrendPoint]) -> dict[tuple[str, str], list[TrendPoint]]:
    """Return the points of each sample and absorber, in the order of their first points."""
    found: dict[tuple[str, str], list[TrendPoint]] = {}
    for point in points:
        found.setdefault((point.sample, point.absorber), []).append(point)
    return found


def classes_of(points: Iterable[TrendPoint]) -> tuple[str, ...]:
    """Return the classes that any of the points has a probability of, in drawing order."""
    return in_order(name for point in points for name in point.probabilities)


def _of_classes(row: Mapping[str, Any], prefix: str) -> dict[str, float]:
    found = {k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)}
    return {name: float(v) for name, v in found.items() if v is not None and math.isfinite(v)}


def _contract(run: PublishedRun) -> tuple[int, ...]:
    parts = run.contract.split(".")
    return tuple(int(p) for p in parts) if all(p.isdecimal() for p in parts) else (0,)

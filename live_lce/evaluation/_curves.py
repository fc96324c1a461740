"""Compute metrics against the threshold, the end of the scan, and the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from live_lce.datasets._computed import cut_or_reason, noised_or_reason
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import Prepared, as_prepared
from live_lce.datasets._standards import normalized_or_reason
from live_lce.evaluation._arrays import NONE, Judgements, Mask, judgements
from live_lce.evaluation._choice import Choice
from live_lce.evaluation._judged import Judged, judge
from live_lce.evaluation._measure import LABEL_SET
from live_lce.evaluation._metrics import statistics
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array, NormalizedSpectrum
from live_lce.spectra._energy import to_ev

LAST_ENERGIES = (5.0, 10.0, 12.0, 15.0, 20.0, 30.0)
"""Where scans are cut (eV past the edge reference of the whole scan)."""
NOISES = (0.01, 0.02, 0.05, 0.1)
"""Standard deviations of the noise of one point, in edge steps."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class RiskCoverage:
    """The error rate among the rows that a threshold of the confidence lets through.

    Parameters
    ----------
    coverage : ndarray of shape (n_thresholds,)
        Answered part of the scored rows, ascending.
    risk : ndarray of shape (n_thresholds,)
        Wrong part of the answered ones.
    area : float
        Mean risk over the rows with probabilities, each at its own threshold (Geifman and
        El-Yaniv, NeurIPS 2017); NaN if there is none.
    """

    coverage: Array
    risk: Array
    area: float


@dataclass(frozen=True)
class CurvePoint:
    """Results with spectra made worse.

    Parameters
    ----------
    value : float
        How much worse: the last energy (eV past the edge reference), or the noise (edge steps).
    n, n_changed, n_answered : int
        Scored rows, those that the change touched, those answered.
    accuracy, accuracy_answered, macro_f1, forced_macro_f1 : float
        As in the table; NaN where not defined.
    n_both, same_as_full : int, float
        Rows answered both as they are and made worse, and the share of them with the same
        answer; NaN if there are none.
    absorbers : dict
        Accuracy by absorber.
    abstained_share, ece, top, top_right : float
        As in the table; NaN where not defined.
    n_with_probabilities : int
        Rows that `ece`, `top`, `top_right` and `label_set` are of: a scan that ends too early
        has none.
    label_set : dict
        As in the table; NaN where not defined.
    """

    value: float
    n: int
    n_changed: int
    n_answered: int
    accuracy: float
    accuracy_answered: float
    macro_f1: float
    forced_macro_f1: float
    n_both: int
    same_as_full: float
    absorbers: dict[str, float]
    abstained_share: float
    n_with_probabilities: int
    ece: float
    top: float
    top_right: float
    label_set: dict[str, float]


def risk_coverage(rows: Judgements) -> RiskCoverage:
    """Return risk against coverage, by the top probability of scored rows.

    Rows of equal confidence come together; rows without probabilities are never covered.
    """
    known = rows.scored & np.isfinite(rows.top)
    values, number = np.unique(-rows.top[known], return_inverse=True)
    wrong = (rows.forced != rows.truth)[known]
    size = np.bincount(number, minlength=values.size)
    n = np.cumsum(size)
    risk = np.cumsum(np.bincount(number, weights=wrong, minlength=values.size)) / np.maximum(n, 1)
    area = float((risk * size).sum() / n[-1]) if n.size else float("nan")
    return RiskCoverage(n / max(int(rows.scored.sum()), 1), risk, area)


@dataclass(frozen=True)
class Rejudge:
    """Judging the scored rows again, with spectra made worse.

    Parameters
    ----------
    prepared : sequence of Prepared
        The whole spectra.
    judged : sequence of Judged
        The same rows, judged.
    choice, settings
        As they were judged with.
    """

    prepared: Sequence[Prepared]
    judged: Sequence[Judged]
    choice: Choice
    settings: AnalysisSettings

    def against_last_energy(self, tell: Progress) -> list[CurvePoint]:
        """Return the results of the same scans, had they ended earlier."""
        points = []
        for past in LAST_ENERGIES:
            tell(f"scans that end {past:+g} eV past the edge")

            def cut(one: Prepared, index: int, past: float = past) -> Prepared:
                return self._cut(one, past)

            points.append(self._point(past, cut))
        return points

    def against_noise(self, seed: int, tell: Progress) -> list[CurvePoint]:
        """Return the results with noise added to the raw absorption."""
        points = []
        for sigma in NOISES:
            tell(f"noise of {sigma:g} edge steps")

            def noised(one: Prepared, index: int, sigma: float = sigma) -> Prepared:
                return self._noised(one, np.random.default_rng([seed, index]), sigma)

            points.append(self._point(sigma, noised))
        return points

    def _point(self, value: float, change: Callable[[Prepared, int], Prepared]) -> CurvePoint:
        scored = [i for i, one in enumerate(self.judged) if one.enters is Enters.SCORES]
        changed = {i: change(self.prepared[i], i) for i in scored}
        touched = [i for i in scored if changed[i] is not self.prepared[i]]
        again = judge(
            [changed[i] for i in touched],
            [self.judged[i].turn for i in touched],
            self.choice,
            self.settings,
        )
        said = dict(zip(touched, again, strict=True))
        rows = judgements([said.get(i, self.judged[i]) for i in scored])
        found = {k: float(v[0]) for k, v in statistics(rows, np.ones((1, len(rows)))).items()}
        right = rows.answer == rows.truth
        before = judgements([self.judged[i] for i in scored]).answer
        both = (rows.answer != NONE) & (before != NONE)
        return CurvePoint(
            value,
            n=len(scored),
            n_changed=len(touched),
            n_answered=int((rows.answer != NONE).sum()),
            accuracy=found["accuracy"],
            accuracy_answered=found["accuracy_answered"],
            macro_f1=found["macro_f1"],
            forced_macro_f1=found["forced.macro_f1"],
            n_both=int(both.sum()),
            same_as_full=float((rows.answer == before)[both].mean()) if both.any() else math.nan,
            absorbers={
                str(a): float(right[rows.absorber == a].mean()) for a in np.unique(rows.absorber)
            },
            abstained_share=found["abstained_share"],
            n_with_probabilities=int(np.isfinite(rows.top).sum()),
            ece=found["ece"],
            top=found["top"],
            top_right=found["top_right"],
            label_set={name: found[f"label_set.{name}"] for name in LABEL_SET},
        )

    def _cut(self, one: Prepared, past: float) -> Prepared:
        whole = one.normalized
        if whole is None or not np.isfinite(whole.edge_reference):
            return one
        stop = whole.edge_reference - whole.energy_shift + past
        if whole.raw_energy[-1] <= stop:
            return one
        if one.row.computed:
            return as_prepared(one.row, cut_or_reason(whole, stop))
        energy = to_ev(one.row.spectrum.energy)[0]
        return self._measured(one, energy <= stop, one.row.spectrum.mu)

    def _noised(self, one: Prepared, rng: np.random.Generator, sigma: float) -> Prepared:
        whole = one.normalized
        if whole is None:
            return one
        if one.row.computed:
            noise = sigma * rng.standard_normal(whole.norm.size)
            return as_prepared(one.row, noised_or_reason(whole, noise))
        spectrum = one.row.spectrum
        noise = sigma * _step(whole) * rng.standard_normal(spectrum.mu.size)
        return self._measured(one, np.ones(spectrum.mu.size, dtype=bool), spectrum.mu + noise)

    def _measured(self, one: Prepared, kept: Mask, mu: Array) -> Prepared:
        spectrum = replace(one.row.spectrum, energy=one.row.spectrum.energy[kept], mu=mu[kept])
        found = normalized_or_reason(replace(one.row, spectrum=spectrum), self.settings)
        return as_prepared(one.row, found)


def _step(whole: NormalizedSpectrum) -> float:
    """Return the edge step in units of mu: 1 where the data were normalized already."""
    return abs(whole.edge_step) if np.isfinite(whole.edge_step) else 1.0

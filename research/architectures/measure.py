"""How good a candidate is on computed spectra that it never saw, and on measured standards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import read_standards
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import prepare
from live_lce.datasets._rows import CLASSES, FINE
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array
from research.architectures.fit import Spectra
from research.architectures.plan import Candidate, fit_candidate
from research.lce.pool import POOL_CLASSES, Pool

PRIORS = (1.0, 0.7, 0.5, 0.35)
"""Factors on the probability of S5 that are compared."""
CONFIDENT = 0.55
"""Least probability of an answer."""
S5, OTHER = CLASSES.index("S5"), len(CLASSES)


@dataclass(frozen=True)
class Measured:
    """Measured standards with one answer each.

    Parameters
    ----------
    spectra : Spectra
        Those that the normalization takes.
    label : ndarray of int, shape (n_spectra,)
        Index into :data:`~research.lce.pool.POOL_CLASSES`.
    weight : ndarray of shape (n_spectra,)
        One over the number of spectra of the group: a compound counts once.
    rejected : int
        Spectra that cannot be normalized.
    """

    spectra: Spectra
    label: NDArray[np.intp]
    weight: Array
    rejected: int


@dataclass(frozen=True)
class Outcome:
    """What was found of a candidate with one factor on S5.

    Parameters
    ----------
    name, section : str
        Of the candidate.
    prior : float
        Factor on the probability of S5.
    f1 : dict
        Macro F1 on computed spectra never seen, per absorber.
    right : float
        Share of the measured groups that are right, without abstention.
    answered, right_answered : float, optional
        Share answered at :data:`CONFIDENT`, and of these right; None where nothing is answered.
    recall : dict
        Of each class, by group, without abstention.
    auroc : float
        Of `other` against the three classes, by group.
    seconds : float
        Training and prediction, per fold.
    cost : dict
        See :class:`~research.architectures.fit.Cost`.
    """

    name: str
    section: str
    prior: float
    f1: dict[str, float]
    right: float
    answered: float
    right_answered: float | None
    recall: dict[str, float]
    auroc: float
    seconds: float
    cost: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def read_measured(folder: Path, absorbers: Sequence[str]) -> Measured:
    """Read the standards that count for scores or as `other`.

    Parameters
    ----------
    folder : Path
        Of the experimental collection.
    absorbers : sequence of str
        Those that the networks know, in their order.
    """
    kept = (Enters.SCORES, Enters.OOD_AUROC)
    rows = [r for r in read_standards(folder) if r.absorber in absorbers and r.enters in kept]
    prepared = prepare(rows, AnalysisSettings())
    norm, last, absorber, label, group = [], [], [], [], []
    for one in prepared:
        found = one.normalized
        if found is None or not np.isfinite(found.edge_reference):
            continue
        relative = found.energy - found.edge_reference
        norm.append(np.interp(FINE, relative, found.norm))
        last.append(float(relative[-1]))
        absorber.append(list(absorbers).index(one.row.absorber))
        label.append(POOL_CLASSES.index(one.row.label))
        group.append(f"{one.row.absorber} {one.row.label} {one.row.group}")
    _, which, count = np.unique(group, return_inverse=True, return_counts=True)
    spectra = Spectra(np.array(norm), np.array(last), np.array(absorber))
    return Measured(spectra, np.array(label), 1 / count[which], len(rows) - len(norm))


def measure(candidate: Candidate, pool: Pool, measured: Measured) -> list[Outcome]:
    """Fit a candidate without each of its folds and judge it; one outcome per factor on S5."""
    found = np.zeros((len(pool.rows), len(POOL_CLASSES)))
    of_members, costs = [], []
    begun = time.perf_counter()
    for fold in candidate.folds:
        fitted = fit_candidate(candidate, pool, np.flatnonzero(pool.fold != fold))
        out = np.flatnonzero(pool.fold == fold)
        rows = Spectra(pool.rows.norm[out], pool.rows.last[out], pool.absorber[out])
        found[out] = fitted.predict(rows)
        of_members.append(fitted.predict(measured.spectra))
        costs.append(asdict(fitted.cost))
    seconds = (time.perf_counter() - begun) / len(candidate.folds)
    experiment = np.mean(of_members, axis=0)
    cost = {name: float(np.median([one[name] for one in costs])) for name in costs[0]}
    tested = np.isin(pool.fold, candidate.folds)
    return [
        Outcome(
            candidate.name,
            candidate.section,
            prior,
            macro_f1(with_prior(found, prior), pool, tested),
            **judge(with_prior(experiment, prior), measured),
            seconds=seconds,
            cost=cost,
        )
        for prior in PRIORS
    ]


def with_prior(probabilities: Array, factor: float) -> Array:
    """Return probabilities with that of S5 multiplied, summing to what they did."""
    found = probabilities.copy()
    found[:, S5] *= factor
    total = found.sum(1, keepdims=True)
    scaled: Array = found / np.where(total > 0, total, 1)
    return scaled


def macro_f1(probabilities: Array, pool: Pool, tested: NDArray[np.bool_]) -> dict[str, float]:
    """Return the macro F1 of T4, S5 and O6 per absorber; the answer is one of the three."""
    from sklearn.metrics import f1_score

    answer = probabilities[:, : len(CLASSES)].argmax(1)
    found = {}
    for index, absorber in enumerate(pool.absorbers):
        rows = tested & (pool.absorber == index) & (pool.rows.label < len(CLASSES))
        label = pool.rows.label[rows]
        score = f1_score(label, answer[rows], labels=np.unique(label), average="macro")
        found[absorber] = float(score)
    return found


def judge(probabilities: Array, measured: Measured) -> dict[str, Any]:
    """Return what :class:`Outcome` says of measured spectra."""
    from sklearn.metrics import roc_auc_score

    known = measured.label < len(CLASSES)
    label, weight = measured.label[known], measured.weight[known]
    of_three = probabilities[known, : len(CLASSES)]
    right = of_three.argmax(1) == label
    answered = of_three.max(1) >= CONFIDENT
    strange = probabilities[:, OTHER]
    if not strange.any():  # a model that knows no `other`
        strange = 1 - probabilities.max(1)
    recall = {
        name: float(np.average(right[label == i], weights=weight[label == i]))
        for i, name in enumerate(CLASSES)
    }
    return {
        "right": float(np.average(right, weights=weight)),
        "answered": float(np.average(answered, weights=weight)),
        "right_answered": float(np.average(right[answered], weights=weight[answered]))
        if answered.any()
        else None,
        "recall": recall,
        "auroc": float(roc_auc_score(~known, strange, sample_weight=measured.weight)),
    }

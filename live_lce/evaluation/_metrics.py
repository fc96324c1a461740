"""Compute metrics as functions of the weight of each row.

With weights of one they are scikit-learn's numbers of the same names (the tests compare them);
with the weights of a bootstrap draw, a thousand draws at once, they give the intervals.
"""

from __future__ import annotations

import numpy as np

from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._arrays import NONE, Ints, Judgements, Mask
from live_lce.spectra import Array

BINS = 10
"""Equal bins of the confidence, of the expected calibration error."""


def statistics(rows: Judgements, weights: Array) -> dict[str, Array]:
    """Return every metric for each set of weights.

    Parameters
    ----------
    rows : Judgements
        Of n rows.
    weights : ndarray of shape (n_draws, n)
        How often each row counts.

    Returns
    -------
    dict
        Arrays of shape (n_draws,) by the metric's name, NaN where it is not defined; those of one
        class as ``f1.T4``, those without abstention as ``forced.accuracy``, those of the label
        sets as ``label_set.coverage``.
    """
    w = weights[:, rows.scored]
    s = rows.take(rows.scored)
    right, answered = s.answer == s.truth, s.answer != NONE
    majority = commonest(s)
    found = {
        "accuracy": _mean(w, right),
        "accuracy_answered": _mean(w * answered, right),
        "accuracy_by_group": _mean(w / group_sizes(s), right),
        **_per_class(w, s.truth, s.answer),
        "majority_accuracy": _mean(w, majority == s.truth),
        "majority_accuracy_by_group": _mean(w / group_sizes(s), majority == s.truth),
        "ece": calibration_error(w, s.top, s.forced == s.truth),
        **_tops(w, s),
        **_label_sets(w, s),
        "abstained_share": _mean(w, ~answered),
        "ood_auroc": _ood_auroc(rows, weights),
        "fraction_mae": _fraction_mae(rows, weights),
        "forced.accuracy": _mean(w, s.forced == s.truth),
    }
    forced = _per_class(w, s.truth, s.forced)
    return found | {"forced.macro_f1": forced["macro_f1"]}


def commonest(scored: Judgements) -> Ints:
    """Return for each row the commonest class of its absorber; the first one of equals."""
    answer = np.full(len(scored), NONE, dtype=np.intp)
    for absorber in np.unique(scored.absorber):
        of_it = scored.absorber == absorber
        answer[of_it] = np.bincount(scored.truth[of_it], minlength=len(CLASSES)).argmax()
    return answer


def group_sizes(rows: Judgements) -> Array:
    """Return for each row how many rows its group has."""
    if not len(rows):
        return np.empty(0)
    sizes: Array = np.bincount(rows.group)[rows.group].astype(np.float64)
    return sizes


def calibration_error(weights: Array, top: Array, right: Mask) -> Array:
    """Return the expected calibration error of the top probability.

    Rows are binned by their top probability, in ten equal bins; the error is the mean over rows
    of the distance between their bin's mean probability and its share of right ones (Guo et al.,
    ICML 2017, eq. 3).  Rows without probabilities have no part in it.
    """
    known = np.isfinite(top)
    w, p, hit = weights[:, known], top[known], right[known]
    number = np.minimum((p * BINS).astype(np.intp), BINS - 1)
    in_bin = number[:, None] == np.arange(BINS)
    gap = np.abs(w @ (in_bin * (p - hit)[:, None]))
    return _ratio(gap.sum(axis=1), w.sum(axis=1))


def auroc(score: Array, positive: Mask, weights: Array) -> Array:
    """Return the area under the ROC curve: how often a positive scores above a negative.

    Parameters
    ----------
    score : ndarray of shape (n,)
        May be infinite; equal ones count half.
    positive : ndarray of bool, shape (n,)
        Which side each row is on.
    weights : ndarray of shape (n_draws, n)
        How often each row counts.
    """
    if positive.all() or not positive.any():
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    above = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    below = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    beaten = np.cumsum(below, axis=1) - below / 2
    return _ratio((above * beaten).sum(axis=1), above.sum(axis=1) * below.sum(axis=1))


def _per_class(w: Array, truth: Ints, answer: Ints) -> dict[str, Array]:
    f1: dict[str, Array] = {}
    recall: dict[str, Array] = {}
    for index, name in enumerate(CLASSES):
        true, said = truth == index, answer == index
        n_true, n_said, hits = w @ true, w @ said, w @ (true & said)
        recall[f"recall.{name}"] = _ratio(hits, n_true)
        f1[f"f1.{name}"] = np.where(n_true > 0, _ratio(2 * hits, n_true + n_said), np.nan)
    return {"macro_f1": _nan_mean(np.stack(list(f1.values()))), **f1, **recall}


def _tops(w: Array, s: Judgements) -> dict[str, Array]:
    """Return the mean top probability, and how often it is right: equal where calibrated."""
    known = np.isfinite(s.top)
    right = s.forced == s.truth
    return {"top": _mean(w[:, known], s.top[known]), "top_right": _mean(w[:, known], right[known])}


def _label_sets(w: Array, s: Judgements) -> dict[str, Array]:
    """Return how sets of labels do; rows that no model ran on have no part in it.

    :func:`live_lce.classifiers._conformal.judged` for many draws at once.
    """
    known = np.isfinite(s.top)
    w, s = w[:, known], s.take(known)
    return {
        "label_set.coverage": _mean(w, s.held),
        "label_set.coverage_by_group": _mean(w / group_sizes(s), s.held),
        "label_set.size": _mean(w, s.n_labels.astype(np.float64)),
        "label_set.single": _mean(w, s.n_labels == 1),
    }


def _ood_auroc(rows: Judgements, weights: Array) -> Array:
    known = (rows.other | rows.scored) & ~np.isnan(rows.distance)
    return auroc(rows.distance[known], rows.other[known], weights[:, known])


def _fraction_mae(rows: Judgements, weights: Array) -> Array:
    known = rows.mixed & np.isfinite(rows.top)
    errors = np.abs(rows.probability[known] - rows.fraction[known]).mean(axis=1)
    return _mean(weights[:, known], errors)


def _mean(weights: Array, values: Array | Mask) -> Array:
    return _ratio(weights @ np.asarray(values, np.float64), weights.sum(axis=1))


def _ratio(above: Array, below: Array) -> Array:
    nothing = below <= 0
    ratio: Array = np.where(nothing, np.nan, above / np.where(nothing, 1.0, below))
    return ratio


def _nan_mean(values: Array) -> Array:
    there = np.isfinite(values)
    return _ratio(np.where(there, values, 0.0).sum(axis=0), there.sum(axis=0).astype(np.float64))

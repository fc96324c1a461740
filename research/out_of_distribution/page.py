"""The page on what the family `lce` does not know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers._conformal import (
    Coverage,
    improbability,
    in_set,
    judged,
    mass_needed,
    once_a_group,
    threshold,
)
from live_lce.spectra import Array
from research.lce.distance import WEIGHTS, WITHIN, OodWeights
from research.out_of_distribution.data import Measured

PROMISED = 0.9
_DRAWS = 500


@dataclass(frozen=True)
class Found:
    """What one way of training gave.

    Parameters
    ----------
    scores : dict
        Of the measured spectra, by name; larger is further out.
    p, held_p : ndarray of shape (n_spectra, n_classes)
        Probabilities of measured and of held-out computed spectra.
    held_label, held_fold : ndarray of int, shape (n_held,)
        Of the computed ones.
    limit : float
        Threshold of the chosen score.
    weights : OodWeights
        As a regression on all measured spectra fits them.
    logits : ndarray of shape (n_members, n_spectra, n_classes)
        Of the measured spectra.
    n_rows : int
        Rows of the pool.
    """

    scores: dict[str, Array]
    p: Array
    held_p: Array
    held_label: NDArray[np.intp]
    held_fold: NDArray[np.intp]
    limit: float
    weights: OodWeights
    logits: Array
    n_rows: int


def page(
    measured: Measured,
    without: Found,
    found: Found,
    thrown: dict[str, float],
    kinds: tuple[str, ...],
    chosen: str,
    n_members: int,
) -> str:
    """Return the page as Markdown."""
    every = [_scores_table(measured, one, kinds) for one in (without, found)]
    n_outliers = found.n_rows - without.n_rows
    w = found.weights
    garbage = "\n".join(f"| {name} | {share:.0%} |" for name, share in thrown.items())
    return f"""# What the models of the family `lce` do not know

Made by `python -m research.out_of_distribution.study --data ../shared/data --members FOLDER --out
docs/reference/models`; {n_members} members of five, a study of methods, not of the shipped files.

AUROC of measured `other` against scored standards, each compound group once (its mean score),
95 % intervals by drawing groups.  "+ rule": spectra that quality control takes for metals are the
furthest of all.

## Trained on computed oxides, and on minerals with and without oxygen

{every[0]}

## And with examples of `other`

Computed metals, sulfides, halides and organometallics of idealized structures
(`research/feff/outliers.py`, {n_outliers} spectra), as rows of the class `other`.  Their kinds were
chosen in view of the kinds among the standards; no measured spectrum is trained on.  Networks
kept in `--members` may have been trained when fewer of them were computed.

{every[1]}

## The score

exp(a logit(p_other) + b ln(distance) + c) with a = {WEIGHTS.other:g}, b = {WEIGHTS.distance:g}:
rounded from a regression on all measured groups (a = {w.other:.2f}, b = {w.distance:.2f}); the
table's line for weights fitted to other groups pools ten fits, whose scales differ.  1 is the score
below which {WITHIN:.0%} of the scored measured groups lie.

{_flagged(measured, found, kinds, chosen)}

Rubbish made of the scored standards, share above the threshold:

| kind | flagged |
|---|---|
{garbage}

{_passing(measured, found, chosen)}

## Sets of labels that shall hold the right one in {PROMISED:.0%}

Thresholds from held-out computed spectra, or from measured groups of all other families; scored
measured groups count once.

{_sets(measured, found)}
"""


def _auroc(outside: Array, inside: Array) -> float:
    from sklearn.metrics import roc_auc_score

    label = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
    return float(roc_auc_score(label, np.r_[inside, outside]))


def _scores_table(measured: Measured, found: Found, kinds: tuple[str, ...]) -> str:
    n = [len(set(measured.group[measured.kind == kind])) for kind in kinds]
    head = " | ".join(f"{kind} ({k})" for kind, k in zip(kinds, n, strict=True))
    lines = [f"| score | all | {head} | all + rule |", "|---" * (len(kinds) + 3) + "|"]
    rng = np.random.default_rng(0)
    for name, score in found.scores.items():
        inside = measured.by_group(score, ~measured.outside)
        outside = measured.by_group(score, measured.outside)
        drawn = [
            _auroc(rng.choice(outside, len(outside)), rng.choice(inside, len(inside)))
            for _ in range(_DRAWS)
        ]
        low, high = np.quantile(drawn, (0.025, 0.975))
        cells = [f"{_auroc(outside, inside):.2f} ({low:.2f} to {high:.2f})"]
        for kind in kinds:
            of_kind = measured.by_group(score, measured.kind == kind)
            cells.append(f"{_auroc(of_kind, inside):.2f}")
        ruled = np.where(measured.metal, score.max() + 1, score)
        groups = (measured.outside, ~measured.outside)
        cells.append(f"{_auroc(*(measured.by_group(ruled, chosen) for chosen in groups)):.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _flagged(measured: Measured, found: Found, kinds: tuple[str, ...], chosen: str) -> str:
    score = found.scores[chosen]
    ruled = np.where(measured.metal, np.inf, score)
    lines = ["| measured | groups | flagged | or taken for a metal |", "|---|---|---|---|"]
    for kind in ("", *kinds):
        which = measured.kind == kind
        plain, both = (measured.by_group(s, which) > found.limit for s in (score, ruled))
        name = kind or "T4, S5, O6"
        lines.append(f"| {name} | {len(plain)} | {plain.mean():.0%} | {both.mean():.0%} |")
    return "\n".join(lines)


def _passing(measured: Measured, found: Found, chosen: str) -> str:
    ruled = np.where(measured.metal, np.inf, found.scores[chosen])
    missed = measured.outside & (ruled <= found.limit)
    wrong = ~measured.outside & (ruled > found.limit)
    return (
        f"Other compounds below the threshold: {_names(measured, missed)}.\n\n"
        f"Oxides above it, or taken for metals: {_names(measured, wrong)}."
    )


def _names(measured: Measured, chosen: NDArray[np.bool_]) -> str:
    return ", ".join(sorted(set(measured.compound[chosen]))) or "none"


def _sets(measured: Measured, found: Found) -> str:
    lines = [
        "| sets of | threshold from | judged on | threshold | right one in | labels | single |"
    ]
    lines.append("|---" * 7 + "|")
    inside = np.flatnonzero(~measured.outside)
    p, label = found.p[inside], measured.label[inside]
    weight = once_a_group(measured.group[inside])
    half = found.held_fold > 0
    for name, scored in (("cumulative mass", mass_needed), ("probability", improbability)):
        held, seen = scored(found.held_p), scored(p)
        at = threshold(held[half], found.held_label[half], PROMISED)
        computed = judged(in_set(held[~half], at), found.held_label[~half])
        lines.append(_line(name, "computed", "computed, another fold", at, computed))
        moved = judged(in_set(seen, at), label, weight)
        lines.append(_line(name, "computed", "measured", at, moved))
        sets, limits = np.zeros(p.shape, bool), []
        for family in np.unique(measured.family[inside]):
            own = measured.family[inside] == family
            limit = threshold(seen[~own], label[~own], PROMISED, weight[~own])
            sets[own] = in_set(seen[own], limit)
            limits.append(limit)
        crossed = judged(sets, label, weight)
        lines.append(
            _line(name, "measured, other families", "measured", float(np.median(limits)), crossed)
        )
    return "\n".join(lines)


def _line(name: str, source: str, target: str, at: float, how: Coverage) -> str:
    return (
        f"| {name} | {source} | {target} | {at:.4f} | {how.coverage:.0%} of {how.n} |"
        f" {how.size:.2f} | {how.single:.0%} |"
    )

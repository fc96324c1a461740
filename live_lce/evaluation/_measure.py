"""Compute the metrics of judged rows, with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from live_lce.contract import Reason
from live_lce.datasets._labelled import Enters
from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._arrays import NONE, Judgements
from live_lce.evaluation._bootstrap import intervals
from live_lce.evaluation._choice import SEEN, WHOLE
from live_lce.evaluation._judged import Judged
from live_lce.evaluation._metrics import statistics

Number = float | None
"""None where a metric is not defined."""
LABEL_SET = ("coverage", "coverage_by_group", "size", "single")
"""What is measured of sets of labels."""


@dataclass(frozen=True)
class Metrics:
    """The numbers of some rows; docs/explanations/evaluation.md defines each.

    Parameters
    ----------
    n, n_answered, n_groups : int
        Scored rows, answered ones of them, their groups.
    accuracy, accuracy_answered, accuracy_by_group, macro_f1 : float or None
        An abstention is wrong, except in `accuracy_answered`.
    f1, recall : dict
        By class; None for a class that is not there.
    majority_accuracy, majority_accuracy_by_group : float or None
        Of always saying the commonest class of each absorber.
    ece : float or None
        Expected calibration error.
    n_with_probabilities : int
        Scored rows that a model ran on: `ece`, `top`, `top_right` and `label_set` are of them.
    top, top_right : float or None
        Mean top probability, and share of rows where the most probable class is right.
    label_set_groups : int
        Groups of these rows.
    label_set : dict
        `coverage` and `coverage_by_group`: share of sets that hold the truth, over rows and over
        groups; `size`: mean number of labels; `single`: share of sets with one label.
    abstained : int
        Scored rows not answered.
    abstained_share : float or None
        The same, as a part of `n`.
    ood_auroc : float or None
        Of `other` rows against scored ones by distance from training.
    ood_n_other, ood_n_scored : int
        Rows on both sides of it.
    fraction_mae : float or None
        Of the probabilities of mixed rows.
    n_mixed : int
        Rows that it rests on.
    n_other, other_answered : int
        `other` rows, and those that got a label.
    forced : dict
        `accuracy` and `macro_f1` of the most probable class, answered or not.
    intervals : dict
        95 % intervals by the metric's name.
    """

    n: int
    n_answered: int
    n_groups: int
    accuracy: Number
    accuracy_answered: Number
    accuracy_by_group: Number
    macro_f1: Number
    f1: dict[str, Number]
    recall: dict[str, Number]
    majority_accuracy: Number
    majority_accuracy_by_group: Number
    ece: Number
    n_with_probabilities: int
    top: Number
    top_right: Number
    label_set_groups: int
    label_set: dict[str, Number]
    abstained: int
    abstained_share: Number
    ood_auroc: Number
    ood_n_other: int
    ood_n_scored: int
    fraction_mae: Number
    n_mixed: int
    n_other: int
    other_answered: int
    forced: dict[str, Number]
    intervals: dict[str, tuple[float, float] | None]


@dataclass(frozen=True)
class RowCounts:
    """What happened to the rows, beside the metrics.

    Parameters
    ----------
    n_rows : int
        Of the data.
    abstained_by_reason : dict
        Scored rows not answered, by the deciding reason.
    not_scored : dict
        Rows that enter nothing, by why.
    n_seen : int
        Rows that the model, or all of its members, saw in training: not scored.
    n_seen_by_member : int
        Rows seen in training and judged by the one member that did not see them.
    """

    n_rows: int
    abstained_by_reason: dict[str, int]
    not_scored: dict[str, int]
    n_seen: int
    n_seen_by_member: int


def measure(rows: Judgements, seed: int) -> Metrics:
    """Return the metrics and their intervals.

    Parameters
    ----------
    rows : Judgements
        Of some absorbers.
    seed : int
        Of the bootstrap.
    """
    points = statistics(rows, np.ones((1, len(rows))))
    found: dict[str, Number] = {
        name: float(value[0]) if np.isfinite(value[0]) else None for name, value in points.items()
    }
    scored = rows.take(rows.scored)
    answered = int((scored.answer != NONE).sum())
    known = ~np.isnan(rows.distance)
    return Metrics(
        n=len(scored),
        n_answered=answered,
        n_groups=np.unique(scored.group).size,
        accuracy=found["accuracy"],
        accuracy_answered=found["accuracy_answered"],
        accuracy_by_group=found["accuracy_by_group"],
        macro_f1=found["macro_f1"],
        f1={name: found[f"f1.{name}"] for name in CLASSES},
        recall={name: found[f"recall.{name}"] for name in CLASSES},
        majority_accuracy=found["majority_accuracy"],
        majority_accuracy_by_group=found["majority_accuracy_by_group"],
        ece=found["ece"],
        n_with_probabilities=int(np.isfinite(scored.top).sum()),
        top=found["top"],
        top_right=found["top_right"],
        label_set_groups=np.unique(scored.group[np.isfinite(scored.top)]).size,
        label_set={name: found[f"label_set.{name}"] for name in LABEL_SET},
        abstained=len(scored) - answered,
        abstained_share=found["abstained_share"],
        ood_auroc=found["ood_auroc"],
        ood_n_other=int((rows.other & known).sum()),
        ood_n_scored=int((rows.scored & known).sum()),
        fraction_mae=found["fraction_mae"],
        n_mixed=int((rows.mixed & np.isfinite(rows.top)).sum()),
        n_other=int(rows.other.sum()),
        other_answered=int((rows.other & (rows.answer != NONE)).sum()),
        forced={name: found[f"forced.{name}"] for name in ("accuracy", "macro_f1")},
        intervals=intervals(rows, seed),
    )


def count(rows: Sequence[Judged]) -> RowCounts:
    """Return what happened to the rows."""
    silent = [r for r in rows if r.enters is Enters.SCORES and not r.prediction.answered]
    seen = [r for r in rows if r.turn.seen]
    return RowCounts(
        n_rows=len(rows),
        abstained_by_reason=_counted(deciding(one) for one in silent),
        not_scored=_counted(one.turn.why_not for one in rows if one.turn.why_not),
        n_seen=sum(one.turn.why_not == SEEN for one in seen),
        n_seen_by_member=sum(one.turn.member != WHOLE and not one.turn.why_not for one in seen),
    )


def deciding(one: Judged) -> str:
    """Return the reason that decided, as a code (of a failed check: its words)."""
    return one.reason.partition(";")[0] or Reason.INTERNAL_ERROR.value


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())

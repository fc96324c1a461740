"""What the card of a forest says: which rows it learnt from, and how well it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import Rows
from live_lce.training._cross_validation import cross_validated
from research.zheng2020.crossval import Prepared
from research.zheng2020.joint import CLASSES, Joint, ensemble
from research.zheng2020.labels import LabelTable, RankedLabels, coarse
from research.zheng2020.metrics import entropy, majority_top, score
from research.zheng2020.samples import SITE, Samples
from research.zheng2020.two_step import TwoStep

METRICS = "cross-validated"
"""Key of the metrics over all folds on a card."""


def used_rows(rows: Rows, data: Prepared) -> Rows:
    """Return the rows that are samples, each with its class of :data:`CLASSES`."""
    site = data.samples.kind == SITE
    place = {name: index for index, name in enumerate(rows.id.tolist())}
    chosen = np.array([place[name] for name in data.samples.id[site].tolist()], dtype=np.intp)
    return replace(rows.take(chosen), label=classes_of(data.labels.take(site)))


def left_out(rows: Rows, table: LabelTable, samples: Samples, data: Prepared) -> dict[str, int]:
    """Return how many rows are not learnt from, and why."""
    known, long = int(table.known(rows).sum()), data.made[SITE]
    return {
        "structure unknown": len(rows) - known,
        "ends before the window does": int((samples.kind == SITE).sum()) - long,
        "first environment of fewer than 30 spectra": long - data.samples.counts()[SITE],
    }


def classes_of(labels: RankedLabels) -> NDArray[np.intp]:
    """Return the class of each ranked label, an index into :data:`CLASSES`."""
    pairs = zip(labels.cn.tolist(), labels.motif.tolist(), strict=True)
    return np.array([CLASSES.index(coarse(*pair)) for pair in pairs], dtype=np.intp)


def metrics_of(
    data: Prepared, models: Sequence[TwoStep], joint: Joint, used: Rows, difference: float
) -> dict[str, Any]:
    """Return the card's metrics: every site judged by the member that did not see it."""
    site = data.samples.kind == SITE
    chosen, fold, truth = data.take(site), data.samples.fold[site], data.labels.take(site)
    x = chosen.features()
    each = np.stack([ensemble([model], x, joint)[0] for model in models])
    unseen = each[fold, np.arange(len(fold))]
    guess = unseen.argmax(axis=1)
    cn, motif = (np.array(part) for part in zip(*joint.labels, strict=True))
    said = RankedLabels(cn[guess], motif[guess], np.array(joint.top, dtype=np.intp)[guess])
    scores = score(truth, said)
    classes = cross_validated(used, fold, unseen @ joint.to_class, CLASSES)
    del classes["macro_f1_per_fold"]  # over classes that a fold may lack
    there = [name for i, name in enumerate(CLASSES) if (used.label == i).any()]
    per_class = {name: classes["f1"][name] for name in there}
    share = max(used.label.tolist().count(i) for i in range(len(CLASSES))) / len(used)
    return classes | {
        "f1": per_class,
        "macro_f1": round(float(np.mean(list(per_class.values()))), 4),
        "majority_macro_f1": round(2 * share / (1 + share) / len(there), 4),
        "majority_accuracy": round(share, 4),
        "ranked_top_accuracy": round(scores.top, 4),
        "ranked_whole_accuracy": round(scores.whole, 4),
        "ranked_jaccard": round(scores.jaccard, 4),
        "ranked_majority_top_accuracy": round(majority_top(truth), 4),
        "ranked_entropy_bits": round(entropy(truth), 3),
        "samples": data.samples.counts(),
        "onnx_minus_scikit_learn": float(f"{difference:.1e}"),
        "label": "order parameters as Zheng et al.; five-coordinate whole is S5",
    }

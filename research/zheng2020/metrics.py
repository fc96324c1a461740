"""How Zheng et al. score ranked labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from research.zheng2020.labels import RankedLabels, names


@dataclass(frozen=True)
class Scores:
    """Scores of predicted ranked labels.

    Parameters
    ----------
    n : int
        Spectra.
    top : float
        Share whose first coordination number and first motif are right: the paper's accuracy
        (equation 6).
    whole : float
        Share whose whole ranking is right.
    jaccard : float
        Mean overlap of the sets of coordination numbers and motifs (equation 7).
    cn : float
        Share whose first coordination number is right.
    """

    n: int
    top: float
    whole: float
    jaccard: float
    cn: float


def score(truth: RankedLabels, guess: RankedLabels) -> Scores:
    """Score predicted labels against true ones.

    Raises
    ------
    ValueError
        If there are none, or not as many on both sides.
    """
    if len(truth) != len(guess) or len(truth) == 0:
        raise ValueError(f"cannot score {len(guess)} predictions of {len(truth)} spectra")
    top, whole, jaccard, cn = [], [], [], []
    for t, g in zip(_pairs(truth), _pairs(guess), strict=True):
        (t_cn, t_motif, t_all), (g_cn, g_motif, g_all) = names(*t), names(*g)
        top.append((t_cn, t_motif) == (g_cn, g_motif))
        whole.append(t == g)
        jaccard.append(len(t_all & g_all) / len(t_all | g_all))
        cn.append(t_cn == g_cn)
    each = (float(np.mean(one)) for one in (top, whole, jaccard, cn))
    return Scores(len(truth), *each)


def entropy(labels: RankedLabels) -> float:
    """Return the label entropy in bits (equation 2), over joint ranked labels."""
    counts = np.array(list(Counter(_pairs(labels)).values()), dtype=float)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def majority_top(labels: RankedLabels) -> float:
    """Return the share of the commonest first coordination number and motif: the baseline."""
    commonest = Counter(names(*pair)[:2] for pair in _pairs(labels)).most_common(1)
    return commonest[0][1] / len(labels)


def joined(parts: list[RankedLabels]) -> RankedLabels:
    """Put labels together, in order."""
    return RankedLabels(
        np.concatenate([p.cn for p in parts]),
        np.concatenate([p.motif for p in parts]),
        np.concatenate([p.top for p in parts]),
    )


def _pairs(labels: RankedLabels) -> list[tuple[str, str]]:
    cn, motif = labels.cn.tolist(), labels.motif.tolist()
    return list(zip(cn, motif, strict=True))

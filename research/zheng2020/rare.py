"""Ranked labels with too few spectra: dropped as in the paper, or cut short."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from live_lce.labels._ranked import FEWEST, common, members
from research.zheng2020.labels import RankedLabels, motif_cns


def learnable(labels: RankedLabels, absorber: str, counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which spectra keep their labels when those with under 30 samples are dropped.

    Parameters
    ----------
    labels : RankedLabels
        Of n spectra.
    absorber : str
        Element symbol.
    counted : ndarray of bool, shape (n,)
        The samples that count: not copies of others.

    Returns
    -------
    ndarray of bool, shape (n,)
        First coordination numbers, then motifs within each, as in the paper.
    """
    numbers = common(labels.cn[counted])
    keep = np.isin(labels.cn, list(numbers))
    wanted = motif_cns(absorber)
    for cn in np.unique(labels.top[keep]):
        of_cn = keep & (labels.top == cn)
        if int(cn) in wanted:
            motifs = common(labels.motif[of_cn & counted])
            keep &= ~of_cn | np.isin(labels.motif, list(motifs))
    return keep


def shortened(labels: RankedLabels, counted: NDArray[np.bool_]) -> RankedLabels:
    """Cut rare rankings to their longest beginning that is common.

    Parameters
    ----------
    labels : RankedLabels
        Of n spectra.
    counted : ndarray of bool, shape (n,)
        The samples that count: not copies of others.

    Returns
    -------
    RankedLabels
        The same first environments.  A ranking of k environments stays if 30 counted spectra have
        it; else all that begin with the same k - 1 are taken together, and so on.  What is rare
        even by its first environment stays as it is, to be dropped.

    Notes
    -----
    Not in the paper, which drops all rare rankings; with a twentieth of its spectra that would
    drop most four- and five-coordinate sites of some absorbers.
    """
    cn = _shortened(labels.cn, counted)
    motif = labels.motif.astype(object)
    for number in np.unique(labels.top):
        chosen = (labels.top == number) & (labels.motif != "")
        motif[chosen] = _shortened(labels.motif[chosen], counted[chosen], f"CN_{number}-")
    return RankedLabels(cn, motif.astype(np.str_), labels.top)


def _shortened(
    names: NDArray[np.str_], counted: NDArray[np.bool_], prefix: str = ""
) -> NDArray[np.str_]:
    parts = [members(one) for one in names.tolist()]
    made = names.astype(object)
    pending = np.ones(len(names), dtype=bool)
    for length in range(max(map(len, parts), default=0), 0, -1):
        begun = [one[:length] for one in parts]
        there = pending & np.array([len(one) >= length for one in parts], dtype=bool)
        counts = Counter(begun[i] for i in np.flatnonzero(there & counted))
        for index in np.flatnonzero(there):
            if counts[begun[index]] >= FEWEST:
                made[index] = prefix + "-".join(begun[index])
                pending[index] = False
    return made.astype(np.str_)

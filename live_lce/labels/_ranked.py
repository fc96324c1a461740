"""Rank coordination numbers and motifs by their order parameters (Zheng et al. 2020)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.labels._order_parameters import CNS, MOTIFS, OrderParameters

T1 = 0.2
"""The paper's threshold for coordination numbers."""
T2 = 0.05
"""The paper's threshold for motifs."""
FEWEST = 30
"""Labels with fewer samples are dropped by the paper."""
THRESHOLDS: NDArray[np.float64] = np.arange(41) / 100
"""The thresholds among which the paper chooses: 0 to 0.4 by 0.01."""


def ranked_cn(cn: ArrayLike, t1: float = T1) -> str:
    """Rank the coordination numbers whose order parameter reaches a threshold.

    Parameters
    ----------
    cn : array_like, shape (12,)
        As in `OrderParameters.cn`.
    t1 : float
        Threshold.

    Returns
    -------
    str
        For example ``CN_6`` or ``CN_6-CN_4``; empty if none reaches the threshold.

    Notes
    -----
    Zheng et al. 2020, equation 3 and "Construction of Coordination Environment Ranking Labels".
    Equal values keep the order of `CNS`.
    """
    names = [f"CN_{n}" for n in CNS]
    return "-".join(_ranked(np.asarray(cn, dtype=float), names, t1))


def ranked_motif(op: OrderParameters, cn: int, t2: float = T2) -> str:
    """Rank the motifs of one coordination number whose order parameter reaches a threshold.

    Parameters
    ----------
    op : OrderParameters
        Of a site, or of an average.
    cn : int
        Only its motifs are ranked, as in the paper.
    t2 : float
        Threshold.

    Returns
    -------
    str
        For example ``CN_6-octahedral-pentagonal pyramidal-hexagonal planar``, as the authors' code
        and their experimental benchmark spell it; empty if no motif reaches the threshold, as for
        the coordination numbers 9 to 11, which have none.
    """
    chosen = [i for i, (number, _) in enumerate(MOTIFS) if number == cn]
    found = _ranked(op.motif[chosen], [MOTIFS[i][1] for i in chosen], t2)
    return "-".join([f"CN_{cn}", *found]) if found else ""


def main_cn(cn: ArrayLike) -> int:
    """Return the coordination number of the largest order parameter.

    Parameters
    ----------
    cn : array_like, shape (12,)
        As in `OrderParameters.cn`.

    Returns
    -------
    int
        1 to 12.
    """
    return CNS[int(np.argmax(np.asarray(cn, dtype=float)))]


def members(label: str) -> tuple[str, ...]:
    """Split a ranked label into the names it is made of.

    Parameters
    ----------
    label : str
        As `ranked_cn` or `ranked_motif` give it.

    Returns
    -------
    tuple of str
        The names in their order; the coordination number of a motif label is left out.

    Raises
    ------
    ValueError
        If it holds something else.  (``see-saw-like`` has hyphens of its own, so that splitting at
        hyphens would not do.)
    """
    known = sorted({*(f"CN_{n}" for n in CNS), *(n for _, n in MOTIFS)}, key=len, reverse=True)
    found: list[str] = []
    rest = label
    while rest:
        name = next((n for n in known if rest == n or rest.startswith(f"{n}-")), None)
        if name is None:
            raise ValueError(f"{label!r} is no ranked label: cannot read {rest!r}")
        found.append(name)
        rest = rest[len(name) + 1 :]
    if any(not name.startswith("CN_") for name in found):
        found = [name for name in found if not name.startswith("CN_")]
    return tuple(found)


def main_motifs(cn: ArrayLike, motif: ArrayLike) -> NDArray[np.float64]:
    """Leave only the order parameters of the motifs that the ranked label is made of.

    Parameters
    ----------
    cn : array_like, shape (n, 12)
        Of n examples.
    motif : array_like, shape (n, 25)
        Of the same.

    Returns
    -------
    ndarray, shape (n, 25)
        NaN, which reaches no threshold, for motifs of other than the largest coordination number.
    """
    largest = np.asarray(CNS)[np.argmax(np.asarray(cn, dtype=float), axis=1)]
    numbers = np.array([number for number, _ in MOTIFS])
    values = np.asarray(motif, dtype=float)
    return np.where(numbers == largest[:, None], values, np.nan)


def cardinality(values: ArrayLike, t: float) -> float:
    """Return the label cardinality: how many labels an example has on average.

    Parameters
    ----------
    values : array_like, shape (n, k)
        Order parameters of n examples.
    t : float
        Threshold.

    Returns
    -------
    float
        Zheng et al. 2020, equation 4.
    """
    return float((np.asarray(values, dtype=float) >= t).sum(axis=1).mean())


def calibrated_threshold(
    site: ArrayLike, averaged: ArrayLike, thresholds: ArrayLike = THRESHOLDS
) -> float:
    """Return the threshold at which sites and averages have most nearly the same cardinality.

    Parameters
    ----------
    site : array_like, shape (n, k)
        Order parameters of single sites.
    averaged : array_like, shape (m, k)
        Order parameters averaged over the sites of an element in a structure.
    thresholds : array_like, shape (t,)
        To choose from.  The paper begins at 0, where every label counts on both sides and the
        difference is zero without a meaning: thresholds at which all labels count are passed over.

    Returns
    -------
    float
        Zheng et al. 2020, equation 5; the smallest of equal ones.

    Raises
    ------
    ValueError
        If every label counts at every threshold.
    """
    one, other = np.asarray(site, dtype=float), np.asarray(averaged, dtype=float)
    tried = [
        (abs(cardinality(one, t) - cardinality(other, t)), t)
        for t in np.asarray(thresholds, dtype=float).tolist()
        if (one < t).any() or (other < t).any()
    ]
    if not tried:
        raise ValueError("no threshold tells the labels apart: give larger ones")
    return float(min(tried)[1])


def common(labels: Iterable[str], fewest: int = FEWEST) -> frozenset[str]:
    """Return the labels that occur often enough to be learnt.

    Parameters
    ----------
    labels : iterable of str
        One a sample; empty ones do not count.
    fewest : int
        Labels with fewer samples are left out.

    Returns
    -------
    frozenset of str
        Those that stay.
    """
    return frozenset(
        label for label, number in Counter(labels).items() if label and number >= fewest
    )


def _ranked(values: NDArray[np.float64], names: Sequence[str], threshold: float) -> list[str]:
    order = np.argsort(-values, kind="stable")
    return [names[i] for i in order if values[i] >= threshold]

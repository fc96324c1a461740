"""The table of order parameters that Zheng's labels are ranked from, joined with spectra."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import Rows
from live_lce.labels._order_parameters import CNS, MOTIFS, OrderParameters
from live_lce.labels._ranked import main_cn, members, ranked_cn, ranked_motif
from live_lce.spectra import Array

_GROUPS = (
    ("is_alkali", (3, 8)),
    ("is_alkaline", (4, 8)),
    ("is_metalloid", (3, 4)),
    ("is_post_transition_metal", (4, 6)),
    ("is_transition_metal", (4, 6)),
)
_CARBON = (2, 4)


@dataclass(frozen=True)
class LabelTable:
    """Order parameters by site and structure, from ``python -m research.label_tables.table``.

    Parameters
    ----------
    sites : dict
        Order parameters (37,), the 12 of `CNS` and then the 25 of `MOTIFS`, by row id.
    averaged : dict
        The same, the mean over all sites of an element in a structure, by (mp_id, absorber).
    """

    sites: dict[str, Array]
    averaged: dict[tuple[str, str], Array]

    def known(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for which rows there are order parameters; shape (n_rows,)."""
        return np.array([one in self.sites for one in rows.id], dtype=bool)

    def of(self, rows: Rows) -> Array:
        """Return the order parameters of rows, shape (n_rows, 37)."""
        return np.stack([self.sites[one] for one in rows.id])


@dataclass(frozen=True)
class RankedLabels:
    """The ranked labels of some spectra.

    Parameters
    ----------
    cn, motif : ndarray of str, shape (n,)
        As `ranked_cn` and `ranked_motif` give them.  `motif` is that of the largest coordination
        number; empty where the paper's second step has none.
    top : ndarray of int, shape (n,)
        The largest coordination number.
    """

    cn: NDArray[np.str_]
    motif: NDArray[np.str_]
    top: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.top)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> RankedLabels:
        """Return some of them."""
        return RankedLabels(self.cn[chosen], self.motif[chosen], self.top[chosen])


def read_labels(path: Path) -> LabelTable:
    """Read the label table.

    Parameters
    ----------
    path : Path
        Parquet file.

    Raises
    ------
    ValueError
        If it has not the columns, or not 12 and 25 order parameters.
    """
    import pandas as pd

    table = pd.read_parquet(path)
    missing = {"id", "mp_id", "absorber", "averaged", "cn", "motif"} - set(table.columns)
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(sorted(missing))}: make it with"
            " `python -m research.label_tables.table`"
        )
    table = table[table.cn.notna() & table.motif.notna()]
    both = np.hstack([np.stack(list(table.cn)), np.stack(list(table.motif))]).astype(np.float64)
    if both.shape[1] != len(CNS) + len(MOTIFS):
        raise ValueError(f"{path} has {both.shape[1]} order parameters a row, not 37")
    mean = table.averaged.to_numpy(dtype=bool)
    sites = zip(table.id.astype(str)[~mean], both[~mean], strict=True)
    keys = zip(table.mp_id.astype(str)[mean], table.absorber.astype(str)[mean], strict=True)
    return LabelTable(dict(sites), dict(zip(keys, both[mean], strict=True)))


def motif_cns(absorber: str) -> range:
    """Return the coordination numbers whose motifs are told apart, by Table 2 of the paper.

    Parameters
    ----------
    absorber : str
        Element symbol.

    Raises
    ------
    ValueError
        If the element is in none of the paper's groups.
    """
    from pymatgen.core import Element

    element = Element(absorber)
    if absorber == "C":
        return range(_CARBON[0], _CARBON[1] + 1)
    for group, (low, high) in _GROUPS:
        if getattr(element, group):
            return range(low, high + 1)
    raise ValueError(f"{absorber} is no cation of Zheng et al., Table 2")


def ranked_labels(parameters: Array, absorber: str) -> RankedLabels:
    """Rank the order parameters of spectra of one absorber with the paper's thresholds.

    Parameters
    ----------
    parameters : ndarray of shape (n, 37)
        Order parameters.
    absorber : str
        Element symbol: which coordination numbers get motifs.
    """
    wanted = motif_cns(absorber)
    first = len(CNS)
    cn, motif, top = [], [], []
    for one in parameters:
        best = main_cn(one[:first])
        parted = OrderParameters(one[:first], one[first:])
        cn.append(ranked_cn(one[:first]))
        motif.append(ranked_motif(parted, best) if best in wanted else "")
        top.append(best)
    return RankedLabels(np.array(cn), np.array(motif), np.array(top, dtype=np.intp))


@lru_cache(maxsize=4096)
def names(cn: str, motif: str) -> tuple[str, str, frozenset[str]]:
    """Return the first coordination number, the first motif and all environments of a label."""
    numbers, motifs = members(cn), members(motif)
    first = motifs[0] if motifs else ""
    return numbers[0], first, frozenset(numbers) | frozenset(motifs)


def coarse(cn: str, motif: str) -> str:
    """Return T4, S5, O6 or other for a ranked label.

    Five-coordination counts whole: the square pyramid and the trigonal bipyramid are one class
    here, and the pentagonal plane ranks before both where neither is well formed.
    """
    number, first, _ = names(cn, motif)
    if number == "CN_5":
        return "S5"
    return {"tetrahedral": "T4", "octahedral": "O6"}.get(first, "other")

"""How the labels compare with those that the tables state, and the thresholds with the paper's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.labels._ranked import T1, T2, calibrated_threshold, cardinality, main_motifs

if TYPE_CHECKING:
    import pandas as pd

COMPARED: dict[str, str] = {
    "label": "label",
    "motif": "motif_label",
    "label_carbone": "label_carbone",
}
"""The columns of the tables of spectra and ours."""

PAPER = {"cn": (T1, 1.2), "motif": (T2, 3.2), "motif of the largest cn": (T2, 3.2)}
"""Threshold and label cardinality of Zheng et al. 2020, for numbers and for motifs."""

_TOLERANCE = 0.01  # of a symmetry measure of 0 to 100; the tables round to four digits


@dataclass(frozen=True)
class Agreement:
    """How often one column of one table is found again.

    Attributes
    ----------
    column, file : str
        Which one.
    n, equal : int
        How many rows were compared, and how many are equal.
    pairs : tuple of (stated, ours, count)
        The others, commonest first.
    """

    column: str
    file: str
    n: int
    equal: int
    pairs: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Calibration:
    """A threshold by label cardinality.

    Attributes
    ----------
    kind : str
        ``cn``, ``motif`` or ``motif of the largest cn``.
    n_sites, n_averaged : int
        How many examples there were.
    threshold : float
        Calibrated on these.
    site, averaged : float
        Label cardinality there, of sites and of averages.
    site_at_paper, averaged_at_paper : float
        The same at the paper's threshold.
    """

    kind: str
    n_sites: int
    n_averaged: int
    threshold: float
    site: float
    averaged: float
    site_at_paper: float
    averaged_at_paper: float


def agreements(labels: pd.DataFrame, stated: pd.DataFrame) -> tuple[Agreement, ...]:
    """Compare columns, table by table.

    Parameters
    ----------
    labels, stated : DataFrame
        As `research.label_tables.table.labels_table` gives them.

    Returns
    -------
    tuple of Agreement
        Rows with a problem are left out.
    """
    both = _joined(labels, stated)
    found = []
    for column, ours in COMPARED.items():
        there = f"{column}_stated" if f"{column}_stated" in both else column
        for file, rows in both.groupby("file"):
            pairs = Counter(zip(rows[there], rows[ours], strict=True))
            equal = sum(n for (one, other), n in pairs.items() if one == other)
            others = [(*pair, n) for pair, n in pairs.most_common() if pair[0] != pair[1]]
            found.append(Agreement(column, str(file), len(rows), equal, tuple(others)))
    return tuple(found)


def at_odds(labels: pd.DataFrame, stated: pd.DataFrame) -> tuple[int, int]:
    """Count the disagreeing motifs where a table's own columns do not fit together.

    Parameters
    ----------
    labels, stated : DataFrame
        As of `agreements`.

    Returns
    -------
    disagreeing : int
        Rows whose motif is not ours.
    elsewhere : int
        Those of them that agree with us on the number of neighbours, but state no measure of that
        shell: theirs is that of the nearest ligands, bonded or not, or is missing.
    """
    both = _joined(labels, stated)
    rows = both[both.motif_stated != both.motif_label]
    measured = np.isclose(rows.motif_csm_stated, rows.motif_csm, rtol=0, atol=_TOLERANCE)
    same = rows.crystalnn_cn_stated == rows.crystalnn_cn
    return len(rows), int((same & ~measured).sum())


def calibration(kind: str, site: ArrayLike, averaged: ArrayLike) -> Calibration:
    """Calibrate a threshold on our data.

    Parameters
    ----------
    kind : str
        ``cn``, ``motif`` or ``motif of the largest cn``.
    site : array_like, shape (n, k)
        Order parameters of sites.
    averaged : array_like, shape (m, k)
        Order parameters of averages.

    Returns
    -------
    Calibration
        Zheng et al. 2020, equations 4 and 5.
    """
    one, other = np.asarray(site, dtype=float), np.asarray(averaged, dtype=float)
    best, published = calibrated_threshold(one, other), PAPER[kind][0]
    return Calibration(
        kind,
        len(one),
        len(other),
        best,
        cardinality(one, best),
        cardinality(other, best),
        cardinality(one, published),
        cardinality(other, published),
    )


def report(labels: pd.DataFrame, stated: pd.DataFrame) -> None:
    """Print both comparisons."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=120)
    problems = Counter(labels.problem[labels.problem != ""])
    console.print(
        f"{(~labels.averaged).sum()} sites, {labels.averaged.sum()} averages; not labelled: "
        + (", ".join(f"{n} {why}" for why, n in problems.most_common()) or "none")
    )
    table = Table("column", "table", "rows", "equal", "share", "stated → ours", title="Agreement")
    for found in agreements(labels, stated):
        pairs = ", ".join(f"{a}→{b} {n}" for a, b, n in found.pairs[:6])
        numbers = (str(found.n), str(found.equal), f"{found.equal / found.n:.2%}")
        table.add_row(found.column, found.file, *numbers, pairs)
    console.print(table)
    disagreeing, elsewhere = at_odds(labels, stated)
    console.print(
        f"motif: {elsewhere} of {disagreeing} disagreements state a measure of another shell\n"
    )
    good = labels[labels.problem == ""]
    table = Table(
        *("", "sites", "averages", "threshold", "cardinality", "averaged", "at the paper's"),
        *("averaged", "paper"),
        title="Calibration by label cardinality",
    )
    for kind, (threshold, published) in PAPER.items():
        sites, means = (
            _parameters(rows, kind) for rows in (good[~good.averaged], good[good.averaged])
        )
        one = calibration(kind, sites, means)
        values = (one.site, one.averaged, one.site_at_paper, one.averaged_at_paper)
        table.add_row(
            *(kind, str(one.n_sites), str(one.n_averaged), f"{one.threshold:.2f}"),
            *(f"{value:.2f}" for value in values),
            f"{threshold}: {published}",
        )
    console.print(table)


def _parameters(rows: pd.DataFrame, kind: str) -> NDArray[np.float64]:
    cn, motif = (np.stack(rows[name].to_list()) for name in ("cn", "motif"))
    return {"cn": cn, "motif": motif}.get(kind, main_motifs(cn, motif))


def _joined(labels: pd.DataFrame, stated: pd.DataFrame) -> pd.DataFrame:
    ours = labels[(labels.problem == "") & ~labels.averaged]
    return stated.merge(
        ours.drop(columns=["mp_id", "absorber", "site"]), on="id", suffixes=("_stated", "")
    )

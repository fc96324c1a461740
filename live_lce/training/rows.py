"""Reading computed spectra: one row per absorbing site, aligned at the edge reference."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra.reference import edge_references
from live_lce.spectra.types import Array

FILES = ("omnixas_val.parquet", "omnixas_cu.parquet", "feff10.parquet")
CLASSES = ("T4", "S5", "O6")
FINE = np.arange(-26.0, 46.0 + 1e-9, 0.25)
"""Relative energies (eV) that spectra are augmented on: wider and finer than any model's grid."""
LEAST_SITES = 30
"""Fewest sites of each class to train a model for an absorber."""


@dataclass(frozen=True)
class Rows:
    """Computed spectra of one absorber that passed the sanity checks.

    Parameters
    ----------
    norm : ndarray of shape (n_rows, n_fine)
        On :data:`FINE`, in units of the level behind the edge; the first and last values
        are carried on where nothing was computed.
    first, last : ndarray of shape (n_rows,)
        What was computed (eV from the edge reference).
    label : ndarray of int, shape (n_rows,)
        Index into :data:`CLASSES`.
    formula, source : ndarray of str, shape (n_rows,)
        Reduced formula, and the file it came from.
    dropped : mapping
        Rows left out, per check.
    """

    norm: Array
    first: Array
    last: Array
    label: NDArray[np.intp]
    formula: NDArray[np.str_]
    source: NDArray[np.str_]
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        return replace(
            self,
            norm=self.norm[chosen],
            first=self.first[chosen],
            last=self.last[chosen],
            label=self.label[chosen],
            formula=self.formula[chosen],
            source=self.source[chosen],
        )

    def covering(self, stop: float) -> Rows:
        """Return the rows computed up to `stop` (eV from the edge reference), counting the rest."""
        short = self.last < stop - 0.5
        counted = {**self.dropped, "ends before the window does": int(short.sum())}
        return replace(self.take(~short), dropped=counted)

    def per_class(self) -> dict[str, int]:
        """Return the number of rows of each class."""
        return {name: int((self.label == i).sum()) for i, name in enumerate(CLASSES)}


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_rows(folder: Path) -> dict[str, Rows]:
    """Read all K-edge sites labelled with one of :data:`CLASSES`.

    Parameters
    ----------
    folder : Path
        Holds :data:`FILES`.

    Returns
    -------
    dict
        Rows per absorber, by symbol.
    """
    import pandas as pd

    columns = ["absorber", "edge", "label", "formula", "energy", "mu"]
    parts = []
    for name in FILES:
        part = pd.read_parquet(folder / name, columns=columns)
        parts.append(part.assign(source=name))
    table = pd.concat(parts)
    table = table[table.label.isin(CLASSES) & (table.edge == "K")]
    return {str(el): _rows_of(group) for el, group in table.groupby("absorber")}


def enough(rows: Rows) -> bool:
    """Tell whether there are enough sites of each class to train on."""
    return min(rows.per_class().values()) >= LEAST_SITES


def _rows_of(group: object) -> Rows:
    kept, dropped = [], Counter[str]()
    for row in group.itertuples():  # type: ignore[attr-defined]
        energy, mu = np.asarray(row.energy, float), np.asarray(row.mu, float)
        problem, aligned = _aligned(energy, mu)
        if problem:
            dropped[problem] += 1
        else:
            kept.append((*aligned, CLASSES.index(row.label), row.formula, row.source))
    norm, first, last, label, formula, source = (np.asarray(c) for c in zip(*kept, strict=True))
    return Rows(norm, first, last, label, formula, source, dict(dropped))


def _aligned(energy: Array, mu: Array) -> tuple[str, tuple[Array, float, float]]:
    """Return what is wrong with a computed spectrum, and the aligned spectrum."""
    nothing = (FINE, 0.0, 0.0)
    if not (np.isfinite(mu).all() and np.isfinite(energy).all() and (np.diff(energy) > 0).all()):
        return "not finite or not ascending", nothing
    if mu.min() < 0 or mu.max() <= 0:
        return "negative absorption", nothing
    reference = float(edge_references(energy, mu[None])[0])
    if np.isnan(reference):
        return "no edge reference", nothing
    relative = energy - reference
    behind = mu[(relative > 5) & (relative < 15)].mean()
    norm = mu / behind
    if norm[relative < -5].max(initial=0.0) > 1.0:
        return "pre-edge above the main edge", nothing
    if norm[0] > 0.25:
        return "starts on the edge", nothing
    if norm.max() > 2.5:
        return "white line above 2.5", nothing
    return "", (np.interp(FINE, relative, norm), relative[0], relative[-1])

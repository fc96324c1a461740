"""Computed spectra as Carbone et al. (2019), section II A, give them to their networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers import Grid
from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE
from live_lce.datasets._split import TWIN, groups
from live_lce.spectra import Array
from live_lce.training._augment import resample

N_POINTS = 100
START = -18.0
SHIFTS = np.linspace(-3.0, 3.0, 13)
"""Shifts (eV) that Fig. 5 tests; those of training are among them."""
PRE_EDGE_ENDS = -5.0
"""The dashed line of Fig. 2 (eV from the edge reference)."""
FEFF9 = ("omnixas_val.parquet", "omnixas_cu.parquet")


@dataclass(frozen=True)
class Spectra:
    """Spectra of one absorber on one grid, without duplicates.

    Parameters
    ----------
    shifted : ndarray of shape (n_shifts, n_rows, n_grid)
        At each of :data:`SHIFTS`, scaled to maximum 1.
    label : ndarray of int, shape (n_rows,)
        Classes.
    group : ndarray of int, shape (n_rows,)
        Near-duplicates and equal formulas.
    energies : ndarray of shape (n_grid,)
        eV.
    n_pre : int
        Grid points below the dashed line.
    """

    shifted: Array
    label: NDArray[np.intp]
    group: NDArray[np.intp]
    energies: Array
    n_pre: int

    def per_class(self) -> tuple[int, ...]:
        """Return the number of spectra of each class."""
        return tuple(int(n) for n in np.bincount(self.label, minlength=3))

    def base(self) -> Array:
        """Return the spectra as they are, (n_rows, n_grid)."""
        unshifted: Array = self.shifted[len(SHIFTS) // 2]
        return unshifted

    def at(self, shift: float) -> Array:
        """Return the spectra at one of :data:`SHIFTS`, (n_rows, n_grid)."""
        moved: Array = self.shifted[int(np.abs(SHIFTS - shift).argmin())]
        return moved


def without_duplicates(rows: Rows) -> Rows:
    """Return the rows less those that equal an earlier one (mean absolute difference < 0.015)."""
    spectra = rows.norm[:, (FINE >= -15) & (FINE <= 15)]
    spectra = spectra / spectra.max(axis=1, keepdims=True)
    kept: list[int] = []
    for i, one in enumerate(spectra):
        if not kept or np.abs(spectra[kept] - one).mean(axis=1).min() >= TWIN:
            kept.append(i)
    return rows.take(np.array(kept, dtype=np.intp))


def on_relative_grid(rows: Rows) -> Spectra:
    """Return spectra on 100 points relative to the edge reference, as far as nearly all reach.

    The paper's grids are absolute energies; two theories with two energy zeros need one of
    their own.
    """
    reach = [np.quantile(rows.last[rows.label == k], 0.01) for k in np.unique(rows.label)]
    grid = Grid(start=START, stop=float(np.floor(min(reach))), n_points=N_POINTS)
    rows = rows.covering(grid.stop)
    shifted = np.stack([resample(rows.norm, grid, -shift) for shift in SHIFTS])
    return _spectra(shifted, rows, grid.energies, PRE_EDGE_ENDS)


def on_absolute_grid(rows: Rows, folder: Path, files: Sequence[str] = FEFF9) -> Spectra:
    """Return the FEFF9 spectra on 100 points of absolute energy that all of them cover.

    Parameters
    ----------
    rows : Rows
        Of any theory; those of other files are left out.
    folder : Path
        Holds the files.
    files : sequence of str
        With FEFF9's energies.
    """
    import pandas as pd

    columns = ["id", "absorber", "energy", "mu"]
    table = pd.concat([pd.read_parquet(folder / name, columns=columns) for name in files])
    table = table.drop_duplicates("id").set_index("id")
    rows = rows.take(np.isin(rows.source, files))
    curves = [
        (np.asarray(table.energy[name], float), np.asarray(table.mu[name], float))
        for name in rows.id
    ]
    first, last = max(e[0] for e, _ in curves), min(e[-1] for e, _ in curves)
    energies = np.linspace(first, last, N_POINTS)
    shifted = np.stack(
        [[np.interp(energies - shift, e, mu) for e, mu in curves] for shift in SHIFTS]
    )
    references = [e[0] - start for (e, _), start in zip(curves, rows.first, strict=True)]
    return _spectra(shifted, rows, energies, float(np.mean(references)) + PRE_EDGE_ENDS)


def _spectra(shifted: Array, rows: Rows, energies: Array, pre_edge_ends: float) -> Spectra:
    scaled = shifted / shifted.max(axis=2, keepdims=True)
    n_pre = int((energies < pre_edge_ends).sum())
    return Spectra(scaled, rows.label, groups(rows), energies, n_pre)

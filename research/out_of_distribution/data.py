"""What scores of the unknown are compared on: measured standards by kind, and rubbish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from live_lce.classifiers import Grid
from live_lce.contract import OTHER, Reason
from live_lce.datasets import Labelled, read_standards
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import prepare
from live_lce.datasets._rows import FINE
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array
from live_lce.training._beamline import as_input
from research.lce.pool import POOL_CLASSES

KINDS = ("metal", "sulfide", "halide", "the rest")


@dataclass(frozen=True)
class Measured:
    """Measured standards that are scored, and those that are `other`.

    Parameters
    ----------
    fine : ndarray of shape (n_spectra, n_fine)
        On :data:`~live_lce.datasets._rows.FINE`.
    last : ndarray of shape (n_spectra,)
        Where they end (eV).
    label, absorber : ndarray of int, shape (n_spectra,)
        Indices into the classes and absorbers of the pool.
    group, family, kind, compound : ndarray of str, shape (n_spectra,)
        `kind` is one of :data:`KINDS`, or empty for a scored one.
    metal : ndarray of bool, shape (n_spectra,)
        Taken for a metal by quality control.
    """

    fine: Array
    last: Array
    label: NDArray[np.intp]
    absorber: NDArray[np.intp]
    group: NDArray[np.str_]
    family: NDArray[np.str_]
    kind: NDArray[np.str_]
    compound: NDArray[np.str_]
    metal: NDArray[np.bool_]

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Which are `other`."""
        found: NDArray[np.bool_] = self.label == POOL_CLASSES.index(OTHER)
        return found

    def spectra(self, grid: Grid, fine: Array | None = None) -> Tensor:
        """Return them, or others in their place, as the network takes them."""
        values = torch.as_tensor(self.fine if fine is None else fine, dtype=torch.float32)
        return as_input(values, torch.as_tensor(self.last, dtype=torch.float32), grid)

    def by_group(self, score: Array, chosen: NDArray[np.bool_]) -> Array:
        """Return the mean score of each group among the chosen."""
        groups = np.unique(self.group[chosen])
        return np.array([score[chosen & (self.group == g)].mean() for g in groups])


def read_measured(folder: Path, absorbers: tuple[str, ...]) -> Measured:
    """Read the measured standards that are scored or `other`."""
    rows = []
    for one in prepare(list(read_standards(folder)), AnalysisSettings()):
        row, found = one.row, one.normalized
        if row.enters not in (Enters.SCORES, Enters.OOD_AUROC) or row.absorber not in absorbers:
            continue
        if found is None or not np.isfinite(found.edge_reference):
            continue
        relative = found.energy - found.edge_reference
        rows.append(
            (
                np.interp(FINE, relative, found.norm),
                float(relative[-1]),
                POOL_CLASSES.index(row.label),
                absorbers.index(row.absorber),
                f"{row.absorber} {row.group}",
                row.family or row.compound,
                kind_of(row),
                row.compound,
                any(f.reason is Reason.METAL_LIKE for f in found.findings),
            )
        )
    return Measured(*(np.asarray(column) for column in zip(*rows, strict=True)))


def kind_of(row: Labelled) -> str:
    """Return which kind of `other` a standard is; empty for a scored one."""
    if row.label != OTHER:
        return ""
    compound = row.compound.lower()
    if row.family == "metal" or "metal" in compound or "steel" in compound:
        return "metal"
    if row.family == "sulfide" or "sulfide" in compound or compound == "chalcopyrite":
        return "sulfide"
    return "halide" if "Cl" in row.formula or "chlor" in compound else "the rest"

"""Fit pre-edge and post-edge: xraylarch for one spectrum, vectorized for a stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from live_lce.spectra._larch_import import load_larch, load_larch_xafs
from live_lce.spectra._ranges import FitRanges
from live_lce.spectra._types import Array


@dataclass(frozen=True)
class Normalized:
    """Result of a normalization.

    Parameters
    ----------
    norm : ndarray of shape (..., n_points)
        (mu - pre-edge) / edge step.
    edge_step : ndarray of shape (...)
        In units of mu, with its sign; xraylarch itself reports the absolute value.
    used : FitRanges
        The ranges really used.
    """

    norm: Array
    edge_step: Array
    used: FitRanges


def larch_pre_edge(energy: Array, mu: Array, e0: float, ranges: FitRanges) -> Normalized:
    """Normalize one spectrum by `larch.xafs.pre_edge` on given ranges.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        Cleaned: ascending, finite.
    e0 : float
        Edge energy in eV, strictly inside the measured range.
    ranges : FitRanges
        Fit ranges and degrees.
    """
    xafs = load_larch_xafs()
    group = load_larch("symboltable").Group()
    xafs.pre_edge(
        energy,
        mu,
        group=group,
        e0=e0,
        pre1=ranges.pre1,
        pre2=ranges.pre2,
        norm1=ranges.norm1,
        norm2=ranges.norm2,
        nnorm=ranges.nnorm,
        npre=ranges.npre,
        make_flat=False,
    )
    details = group.pre_edge_details
    used = FitRanges(
        float(details.pre1),
        float(details.pre2),
        float(details.norm1),
        float(details.norm2),
        int(details.nnorm),
        ranges.npre,
        ranges.findings,
    )
    at_e0 = int(np.argmin(np.abs(energy - e0)))
    sign = 1.0 if group.post_edge[at_e0] >= group.pre_edge[at_e0] else -1.0
    return Normalized(np.asarray(group.norm, dtype=float), np.asarray(sign * group.edge_step), used)


def stacked_pre_edge(energy: Array, mu: Array, e0: float, ranges: FitRanges) -> Normalized:
    """Normalize a stack as `larch_pre_edge` does, all rows in one fit.

    Equal to xraylarch to 1e-9 on the same ranges (a test checks it).

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV, shared by all rows.
    mu : ndarray of shape (..., n_points)
        Cleaned: finite.
    e0 : float
        Edge energy in eV, shared by all rows.
    ranges : FitRanges
        Fit ranges and degrees.
    """
    rows = mu.reshape(-1, energy.size)
    last = energy.size - 1
    pre1 = max(ranges.pre1, float(energy[0]) - e0)
    norm2 = min(ranges.norm2, float(energy[-1]) - e0)
    norm1 = min(ranges.norm1, norm2 - 2)
    at_e0 = _nearest(energy, e0)

    start, stop = _at_or_below(energy, pre1 + e0), _nearest(energy, ranges.pre2 + e0)
    npre = ranges.npre if _at_or_below(energy - e0, ranges.pre2) - start >= 3 else 0
    stop = max(stop, start + 1 if npre == 0 else min(last + 1, start + 2))
    before = _polynomial(energy, rows, start, stop, npre)

    start, stop = _at_or_below(energy, norm1 + e0), _nearest(energy, norm2 + e0)
    start, nnorm = min(start, last - 2), ranges.nnorm
    if stop - start < 2:
        start, nnorm = start - 2, 0
    elif stop - start < 5:
        nnorm = min(1, nnorm)
    step = _polynomial(energy, rows - before, start, stop, nnorm)[:, at_e0]

    size = np.maximum(np.abs(step), 1e-12)
    norm = (rows - before) / size[:, None]
    used = FitRanges(pre1, ranges.pre2, norm1, norm2, nnorm, npre=npre, findings=ranges.findings)
    return Normalized(
        norm.reshape(mu.shape), np.where(step < 0, -size, size).reshape(mu.shape[:-1]), used
    )


def _polynomial(energy: Array, rows: Array, start: int, stop: int, degree: int) -> Array:
    """Fit energy[start:stop] of each row and evaluate on all energies."""
    inside = energy[start:stop]
    centre, half = inside.mean(), max(float(np.ptp(inside)) / 2, 1e-9)
    x = (energy - centre) / half
    degree = min(degree, inside.size - 1)
    basis = np.vander(x[start:stop], degree + 1)
    coefficients, *_ = np.linalg.lstsq(basis, rows[:, start:stop].T, rcond=None)
    return np.asarray((np.vander(x, degree + 1) @ coefficients).T, dtype=float)


def _at_or_below(energy: Array, value: float) -> int:
    return max(int(np.searchsorted(energy, value, side="right")) - 1, 0)


def _nearest(energy: Array, value: float) -> int:
    return int(np.argmin(np.abs(energy - value)))

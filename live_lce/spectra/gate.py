"""The gate in front of xraylarch: sorted, unique, finite points, or a reason why not.

`larch.xafs.pre_edge` answers confidently on unsorted, short, flat and NaN-bearing
input; nothing reaches it that has not passed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.spectra.types import Array, SpectrumRejectedError

SAME_ENERGY = 1e-3
"""Energies nearer than this (eV) are one point."""


@dataclass(frozen=True)
class Cleaned:
    """Points that can be computed with.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Strictly ascending, in eV.
    mu : ndarray of shape (n_points,) or (n_spectra, n_points)
        Finite.
    reference : ndarray of shape (n_points,), optional
        mu of the foil on the same points; may hold NaN.
    n_dropped : int
        Points left out because their energy or mu was not finite.
    n_merged : int
        Points averaged into another of the same energy.
    """

    energy: Array
    mu: Array
    reference: Array | None = None
    n_dropped: int = 0
    n_merged: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Remarks on what was done."""
        found = []
        if self.n_dropped:
            found.append(Finding(Reason.POINTS_DROPPED, f"{self.n_dropped} dropped"))
        if self.n_merged:
            found.append(Finding(Reason.ENERGIES_MERGED, f"{self.n_merged} averaged"))
        return tuple(found)


def clean(energy: Array, mu: Array, reference: Array | None = None) -> Cleaned:
    """Drop non-finite points, sort, and average duplicate energies.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        In eV, in any order.
    mu : ndarray of shape (n_points,) or (n_spectra, n_points)
        One spectrum, or a stack on the shared energies.  A point that is not
        finite in one spectrum of a stack is dropped from all.
    reference : ndarray of shape (n_points,), optional
        mu of the foil, carried along.

    Raises
    ------
    SpectrumRejectedError
        `unequal_lengths`, `no_points` or `no_finite_points`.
    """
    energy, mu = np.asarray(energy, dtype=float), np.asarray(mu, dtype=float)
    if energy.ndim != 1 or mu.shape[-1:] != energy.shape:
        raise SpectrumRejectedError(
            Finding(Reason.UNEQUAL_LENGTHS, f"energy {energy.shape}, mu {mu.shape}")
        )
    if energy.size == 0:
        raise SpectrumRejectedError(Finding(Reason.NO_POINTS))
    if reference is not None and np.shape(reference) != energy.shape:
        reference = None
    good = np.isfinite(energy) & np.isfinite(mu).reshape(-1, energy.size).all(axis=0)
    if not good.any():
        raise SpectrumRejectedError(Finding(Reason.NO_FINITE_POINTS, f"of {energy.size} points"))
    order = np.flatnonzero(good)[np.argsort(energy[good], kind="stable")]
    done = Cleaned(
        energy[order],
        mu[..., order],
        None if reference is None else np.asarray(reference, float)[order],
        n_dropped=int(energy.size - good.sum()),
    )
    return _merge(done)


def _merge(points: Cleaned) -> Cleaned:
    new = np.concatenate([[True], np.diff(points.energy) > SAME_ENERGY])
    if new.all():
        return points
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, points.energy.size))

    def average(values: Array) -> Array:
        return np.asarray(np.add.reduceat(values, first, axis=-1) / counts, dtype=float)

    return replace(
        points,
        energy=average(points.energy),
        mu=average(points.mu),
        reference=None if points.reference is None else average(points.reference),
        n_merged=int(points.energy.size - first.size),
    )


def require_signal(cleaned: Cleaned, min_points: int) -> None:
    """Refuse spectra that are too short or constant.

    Raises
    ------
    SpectrumRejectedError
        `too_few_points` or `flat_signal`.
    """
    n_points = cleaned.energy.size
    if n_points < min_points:
        raise SpectrumRejectedError(
            Finding(Reason.TOO_FEW_POINTS, f"{n_points} points, {min_points} needed")
        )
    spread = float(np.ptp(cleaned.mu, axis=-1).min())
    size = float(np.abs(cleaned.mu).max())
    # 1e-9 of the value: the rounding of a constant, not a signal.
    if spread <= 1e-9 * size or spread == 0.0:
        raise SpectrumRejectedError(Finding(Reason.FLAT_SIGNAL, f"mu is {cleaned.mu.flat[0]:g}"))

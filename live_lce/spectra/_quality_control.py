"""Sort, merge and check the points for xraylarch, or give a reason why not.

`larch.xafs.pre_edge` answers confidently on unsorted, short, flat and NaN-bearing
input; nothing reaches it that has not passed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import Finding, Reason
from live_lce.spectra import _quality as quality
from live_lce.spectra._types import Array, SpectrumRejectedError

SAME_ENERGY = 1e-3
"""Energies nearer than this (eV) are one point."""
LEAST_REPEATED = 8
"""So many energies must have been read again before their readings are compared."""
DIFFERENT = 6.0
"""Readings of one point differ if they do by more than this many times their noise ..."""
REMARKED = 0.04
"""... and by this part of what mu spans."""
SEVERAL = 0.12
"""By so much, whatever their scale and offset, readings are of several spectra: an energy that
slips by half an eV makes 0.09, any two compounds 0.17."""


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
    differing : str
        How far readings of one energy differ, if by more than their noise.
    """

    energy: Array
    mu: Array
    reference: Array | None = None
    n_dropped: int = 0
    n_merged: int = 0
    differing: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Remarks on what was done."""
        found = []
        if self.n_dropped:
            found.append(Finding(Reason.POINTS_DROPPED, f"{self.n_dropped} dropped"))
        if self.n_merged:
            found.append(Finding(Reason.ENERGIES_MERGED, f"{self.n_merged} averaged"))
        if self.differing:
            found.append(Finding(Reason.READINGS_DIFFER, self.differing))
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
        `unequal_lengths`, `no_points`, `no_finite_points`, or `several_spectra` where the
        readings of one energy are of several.
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

    differing = _compare(points, first, counts) if points.mu.ndim == 1 else ""
    return replace(
        points,
        differing=differing,
        energy=average(points.energy),
        mu=average(points.mu),
        reference=None if points.reference is None else average(points.reference),
        n_merged=int(points.energy.size - first.size),
    )


def _compare(points: Cleaned, first: NDArray[np.intp], counts: NDArray[np.intp]) -> str:
    """Say by how much the first reading of an energy and later ones differ; refuse if too much.

    Each of them is a spectrum of its own: its second differences tell the noise of a reading.
    """
    repeated = counts > 1
    if repeated.sum() < LEAST_REPEATED:
        return ""
    start, last = first[repeated], (first + counts - 1)[repeated]
    energy, one = points.energy[start], points.mu[start]
    span = float(np.ptp(one))
    if not span > 0:
        return ""
    said = ""
    for other in (points.mu[start + 1], points.mu[last])[: 1 + bool((counts > 2).any())]:
        noise = float(np.median([quality.noise(energy, one), quality.noise(energy, other)]))
        line = np.polyfit(one, other, 1)
        difference = _largest(other - one)
        apart = _largest(other - np.polyval(line, one)) / max(abs(float(line[0])), 0.1)
        if max(difference, apart) <= max(DIFFERENT * noise, REMARKED * span):
            continue
        said = f"by up to {100 * difference / span:.0f} % of what mu spans"
        if apart > max(DIFFERENT * noise, SEVERAL * span):
            detail = f"up to {counts.max()} readings of one energy differ {said}"
            raise SpectrumRejectedError(Finding(Reason.SEVERAL_SPECTRA, detail))
    return said


def _largest(values: Array) -> float:
    """Return the largest of the medians of three neighbours: a spike is no difference."""
    size = np.abs(values)
    middle = np.median(np.stack([size[:-2], size[1:-1], size[2:]]), axis=0)
    return float(middle.max())


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

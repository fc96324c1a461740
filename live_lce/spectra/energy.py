"""Photon energy in eV, from whatever the monochromator reports."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import constants

from live_lce.contract import Finding, Reason
from live_lce.spectra.larch_import import load_larch_xafs
from live_lce.spectra.types import Array, SpectrumRejectedError

HC = constants.h * constants.c / constants.e * 1e10
"""h c in eV angstrom."""

_SOFTEST, _HARDEST = 100.0, 200_000.0


def to_ev(values: ArrayLike, units: str = "auto") -> tuple[Array, tuple[Finding, ...]]:
    """Return energies in eV.

    Parameters
    ----------
    values : array_like of shape (n_points,)
        Energies as reported.
    units : str
        The data key's units: eV or keV in any spelling; anything else, or
        ``auto``, lets `larch.xafs.guess_energy_units` decide.

    Returns
    -------
    energy : ndarray of shape (n_points,)
        In eV.
    findings : tuple of Finding
        `units_converted` where that was needed.

    Raises
    ------
    SpectrumRejectedError
        `energy_units_unknown` if the values are neither eV nor keV.
    """
    energy = np.asarray(values, dtype=float)
    finite = energy[np.isfinite(energy)]
    stated = units.strip().lower()
    if finite.size == 0:
        return energy, ()
    if stated != "kev":
        low, high = float(finite.min()), float(finite.max())
        if low >= _SOFTEST and high <= _HARDEST:
            return energy, ()
        # Here a stated "eV" contradicts the values, so that it is worth no more than none.
        if _guess(finite) != "keV":
            raise SpectrumRejectedError(
                Finding(Reason.ENERGY_UNITS_UNKNOWN, f"values from {low:g} to {high:g}")
            )
    return energy * 1000.0, (Finding(Reason.UNITS_CONVERTED, "keV to eV"),)


def _guess(energy: Array) -> str:
    guess = load_larch_xafs().guess_energy_units
    # larch looks at the finest step; averaged duplicates would make it zero.
    ordered = energy[np.concatenate([[True], np.diff(energy) != 0])]
    return str(guess(ordered)) if len(ordered) > 1 else "unknown"


def bragg_to_energy(angle: ArrayLike, d_spacing: float) -> Array:
    """Return E = h c / (2 d sin(theta)), Bragg's law.

    Parameters
    ----------
    angle : array_like of shape (n_points,)
        Bragg angle in degrees.
    d_spacing : float
        Lattice spacing of the crystal's reflection in angstrom, e.g. 3.1356 for Si(111).

    Returns
    -------
    ndarray of shape (n_points,)
        Energy in eV; NaN for angles outside 0 to 90 degrees.

    Raises
    ------
    ValueError
        If `d_spacing` is not positive.
    """
    if not d_spacing > 0:
        raise ValueError(f"d_spacing must be positive, not {d_spacing}")
    theta = np.asarray(angle, dtype=float)
    inside = (theta > 0) & (theta < 90)
    sine = np.sin(np.radians(np.where(inside, theta, np.nan)))
    return np.asarray(HC / (2.0 * d_spacing * sine), dtype=float)

"""Calibrate the energy: a constant shift, or one measured on the reference foil."""

from __future__ import annotations

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.settings import Normalization
from live_lce.spectra._edges import tabulated_edge
from live_lce.spectra._foils import FoilUnusableError, first_inflection
from live_lce.spectra._types import Array


def energy_shift(
    energy: Array, reference: Array | None, absorber: str, edge: str, settings: Normalization
) -> tuple[float, tuple[Finding, ...]]:
    """Return the shift (eV) to add to the measured energies.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    reference : ndarray of shape (n_points,), optional
        mu of a foil of the absorber, ln(It/Ir); may hold NaN.
    absorber, edge : str
        Element and edge of the foil.
    settings : Normalization
        `shift`: none, constant, or foil.

    Returns
    -------
    shift : float
        0 where the foil could not be used.
    findings : tuple of Finding
        `foil_unusable`, with the cause.
    """
    if settings.shift == "none":
        return 0.0, ()
    if settings.shift == "constant":
        return settings.shift_value, ()
    if reference is None:
        return 0.0, (Finding(Reason.FOIL_UNUSABLE, "no reference channel"),)
    good = np.isfinite(reference)
    expected = tabulated_edge(absorber, edge)
    try:
        found = first_inflection(
            energy[good], reference[good], expected, absorber, edge, settings.e0_tolerance
        )
    except FoilUnusableError as error:
        return 0.0, (Finding(Reason.FOIL_UNUSABLE, str(error)),)
    return expected - found.energy, ()

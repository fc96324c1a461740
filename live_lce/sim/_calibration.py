"""Say where the edge of a reference foil was found, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra import FoilUnusableError, first_inflection, tabulated_edge

Array = NDArray[np.float64]

LARGEST_SHIFT = 25.0
"""A foil's edge further (eV) from the table is another edge, or no foil."""


class CalibrationError(ValueError):
    """The foil's edge was not measured; one line that says why."""


@dataclass(frozen=True)
class FoilCalibration:
    """The edge of a reference foil.

    Parameters
    ----------
    element, edge : str
        Of the foil.
    found : float
        Energy (eV) of its first inflection, by `live_lce.spectra._foils`.
    tabulated : float
        Where the tables have it (eV), by xraydb.
    """

    element: str
    edge: str
    found: float
    tabulated: float

    @property
    def shift(self) -> float:
        """What to add to the energies (eV)."""
        return self.tabulated - self.found

    def __str__(self) -> str:
        """Say it, with the configuration that corrects the energies in the analysis."""
        return (
            f"{self.element} {self.edge} of the foil at {self.found:.2f} eV, "
            f"table {self.tabulated:.2f} eV: energies are off by {-self.shift:+.2f} eV.\n"
            "To correct the analysis and not the monochromator:\n"
            "  [analysis.normalization]\n"
            f'  shift = "constant"\n  shift_value = {self.shift:.2f}'
        )


def calibrate(energy: Array, it: Array, ir: Array, element: str, edge: str) -> FoilCalibration:
    """Find the edge of a foil between two chambers.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        In eV.
    it, ir : ndarray of shape (n_points,)
        Before and behind the foil; its absorbance is ``ln(it / ir)``.
    element, edge : str
        Of the foil.

    Raises
    ------
    CalibrationError
        If the metal's edge cannot be told within `LARGEST_SHIFT` of the table, or a chamber
        counted nothing.
    """
    expected = tabulated_edge(element, edge)
    what = f"{element} {edge} foil at {expected:.0f} eV"
    if len(energy) < 20:
        raise CalibrationError(f"{what}: {len(energy)} points are too few to find its edge")
    if not (np.all(it > 0) and np.all(ir > 0)):
        raise CalibrationError(f"{what}: a chamber counted nothing: is there beam?")
    order = np.argsort(energy, kind="stable")
    mu = np.log(it / ir)[order]
    try:
        found = first_inflection(energy[order], mu, expected, element, edge, LARGEST_SHIFT)
    except FoilUnusableError as error:
        raise CalibrationError(f"{what}: {error}: is this foil in the beam?") from None
    return FoilCalibration(element, edge, found.energy, expected)

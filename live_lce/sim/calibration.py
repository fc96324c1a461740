"""The energy calibration: where the edge of a reference foil was found, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        Energy (eV) of the steepest rise, by xraylarch's `find_e0`.
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
        If there is no edge within `LARGEST_SHIFT` of the table, or a chamber counted nothing.
    """
    import xraydb

    from live_lce.spectra.larch_import import load_larch_xafs

    expected = float(xraydb.xray_edge(element, edge).energy)
    what = f"{element} {edge} foil at {expected:.0f} eV"
    if len(energy) < 20:
        raise CalibrationError(f"{what}: {len(energy)} points are too few to find its edge")
    if not (np.all(it > 0) and np.all(ir > 0)):
        raise CalibrationError(f"{what}: a chamber counted nothing: is there beam?")
    order = np.argsort(energy, kind="stable")
    mu = np.log(it / ir)[order]
    found = float(load_larch_xafs().find_e0(energy[order], mu))
    away = energy[order] - found
    below, above = mu[(away > -40) & (away < -8)], mu[(away > 8) & (away < 40)]
    if not abs(found - expected) <= LARGEST_SHIFT or not len(below) or not len(above):
        raise CalibrationError(
            f"{what}: the steepest rise is at {found:.1f} eV: "
            "is it this element's foil, and does the scan pass its edge?"
        )
    step, scatter = float(above.mean() - below.mean()), float(np.std(np.diff(below)))
    if not step > 5.0 * scatter:
        raise CalibrationError(f"{what}: edge step {step:.3g} within its noise: is the foil in?")
    return FoilCalibration(element, edge, found, expected)

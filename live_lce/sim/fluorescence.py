"""Simulate the fluorescence of a thick sample, which absorbs part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from live_lce.sim.counting import Counting
from live_lce.sim.library import Sample, exponents


@dataclass(frozen=True)
class Fluorescence:
    """A detector of several elements at 90 degrees to the beam, the sample at 45 degrees.

    Parameters
    ----------
    efficiencies : tuple of float
        Of each element: counts for one photon absorbed at the edge in a thin sample, solid
        angle and yield included.
    background : float
        Counts for one photon in the beam: scattering, which the energy does not change.
    counting : Counting
        Of each element.
    """

    efficiencies: tuple[float, ...] = (0.010, 0.011, 0.009, 0.0095)
    background: float = 2.0e-4
    counting: Counting = field(default_factory=lambda: Counting(dark_rate=5.0))

    def rates(self, photons: float, energy: float, sample: Sample) -> NDArray[np.float64]:
        """Return the rate (1/s) at each element for `photons` (1/s) of an energy (eV)."""
        scattered = self.background * photons
        per_element: NDArray[np.float64] = np.asarray(self.efficiencies)
        return per_element * photons * escaping(energy, sample) + scattered


def escaping(energy: float, sample: Sample) -> float:
    """Return the part of the photons that the absorber turns into fluorescence that leaves.

    With the absorbances a of the absorber, A of all at `energy`, and B of all at the emitted
    line: ``a / (A + B) * (1 - exp(-(A + B)))``, both at 45 degrees, which the absorbances
    include.  A thin sample gives a; a thick concentrated one a/(A + B), the white line
    flattened: over-absorption (Troger et al., Phys. Rev. B 46, 3283 (1992), eq. 1).
    """
    below, above, e0 = exponents(sample.absorber, sample.edge)
    ratio = energy / e0
    absorber = sample.edge_step * ratio**above * float(sample.seen(energy))
    leaving = sample.matrix * (line_energy(sample.absorber, sample.edge) / e0) ** below
    both = float(sample.absorbance(energy)) + leaving
    return float(absorber / both * -np.expm1(-both))


@lru_cache(maxsize=64)
def line_energy(absorber: str, edge: str) -> float:
    """Return the energy (eV) of the strongest line that an edge excites."""
    import xraydb

    lines = xraydb.xray_lines(absorber, initial_level=edge)
    strongest = max(lines.values(), key=lambda line: line.intensity)
    return float(strongest.energy)

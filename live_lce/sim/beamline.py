"""The physics of a transmission beamline: what three ion chambers count at one energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from live_lce.sim.library import Sample, exponents

DARK_RATE = 500.0
"""Counts per second without beam, in every chamber."""


@dataclass(frozen=True)
class Glitch:
    """The monochromator diffracts into another reflection at one energy.

    The intensity drops; the harmonics and the changed beam profile make the drop
    in the two chambers unequal, so that it does not cancel in ln(I0/It).

    Parameters
    ----------
    energy : float
        Centre in eV.
    width : float
        Standard deviation in eV.
    depth : float
        Lost part of I0.
    mismatch : float
        Part of the loss that It does not see.
    """

    energy: float
    width: float = 0.4
    depth: float = 0.5
    mismatch: float = 0.3

    def factors(self, energy: float) -> tuple[float, float]:
        """Return what is left of I0 and of the beam behind it."""
        loss = self.depth * float(np.exp(-0.5 * ((energy - self.energy) / self.width) ** 2))
        return 1.0 - loss, 1.0 - loss * (1.0 - self.mismatch)


@dataclass(frozen=True)
class Beamline:
    """Source, chambers and reference foil.

    Parameters
    ----------
    flux : float
        Counts per second in I0 at the start.
    lifetime : float
        Time (s) in which the stored current falls to 1/e.
    count_time : float
        Time per point in s.
    glitch : Glitch, optional
        A monochromator glitch.
    """

    flux: float = 2.0e6
    lifetime: float = 2.0e4
    count_time: float = 1.0
    glitch: Glitch | None = None

    def expected(self, energy: float, elapsed: float, sample: Sample) -> tuple[float, ...]:
        """Return the mean counts of I0, It and Ir, with dark counts.

        Parameters
        ----------
        energy : float
            In eV.
        elapsed : float
            Beam time since the start in s.
        sample : Sample
            What is in the beam.
        """
        beam = self.flux * self.count_time * float(np.exp(-elapsed / self.lifetime))
        first, behind = self.glitch.factors(energy) if self.glitch else (1.0, 1.0)
        through = beam * behind * float(np.exp(-sample.absorbance(energy)))
        reference = through * float(np.exp(-foil_absorbance(energy, sample.absorber, sample.edge)))
        dark = DARK_RATE * self.count_time
        return beam * first + dark, through + dark, reference + dark

    def count(
        self, energy: float, elapsed: float, sample: Sample, rng: Generator
    ) -> tuple[float, float, float]:
        """Return counted I0, It and Ir: `expected` with counting (Poisson) noise."""
        i0, it, ir = rng.poisson(self.expected(energy, elapsed, sample))
        return float(i0), float(it), float(ir)


def foil_absorbance(energy: float, absorber: str, edge: str) -> float:
    """Return mu*t of the reference foil at an energy in eV: a bare edge at the tabulated energy."""
    below, above, e0 = exponents(absorber, edge)
    rise = 0.5 + float(np.arctan((energy - e0) / 1.0)) / np.pi
    return float(rise * (energy / e0) ** above + 0.3 * (energy / e0) ** below)

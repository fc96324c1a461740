"""Simulate what the detectors count at one energy, and why it is not ideal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from live_lce.sim.counting import DARK_RATE, Counting
from live_lce.sim.fluorescence import Fluorescence
from live_lce.sim.library import Sample, exponents
from live_lce.sim.optics import Glitch, Optics
from live_lce.sim.ring import Ring, TopUp
from live_lce.spectra._foils import foil_norm


@dataclass(frozen=True)
class Counts:
    """What all detectors counted at one point.

    Parameters
    ----------
    i0, it, ir : float
        The three ion chambers: before and behind the sample, behind the reference foil.
    fluorescence : tuple of float
        The elements of the fluorescence detector.
    """

    i0: float
    it: float
    ir: float
    fluorescence: tuple[float, ...]


@dataclass(frozen=True)
class Beamline:
    """Source, optics and detectors; nothing but the counting noise is random.

    Parameters
    ----------
    flux : float
        Photons counted in I0 per second after a fill.
    count_time : float
        Time per point in s, unless another is asked for.
    ring : Ring
        How the flux goes with time.
    optics : Optics
        The monochromator.
    chambers : Counting
        Of each ion chamber.
    fluorescence : Fluorescence
        Beside the sample.
    """

    flux: float = 2.0e6
    count_time: float = 1.0
    ring: Ring = field(default_factory=Ring)
    optics: Optics = field(default_factory=Optics)
    chambers: Counting = field(default_factory=lambda: Counting(dark_rate=DARK_RATE))
    fluorescence: Fluorescence = field(default_factory=Fluorescence)

    def rates(self, energy: float, elapsed: float, sample: Sample) -> tuple[float, float, float]:
        """Return the photons per second that reach I0, It and Ir.

        Parameters
        ----------
        energy : float
            Of the photons, in eV.
        elapsed : float
            Beam time since the last fill in s.
        sample : Sample
            What is in the beam.
        """
        beam = self.flux * self.ring.flux(elapsed)
        first, behind = self.optics.factors(energy)
        foil = foil_absorbance(energy, sample.absorber, sample.edge)
        through = beam * behind * float(np.exp(-sample.absorbance(energy)))
        harmonic = beam * self.optics.harmonics
        hard = harmonic * float(np.exp(-sample.absorbance(3.0 * energy)))
        hard_foil = float(np.exp(-foil_absorbance(3.0 * energy, sample.absorber, sample.edge)))
        return (
            beam * first + harmonic,
            through + hard,
            through * float(np.exp(-foil)) + hard * hard_foil,
        )

    def count(
        self,
        energy: float,
        elapsed: float,
        sample: Sample,
        rng: Generator,
        *,
        time: float | None = None,
        beam: bool = True,
    ) -> Counts:
        """Count one point, with counting (Poisson) noise.

        Parameters
        ----------
        energy, elapsed, sample
            See :meth:`rates`.
        rng : Generator
            Of the noise.
        time : float, optional
            In s; by default `count_time`.
        beam : bool
            Whether there is any; without it the detectors count darkness.
        """
        seconds = self.count_time if time is None else time
        photons = np.asarray(self.rates(energy, elapsed, sample)) * beam
        i0, it, ir = self.chambers.count(photons, seconds, rng)
        yields = self.fluorescence.rates(float(photons[0]), energy, sample)
        elements = self.fluorescence.counting.count(yields, seconds, rng)
        return Counts(float(i0), float(it), float(ir), tuple(float(n) for n in elements))


def foil_absorbance(energy: float, absorber: str, edge: str) -> float:
    """Return mu*t of the reference foil at an energy in eV.

    A metal's edge with its two or three rises, the first inflection at the tabulated energy; a
    bare edge where the metal's shape is not known.
    """
    below, above, e0 = exponents(absorber, edge)
    rise = float(foil_norm(np.asarray(energy - e0), absorber, edge))
    return float(rise * (energy / e0) ** above + 0.3 * (energy / e0) ** below)


def troubled(e0: float) -> Beamline:
    """Return a beamline with every trouble of this module in a moderate form.

    Parameters
    ----------
    e0 : float
        Edge (eV) around which it shows: a glitch is 28 eV above it.
    """
    return Beamline(
        ring=Ring(lifetime=3.0e4, top_up=TopUp()),
        optics=Optics((Glitch(e0 + 28.0),), harmonics=0.01, drift=0.3, backlash=0.4, offset=0.8),
        chambers=Counting(DARK_RATE, dead_time=2.0e-9, ceiling=1.0e7),
        fluorescence=Fluorescence(counting=Counting(dark_rate=5.0, dead_time=1.0e-7)),
    )

"""Simulate the monochromator: which energies pass, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
class Optics:
    """What the monochromator does to the beam.

    Parameters
    ----------
    glitches : tuple of Glitch
        Their losses multiply.
    harmonics : float
        Photons of the third harmonic (Si(333) where Si(111) is set) for one of the wanted
        energy.  They hardly feel the edge: a thick sample looks thinner than it is.
    drift : float
        By which the true energy moves away from the readback (eV/h), as crystals warm up.
    backlash : float
        By which it lies above the readback after a downward move (eV).
    offset : float
        By which it always lies above the readback (eV): the calibration is off.
    """

    glitches: tuple[Glitch, ...] = ()
    harmonics: float = 0.0
    drift: float = 0.0
    backlash: float = 0.0
    offset: float = 0.0

    def true_energy(self, readback: float, elapsed: float, *, downward: bool = False) -> float:
        """Return the energy (eV) of the photons.

        Parameters
        ----------
        readback : float
            What the encoder says (eV).
        elapsed : float
            Beam time since the start (s).
        downward : bool
            Whether the last move was to lower energies.
        """
        slack = self.backlash if downward else 0.0
        return readback + self.offset + self.drift * elapsed / 3600.0 + slack

    def factors(self, energy: float) -> tuple[float, float]:
        """Return what glitches leave of I0 and of the beam behind it, at an energy in eV."""
        first = behind = 1.0
        for glitch in self.glitches:
            one, other = glitch.factors(energy)
            first, behind = first * one, behind * other
        return first, behind

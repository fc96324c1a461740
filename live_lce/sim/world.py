"""Hold the one state that all simulated devices share, whatever their control system."""

from __future__ import annotations

import threading

import numpy as np

from live_lce.sim.beamline import Beamline, Counts
from live_lce.sim.library import Sample
from live_lce.sim.ring import NOMINAL_CURRENT


class World:
    """The state of a simulated beamline: energy, sample, beam, and its own time.

    The time is that of the beam: it passes while something is counted or waited for, not
    while Python works, so that equal seeds give equal counts.  Safe to use from several
    threads.

    Parameters
    ----------
    beamline : Beamline
        Its physics; may be exchanged between scans.
    sample : Sample, optional
        What is in the beam.
    seed : int
        Of the counting noise.

    Attributes
    ----------
    beamline : Beamline
        See above.
    sample : Sample or None
        See above.
    temperature : float
        Of the sample (degrees Celsius).
    shutter_open : bool
        Whether the beam gets as far as the chambers.
    """

    def __init__(
        self, beamline: Beamline | None = None, sample: Sample | None = None, *, seed: int = 0
    ) -> None:
        self.beamline = beamline or Beamline()
        self.sample = sample
        self.temperature = 25.0
        self.shutter_open = True
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._energy = 8000.0
        self._zero = 0.0  # by which the encoder was told to say more than it did
        self._downward = False
        self._beam = True
        self._elapsed = self._filled = 0.0

    @property
    def energy(self) -> float:
        """What the encoder of the monochromator says (eV)."""
        return self._energy

    @property
    def elapsed(self) -> float:
        """Beam time since the start (s)."""
        return self._elapsed

    @property
    def beam(self) -> bool:
        """Whether there is beam."""
        return self._beam

    @property
    def current(self) -> float:
        """Current in the ring (mA)."""
        return NOMINAL_CURRENT * self.beamline.ring.current(self._since_fill) * self._beam

    def move(self, energy: float) -> None:
        """Move the monochromator, by its encoder, to an energy in eV.

        Raises
        ------
        ValueError
            If the energy is not a positive number.
        """
        if not (np.isfinite(energy) and energy > 0):
            raise ValueError(f"the monochromator cannot go to {energy} eV")
        with self._lock:
            if energy != self._energy:
                self._downward = energy < self._energy
            self._energy = float(energy)

    def calibrate(self, energy: float) -> None:
        """Tell the monochromator's encoder that it is at an energy in eV, without moving.

        Raises
        ------
        ValueError
            If the energy is not a positive number.
        """
        if not (np.isfinite(energy) and energy > 0):
            raise ValueError(f"the monochromator cannot be at {energy} eV")
        with self._lock:
            self._zero += float(energy) - self._energy
            self._energy = float(energy)

    def load(self, sample: Sample | None, temperature: float = 25.0) -> None:
        """Put a sample, or a further state of it, into the beam at a temperature (Celsius)."""
        with self._lock:
            self.sample, self.temperature = sample, float(temperature)

    def dump(self) -> None:
        """Lose the beam."""
        self._beam = False

    def restore(self) -> None:
        """Get the beam back, right after a fill."""
        with self._lock:
            self._beam, self._filled = True, self._elapsed

    def wait(self, seconds: float) -> None:
        """Let beam time pass without counting."""
        with self._lock:
            self._elapsed += seconds

    def count(self, time: float | None = None, *, passing: bool = True) -> Counts:
        """Count one point where the monochromator is.

        Parameters
        ----------
        time : float, optional
            In s; by default the beamline's.
        passing : bool
            Whether the beam time goes on by this.  Of several detectors that count together,
            one lets it pass.

        Raises
        ------
        RuntimeError
            If there is no sample.
        """
        with self._lock:
            if self.sample is None:
                raise RuntimeError("There is no sample in the beam: call World.load first.")
            energy = self.beamline.optics.true_energy(
                self._energy - self._zero, self._elapsed, downward=self._downward
            )
            seconds = self.beamline.count_time if time is None else time
            beam = self._beam and self.shutter_open
            counts = self.beamline.count(
                energy, self._since_fill, self.sample, self._rng, time=seconds, beam=beam
            )
            self._elapsed += seconds * passing
            return counts

    @property
    def _since_fill(self) -> float:
        return self._elapsed - self._filled

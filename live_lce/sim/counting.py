"""Simulate what detectors record of the photons that reach them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

DARK_RATE = 500.0
"""Counts per second without beam, in every chamber."""


@dataclass(frozen=True)
class Counting:
    """How a detector counts.

    Parameters
    ----------
    dark_rate : float
        Counts per second without beam.
    dead_time : float
        After each count nothing is seen for so long (s), and what comes then does not
        prolong it: the recorded rate is ``n / (1 + n dead_time)`` (Knoll, Radiation Detection
        and Measurement, ch. 4).  Not corrected here, as by a scaler.
    ceiling : float
        The amplifier gives no more than this (counts per second).
    """

    dark_rate: float = 0.0
    dead_time: float = 0.0
    ceiling: float = float("inf")

    def expected(self, rate: ArrayLike, time: float) -> NDArray[np.float64]:
        """Return mean counts in `time` (s) for photons at `rate` (1/s)."""
        true = np.asarray(rate, dtype=np.float64) + self.dark_rate
        seen: NDArray[np.float64] = np.minimum(true / (1.0 + true * self.dead_time), self.ceiling)
        return seen * time

    def count(self, rate: ArrayLike, time: float, rng: Generator) -> NDArray[np.float64]:
        """Return counts with Poisson noise; a saturated amplifier has none."""
        mean = self.expected(rate, time)
        noisy = rng.poisson(mean).astype(np.float64)
        ceiling = self.ceiling * time
        full = np.asarray(mean >= ceiling)
        counted: NDArray[np.float64] = np.where(full, ceiling, np.minimum(noisy, ceiling))
        return counted

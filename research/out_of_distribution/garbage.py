"""What no model should answer: spectra that are none, made from measured ones or from nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from live_lce.datasets._rows import FINE
from live_lce.spectra import Array


def noise(spectra: Array, rng: np.random.Generator) -> Array:
    """Return random numbers with the spectrum's mean and spread."""
    found: Array = spectra.mean() + spectra.std() * rng.standard_normal(spectra.shape)
    return found


def step(spectra: Array, rng: np.random.Generator) -> Array:
    """Return a bare arctangent edge of a random width (0.3 to 2 eV)."""
    width = rng.uniform(0.3, 2.0, (len(spectra), 1))
    found: Array = 0.5 + np.arctan(FINE / width) / np.pi
    return found


def ramp(spectra: Array, rng: np.random.Generator) -> Array:
    """Return a straight line through the edge, of a random slope: no edge at all."""
    found: Array = np.clip(0.5 + FINE * rng.uniform(0.01, 0.05, (len(spectra), 1)), 0, None)
    return found


def reversed_energy(spectra: Array, rng: np.random.Generator) -> Array:
    """Return spectra read from right to left, upside down so that they still rise."""
    found: Array = 1.0 - spectra[:, ::-1] + spectra.min(axis=1, keepdims=True)
    return found


def saturated(spectra: Array, rng: np.random.Generator) -> Array:
    """Return spectra of a detector that counts no more above a level (0.5 to 0.8)."""
    level = rng.uniform(0.5, 0.8, (len(spectra), 1))
    return np.minimum(spectra, level)


def dropped(spectra: Array, rng: np.random.Generator) -> Array:
    """Return spectra whose beam was lost somewhere behind the edge (5 to 20 eV)."""
    where = rng.uniform(5.0, 20.0, (len(spectra), 1))
    found: Array = np.where(where < FINE, 0.02, spectra)
    return found


def glitched(spectra: Array, rng: np.random.Generator) -> Array:
    """Return spectra with a monochromator glitch: 3 eV wide, half the step high or deep."""
    where = rng.uniform(0.0, 30.0, (len(spectra), 1))
    sign = rng.choice([-0.5, 0.5], (len(spectra), 1))
    found: Array = spectra + sign * np.exp(-0.5 * ((FINE - where) / 1.5) ** 2)
    return found


KINDS: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "noise": noise,
    "bare step": step,
    "no edge, a line": ramp,
    "energy reversed": reversed_energy,
    "saturated": saturated,
    "beam lost behind the edge": dropped,
    "glitch of half the step": glitched,
}
"""Each takes spectra (n_spectra, n_fine) on FINE, in units of the edge step, and a generator."""

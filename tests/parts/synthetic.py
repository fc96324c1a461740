"""Spectra with known answers, for tests: an arctangent edge with a white line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra._foils import foil_norm

Array = NDArray[np.float64]


def xanes_energy(e0: float = 7112.0, before: float = 150.0, after: float = 200.0) -> Array:
    """Return a usual step-scan grid around `e0` (eV)."""
    return np.concatenate(
        [
            np.arange(e0 - before, e0 - 20, 5.0),
            np.arange(e0 - 20, e0 + 50, 0.5),
            np.arange(e0 + 50, e0 + after + 0.1, 2.0),
        ]
    )


def xanes_mu(
    energy: Array,
    e0: float = 7124.0,
    step: float = 0.8,
    noise: float = 0.001,
    white_line: float = 0.9,
    seed: int = 0,
) -> Array:
    """Return raw mu with a sloping background, an edge at `e0` (eV) and noise (edge steps).

    Without a white line it is a tetrahedron's, with the pre-edge peak that belongs to it.
    """
    rng = np.random.default_rng(seed)
    x = energy - e0
    edge = 0.5 + np.arctan(x / 1.5) / np.pi
    line = white_line * np.exp(-0.5 * ((x - 5) / 3) ** 2)
    wiggle = 0.1 * np.sin(np.maximum(x - 12, 0) / 8) * np.exp(-np.maximum(x, 0) / 60)
    peak = 0.17 * np.exp(-0.5 * ((x + 9.5) / 1.0) ** 2) * (white_line == 0)
    norm = edge + line + peak + wiggle * (x > 12) + rng.normal(0, noise, energy.size)
    return 1.3 - 3e-4 * (energy - 7000) + step * norm


def foil_mu(
    energy: Array,
    e0: float = 7112.0,
    absorber: str = "Fe",
    step: float = 0.8,
    noise: float = 0.001,
    seed: int = 0,
) -> Array:
    """Return raw mu of a metal foil, its first inflection at `e0` (eV); noise in edge steps."""
    rng = np.random.default_rng(seed)
    norm = foil_norm(energy - e0, absorber) + rng.normal(0, noise, energy.size)
    return 0.7 - 2e-4 * (energy - e0) + step * norm

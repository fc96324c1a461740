"""Make synthetic spectra with a known answer: an arctangent edge with a white line."""

from __future__ import annotations

import numpy as np

from live_lce.spectra import Array
from live_lce.spectra._foils import foil_norm


def xanes_energy(e0: float = 7112.0, before: float = 150.0, after: float = 200.0) -> Array:
    """Return the energies of a usual step scan.

    Parameters
    ----------
    e0 : float
        Energy of the edge (eV).
    before, after : float
        How far the scan reaches below and above it (eV).

    Returns
    -------
    ndarray, shape (n_points,)
        Energies in eV: steps of 5 eV, 0.5 eV near the edge, and 2 eV.
    """
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
    """Return the raw mu of an oxide: a sloping background, an edge, a white line and noise.

    Parameters
    ----------
    energy : ndarray, shape (n_points,)
        Energies (eV).
    e0 : float
        Energy of the edge (eV).
    step : float
        Edge step, in units of mu.
    noise : float
        Standard deviation of a point (edge steps).
    white_line : float
        Height of the white line (edge steps).  A high one looks octahedral; without one the
        spectrum is a tetrahedron's, with the pre-edge peak that belongs to it.
    seed : int
        Seed of the noise.

    Returns
    -------
    ndarray, shape (n_points,)
        Absorption mu.
    """
    rng = np.random.default_rng(seed)
    x = energy - e0
    edge = 0.5 + np.arctan(x / 1.5) / np.pi
    line = white_line * np.exp(-0.5 * ((x - 5) / 3) ** 2)
    wiggle = 0.1 * np.sin(np.maximum(x - 12, 0) / 8) * np.exp(-np.maximum(x, 0) / 60)
    peak = 0.17 * np.exp(-0.5 * ((x + 9.5) / 1.0) ** 2) * (white_line == 0)
    norm = edge + line + peak + wiggle * (x > 12) + rng.normal(0, noise, energy.size)
    mu: Array = 1.3 - 3e-4 * (energy - 7000) + step * norm
    return mu


def foil_mu(
    energy: Array,
    e0: float = 7112.0,
    absorber: str = "Fe",
    step: float = 0.8,
    noise: float = 0.001,
    seed: int = 0,
) -> Array:
    """Return the raw mu of a metal foil.

    Parameters
    ----------
    energy : ndarray, shape (n_points,)
        Energies (eV).
    e0 : float
        Energy of the first inflection of the edge (eV).
    absorber : str
        Element symbol of the metal.
    step : float
        Edge step, in units of mu.
    noise : float
        Standard deviation of a point (edge steps).
    seed : int
        Seed of the noise.

    Returns
    -------
    ndarray, shape (n_points,)
        Absorption mu.
    """
    rng = np.random.default_rng(seed)
    norm = foil_norm(energy - e0, absorber) + rng.normal(0, noise, energy.size)
    mu: Array = 0.7 - 2e-4 * (energy - e0) + step * norm
    return mu

"""Vary computed spectra as measured ones vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from live_lce.classifiers import Grid
from live_lce.datasets._rows import FINE
from live_lce.spectra import Array, to_grid

SHIFTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Energy shifts of Carbone et al. (eV): every spectrum occurs with each of them."""
BROADENINGS = (0.0, 0.4, 0.8, 1.2, 1.6)
"""Standard deviations of Gaussian broadening (eV)."""


@dataclass(frozen=True)
class Augmentation:
    """How far a training spectrum is varied.

    Parameters
    ----------
    broadening : float
        Largest Gaussian broadening (eV).
    stretch : float
        Standard deviation of the stretch of the energy axis around the edge.
    slope : float
        Standard deviation of a line added behind the edge, per 30 eV.
    amplitude : float
        Standard deviation of the strength of all features behind the edge.
    noise : float
        Largest standard deviation of noise.
    mix : float
        How often a spectrum is mixed with another of its class and fold, as sites of one
        crystal are.
    """

    broadening: float = 1.6
    stretch: float = 0.03
    slope: float = 0.05
    amplitude: float = 0.1
    noise: float = 0.02
    mix: float = 0.3

    def describe(self) -> str:
        """Return the augmentation in words, for the card."""
        return (
            f"energy shifts {SHIFTS} eV; Gaussian broadening up to {self.broadening} eV;"
            f" energy axis stretched by {self.stretch:.0%}; slope {self.slope} per 30 eV and"
            f" amplitude {self.amplitude:.0%} behind the edge; noise up to {self.noise};"
            f" {self.mix:.0%} mixed with another site of its class and fold"
        )


PAPER = Augmentation(broadening=0, stretch=0, slope=0, amplitude=0, noise=0, mix=0)
"""Only the shifts, as in the paper."""


def resample(norm: Array, grid: Grid, origin: Array | float = 0.0) -> Array:
    """Put spectra on :data:`FINE` onto a model's grid, shifted to an origin each (eV)."""
    return to_grid(FINE, norm, origin, grid.energies)[0]


def augmented(
    norm: Array,
    label: NDArray[np.intp],
    grid: Grid,
    how: Augmentation,
    rng: np.random.Generator,
    fold: NDArray[np.intp] | None = None,
) -> tuple[Array, NDArray[np.intp]]:
    """Return every spectrum once per shift, each varied anew.

    Parameters
    ----------
    norm : ndarray of shape (n_rows, n_fine)
        On :data:`FINE`.
    label : ndarray of int, shape (n_rows,)
        Classes, for mixing.
    grid : Grid
        Of the model.
    how : Augmentation
        How far.
    rng : Generator
        Of the randomness.
    fold : ndarray of int, shape (n_rows,), optional
        Spectra of different folds are never mixed.

    Returns
    -------
    values : ndarray of shape (n_rows * n_shifts, n_grid)
    index : ndarray of int, shape (n_rows * n_shifts,)
        The row that each came from.
    """
    index = np.repeat(np.arange(len(norm)), len(SHIFTS))
    shift = np.tile(SHIFTS, len(norm))
    y = norm[index].copy()
    n = len(index)
    if how.mix:
        partner = _partners(label, np.zeros_like(label) if fold is None else fold, rng)
        weight = np.where(rng.random(n) < how.mix, rng.uniform(0.5, 1.0, n), 1.0)[:, None]
        y = weight * y + (1 - weight) * norm[partner[index]]
    if how.broadening:
        level = rng.uniform(0, how.broadening, n)
        steps = np.array(BROADENINGS)
        nearest = np.abs(level[:, None] - steps).argmin(axis=1)
        for i, sigma in enumerate(steps):
            chosen = nearest == i
            if sigma and chosen.any():
                y[chosen] = gaussian_filter1d(
                    y[chosen], sigma / (FINE[1] - FINE[0]), mode="nearest"
                )
    behind = 1 / (1 + np.exp(-FINE / 2.0))
    y = y + behind * (y - 1) * how.amplitude * rng.standard_normal((n, 1))
    y = y + behind * (FINE / 30) * how.slope * rng.standard_normal((n, 1))
    if how.stretch:
        y = _stretched(y, 1 + how.stretch * rng.standard_normal(n))
    values = resample(y, grid, shift)
    sigma = how.noise * rng.random((n, 1))
    return values + sigma * rng.standard_normal(values.shape), index


def _partners(
    label: NDArray[np.intp], fold: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return for each row one of its class and fold."""
    partner = np.empty(len(label), dtype=np.intp)
    for one in np.unique(np.stack([label, fold]), axis=1).T:
        alike = np.flatnonzero((label == one[0]) & (fold == one[1]))
        partner[alike] = rng.choice(alike, alike.size)
    return partner


def _stretched(y: Array, factor: Array) -> Array:
    """Return each spectrum with its energy axis multiplied by its factor."""
    step = FINE[1] - FINE[0]
    at = (FINE / factor[:, None] - FINE[0]) / step
    left = np.clip(at.astype(int), 0, FINE.size - 2)
    weight = np.clip(at - left, 0, 1)
    rows = np.arange(len(y))[:, None]
    stretched: Array = y[rows, left] * (1 - weight) + y[rows, left + 1] * weight
    return stretched

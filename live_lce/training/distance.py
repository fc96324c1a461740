"""How far a spectrum is from the training spectra of the nearest class.

Per class a mean and principal components, as the class-conditional distance of Lee et al.,
NeurIPS 31 (2018): one Gaussian for all classes puts the few tetrahedral sites with their
tall pre-edge peaks far from the many octahedral ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from live_lce.spectra.types import Array

COMPONENTS = 8
QUANTILE = 0.99
METHOD = (
    f"standardized spectrum in {COMPONENTS} principal components of each class's augmented"
    " training spectra: square root of the larger of the mean squared whitened coordinate and"
    " the mean squared residual, each divided by its threshold; the least over the classes"
)
THRESHOLD = f"{QUANTILE:.0%} quantile of either part on the class's held-out augmented spectra"


@dataclass(frozen=True)
class Distance:
    """A fitted distance from one class.

    Parameters
    ----------
    mean : ndarray of shape (n_grid,)
        Of the standardized spectra.
    basis : ndarray of shape (n_grid, n_components)
        Principal components.
    whiten : ndarray of shape (n_components,)
        One over the standard deviation along each.
    inside, outside : float
        Thresholds of the two parts.
    """

    mean: Array
    basis: Array
    whiten: Array
    inside: float = 1.0
    outside: float = 1.0

    def parts(self, values: Array) -> tuple[Array, Array]:
        """Return both parts of the score of spectra, before thresholds."""
        centred = standardized(values) - self.mean
        coordinates = centred @ self.basis
        residual = centred - coordinates @ self.basis.T
        return ((coordinates * self.whiten) ** 2).mean(axis=1), (residual**2).mean(axis=1)

    def score(self, values: Array) -> Array:
        """Return the score of spectra, of shape (n_spectra,)."""
        inside, outside = self.parts(values)
        return np.sqrt(np.maximum(inside / self.inside, outside / self.outside))

    def with_thresholds(self, held_out: Array) -> Distance:
        """Return it scaled such that 1 is the quantile on held-out spectra."""
        inside, outside = self.parts(held_out)
        return replace(
            self,
            inside=float(np.quantile(inside, QUANTILE)),
            outside=float(np.quantile(outside, QUANTILE)),
        )

    def with_thresholds_of(self, other: Distance) -> Distance:
        """Return it with the thresholds of another."""
        return replace(self, inside=other.inside, outside=other.outside)


def standardized(values: Array) -> Array:
    """Scale each spectrum to zero mean and unit variance."""
    centred = values - values.mean(axis=1, keepdims=True)
    scaled: Array = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
    return scaled


def fit_distance(values: Array) -> Distance:
    """Fit mean, components and their spread on (augmented) training spectra."""
    x = standardized(values)
    mean = x.mean(axis=0)
    _, singular, components = np.linalg.svd(x - mean, full_matrices=False)
    spread = singular[:COMPONENTS] / np.sqrt(len(x))
    return Distance(mean, components[:COMPONENTS].T, 1 / spread)

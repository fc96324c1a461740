"""Measure how far a spectrum is from the training spectra of the nearest class.

Per class a mean and principal components, as the class-conditional distance of Lee et al.,
NeurIPS 31 (2018): one Gaussian for all classes puts the few tetrahedral sites with their
tall pre-edge peaks far from the many octahedral ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra import Array

COMPONENTS = 8
QUANTILE = 0.99
METHOD = (
    f"standardized spectrum in {COMPONENTS} principal components of each class's augmented"
    " training spectra: square root of the larger of the mean squared whitened coordinate and"
    " the mean squared residual, each divided by its threshold; the least over the classes"
)
THRESHOLD = (
    f"{QUANTILE:.0%} quantile of either part on the class's augmented spectra, those of each fold"
    " judged by a fit to the others"
)


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


def fit_distances(
    values: Array, label: NDArray[np.intp], fold: NDArray[np.intp], n_classes: int
) -> list[Distance]:
    """Fit the distance from each class to all its spectra, with thresholds across folds.

    Parameters
    ----------
    values : ndarray of shape (n_spectra, n_grid)
        (Augmented) training spectra.
    label, fold : ndarray of int, shape (n_spectra,)
        Class and fold of each.
    n_classes : int
        Number of classes.

    Returns
    -------
    list of Distance
        One per class; 1 is the quantile on spectra of folds that a fit did not see.
    """
    return [_across_folds(values[label == k], fold[label == k]) for k in range(n_classes)]


def _across_folds(values: Array, fold: NDArray[np.intp]) -> Distance:
    every = fit_distance(values)
    found = []
    for one in np.unique(fold):
        held_out = fold == one
        judge = every if held_out.all() else fit_distance(values[~held_out])
        found.append(judge.parts(values[held_out]))
    inside, outside = (np.concatenate(part) for part in zip(*found, strict=True))
    return replace(
        every,
        inside=float(np.quantile(inside, QUANTILE)),
        outside=float(np.quantile(outside, QUANTILE)),
    )

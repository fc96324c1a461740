"""What Zheng's forests look at, and what they endure: regions, resolution, noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from research.zheng2020.crossval import N_FOLDS, Change, Prepared, judge, training_set
from research.zheng2020.metrics import joined, score
from research.zheng2020.two_step import TwoStep, fit_two_step, random_forest
from research.zheng2020.window import STEP, Window, scaled

REGIONS = {"pre": (0.0, 15.0), "main": (15.0, 30.0), "post": (30.0, 45.0)}
"""The paper's regions (eV from the window's first point)."""
DROPPED: tuple[tuple[str, ...], ...] = (
    ("pre",),
    ("main",),
    ("post",),
    ("pre", "main"),
    ("pre", "post"),
    ("main", "post"),
)
SIGMAS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Gaussian broadening (eV, standard deviation)."""
NOISE = (0.01, 0.02, 0.05, 0.1)
"""Standard deviation of noise, of the spectrum's maximum."""
MAIN_HALF = 0.5
"""Share of a region that the window must hold for the region to count."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Importance:
    """What is lost when parts of the spectra are left out.

    Parameters
    ----------
    whole : float
        Top-1 accuracy with all points.
    lost : dict
        By regions left out: by how much it falls.
    """

    whole: float
    lost: dict[tuple[str, ...], float]


def region(window: Window, name: str) -> Mask | None:
    """Return which points are in a region; None where the window holds less than half of it."""
    low, high = REGIONS[name]
    along = window.grid.energies - window.grid.start
    inside: Mask = (along >= low) & (along < high)
    return inside if inside.sum() * STEP >= MAIN_HALF * (high - low) else None


def importance(data: Prepared, fold: NDArray[np.intp], whole: float, seed: int) -> Importance:
    """Train forests without regions, and compare (drop-variable importance).

    Parameters
    ----------
    data : Prepared
        One absorber.
    fold : ndarray of int, shape (n,)
        Grouped folds.
    whole : float
        Top-1 accuracy with all points, by the same folds and seed.
    seed : int
        Of the forests.

    Returns
    -------
    Importance
        Only for regions that the window holds, and never for all that it holds.
    """
    parts = {name: region(data.window, name) for name in REGIONS}
    everything = np.ones(data.window.grid.n_points, dtype=bool)
    lost: dict[tuple[str, ...], float] = {}
    for names in DROPPED:
        masks = [parts[name] for name in names]
        if any(mask is None for mask in masks):
            continue
        kept = everything & ~np.any([mask for mask in masks if mask is not None], axis=0)
        if kept.sum() * STEP > 1.0:
            lost[names] = whole - _accuracy(data, fold, kept, seed)
    return Importance(whole, lost)


def _accuracy(data: Prepared, fold: NDArray[np.intp], points: Mask, seed: int) -> float:
    said, truth = [], []
    x = data.features()
    for k in range(N_FOLDS):
        known, labels = training_set(data.take(fold != k), seed + k)
        model = fit_two_step(known[:, points], labels, random_forest, seed + k)
        said.append(model.predict(x[fold == k][:, points]))
        truth.append(data.labels.take(fold == k))
    return score(joined(truth), joined(said)).top


def endured(
    data: Prepared, fold: NDArray[np.intp], models: list[TwoStep], seed: int
) -> tuple[dict[float, float], dict[float, float]]:
    """Return the top-1 accuracy on held-out spectra against broadening and against noise.

    Parameters
    ----------
    data, fold
        As for `importance`.
    models : list of TwoStep
        From `fit_folds`: fitted to spectra as they are.
    seed : int
        Of the noise.
    """

    def accuracy(change: Change) -> float:
        return score(data.labels, judge(data, fold, models, change)).top

    broadened = {sigma: accuracy(_broadening(sigma)) for sigma in SIGMAS}
    noisy = {sigma: accuracy(_noise(sigma, seed)) for sigma in NOISE}
    return broadened, noisy


def _broadening(sigma: float) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    return lambda x: scaled(gaussian_filter1d(x, sigma / STEP, axis=1, mode="nearest"))


def _noise(sigma: float, seed: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def change(x: NDArray[np.float32]) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        return scaled((x + sigma * rng.standard_normal(x.shape)).astype(np.float32))

    return change

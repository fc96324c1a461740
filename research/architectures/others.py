"""What is no network of ours: trees, forests, nearest references and Carbone's CNN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from live_lce.classifiers import Grid
from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array
from live_lce.training import _distance as distance
from live_lce.training._augment import Augmentation, augmented, resample
from live_lce.training._beamline import Variation
from live_lce.training._ensemble import Schedule, begin, fit_members, logits_of
from live_lce.training._fitted import row_weights
from live_lce.training._networks import CarboneCNN
from live_lce.training._own_plan import window
from research.architectures.fit import Predict, Spectra
from research.lce.fit import Course, draws
from research.lce.pool import POOL_CLASSES, Pool

N_VARIED = 12_000
"""Varied spectra that trees are grown on: about two of each row."""


def boosted(seed: int) -> Any:
    """Return untrained gradient-boosted trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.12, max_leaf_nodes=15, max_bins=63, random_state=seed
    )


def forest(seed: int) -> Any:
    """Return an untrained random forest."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=200, min_samples_leaf=2, random_state=seed)


def fit_trees(
    make: Callable[[int], Any],
    pool: Pool,
    chosen: NDArray[np.intp],
    grid: Grid,
    how: Variation,
    course: Course,
) -> Predict:
    """Grow trees on varied spectra; they need one label each, so nothing is mixed.

    Parameters
    ----------
    make : callable
        Makes the untrained model of a seed.
    pool, chosen, grid, how, course
        See :func:`~research.lce.fit.draws`.
    """
    n_batches = -(-N_VARIED // course.batch)
    draw = draws(pool, chosen, grid, replace(how, mix=0.0), course)
    parts = [draw() for _ in range(n_batches)]
    spectra, target, absorber = (torch.cat(part) for part in zip(*parts, strict=True))
    n_absorbers = len(pool.absorbers)
    model = make(course.seed)
    model.fit(_features(spectra, np.asarray(absorber), n_absorbers), np.asarray(target.argmax(1)))

    def predict(some: Spectra) -> Array:
        found = np.zeros((len(some.last), len(POOL_CLASSES)))
        features = _features(some.values(grid), some.absorber, n_absorbers)
        found[:, model.classes_] = model.predict_proba(features)
        return found

    return predict


def nearest(k: int, pool: Pool, chosen: NDArray[np.intp], grid: Grid) -> Predict:
    """Return shares of the classes among the k nearest computed spectra of the absorber.

    The distance is the mean square over the points that both have.
    """
    rows = pool.rows
    known = Spectra(rows.norm[chosen], rows.last[chosen], pool.absorber[chosen])
    values = np.asarray(known.values(grid), dtype=np.float64)

    def predict(some: Spectra) -> Array:
        asked = np.asarray(some.values(grid), dtype=np.float64)
        found = np.zeros((len(asked), len(POOL_CLASSES)))
        for one in np.unique(some.absorber):
            of_it, theirs = some.absorber == one, known.absorber == one
            a, b = asked[of_it], values[theirs]
            square = (a[:, 0] ** 2) @ b[:, 1].T + a[:, 1] @ (b[:, 0] ** 2).T
            apart = (square - 2 * a[:, 0] @ b[:, 0].T) / (a[:, 1] @ b[:, 1].T)
            closest = np.argpartition(apart, k - 1, axis=1)[:, :k]
            label = rows.label[chosen][theirs][closest]
            found[of_it] = (label[:, :, None] == np.arange(len(POOL_CLASSES))).mean(1)
        return found

    return predict


def fit_carbone(pool: Pool, chosen: NDArray[np.intp], seed: int, epochs: int) -> Predict:
    """Train Carbone's CNN as the family `carbone-cnn` does, one network per absorber.

    It knows T4, S5 and O6 alone.
    """
    networks = {}
    for index, absorber in enumerate(pool.absorbers):
        here = np.intersect1d(pool.of(absorber), chosen)
        rows = pool.rows.take(here[pool.rows.label[here] < len(CLASSES)])
        grid = window(rows)
        rows = rows.covering(grid.stop)
        network = begin(partial(CarboneCNN, 1, grid.n_points, len(CLASSES)), seed)
        fit_members(
            network,
            partial(_carbone_epoch, rows.norm, rows.label, grid),
            rows.label,
            np.ones((1, len(rows)), dtype=bool),
            Schedule(epochs=epochs, seed=seed),
            row_weights(rows),
        )
        networks[index] = network, grid

    def predict(some: Spectra) -> Array:
        found = np.zeros((len(some.last), len(POOL_CLASSES)))
        for one in np.unique(some.absorber):
            network, grid = networks[int(one)]
            of_it = some.absorber == one
            values = distance.standardized(resample(some.norm[of_it], grid))
            found[of_it, : len(CLASSES)] = softmax(logits_of(network, values)[0], axis=1)
        return found

    return predict


def _carbone_epoch(
    norm: Array, label: NDArray[np.intp], grid: Grid, rng: np.random.Generator
) -> tuple[Array, NDArray[np.intp]]:
    values, index = augmented(norm, label, grid, Augmentation(), rng)
    return distance.standardized(values), index


def _features(spectra: torch.Tensor, absorber: NDArray[np.intp], n_absorbers: int) -> Array:
    """Return absorption, how many points were measured, and the absorber, one column each."""
    values = np.asarray(spectra, dtype=np.float64)
    which = np.eye(n_absorbers)[absorber]
    return np.concatenate([values[:, 0], values[:, 1].sum(1)[:, None], which], axis=1)

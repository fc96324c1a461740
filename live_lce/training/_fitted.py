"""Fit a cross-validation ensemble to rows, whatever its labels are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from live_lce.classifiers import Grid
from live_lce.datasets import Rows
from live_lce.spectra import Array
from live_lce.training import _distance as distance
from live_lce.training._augment import SHIFTS, Augmentation, augmented, resample
from live_lce.training._ensemble import (
    Draw,
    History,
    Progress,
    Schedule,
    Stopping,
    begin,
    fit_members,
    logits_of,
    unseen,
)
from live_lce.training._ensemble_model import member_rows
from live_lce.training._graph import EnsembleGraph
from live_lce.training._networks import CarboneCNN

LEAST_VARIED = 200
"""Varied spectra of a class that its distance is fitted to, at least."""


@dataclass(frozen=True)
class Fitted:
    """An ensemble, and what it says of its own rows.

    Parameters
    ----------
    graph : EnsembleGraph
        What goes into the ONNX file.
    probabilities : ndarray of shape (n_rows, n_classes)
        Of each row, from the member that did not see its fold.
    history : History
        How training went.
    """

    graph: EnsembleGraph
    probabilities: Array
    history: History


def fit_ensemble(
    rows: Rows,
    fold: NDArray[np.intp],
    grid: Grid,
    schedule: Schedule,
    how: Augmentation,
    judged: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Train one CNN of Carbone et al. per fold, and the distance from each class.

    Parameters
    ----------
    rows : Rows
        `label` counts from 0; every class occurs.
    fold : ndarray of int, shape (n_rows,)
        Member k is judged on fold k.  It sees all other folds, but with patience not the next
        one, which then tells when to stop.
    grid : Grid
        Of the model.
    schedule : Schedule
        With the seed.
    how : Augmentation
        How far spectra are varied.
    judged : ndarray of bool, shape (n_rows,), optional
        Rows that may tell when to stop; by default all.
    progress : callable, optional
        Called after each epoch.

    Returns
    -------
    Fitted
    """
    n_folds, n_classes = int(fold.max()) + 1, int(rows.label.max()) + 1

    def draw(rng: np.random.Generator) -> tuple[Array, NDArray[np.intp]]:
        values, index = augmented(rows.norm, rows.label, grid, how, rng, fold)
        return distance.standardized(values), index

    network = begin(partial(CarboneCNN, n_folds, grid.n_points, n_classes), schedule.seed)
    clean = distance.standardized(resample(rows.norm, grid))
    sees, stopping = member_rows(fold, n_folds), None
    if schedule.patience is not None:
        next_fold = fold == ((np.arange(n_folds) + 1) % n_folds)[:, None]
        sees = sees & ~next_fold
        stopping = Stopping(clean, next_fold if judged is None else next_fold & judged)
    history = fit_members(
        network, draw, rows.label, sees, schedule, row_weights(rows), stopping, progress
    )
    varied, index = _varied(draw, rows.label, np.random.default_rng(schedule.seed))
    distances = distance.fit_distances(varied, rows.label[index], fold[index], n_classes)
    return Fitted(
        EnsembleGraph(network, distances, n_folds),
        softmax(unseen(logits_of(network, clean), fold), axis=1),
        history,
    )


def _varied(
    draw: Draw, label: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Array, NDArray[np.intp]]:
    """Return varied spectra of each class, those of small classes from several passes."""
    passes = -(-LEAST_VARIED // (len(SHIFTS) * np.bincount(label)))[label]
    drawn = []
    for one in range(int(passes.max())):
        values, index = draw(rng)
        wanted = passes[index] > one
        drawn.append((values[wanted], index[wanted]))
    values, index = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return values, index


def row_weights(rows: Rows) -> Array:
    """Return weights of mean 1 that make classes equal, and softens unequal sources in a class.

    Where one theory supplies most of one class and the other most of another class, the
    network would else learn to tell theories apart.
    """
    weight = np.ones(len(rows))
    for label in np.unique(rows.label):
        of_class = rows.label == label
        for source in np.unique(rows.source[of_class]):
            chosen = of_class & (rows.source == source)
            weight[chosen] = chosen.sum() ** -0.5
        weight[of_class] /= weight[of_class].sum()
    scaled: Array = weight / weight.mean()
    return scaled

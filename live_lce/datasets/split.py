"""Holding out rows such that no twin of a training spectrum is in the test set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from live_lce.datasets.rows import FINE, Rows
from live_lce.spectra.types import Array

TWIN = 0.015
"""Mean absolute difference, at maximum 1, below which two spectra are the same."""


def groups(rows: Rows) -> NDArray[np.intp]:
    """Return a group number for each row: near-duplicates and equal formulas go together.

    Parameters
    ----------
    rows : Rows
        Spectra of one absorber.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    window = (FINE >= -15) & (FINE <= 15)
    spectra = rows.norm[:, window]
    first, second = _twins(spectra / spectra.max(axis=1, keepdims=True))
    _, formula = np.unique(rows.formula, return_inverse=True)
    order = np.argsort(formula, kind="stable")
    same = formula[order][1:] == formula[order][:-1]
    first = np.concatenate([first, order[:-1][same]])
    second = np.concatenate([second, order[1:][same]])
    graph = coo_array((np.ones(first.size), (first, second)), shape=(len(rows), len(rows)))
    found: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return found


def folds(rows: Rows, n_folds: int, seed: int) -> NDArray[np.intp]:
    """Assign each row to a fold: whole groups, every class spread as evenly as they allow.

    Parameters
    ----------
    rows : Rows
        Spectra of one absorber.
    n_folds : int
        Number of folds.
    seed : int
        Of the order in which groups are dealt out.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    group = groups(rows)
    counts = np.zeros((group.max() + 1, rows.label.max() + 1))
    np.add.at(counts, (group, rows.label), 1)
    share = counts / counts.sum(axis=0)
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-share.max(axis=1)[order], kind="stable")]
    filled = np.zeros((n_folds, counts.shape[1]))
    fold_of = np.empty(len(counts), dtype=np.intp)
    for one in order:  # the largest first, each to where the classes are then most even
        after = [
            ((filled + np.eye(n_folds)[:, [f]] * share[one]) ** 2).sum() for f in range(n_folds)
        ]
        fold_of[one] = int(np.argmin(after))
        filled[fold_of[one]] += share[one]
    return fold_of[group]


def _twins(spectra: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = [], []
    for i in range(len(spectra) - 1):
        near = np.abs(spectra[i + 1 :] - spectra[i]).mean(axis=1) < TWIN
        second.append(np.flatnonzero(near) + i + 1)
        first.append(np.full(near.sum(), i))
    return np.concatenate(first).astype(np.intp), np.concatenate(second).astype(np.intp)

"""Hold out rows so that no twin of a training spectrum is in the test set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from live_lce.datasets._rows import FINE, Rows
from live_lce.spectra import Array

TWIN = 0.015
"""Mean absolute difference, at maximum 1, below which two spectra are the same."""
_CHUNK = 500


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
    return joined(rows.norm, rows.formula)


def joined(norm: Array, *names: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return a group number for each spectrum: near-duplicates and equal names go together.

    Parameters
    ----------
    norm : ndarray of shape (n_spectra, n_fine)
        On :data:`~live_lce.datasets._rows.FINE`; a row of NaN has no near-duplicate.
    *names : ndarray of str, shape (n_spectra,)
        Formulas, compounds, ...; an empty one equals no other.

    Returns
    -------
    ndarray of int, shape (n_spectra,)
    """
    known = np.flatnonzero(np.isfinite(norm).all(axis=1))
    spectra = norm[known][:, (FINE >= -15) & (FINE <= 15)]
    one, other = _twins(spectra / spectra.max(axis=1, keepdims=True))
    return _components(len(norm), [(known[one], known[other]), *map(_equal, names)])


def linked(*names: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return a group number for each row: rows with an equal name of any kind go together.

    Parameters
    ----------
    *names : ndarray of str, shape (n_rows,)
        An empty one equals no other.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    return _components(len(names[0]), list(map(_equal, names)))


def folds(
    rows: Rows, n_folds: int, seed: int, group: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Assign each row to a fold: whole groups, every class spread as evenly as they allow.

    Parameters
    ----------
    rows : Rows
        Spectra of one absorber.
    n_folds : int
        Number of folds.
    seed : int
        Of the order in which groups are dealt out.
    group : ndarray of int, shape (n_rows,), optional
        By default :func:`groups`.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    return deal(groups(rows) if group is None else group, rows.label, n_folds, seed)


def deal(
    group: NDArray[np.intp], kind: NDArray[np.intp], n_folds: int, seed: int
) -> NDArray[np.intp]:
    """Assign each row to a fold: whole groups, every kind spread as evenly as they allow.

    Parameters
    ----------
    group, kind : ndarray of int, shape (n_rows,)
        Numbers of the row's group, and of its class (or absorber and class).
    n_folds, seed
        See :func:`folds`.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    counts = np.zeros((group.max() + 1, kind.max() + 1))
    np.add.at(counts, (group, kind), 1)
    share = counts / np.maximum(counts.sum(axis=0), 1)
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


def _components(
    n_rows: int, pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]]
) -> NDArray[np.intp]:
    """Return a number for each row: rows that pairs connect share it."""
    first, second = (np.concatenate(part) for part in zip(*pairs, strict=True))
    graph = coo_array((np.ones(first.size), (first, second)), shape=(n_rows, n_rows))
    found: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return found


def _equal(name: NDArray[np.str_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs that connect all equal names."""
    order = np.argsort(name, kind="stable")
    equal = (name[order][1:] == name[order][:-1]) & (name[order][1:] != "")
    return order[:-1][equal], order[1:][equal]


def _twins(spectra: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of spectra that are nearer than :data:`TWIN`."""
    first, second = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for start in range(0, len(spectra), _CHUNK):
        part = spectra[start : start + _CHUNK]
        near = cdist(part, spectra[start:], "cityblock") < TWIN * spectra.shape[1]
        one, other = np.nonzero(np.triu(near, k=1))
        first.append(one + start)
        second.append(other + start)
    return np.concatenate(first), np.concatenate(second)

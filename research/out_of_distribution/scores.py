"""Scores that might tell what a network does not know, each fitted to training spectra."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from torch import Tensor

from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array
from research.lce.distance import NEIGHBOURS
from research.lce.network import LceNetwork

COMPONENTS = 8
_SHRINKAGE = 1e-2
Score = Callable[[Array], Array]


def features(network: LceNetwork, spectra: Tensor, absorber: NDArray[np.intp]) -> tuple[Array, ...]:
    """Return what the convolutions see, the hidden neurons and the logits."""
    which = torch.as_tensor(absorber)
    with torch.no_grad():
        seen = network.features(spectra, which)
        hidden = torch.relu(network.dense[1](torch.cat([seen, network.last(which)], 1)))
        said = network.dense[4](hidden)
    return tuple(np.asarray(x, dtype=np.float64) for x in (seen, hidden, said))


def of_logits(logits: Array) -> dict[str, Array]:
    """Return the scores that need nothing but logits (n_spectra, n_classes)."""
    n = len(CLASSES)
    p = softmax(logits, axis=1)
    return {
        "probability of `other`": p[:, n],
        "1 - largest probability of T4, S5, O6": 1 - p[:, :n].max(axis=1),
        "entropy": -(p * np.log(p + 1e-12)).sum(axis=1),
        "energy of T4, S5, O6": -logsumexp(logits[:, :n], axis=1),
    }


def of_features(known: tuple[Array, ...], label: NDArray[np.intp]) -> dict[str, tuple[int, Score]]:
    """Return scores fitted to features of known spectra, and which of the features they take."""
    seen, hidden, _ = known
    return {
        "Mahalanobis, hidden": (1, mahalanobis(hidden, label)),
        "Mahalanobis, hidden, relative": (1, mahalanobis(hidden, label, relative=True)),
        "Mahalanobis, convolutions": (0, mahalanobis(seen, label)),
        "nearest neighbours, hidden": (1, neighbours(hidden)),
        "nearest neighbours, convolutions": (0, neighbours(seen)),
        "isolation forest, hidden": (1, forest(hidden)),
    }


def mahalanobis(known: Array, label: NDArray[np.intp], relative: bool = False) -> Score:
    """Squared distance from the nearest class's mean (Lee et al., NeurIPS 31 (2018)).

    Relative: less that from the mean of all (Ren et al., arXiv:2106.09022).
    """
    means = np.stack([known[label == k].mean(axis=0) for k in np.unique(label)])
    within = _inverse(known - means[np.searchsorted(np.unique(label), label)])
    middle = known.mean(axis=0)
    overall = _inverse(known - middle)

    def score(x: Array) -> Array:
        each = np.stack([_squared(x - mean, within) for mean in means])
        nearest: Array = each.min(axis=0)
        return nearest - _squared(x - middle, overall) if relative else nearest

    return score


def neighbours(known: Array) -> Score:
    """Mean cosine distance from the nearest known ones (Sun et al., ICML 2022)."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(_unit(known))
    return lambda x: np.asarray(near.kneighbors(_unit(x))[0].mean(axis=1))


def forest(known: Array) -> Score:
    """Isolation forest (Liu, Ting, Zhou, ICDM 2008)."""
    from sklearn.ensemble import IsolationForest

    fitted = IsolationForest(n_estimators=100, random_state=0).fit(known)
    return lambda x: np.asarray(-fitted.score_samples(x))


def residual(known: Array) -> Score:
    """Mean squared rest after principal components of the spectra."""
    mean = known.mean(axis=0)
    basis = np.linalg.svd(known - mean, full_matrices=False)[2][:COMPONENTS].T

    def score(x: Array) -> Array:
        rest = (x - mean) - (x - mean) @ basis @ basis.T
        found: Array = (rest**2).mean(axis=1)
        return found

    return score


def _inverse(centred: Array) -> Array:
    covariance = centred.T @ centred / len(centred)
    shrunk = _SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    found: Array = np.linalg.inv(covariance + shrunk)
    return found


def _squared(x: Array, inverse: Array) -> Array:
    found: Array = ((x @ inverse) * x).sum(axis=1)
    return found


def _unit(x: Array) -> Array:
    found: Array = x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)
    return found

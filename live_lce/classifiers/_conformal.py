"""Compute sets of labels that contain the right one as often as promised.

A score says how badly a label fits a prediction; its quantile on spectra with known labels
is the threshold, and the set holds every label that is not worse.  The promise holds for
spectra like the known ones: a threshold from computed spectra promises nothing on measured ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra import Array

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Coverage:
    """How sets of labels do.

    Parameters
    ----------
    coverage : float
        Weighted share of the spectra whose set holds the right label.
    size : float
        Weighted mean number of labels in a set.
    single : float
        Weighted share of the sets with one label.
    n : int
        Number of spectra.
    """

    coverage: float
    size: float
    single: float
    n: int


def mass_needed(probabilities: Array) -> Array:
    """Return for each label the sum of its probability and of all larger ones.

    The score of adaptive prediction sets without their coin toss (Romano, Sesia, Candes,
    NeurIPS 33 (2020), eq. 5), the label's own probability included: sets may be empty.

    Parameters
    ----------
    probabilities : ndarray of shape (n_spectra, n_classes)
        Of the labels.

    Returns
    -------
    ndarray of shape (n_spectra, n_classes)
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    mass = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    found = np.empty_like(mass)
    np.put_along_axis(found, order, mass, axis=1)
    return found


def mass_before(probabilities: Array) -> Array:
    """Return for each label the sum of all larger probabilities.

    The score that :func:`label_set` goes by: it takes labels while this is below the sum.

    Parameters
    ----------
    probabilities : ndarray of shape (n_spectra, n_classes)
        Of the labels.

    Returns
    -------
    ndarray of shape (n_spectra, n_classes)
    """
    return mass_needed(probabilities) - probabilities


def label_set(probabilities: Array, mass: float) -> tuple[int, ...]:
    """Return the most probable labels up to a sum, the most probable first.

    Parameters
    ----------
    probabilities : ndarray of shape (n_classes,)
        Of the labels; finite.
    mass : float
        What their sum reaches, if all of them together do.
    """
    order = np.argsort(-probabilities, kind="stable")
    needed = int(np.searchsorted(np.cumsum(probabilities[order]), mass - _ROUNDING)) + 1
    return tuple(int(i) for i in order[:needed])


def label_set_mass(
    probabilities: Array, label: NDArray[np.intp], coverage: float, weight: Array | None = None
) -> float:
    """Return the `label_set_mass` with which label sets hold the right one as often as promised.

    Parameters
    ----------
    probabilities : ndarray of shape (n_spectra, n_classes)
        Of spectra that the model did not see.
    label, coverage, weight
        See :func:`threshold`.

    Returns
    -------
    float
        Between 0 and 1; 1 (all labels with a probability) if there are too few spectra.
    """
    at = threshold(mass_before(probabilities), label, coverage, weight)
    # A set goes on while the sum is below the mass: what is just reached must be passed.
    return min(at + 2 * _ROUNDING, 1.0)


def improbability(probabilities: Array) -> Array:
    """Return one minus the probabilities: the score of the smallest sets on average.

    Sadinle, Lei, Wasserman, J. Am. Stat. Assoc. 114, 223 (2019).  Sets may be empty.
    """
    return 1.0 - probabilities


def threshold(
    score: Array, label: NDArray[np.intp], coverage: float, weight: Array | None = None
) -> float:
    """Return the score that the right label stays below or at as often as promised.

    Parameters
    ----------
    score : ndarray of shape (n_spectra, n_classes)
        Of each label.
    label : ndarray of int, shape (n_spectra,)
        The right ones.
    coverage : float
        What is promised, between 0 and 1.
    weight : ndarray of shape (n_spectra,), optional
        How much each counts; they sum to the number of independent groups.

    Returns
    -------
    float
        Infinite if there are too few spectra to promise that much.

    Raises
    ------
    ValueError
        If there is no spectrum, or `coverage` is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage {coverage}: give a share between 0 and 1")
    if not len(label):
        raise ValueError("no spectrum to set a threshold on: give some with known labels")
    right = score[np.arange(len(label)), label]
    weight = np.ones(len(label)) if weight is None else weight
    order = np.argsort(right, kind="stable")
    below = np.cumsum(weight[order])
    # The spectrum to come counts as one more, that lies above all (Vovk's correction).
    needed = coverage * (below[-1] + 1)
    at = int(np.searchsorted(below, needed - _ROUNDING))
    return float(right[order[at]]) if at < len(order) else math.inf


def in_set(score: Array, at: float) -> NDArray[np.bool_]:
    """Return which labels the sets hold, of shape (n_spectra, n_classes)."""
    found: NDArray[np.bool_] = score <= at + _ROUNDING
    return found


def judged(
    chosen: NDArray[np.bool_], label: NDArray[np.intp], weight: Array | None = None
) -> Coverage:
    """Return how sets of labels do against the right ones.

    Parameters
    ----------
    chosen : ndarray of bool, shape (n_spectra, n_classes)
        See :func:`in_set`.
    label : ndarray of int, shape (n_spectra,)
        The right ones.
    weight : ndarray of shape (n_spectra,), optional
        How much each counts.
    """
    weight = np.ones(len(label)) if weight is None else weight
    share = weight / weight.sum()
    size = chosen.sum(axis=1)
    return Coverage(
        coverage=float(share @ chosen[np.arange(len(label)), label]),
        size=float(share @ size),
        single=float(share @ (size == 1)),
        n=len(label),
    )


def once_a_group(group: NDArray[np.str_]) -> Array:
    """Return weights that let each group count once, of shape (n_spectra,)."""
    _, which, count = np.unique(group, return_inverse=True, return_counts=True)
    weight: Array = 1.0 / count[which]
    return weight

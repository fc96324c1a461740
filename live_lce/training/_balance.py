"""Weights that keep a network from learning how often things were computed."""

from __future__ import annotations

import numpy as np

from live_lce.datasets import Rows
from live_lce.spectra import Array


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

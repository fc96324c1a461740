"""Making probabilities mean what they say: one temperature, and classes as common as in nature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from live_lce.spectra import Array

RANGE = (0.3, 5.0)


def fitted_temperature(logits: Array, label: NDArray[np.intp], weight: Array) -> float:
    """Return the temperature of least log loss (Guo et al., ICML 2017).

    Parameters
    ----------
    logits : ndarray of shape (n_rows, n_classes)
        Of members that did not see the row.
    label : ndarray of int, shape (n_rows,)
        Classes.
    weight : ndarray of shape (n_rows,)
        Of the rows.
    """

    def loss(temperature: float) -> float:
        each = log_softmax(logits / temperature, axis=1)[np.arange(len(label)), label]
        return float(-(weight * each).sum() / weight.sum())

    return float(minimize_scalar(loss, bounds=RANGE, method="bounded").x)

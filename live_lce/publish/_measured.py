"""The raw points that a prediction rests on, as one event of the stream ``measured``."""

from __future__ import annotations

from typing import Any

import numpy as np

from live_lce.contract import MEASURED_POINTS
from live_lce.engine import Result
from live_lce.spectra import Array


def measured_row(result: Result) -> dict[str, Any]:
    """Return the values of one event: numbers, and ``points`` as three lists of one length.

    Raises
    ------
    ValueError
        If no spectrum could be built for this result.
    """
    if result.spectrum is None:
        raise ValueError("this result has no spectrum")
    energy, mu = sorted_finite(result.spectrum.energy, result.spectrum.mu)
    numbers = {
        "spectrum_index": int(result.spectrum_index),
        "final": int(result.final),
        "raw_seq_num_last": int(result.raw_seq_num_last),
        "n_points": len(energy),
    }
    points = np.full((3, MEASURED_POINTS), np.nan)
    shown = np.array(thinned(energy, mu, MEASURED_POINTS))
    points[:2, : shown.shape[1]] = shown
    points[2, : len(numbers)] = list(numbers.values())
    return {**numbers, "points": points.tolist()}


def sorted_finite(energy: Array, mu: Array) -> tuple[Array, Array]:
    """Return the points that are finite, by energy; equal energies stay in the order measured.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        As measured, in any order.
    """
    kept = np.isfinite(energy) & np.isfinite(mu)
    order = np.argsort(energy[kept], kind="stable")
    return energy[kept][order], mu[kept][order]


def thinned(energy: Array, mu: Array, most: int) -> tuple[Array, Array]:
    """Return at most so many points: the means of groups of neighbours, where there are more.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        By energy.
    most : int
        Points wanted at most; the sizes of the groups differ by one at most.
    """
    if len(energy) <= most:
        return energy, mu
    first = np.arange(most) * len(energy) // most
    size = np.diff(np.append(first, len(energy)))
    return np.add.reduceat(energy, first) / size, np.add.reduceat(mu, first) / size

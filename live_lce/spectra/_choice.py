"""Measure how plainly a signal shows an edge, to choose among recorded ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from live_lce.spectra._edges import edge_in_range, tabulated_edge
from live_lce.spectra._types import Array

PLAIN = 8.0
"""A contrast from which on a signal shows an edge."""
STRONG = 30.0
"""A contrast from which on no other signal is looked at, however much better it may be."""
SEARCH = 40.0
"""Half width (eV) of the search around the tabulated edge."""
WIDTH = 8
"""A rise is looked for over so many eV."""


def find_rise(energy: Array, mu: Array, absorber: str = "", edge: str = "") -> tuple[float, float]:
    """Find the steepest rise of mu, and how far it stands out of what mu does elsewhere.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        In eV, in any order.
    mu : ndarray of shape (n_points,)
        Absorption; may hold NaN.
    absorber, edge : str
        Where the edge is looked for; anywhere in the scan if they are not known.

    Returns
    -------
    contrast : float
        Above `PLAIN` for a usable edge, below 4 for noise and drift; 0 where it cannot be told.
    at : float
        Energy of the rise in eV; NaN where it cannot be told.
    """
    nothing = (0.0, float("nan"))
    good = np.isfinite(energy) & np.isfinite(mu)
    if good.sum() < WIDTH:
        return nothing
    order = np.argsort(energy[good], kind="stable")
    x, y = energy[good][order], mu[good][order]
    grid = np.arange(x[0], x[-1], 1.0)
    if grid.size < 4 * WIDTH or grid.size > 20_000:
        return nothing
    total = np.concatenate([[0.0], np.cumsum(np.interp(grid, x, y))])
    mean = (total[WIDTH:] - total[:-WIDTH]) / WIDTH
    rise = mean[WIDTH:] - mean[:-WIDTH]
    middle = grid[WIDTH : WIDTH + rise.size]
    expected = _expected(absorber, edge, x[0], x[-1])
    near = np.abs(middle - expected) <= SEARCH if expected else np.ones(rise.shape, dtype=bool)
    if not near.any():
        return nothing
    best = int(np.flatnonzero(near)[np.argmax(rise[near])])
    if rise[best] <= 0:  # it falls everywhere, as an angle does
        return nothing
    away = np.abs(middle - middle[best]) > 2 * WIDTH
    if away.sum() < WIDTH:
        return nothing
    elsewhere = rise[away]
    usual = float(np.median(elsewhere))
    scatter = float(np.median(np.abs(elsewhere - usual))) / 0.6745
    size = 1e-9 * float(np.max(np.abs(y)))
    contrast = float((rise[best] - usual) / max(scatter, size, 1e-300))
    return contrast, float(middle[best])


def choose(contrasts: Sequence[float]) -> int:
    """Return which of several signals is taken: the first, unless another shows the edge better.

    Parameters
    ----------
    contrasts : sequence of float
        Of each signal, see :func:`find_rise`; the one that is taken by default first.
    """
    best = int(np.argmax(contrasts))
    first = contrasts[0]
    times = 2.0 if first < PLAIN else 4.0
    hidden = first < STRONG and contrasts[best] >= max(PLAIN, times * first)
    return best if hidden else 0


def _expected(absorber: str, edge: str, low: float, high: float) -> float:
    """Return the tabulated edge (eV); 0 if it is not known."""
    if not absorber:
        return 0.0
    name = edge or edge_in_range(absorber, low - SEARCH, high + SEARCH) or "K"
    try:
        return tabulated_edge(absorber, name)
    except KeyError:
        return 0.0

"""The window of Zheng et al.: 200 points from -5 to +45 eV around E0, as far as spectra reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers import Grid
from live_lce.datasets._rows import FINE
from live_lce.spectra import Array

START, STOP, N_POINTS = -5.0, 45.0, 200
STEP = (STOP - START) / (N_POINTS - 1)
SLACK = 0.5
"""How much before the window's end a spectrum may stop (eV)."""


@dataclass(frozen=True)
class Window:
    """Energies of the features, and how many spectra reach its end.

    Parameters
    ----------
    grid : Grid
        Relative to the origin (eV).
    reaching, of : int
        Spectra that reach its end, and all.
    """

    grid: Grid
    reaching: int
    of: int

    @property
    def full(self) -> bool:
        """Whether it is the paper's own."""
        return self.grid.n_points == N_POINTS


def choose(behind: Array, start: float = START) -> Window:
    """Choose the window that makes the most of the data: width times spectra that reach its end.

    Parameters
    ----------
    behind : ndarray of shape (n,)
        Last computed energy of each spectrum from the origin (eV).
    start : float
        First energy of the window (eV).

    Returns
    -------
    Window
        On the paper's spacing of 50/199 eV, at most to +45 eV.
    """
    n_steps = np.arange(1, int((STOP - start) / STEP + 1e-6) + 1)
    stops = start + STEP * n_steps
    reaching = np.array([(behind >= stop - SLACK).sum() for stop in stops])
    best = int(np.argmax(reaching * (stops - start)))
    grid = Grid(start=start, stop=round(float(stops[best]), 6), n_points=int(n_steps[best]) + 1)
    return Window(grid, int(reaching[best]), len(behind))


def reaches(last: Array, origin: Array, window: Window) -> NDArray[np.bool_]:
    """Tell which spectra reach the window's end; shape (n,)."""
    enough: NDArray[np.bool_] = last - origin >= window.grid.stop - SLACK
    return enough


def features(norm: Array, origin: Array, window: Window) -> NDArray[np.float32]:
    """Interpolate spectra linearly onto the window and scale each to a maximum of 1.

    Parameters
    ----------
    norm : ndarray of shape (n, n_fine)
        On :data:`~live_lce.datasets._rows.FINE`.
    origin : ndarray of shape (n,)
        Where the window's zero lies (eV from the edge reference): E0 in the paper.
    window : Window
        Which energies.

    Returns
    -------
    ndarray of float32, shape (n, n_points)
    """
    at = window.grid.energies
    values = np.stack([np.interp(o + at, FINE, y) for o, y in zip(origin, norm, strict=True)])
    return scaled(values.astype(np.float32))


def scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each spectrum to a maximum of 1, in float32 as the ONNX graph does."""
    divided: NDArray[np.float32] = values / values.max(axis=1, keepdims=True)
    return divided

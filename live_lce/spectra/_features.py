"""Resample a spectrum on a fixed grid relative to its edge reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.spectra._types import Array

Mask = NDArray[np.bool_]


def to_grid(
    energy: ArrayLike, norm: ArrayLike, reference: ArrayLike, grid: ArrayLike
) -> tuple[Array, Mask]:
    """Average spectra over the bins of a grid relative to the edge reference.

    Each value is the mean of the straight lines between the points over one grid step:
    data finer than the grid are averaged, coarser ones interpolated, and doubling the
    points changes nothing.

    Parameters
    ----------
    energy : array_like of shape (n_points,)
        Strictly ascending energies in eV.
    norm : array_like of shape (n_points,) or (n_spectra, n_points)
        Normalized absorption.
    reference : float or array_like of shape (n_spectra,)
        Edge reference in eV.
    grid : array_like of shape (n_grid,)
        Ascending energies relative to `reference`, in eV.

    Returns
    -------
    values : ndarray of shape (n_grid,) or (n_spectra, n_grid)
        NaN where nothing was measured.
    valid : ndarray of bool, same shape
        False where nothing was measured, by more than half a grid step.

    Raises
    ------
    ValueError
        If the shapes do not fit together or there are fewer than two points.
    """
    x = np.asarray(energy, np.float64)
    y = np.atleast_2d(np.asarray(norm, np.float64))
    if x.ndim != 1 or x.size < 2 or y.shape[1] != x.size:
        raise ValueError(f"energy {x.shape} and norm {np.shape(norm)} do not fit together")
    at, low, high = _bins(np.asarray(grid, np.float64))
    origin = np.broadcast_to(np.asarray(reference, np.float64), (len(y),))[:, None]
    valid = _measured(x, origin, at, low, high)
    start = np.clip(origin + low, x[0], x[-1])
    stop = np.clip(origin + high, x[0], x[-1])
    width = stop - start
    area = _integral(x, y, stop) - _integral(x, y, start)
    edge_value = np.where(stop <= x[0], y[:, :1], y[:, -1:])
    values = np.where(width > 1e-9, area / np.maximum(width, 1e-9), edge_value)
    values = np.where(valid, values, np.nan)
    return (values[0], valid[0]) if np.ndim(norm) == 1 else (values, valid)


def coverage(energy: ArrayLike, reference: float, grid: ArrayLike) -> float:
    """Return the measured fraction of a relative grid.

    Parameters
    ----------
    energy : array_like of shape (n_points,)
        Ascending energies in eV.
    reference : float
        Edge reference in eV.
    grid : array_like of shape (n_grid,)
        Energies relative to `reference` in eV.

    Returns
    -------
    float
        From 0 to 1.
    """
    x = np.asarray(energy, np.float64)
    if x.size == 0:
        return 0.0
    at, low, high = _bins(np.asarray(grid, np.float64))
    return float(_measured(x, np.array([[reference]]), at, low, high).mean())


def _bins(grid: Array) -> tuple[Array, Array, Array]:
    """Return the grid and the lower and upper ends of its bins."""
    if grid.ndim != 1 or grid.size < 2:
        raise ValueError("a grid has at least two energies")
    middle = (grid[1:] + grid[:-1]) / 2
    first, last = 2 * grid[0] - middle[0], 2 * grid[-1] - middle[-1]
    return grid, np.append(first, middle), np.append(middle, last)


def _measured(x: Array, origin: Array, at: Array, low: Array, high: Array) -> Mask:
    """Tell which grid points are measured, to half a grid step."""
    before, behind = at - low, high - at
    measured: Mask = (origin + at >= x[0] - before) & (origin + at <= x[-1] + behind)
    return measured


def _integral(x: Array, y: Array, upto: Array) -> Array:
    """Integrate the straight lines between points from ``x[0]`` up to ``upto`` (per row)."""
    step = np.diff(x)
    area = np.zeros_like(y)
    area[:, 1:] = np.cumsum(step * (y[:, 1:] + y[:, :-1]) / 2, axis=1)
    left = np.clip(np.searchsorted(x, upto, side="right") - 1, 0, x.size - 2)
    rows = np.arange(len(y))[:, None]
    along = upto - x[left]
    slope = (y[rows, left + 1] - y[rows, left]) / step[left]
    integral: Array = area[rows, left] + y[rows, left] * along + slope * along**2 / 2
    return integral

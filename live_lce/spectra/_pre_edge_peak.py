"""Measure the pre-edge peak of a K edge: centroid, area, height.

The baseline is the one of ``larch.xafs.pre_edge_baseline``, a line plus the tail of a
Lorentzian at the main edge.  It is fitted here, because larch's own fit takes tens to
hundreds of milliseconds, too long for a scan that is still running; both end at the same
misfit on nearly all measured standards (``research.checks.pre_edge_rule``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import leastsq

from live_lce.spectra._types import Array, NormalizedSpectrum

SEARCH = (-17.0, -4.5)
"""Where the peak is looked for (eV from the edge reference), whatever the calibration."""
BELOW, ABOVE = 4.0, 3.5
"""A peak reaches so far (eV) below and above its maximum."""
FITTED = (-32.0, -1.5)
"""The baseline is fitted here (eV from the edge reference), the peak left out."""
STEP = 0.2
"""Sampling of the fit and of the integral (eV)."""
MAX_STEP = 1.05
"""Widest measured energy step (eV) over the peak; wider ones lose it."""
LEAST_BELOW = 3
"""Fewest measured points below the peak."""
MAX_NOISE = 0.02
"""Largest noise of one point, in edge steps."""
MAX_RESIDUAL = 0.02
"""Largest root mean square misfit of the baseline, in edge steps."""


LOG_WIDTHS = (-1.0, 4.0)
"""Range of the Lorentzian's half width (natural logarithm of eV)."""
_STARTS = tuple(g.ravel() for g in np.meshgrid([0.0, 3.0, 8.0, 15.0], [1.0, 3.0, 8.0, 20.0]))
LEAST_HEIGHT, LEAST_CONTRAST = 0.005, 2.0
"""A peak lower than this (edge steps), or than so many misfits, has no centroid."""


@dataclass(frozen=True)
class PreEdgePeak:
    """A pre-edge peak above its baseline.

    Parameters
    ----------
    centroid : float
        Area-weighted mean energy (eV), as well calibrated as the scan is; NaN where no peak
        stands out.
    area : float
        Integral over energy (eV), of a spectrum whose edge step is 1.
    height : float
        Largest value, in edge steps; unlike `area` it falls with the resolution.
    residual : float
        Root mean square misfit of the baseline, in edge steps.
    """

    centroid: float
    area: float
    height: float
    residual: float


def pre_edge_peak(spectrum: NormalizedSpectrum) -> PreEdgePeak | None:
    """Measure the pre-edge peak of a K edge.

    Parameters
    ----------
    spectrum : NormalizedSpectrum
        Any length, as long as the edge reference was found.

    Returns
    -------
    PreEdgePeak or None
        None where the pre-edge was not covered, is too coarse or too noisy, or where the
        baseline does not fit; also where the noise is not known, as of computed spectra:
        theory has its own pre-edge, on a scale of its own.
    """
    x = spectrum.energy - spectrum.edge_reference
    if not np.isfinite(spectrum.edge_reference) or not spectrum.noise <= MAX_NOISE:
        return None
    if x[0] > SEARCH[0] - 2.0 or x[-1] < FITTED[1]:
        return None
    grid = np.arange(max(FITTED[0], x[0]), FITTED[1] + STEP / 2, STEP)
    y = np.interp(grid, x, spectrum.norm)
    rest = y - baseline(grid, y, (grid > SEARCH[0]) & (grid < SEARCH[1]))
    searched = (grid > SEARCH[0] + 1.0) & (grid < SEARCH[1] - 1.0)
    smooth = gaussian_filter1d(rest, 0.5 / STEP)
    top = float(grid[searched][np.argmax(smooth[searched])])
    low, high = top - BELOW, min(top + ABOVE, SEARCH[1] + 0.5)
    inside = (grid > low) & (grid < high)
    rest = y - baseline(grid, y, inside)
    residual = float(np.sqrt(np.mean(rest[~inside] ** 2)))
    n_below = int(np.sum((x >= FITTED[0]) & (x <= low)))
    if residual > MAX_RESIDUAL or n_below < LEAST_BELOW or _widest(x, low, high) > MAX_STEP:
        return None
    area = float(np.trapezoid(rest[inside], grid[inside]))
    height = float(rest[inside].max())
    weight = np.clip(rest[inside], 0.0, None)
    centroid = np.nan
    if height >= max(LEAST_HEIGHT, LEAST_CONTRAST * residual):
        centroid = float(weight @ grid[inside] / weight.sum()) + spectrum.edge_reference
    return PreEdgePeak(centroid, area, height, residual)


def baseline(x: Array, y: Array, peak: NDArray[np.bool_]) -> Array:
    """Return the line plus Lorentzian that runs below a peak.

    The model is ``a + b x + c / (1 + ((x - centre) / width)^2)`` with c not below 0; the
    best a, b and c of any centre and width are a projection, so that only these two are
    searched: from the best point of a grid, by Levenberg and Marquardt.

    Parameters
    ----------
    x : ndarray of shape (n_points,)
        Energy from the edge reference in eV.
    y : ndarray of shape (n_points,)
        Normalized absorption.
    peak : ndarray of bool of shape (n_points,)
        Points that the fit leaves out.

    Returns
    -------
    ndarray of shape (n_points,)
        The model, also below the peak.
    """
    line = np.linalg.qr(np.stack([np.ones_like(x[~peak]), x[~peak]], axis=1))[0]
    left = y[~peak] - line @ (line.T @ y[~peak])

    def projected(centres: Array, widths: Array) -> tuple[Array, Array]:
        """Return what each tail adds to a line, and the best height of each."""
        tails = _tails(x[~peak], centres, widths)
        tails = tails - (tails @ line) @ line.T
        size = np.maximum(np.einsum("ij,ij->i", tails, tails), 1e-12)
        return tails, np.clip(tails @ left / size, 0.0, None)

    def misfit(shape: Array) -> Array:
        tails, heights = projected(shape[:1], np.exp(np.clip(shape[1:], *LOG_WIDTHS)))
        return np.asarray(left - heights[0] * tails[0])

    tails, heights = projected(*_STARTS)
    start = int(np.argmin(np.sum((left - heights[:, None] * tails) ** 2, axis=1)))
    shape = np.array([_STARTS[0][start], np.log(_STARTS[1][start])])
    shape = leastsq(misfit, shape, ftol=1e-5, xtol=1e-4, full_output=True)[0]
    centre, width = shape[:1], np.exp(np.clip(shape[1:], *LOG_WIDTHS))
    tail = projected(centre, width)[1][0] * _tails(x, centre, width)[0]
    slope, offset = np.polyfit(x[~peak], (y - tail)[~peak], 1)
    return np.asarray(offset + slope * x + tail, dtype=np.float64)


def _tails(x: Array, centres: Array, widths: Array) -> Array:
    """Return Lorentzians of height 1, shape (n_shapes, n_points)."""
    away = (x - centres[:, None]) / widths[:, None]
    return np.asarray(1.0 / (1.0 + away**2))


def _widest(x: Array, low: float, high: float) -> float:
    """Return the widest energy step (eV) between `low` and `high`."""
    near = (x[1:] > low) & (x[:-1] < high)
    return float(np.diff(x)[near].max()) if near.any() else np.inf

"""Find the first inflection of a metal foil's edge by its computed shape.

The absorption of a metal rises two or three times, 5 to 16 eV apart and nearly equally
steep, so that the maximum of the derivative jumps between the rises with noise, resolution and
thickness.  The table's edge energy is that of the first inflection.  Here the whole shape of
the metal's edge is laid over the scan, at every energy within the tolerance; where it lies
best the rise is looked up that the shape calls the first one.

The shapes are computed ones (:mod:`live_lce.spectra._foil_shapes`): no measured foil is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra._foil_shapes import SHAPES, START
from live_lce.spectra._quality import noise
from live_lce.spectra._types import Array

FOILS: tuple[tuple[str, str], ...] = tuple(SHAPES)
"""Absorbers and edges of the metal foils whose computed shape is known."""

WINDOW = (-15.0, 30.0)
"""Range of the comparison, in eV from the first inflection."""
FIRST_RISE = (-8.0, 4.0)
"""Range of the second comparison, of the first rise alone (eV)."""
LARGEST_MISFIT = 0.07
"""Root mean square deviation from the shape, in edge steps, of what may be called that metal."""
RIVAL = 0.92
"""An edge that rises once, with a white line behind it, must fit worse: the misfit of the metal
in its misfits.  An oxide in the foil's place fits better that way."""
TELLING = 0.05
"""Where the metal's own shape is within this of a single rise, that comparison tells nothing."""
DISTINCT = 1.6
"""Anywhere else the shape must fit worse by this factor."""
APART = 3.0
"""Places nearer than this (eV) are the same place."""
REACH = 2.0
"""The inflection is looked for so far (eV) around where the first rise lies best."""
LARGEST_ERROR = 0.4
"""Largest statistical error of the inflection (eV)."""
_TAIL = 12.0
"""Outside of the computed range the shape goes to 0 and 1 within some eV."""
_STEP = 0.05
_WIDTHS = (0.5, 0.75, 1.0, 1.5, 2.0)
_GOOD_ERROR = 0.1
_MOVED = 0.3
"""Largest correction (eV) of what smoothing does: beyond it the shapes are not believed."""
_LEAST_POINTS = 20


class FoilUnusableError(ValueError):
    """The first inflection cannot be told; one line that says why."""


@dataclass(frozen=True)
class Inflection:
    """The first inflection of a metal's edge.

    Parameters
    ----------
    energy : float
        In eV.
    error : float
        One standard deviation of it by the noise of the scan and the smoothing for it (eV).
    misfit : float
        Root mean square deviation of the scan from the metal's shape, in edge steps.
    """

    energy: float
    error: float
    misfit: float


@cache
def foil_shape(absorber: str, edge: str = "K") -> tuple[Array, Array] | None:
    """Return the shape of a metal's edge, or None where it is not known.

    Returns
    -------
    x : ndarray of shape (n,)
        Energy from the first inflection (eV).
    norm : ndarray of shape (n,)
        Absorption, 0 before and about 1 behind the edge.
    """
    given = SHAPES.get((absorber, edge))
    if given is None:
        return None
    from scipy.interpolate import CubicSpline

    coarse = START + np.arange(len(given), dtype=float)
    values = np.array(given) / 1000.0
    x = np.arange(-40.0, 80.0 + _STEP / 2, _STEP)
    norm = CubicSpline(coarse, values)(np.clip(x, coarse[0], coarse[-1]))
    below = values[0] * _TAIL / (_TAIL + np.maximum(coarse[0] - x, 0.0))
    above = 1.0 + (values[-1] - 1.0) * np.exp(-np.maximum(x - coarse[-1], 0.0) / _TAIL)
    norm = np.where(x < coarse[0], below, np.where(x > coarse[-1], above, norm))
    return x, norm


def foil_norm(away: Array, absorber: str, edge: str = "K") -> Array:
    """Return the absorption of a foil (0 to about 1) at energies from its first inflection.

    A bare edge where the metal's shape is not known.

    Parameters
    ----------
    away : ndarray of any shape
        In eV.
    absorber, edge : str
        Of the foil.
    """
    shape = foil_shape(absorber, edge)
    if shape is None:
        return np.asarray(0.5 + np.arctan(away) / np.pi)
    return np.interp(away, *shape)


def first_inflection(
    energy: Array, mu: Array, expected: float, absorber: str, edge: str, tolerance: float
) -> Inflection:
    """Find the first inflection of a metal foil.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        Ascending energies in eV, and the absorption of the foil; finite.
    expected : float
        Tabulated edge energy in eV.
    absorber, edge : str
        Of the foil.
    tolerance : float
        How far (eV) it may lie from `expected`.

    Raises
    ------
    FoilUnusableError
        If it cannot be told.
    """
    shape = foil_shape(absorber, edge)
    if shape is None:
        raise FoilUnusableError(f"the edge of {absorber} {edge} foils has no known shape")
    near = (energy > expected - tolerance - 40) & (energy < expected + tolerance + 60)
    energy, mu = energy[near], mu[near]
    if energy.size < _LEAST_POINTS:
        raise FoilUnusableError(f"{energy.size} points near the {absorber} {edge} edge")
    places = np.arange(expected - tolerance, expected + tolerance + 0.1, 0.5)
    misfit, step = _laid_over(energy, mu, shape, places, WINDOW)
    if not np.isfinite(misfit).any():
        raise FoilUnusableError(
            f"its edge was not measured from {-WINDOW[0]:g} eV below to {WINDOW[1]:g} eV above"
        )
    best = int(np.nanargmin(misfit))
    other = _least_minimum(misfit, np.abs(places - places[best]) > APART)
    scatter = float(noise(energy, mu, float(places[best])))
    off = _beyond_noise(float(misfit[best]), scatter / float(step[best]))
    single = _single_rise(energy, mu, float(places[best]))
    alike = _beyond_noise(single[0], scatter / single[1])
    if off > LARGEST_MISFIT or (off > RIVAL * alike and _rises_more_than_once(absorber, edge)):
        detail = f"off by {off:.3f} of the edge step, a single rise by {alike:.3f}"
        raise FoilUnusableError(f"it has not the shape of {absorber} metal: {detail}")
    if other < DISTINCT * misfit[best]:
        raise FoilUnusableError("which of its rises is the first cannot be told")
    if not scatter * 10 < step[best]:
        raise FoilUnusableError(f"edge step {step[best]:.3g} within its noise")
    around = np.arange(places[best] - APART, places[best] + APART + 0.05, 0.1)
    local, _ = _laid_over(energy, mu, shape, around, FIRST_RISE)
    if not np.isfinite(local).any():
        raise FoilUnusableError("too few points on its first rise")
    rise = float(around[np.nanargmin(local)])
    found, error = _inflection(energy, mu, rise, scatter / float(step[best]), (absorber, edge))
    if not error <= LARGEST_ERROR:
        raise FoilUnusableError(f"its first inflection is only known to {error:.1f} eV")
    if abs(found - places[best]) > APART:
        raise FoilUnusableError("which of its rises is the first cannot be told")
    return Inflection(found, error, off)


def _beyond_noise(misfit: float, scatter: float) -> float:
    """Return a misfit without the share of the noise, both in edge steps."""
    return float(np.sqrt(max(misfit**2 - scatter**2, 0.0)))


@cache
def _rises_more_than_once(absorber: str, edge: str) -> bool:
    shape = foil_shape(absorber, edge)
    if shape is None:
        return False
    x = np.arange(-25.0, 40.0, 0.5)
    return _single_rise(x, np.interp(x, *shape), 0.0)[0] > TELLING


def _single_rise(energy: Array, mu: Array, place: float) -> tuple[float, float]:
    """Fit an arctangent with a white line behind it; return misfit (edge steps) and edge step."""
    best = (np.inf, 1.0)
    x = np.arange(-60.0, 60.0, 0.25)
    for width in (1.0, 2.0, 3.0):
        rise = 0.5 + np.arctan(x / width) / np.pi
        for line in (2.0, 4.0, 6.0):
            peak = 1.0 / (1.0 + ((x - line) / 3.0) ** 2)
            shapes = (x, np.stack([rise, peak]))
            places = np.arange(place - 4.0, place + 12.5, 1.0)
            misfit, step = _laid_over(energy, mu, shapes, places, (-19.0, 26.0))
            if np.isfinite(misfit).any():
                i = int(np.nanargmin(misfit))
                best = min(best, (float(misfit[i]), float(step[i])))
    return best


def _laid_over(
    energy: Array, mu: Array, shape: tuple[Array, Array], places: Array, window: tuple[float, float]
) -> tuple[Array, Array]:
    """Fit ``a + b x + step * shape (+ c * second shape)`` with the origin at each place.

    Returns
    -------
    misfit : ndarray of shape (n_places,)
        In edge steps; NaN where the window was not measured or the fit falls.
    step : ndarray of shape (n_places,)
        Edge step, in units of mu.
    """
    misfit, steps = np.full(places.size, np.nan), np.full(places.size, np.nan)
    spacing = np.minimum(np.gradient(energy), 2.0)  # a wide step counts no more than 2 eV
    for i, place in enumerate(places):
        x = energy - place
        inside = (x >= window[0]) & (x <= window[1])
        if energy[0] > place + window[0] or energy[-1] < place + window[1] or inside.sum() < 6:
            continue
        x, y, weight = x[inside], mu[inside], np.sqrt(spacing[inside])
        over = [np.interp(x, shape[0], part) for part in np.atleast_2d(shape[1])]
        terms = np.stack([np.ones(x.size), x, *over], axis=1)
        fitted, *_ = np.linalg.lstsq(terms * weight[:, None], y * weight, rcond=None)
        off = (y - terms @ fitted) * weight
        if (fitted[2:] > 0).all():
            misfit[i] = np.sqrt((off**2).sum() / (weight**2).sum()) / fitted[2]
            steps[i] = fitted[2]
    return misfit, steps


def _least_minimum(misfit: Array, where: NDArray[np.bool_]) -> float:
    """Return the least local minimum there; infinity if there is none."""
    values = np.where(np.isfinite(misfit), misfit, np.inf)
    low = (values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:]) & where[1:-1]
    return float(values[1:-1][low].min()) if low.any() else float("inf")


def _inflection(
    energy: Array, mu: Array, near: float, scatter: float, foil: tuple[str, str]
) -> tuple[float, float]:
    """Return the first inflection, and its error by the noise (eV).

    It is the maximum of the derivative that is nearest to `near`.  The derivative is that of a
    Gaussian, as narrow as noise and steps allow; what the Gaussian does to the maximum is
    known from the shape.  `scatter` is the noise of a point in edge steps.
    """
    inside = (energy > near - 5) & (energy < near + 5)
    spacing = float(np.median(np.diff(energy[inside]))) if inside.sum() > 2 else np.inf
    best = (np.nan, np.inf)
    for width in _WIDTHS:
        peak = _steepest(energy, mu, near, width)
        if peak is None or (width < 1.5 * spacing and width < _WIDTHS[-1]):
            continue
        moved, bend = _of_shape(*foil, width)
        # The second derivative of white noise, through a Gaussian of this width.
        wobble = scatter * np.sqrt(spacing * 3 / (8 * np.sqrt(np.pi) * width**5))
        error = float(np.hypot(wobble / bend, max(abs(moved) - _MOVED, 0.0)))
        if error < best[1]:
            best = (peak[0] - float(np.clip(moved, -_MOVED, _MOVED)), error)
        if error <= _GOOD_ERROR:
            break
    return best


def _steepest(energy: Array, mu: Array, near: float, width: float) -> tuple[float, float] | None:
    """Return where the smoothed slope has its maximum nearest to `near`, and its bend there."""
    reach = REACH + 4 * width
    grid = np.arange(near - reach, near + reach, _STEP)
    offsets = np.arange(-4 * width, 4 * width + _STEP / 2, _STEP)
    kernel = -offsets * np.exp(-0.5 * (offsets / width) ** 2) / (width**3 * np.sqrt(2 * np.pi))
    slope = np.convolve(np.interp(grid, energy, mu), kernel, mode="valid") * _STEP
    at = grid[offsets.size // 2 :][: slope.size]
    peaks = np.flatnonzero((slope[1:-1] > slope[:-2]) & (slope[1:-1] >= slope[2:])) + 1
    if not peaks.size:
        return None
    peak = int(peaks[np.argmin(np.abs(at[peaks] - near))])
    some = slice(max(peak - 10, 0), peak + 11)
    bend = 2 * float(np.polyfit(at[some] - at[peak], slope[some], 2)[0])
    return float(at[peak]), bend


@cache
def _of_shape(absorber: str, edge: str, width: float) -> tuple[float, float]:
    """Return by how much (eV) a Gaussian moves the shape's inflection, and the slope's bend."""
    shape = foil_shape(absorber, edge)
    sharp = shape and _steepest(*shape, 0.0, _WIDTHS[0])
    wide = shape and _steepest(*shape, 0.0, width)
    if not sharp or not wide or wide[1] >= 0:
        return 0.0, 1e-9
    return wide[0] - sharp[0], -wide[1]

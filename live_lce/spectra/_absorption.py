"""Compute absorption from detector readings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from live_lce.contract import Finding, Reason
from live_lce.spectra._types import Array

MOSTLY = 0.9
"""An excess of one sign by this part is a polarity, not noise around zero."""
MIN_READINGS = 5
"""Fewer readings than this cannot show that a channel is dead or saturated."""


def _log_ratio(above: ArrayLike, below: ArrayLike) -> Array:
    a, b = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a / b
        # A negative ratio has no logarithm: nan here, dropped and counted by quality control.
        # Both negative is an electrometer of negative polarity, and fine.
        mu = np.log(np.where(ratio > 0, ratio, np.nan))
    return np.where(np.isfinite(mu), mu, np.nan)


def transmission(
    i0: ArrayLike, it: ArrayLike, *, dark_i0: float = 0.0, dark_it: float = 0.0
) -> Array:
    """Return mu = ln(I0/It).

    Parameters
    ----------
    i0, it : array_like of shape (..., n_points)
        Incident and transmitted intensity, in the detectors' units.
    dark_i0, dark_it : float
        Readings without beam, subtracted first.

    Returns
    -------
    ndarray of shape (..., n_points)
        Absorption (dimensionless); NaN where an intensity is zero or of the wrong sign.
    """
    return _log_ratio(np.asarray(i0, float) - dark_i0, np.asarray(it, float) - dark_it)


def reference(it: ArrayLike, ir: ArrayLike, *, dark_it: float = 0.0, dark_ir: float = 0.0) -> Array:
    """Return mu = ln(It/Ir) of the reference foil behind the sample.

    Parameters
    ----------
    it, ir : array_like of shape (..., n_points)
        Intensity before and behind the foil.
    dark_it, dark_ir : float
        Readings without beam, subtracted first.

    Returns
    -------
    ndarray of shape (..., n_points)
        Absorption of the foil; NaN where it cannot be computed.
    """
    return _log_ratio(np.asarray(it, float) - dark_it, np.asarray(ir, float) - dark_ir)


def fluorescence(
    i0: ArrayLike,
    channels: Mapping[str, ArrayLike],
    *,
    dark: Mapping[str, float] | None = None,
    dark_i0: float = 0.0,
) -> Array:
    """Return mu = sum(If)/I0.

    Parameters
    ----------
    i0 : array_like of shape (..., n_points)
        Incident intensity.
    channels : mapping of str to array_like of shape (..., n_points)
        Fluorescence intensity by channel name, of the channels to be summed
        (:func:`live_lce.spectra._channels.left_out` tells the others).
    dark : mapping of str to float, optional
        Readings without beam, by channel name.
    dark_i0 : float
        Reading of I0 without beam.

    Returns
    -------
    ndarray of shape (..., n_points)
        NaN where I0 is zero, and everywhere if there is no channel.
    """
    offsets = dark or {}
    incident = np.asarray(i0, float) - dark_i0
    if not channels:
        return np.full(incident.shape, np.nan)
    parts = [np.asarray(values, float) - offsets.get(n, 0.0) for n, values in channels.items()]
    total = sum(parts, np.zeros(incident.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        mu = total / incident
    return np.where(np.isfinite(mu), mu, np.nan)


def is_negative(readings: ArrayLike) -> bool:
    """Tell whether an intensity was recorded by an electrometer of negative polarity.

    Parameters
    ----------
    readings : array_like of shape (n_points,)
        Less the reading without beam.  A few of either sign are noise around it.
    """
    values = np.asarray(readings, float).ravel()
    signs = np.sign(values[np.isfinite(values) & (values != 0)])
    return signs.size >= MIN_READINGS and not is_dead(values) and bool(signs.mean() < -MOSTLY)


def is_dead(readings: ArrayLike) -> bool:
    """Tell whether a channel is constant (zero included) or never finite.

    Parameters
    ----------
    readings : array_like of shape (..., n_points)
        Raw readings.  Fewer than `MIN_READINGS` finite-or-not values are never called dead.
    """
    values = np.asarray(readings, float).ravel()
    if values.size < MIN_READINGS:
        return False
    finite = values[np.isfinite(values)]
    return finite.size == 0 or bool(finite.min() == finite.max())


def is_saturated(readings: ArrayLike) -> bool:
    """Tell whether a channel stays at its exact maximum for five points or more in a row.

    Noise makes equal neighbours at the very top improbable, except for the
    first few counts of a counter: maxima below 100 counts are not judged when integer.

    Parameters
    ----------
    readings : array_like of shape (n_points,)
        Raw readings in the order measured.
    """
    values = np.asarray(readings, float).ravel()
    if values.size <= MIN_READINGS or is_dead(values):
        return False
    top = float(values.max())
    if np.isnan(top):
        top = float(np.nanmax(values))
    if not np.isfinite(top) or (top < 100 and top.is_integer()):
        return False
    at_top = np.concatenate([[False], values == top, [False]])
    edges = np.flatnonzero(at_top[1:] != at_top[:-1])
    return bool((edges[1::2] - edges[::2]).max() >= MIN_READINGS)


def inspect_channels(
    channels: Mapping[str, ArrayLike], *, incident: str = ""
) -> tuple[Finding, ...]:
    """Return a finding for each dead or saturated channel that mu is built from.

    Parameters
    ----------
    channels : mapping of str to array_like of shape (n_points,)
        Raw readings by name (I0, It, or If; not yet dark-corrected).
    incident : str
        Name of the I0 channel.  It may be constant, where the source or another program
        normalizes it, as long as it is not zero.
    """
    dead = [
        name
        for name, values in channels.items()
        if is_dead(values) and (name != incident or not np.nan_to_num(np.asarray(values)).any())
    ]
    saturated = [name for name, values in channels.items() if is_saturated(values)]
    findings = [Finding(Reason.DEAD_CHANNEL, ", ".join(dead))] if dead else []
    findings += [Finding(Reason.SATURATED, ", ".join(saturated))] if saturated else []
    return tuple(findings)

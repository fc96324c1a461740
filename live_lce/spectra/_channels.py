"""Choose the channels to sum: not dead, saturated, stuck, or falling at the edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import Finding, Reason
from live_lce.spectra._absorption import is_dead, is_saturated
from live_lce.spectra._types import Array

LEAST_POINTS = 8
"""Fewer points than this show neither that a reading is stuck nor that a channel falls."""
STUCK = 6
"""So many equal readings in a row are looked at."""
FEW_COUNTS = 50.0
"""Counters that read less than this repeat themselves."""
BENT = 0.1
"""A channel that rises by less than this part, where the others are high, of what it rises where
they are low, counts too slowly.  An element that is left by its dead-time correction at 0.3 was
measured in a good scan."""
OPPOSITE = -0.5
"""A correlation with the other channels below this: the channel falls where they rise."""
CLEAR = 30.0
"""Channels must vary by this many times their noise before a bend is looked for."""
SIGNIFICANT = 8.0
"""What the others rise by must be this many times their noise."""


EXCLUDED = "excluded"


def left_out(
    i0: Array, channels: Mapping[str, Array], exclude: Sequence[str] = ()
) -> dict[str, str]:
    """Return the fluorescence channels that are not to be summed, and why.

    Parameters
    ----------
    i0 : ndarray of shape (n_points,)
        Incident intensity.
    channels : mapping of str to ndarray of shape (n_points,)
        Raw readings by name, in the order measured.
    exclude : sequence of str
        Names (or shell patterns) of channels to leave out, in upper or lower case.

    Returns
    -------
    dict of str to str
        By name: ``excluded``, ``dead``, ``saturated``, ``stuck ...`` or ``falls ...``.
    """
    out = {
        name: EXCLUDED for name in channels if any(_is_meant(name, pattern) for pattern in exclude)
    }
    out |= {n: "dead" for n, values in channels.items() if n not in out and is_dead(values)}
    alive = [name for name in channels if name not in out]
    saturated = [name for name in alive if is_saturated(channels[name])]
    if len(saturated) < len(alive):  # else it is said of mu, which cannot be had
        out |= dict.fromkeys(saturated, "saturated")
    rest = {name: channels[name] for name in channels if name not in out}
    return out | odd_channels(i0, rest)


def _is_meant(name: str, pattern: str) -> bool:
    """Tell whether a name, or a shell pattern, is that of a channel (``xs_roi1[2]`` is a name)."""
    return name.lower() == pattern.lower() or fnmatchcase(name.lower(), pattern.lower())


def remarks(
    channels: Mapping[str, Array], out: Mapping[str, str], exclude: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Return what is to be said of the channels that :func:`left_out` names."""
    unmatched = [
        pattern for pattern in exclude if not any(_is_meant(name, pattern) for name in channels)
    ]
    findings = []
    if unmatched:
        detail = f"{', '.join(unmatched)}; there is {', '.join(channels)}"
        findings.append(Finding(Reason.EXCLUDE_UNMATCHED, detail))
    reasons: dict[str, list[str]] = {}
    for name, why in out.items():
        reasons.setdefault(why, []).append(name)
    words = "; ".join(f"{why}: {', '.join(names)}" for why, names in reasons.items())
    if len(out) == len(channels):
        findings.append(Finding(Reason.DEAD_CHANNEL, f"all fluorescence: {words}"))
    elif out:
        kept = len(channels) - len(out)
        detail = f"{kept} of {len(channels)} channels used; {words}"
        findings.append(Finding(Reason.CHANNELS_EXCLUDED, detail))
    return tuple(findings)


def stuck(values: Array) -> NDArray[np.bool_]:
    """Tell where a reading did not change for many points in a row, though it does elsewhere.

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        Raw readings in the order measured.

    Returns
    -------
    ndarray of bool of shape (n_points,)
        Nothing where equal neighbours are usual: coarse digits, few counts, a constant.
    """
    found = np.zeros(values.shape, dtype=bool)
    if values.size < 2 * LEAST_POINTS:
        return found
    same = values[1:] == values[:-1]
    if not same.any():
        return found
    padded = np.concatenate([[False], same, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    lengths = edges[1::2] - edges[::2]
    longest = int(lengths.max())
    long = lengths >= min(STUCK - 1, longest)
    moving = np.ones(values.shape, dtype=bool)  # a counter that died read nothing from then on
    for begin, end in zip(edges[::2][long], edges[1::2][long], strict=True):
        moving[begin : end + 1] = False
    few = longest + 1 < STUCK or not moving.any()
    if few or (_whole(values) and np.nanmedian(np.abs(values[moving])) < FEW_COUNTS):
        return found
    # How often neighbours are equal elsewhere, with one more as nobody can know.
    elsewhere = same.size - int(lengths[long].sum())
    usual = (int(lengths[~long].sum()) + 1) / (elsewhere + 2)
    if elsewhere < LEAST_POINTS or usual**longest * values.size > 1e-3:
        return found
    for begin, end in zip(edges[::2][long], edges[1::2][long], strict=True):
        found[begin : end + 1] = True
    return found


def odd_channels(i0: Array, channels: Mapping[str, Array]) -> dict[str, str]:
    """Return the fluorescence channels that cannot be summed with the others, and why.

    Parameters
    ----------
    i0 : ndarray of shape (n_points,)
        Incident intensity.
    channels : mapping of str to ndarray of shape (n_points,)
        Two channels or more, in the order measured; dead ones left out before.

    Returns
    -------
    dict of str to str
        By name: ``falls where the others rise``, or ``stuck at`` a value.
    """
    odd: dict[str, str] = {}
    for name, values in channels.items():
        at = stuck(values)
        if at.any():
            odd[name] = f"stuck at {values[at][0]:g} for {int(at.sum())} points"
    rest = [name for name in channels if name not in odd]
    if len(rest) == 0:
        return {}
    if len(rest) < 2 or i0.size < 2 * LEAST_POINTS:
        return odd
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.stack([channels[name] / i0 for name in rest])
    good = np.isfinite(rows).all(axis=0)
    if good.sum() < 2 * LEAST_POINTS:
        return odd
    rows = rows[:, good]
    # The mean of neighbours: noise of single points says nothing about rise and fall.
    smooth = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 3
    noise = np.median(np.abs(np.diff(rows, n=2, axis=1)), axis=1) / (0.6745 * np.sqrt(6.0))
    spread = np.std(smooth, axis=1)
    telling = spread > SIGNIFICANT / 3 * noise
    if telling.sum() < 2:
        return odd
    scaled = (smooth - smooth.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-300)[:, None]
    alike = scaled @ scaled.T / scaled.shape[1]
    against = (alike < OPPOSITE) & telling & telling[:, None]
    for n, name in enumerate(rest):
        if not against[n].any():
            continue
        friends = int(((alike[n] > -OPPOSITE) & telling).sum())
        enemies = int(against[n].sum())
        # Of two that disagree, the one that rises at the edge is believed: mu does.
        if friends < enemies or (friends == enemies and _falls(scaled[n])):
            odd[name] = "falls where the others rise"
    clear = spread / np.maximum(noise, 1e-6 * spread + 1e-300)
    good_ones = [n for n, name in enumerate(rest) if name not in odd]
    bent = _bent(scaled[good_ones], clear[good_ones])
    if bent is not None:
        odd[rest[good_ones[bent]]] = "rises less and less with the others"
    return odd if len(odd) < len(channels) else {}


def _bent(scaled: Array, clear: Array) -> int | None:
    """Return which of three or more channels rises less and less with the mean of the others.

    Parameters
    ----------
    scaled : ndarray of shape (n_channels, n_points)
        Readings over I0, of mean 0 and standard deviation 1.
    clear : ndarray of shape (n_channels,)
        What they vary by, in units of their noise.
    """
    if len(scaled) < 3:
        return None
    worst: tuple[float, int | None] = (BENT, None)
    for n in range(len(scaled)):
        weights = np.where(np.arange(len(scaled)) == n, 0.0, clear**2)
        # Noise of the others bends a curve too.
        if float(np.sqrt(weights.sum())) < CLEAR:
            continue
        others = weights @ scaled / weights.sum()
        coefficients, variance = _parabola(others, scaled[n])
        ordered = np.sort(others)
        low, high = ordered[others.size // 20], ordered[-1 - others.size // 20]
        at_low, at_high = (coefficients[1] + 2 * coefficients[0] * x for x in (low, high))
        significant = -coefficients[0] > SIGNIFICANT * np.sqrt(variance)
        if significant and at_low > 0 and at_high / at_low < worst[0]:
            worst = (float(at_high / at_low), n)
    return worst[1]


def _parabola(x: Array, y: Array) -> tuple[Array, float]:
    """Fit a parabola; return its coefficients, highest first, and the variance of the first."""
    basis = np.stack([x * x, x, np.ones(x.size)])
    inverse = np.linalg.inv(basis @ basis.T)
    coefficients = inverse @ (basis @ y)
    rest = y - coefficients @ basis
    return coefficients, float(inverse[0, 0] * (rest @ rest) / max(x.size - 3, 1))


def _falls(shape: Array) -> bool:
    """Tell whether the largest change over a few points is a fall."""
    width = max(3, shape.size // 40)
    change = shape[width:] - shape[:-width]
    return bool(-change.min() > change.max())


def _whole(values: Array) -> bool:
    return bool(np.all(np.nan_to_num(values) == np.round(np.nan_to_num(values))))

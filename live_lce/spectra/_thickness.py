"""Detect samples too thick for transmission, from It and the edge step."""

from __future__ import annotations

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.spectra import _quality as quality
from live_lce.spectra._channels import stuck
from live_lce.spectra._types import Array

TOO_THICK = 6.0
"""An edge step of ln(I0/It) above this: It is below 1/400 of what it was before the edge."""
THICK = 5.0
"""Good scans have edge steps up to this."""
NOISE_GROWS = 30.0
"""Noise above the edge, in that before it, of a logarithm that is too large; of fluorescence it is
at most 23 in measured standards."""
OUT_OF_REACH = 30.0
"""A given mu with a larger edge step is no logarithm: fluorescence counts, or other units."""
FLAT = 0.024
"""Fine structure of less than this part of the edge step, where It does not fall any further."""
FLAT_TOP = 1.1
FLAT_STEP = 2.5
WORTH_A_LOOK = 1.2
"""mu of thinner samples changes by less: a dark level of It is a small part of it throughout."""
DARK_SHARE = 0.5
"""Part of It above the edge that does not follow I0: from here on the sample is too thick."""
REMARKED_SHARE = 0.15
AWAY = (-15.0, 30.0)
"""Range (eV from the edge) in which mu is too structured to compare It with I0."""
LEAST_POINTS = 12
"""Fewer points on one side do not show whether It follows I0."""


def may_be_thick(mu: Array, it: Array) -> bool:
    """Tell whether It is worth a closer look: not positive throughout, or much less somewhere.

    Parameters
    ----------
    mu, it : ndarray of shape (n_points,)
        Absorption, and transmitted intensity with its dark level subtracted.
    """
    if not mu.size:
        return False
    finite = mu[np.isfinite(mu)]
    return finite.size < mu.size or it.min() <= 0 or bool(np.ptp(finite) > WORTH_A_LOOK)


def inspect_transmitted(energy: Array, i0: Array, it: Array, at: float) -> tuple[Finding, ...]:
    """Look at It above the edge: at or below its dark level, or not following I0.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        In eV.
    i0, it : ndarray of shape (n_points,)
        Incident and transmitted intensity at points with beam, dark levels subtracted as known.
    at : float
        Energy of the steepest rise of mu in eV; NaN if it has none.

    Returns
    -------
    tuple of Finding
        `too_thick`, a remark `thick_sample`, or nothing.
    """
    read = np.isfinite(i0) & np.isfinite(it) & np.isfinite(energy)
    if not np.isfinite(at) or read.sum() < 2 * LEAST_POINTS:
        return ()
    away = energy - at
    above = read & (away > 0)
    dark = above & (it * np.sign(np.median(i0[read])) <= 0)
    if dark.sum() >= 3 and dark.sum() > 0.05 * above.sum():
        detail = f"It is at or below its dark level at {dark.sum()} of {above.sum()} points"
        return (Finding(Reason.TOO_THICK, detail),)
    lowest = stuck(it) & above
    if lowest.any() and it[lowest].max() <= np.percentile(it[read], 25):
        detail = f"It stays at {it[lowest][0]:g} for {lowest.sum()} points above the edge"
        return (Finding(Reason.TOO_THICK, detail),)
    share = _share_not_following(energy[read], i0[read], it[read], at)
    if share >= REMARKED_SHARE:
        reason = Reason.TOO_THICK if share >= DARK_SHARE else Reason.THICK_SAMPLE
        detail = f"{100 * share:.0f} % of It above the edge do not follow I0"
        return (Finding(reason, detail),)
    return ()


def judge_step(mode: str, step: float, energy: Array, norm: Array, e0: float) -> Finding | None:
    """Judge the edge step of a normalized spectrum.

    Parameters
    ----------
    mode : str
        How mu was measured.
    step : float
        Edge step in units of mu.
    energy, norm : ndarray of shape (n_points,)
        Normalized spectrum.
    e0 : float
        Edge energy in eV.

    Returns
    -------
    Finding or None
        `too_thick`, a remark `thick_sample`, or None.
    """
    if mode not in ("transmission", "reference", "mu") or not FLAT_STEP < step < OUT_OF_REACH:
        return None
    if mode == "mu":  # of whatever origin
        if step <= THICK or not _noise_grows(energy - e0, norm):
            return None
        detail = f"edge step {step:.1f}, and the noise grows with mu"
        return Finding(Reason.THICK_SAMPLE, detail)
    if step > TOO_THICK:
        return Finding(Reason.TOO_THICK, f"edge step {step:.1f}")
    away = energy - e0
    top, beyond = (away > 0) & (away < 40), (away > 15) & (away < 100)
    if top.any() and beyond.sum() > LEAST_POINTS and np.ptp(away[beyond]) > 40:
        line = np.polyfit(away[beyond], norm[beyond], 1)
        structure = float(np.std(norm[beyond] - np.polyval(line, away[beyond])))
        if structure < FLAT and float(norm[top].max()) < FLAT_TOP:
            detail = f"edge step {step:.1f}, and above the edge mu hardly changes"
            return Finding(Reason.TOO_THICK, detail)
    if step > THICK:
        return Finding(Reason.THICK_SAMPLE, f"edge step {step:.1f}")
    return None


def _noise_grows(away: Array, norm: Array) -> bool:
    """Tell whether the noise is so much larger above the edge as only a logarithm makes it."""
    below, above = away < -20.0, away > AWAY[1]
    if min(below.sum(), above.sum()) < LEAST_POINTS:
        return False
    before = float(quality.noise(away[below], norm[below]))
    return float(quality.noise(away[above], norm[above])) > NOISE_GROWS * before > 0


def _share_not_following(energy: Array, i0: Array, it: Array, at: float) -> float:
    """Return the part of It above the edge that the beam does not move; 0 if not significant.

    What the flux does from point to point is in I0 and It alike, unless a part of It is a dark
    level.  How far It follows below the edge tells how much of that is noise of the detectors.
    """
    order = np.argsort(energy, kind="stable")
    x = energy[order]
    with np.errstate(divide="ignore", invalid="ignore"):
        log0, logt = np.log(np.abs(i0[order])), np.log(np.abs(it[order]))
    here, left, right = x[1:-1], x[:-2], x[2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(right > left, (right - here) / (right - left), np.nan)
    moved0, movedt = (v[1:-1] - w * v[:-2] - (1 - w) * v[2:] for v in (log0, logt))
    good = np.isfinite(moved0) & np.isfinite(movedt)
    slopes = []
    for side in (here < at + AWAY[0], here > at + AWAY[1]):
        use = good & side
        if use.sum() < LEAST_POINTS:
            return 0.0
        a, b = moved0[use], movedt[use]
        # Jumps of the flux weigh as much as all else: not more than three deviations.
        limit = 3 * float(np.median(np.abs(a))) / 0.6745
        use = np.abs(a) <= limit if limit > 0 else np.ones(a.shape, dtype=bool)
        a, b = a[use], b[use]
        power = float(a @ a)
        if a.size < LEAST_POINTS or power <= 0:
            return 0.0
        slope = float(a @ b) / power
        rest = b - slope * a
        slopes.append((slope, float(np.sqrt(rest @ rest / max(a.size - 2, 1) / power))))
    (below, error_below), (above, error_above) = slopes
    if below < 0.5 or error_below > 0.15 * below:
        return 0.0
    below = min(below, 1.0)  # more is a glitch that I0 and It see differently
    share = 1 - above / below
    error = float(np.hypot(error_above, (1 - share) * error_below)) / below
    return share if share - 4 * error > 0 and error < 0.1 else 0.0

"""Find the energies that an answer rests on by smoothing the spectrum piece by piece.

After Zeiler and Fergus, ECCV 2014 (arXiv:1311.2901), who cover parts of an image.  What to
cover a part of a spectrum with is a choice: a smoothed copy of itself removes peaks and
shoulders, and leaves level and slope, so that what the model sees is still a spectrum.
docs/reference/models/occlusion.md compares it with other choices.

Limits of the method:

* It shows what changes this model's answer, not what is true of the sample, and not why.
* One stretch is taken at a time.  Where two say the same, either may be missed without loss,
  and both look unimportant.
* A feature broader than the smoothing stays, the height of the white line's far side for
  one; and the smoothed edge is less steep, which the model may take for another sample.
* The absence of a feature counts too (no pre-edge peak speaks for O6), but smoothing cannot
  put one in.  Such energies look unimportant.
* An answer of much certainty moves little; the logarithm of the odds is less flat than the
  probability, but not linear either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers._card import ModelCard
from live_lce.classifiers._session import Session
from live_lce.spectra import Array

STRETCH = 1.0
"""Standard deviation of the Gaussian window that is smoothed (eV): 2.4 eV wide at half height."""
SMOOTHING = 2.0
"""Standard deviation of the Gaussian that it is smoothed with (eV)."""
REGIONS: Mapping[str, tuple[float, float]] = {
    "pre": (-np.inf, -4.0),
    "main": (-4.0, 15.0),
    "post": (15.0, np.inf),
}
"""Pre-edge, main edge with the white line, and post-edge (eV from the edge reference, which is
half-way up the edge; the 1s to 3d peak of these elements lies 4 to 15 eV below it)."""
LEAST = 1e-4
"""Probabilities nearer than this to 0 or 1 count as so near."""


@dataclass(frozen=True)
class Occlusion:
    """What each stretch of a spectrum is worth to an answer.

    Parameters
    ----------
    energies : ndarray of shape (n_grid,)
        Middles of the stretches (eV from the edge reference).
    importance : ndarray of shape (n_grid,)
        By how much the logarithm of the odds of `label` falls without the stretch: positive
        speaks for the answer, negative against it; NaN where nothing was measured.
    without : ndarray of shape (n_grid,)
        The probability of `label` without the stretch; NaN where nothing was measured.
    label : str
        The class that was asked about.
    probability : float
        Of it, for the whole spectrum.
    regions : mapping
        Of each of ``REGIONS``, its share of what speaks for the answer; they sum to 1, or are
        all 0 where nothing does.
    """

    energies: Array
    importance: Array
    without: Array
    label: str
    probability: float
    regions: Mapping[str, float]


def occlusion(
    session: Session, card: ModelCard, values: Array, label: str | None = None
) -> Occlusion:
    """Ask a model about a spectrum with one stretch after the other smoothed away.

    Parameters
    ----------
    session : Session
        The model, called once with ``n_grid + 1`` spectra.
    card : ModelCard
        Its card.
    values : ndarray of shape (n_grid,)
        Normalized absorption on the model's grid, NaN where not measured: what
        :func:`live_lce.spectra.to_grid` gives.
    label : str, optional
        The class to ask about; by default the most probable one.

    Returns
    -------
    Occlusion

    Raises
    ------
    ValueError
        If the shape is another, the model has no such class, or something is missing that it
        needs.
    """
    grid = card.grid.energies
    if np.shape(values) != grid.shape:
        raise ValueError(f"{card.name} reads {grid.size} values, not {np.shape(values)}")
    if label is not None and label not in card.classes:
        raise ValueError(f"{card.name} has no class {label}: {', '.join(card.classes)}")
    known = np.isfinite(values)
    if not known[np.isin(grid, card.needed)].all():
        first, last = card.needed[[0, -1]]
        raise ValueError(f"{card.name} needs {first:+g} to {last:+g} eV measured")
    said = session.run(np.vstack([values, smoothed_away(grid, values)])).probabilities
    which = int(said[0].argmax()) if label is None else card.classes.index(label)
    without = np.where(known, said[1:, which], np.nan)
    importance = log_odds(said[0, which]) - log_odds(without)
    return Occlusion(
        grid,
        importance,
        without,
        card.classes[which],
        float(said[0, which]),
        _regions(grid, importance),
    )


def smoothed_away(grid: Array, values: Array) -> Array:
    """Return a spectrum with each stretch in turn smoothed away.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
        Equidistant energies (eV).
    values : ndarray of shape (n_grid,)
        NaN where not measured, and there they stay so.

    Returns
    -------
    ndarray of shape (n_grid, n_grid)
        Row i is smoothed around ``grid[i]``.
    """
    from scipy.ndimage import gaussian_filter1d

    known = np.isfinite(values)
    whole = np.interp(grid, grid[known], values[known])
    smooth = gaussian_filter1d(whole, SMOOTHING / (grid[1] - grid[0]), mode="nearest")
    window = np.exp(-(((grid - grid[:, None]) / STRETCH) ** 2) / 2)
    changed: Array = np.where(known, whole + window * (smooth - whole), np.nan)
    return changed


def log_odds(probability: NDArray[np.float64] | np.float64) -> Array:
    """Return the logarithm of the odds, finite by :data:`LEAST`; NaN stays NaN."""
    p = np.clip(probability, LEAST, 1 - LEAST)
    odds: Array = np.log(p / (1 - p))
    return odds


def _regions(grid: Array, importance: Array) -> dict[str, float]:
    support = np.nan_to_num(importance, nan=0.0).clip(min=0.0)
    total = float(support.sum())
    return {
        name: float(support[(grid >= low) & (grid < high)].sum()) / total if total > 0 else 0.0
        for name, (low, high) in REGIONS.items()
    }

"""Prepare one spectrum of a run for drawing; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import ValidationError

from live_lce.classifiers import ModelCard
from live_lce.dashboard._board import Row, RunData
from live_lce.results import MeasuredPoints
from live_lce.settings import AnalysisSettings
from live_lce.spectra import (
    Array,
    NormalizedSpectrum,
    Spectrum,
    SpectrumRejectedError,
    normalize,
)


def _nothing() -> Array:
    return np.empty(0)


@dataclass(frozen=True)
class Drawn:
    """What is drawn of a spectrum; empty arrays for what is not known.

    Parameters
    ----------
    energy, norm : ndarray of shape (n_norm,)
        Photon energy with the shift added (eV), normalized mu.
    raw_energy, mu : ndarray of shape (n_points,)
        As measured, the shift added.
    pre_edge : ndarray of shape (n_norm,)
        The pre-edge line at `energy`, in units of mu.
    e0, edge_reference : float
        Of the newest prediction (eV); NaN if unknown.
    fits : tuple of (float, float)
        Ranges (eV) of the pre-edge and the post-edge fit, if they were fitted.
    window, needed : (float, float) or None
        Energies (eV) that the model reads, and those that it must have.
    current : bool
        Whether the points are those of the newest prediction; they may be of one before it.
    """

    energy: Array = field(default_factory=_nothing)
    norm: Array = field(default_factory=_nothing)
    raw_energy: Array = field(default_factory=_nothing)
    mu: Array = field(default_factory=_nothing)
    pre_edge: Array = field(default_factory=_nothing)
    e0: float = math.nan
    edge_reference: float = math.nan
    fits: tuple[tuple[float, float], ...] = ()
    window: tuple[float, float] | None = None
    needed: tuple[float, float] | None = None
    current: bool = True

    @property
    def last(self) -> float:
        """The last energy measured (eV); NaN if there is none."""
        found = self.raw_energy if self.raw_energy.size else self.energy
        return float(found.max()) if found.size else math.nan

    @property
    def reach(self) -> float:
        """How far past the edge the newest prediction reaches (eV); NaN if unknown."""
        return self.last - self.edge_reference if self.current else math.nan

    @property
    def covered(self) -> tuple[float, float] | None:
        """The part of the window that is measured (eV)."""
        found = self.raw_energy if self.raw_energy.size else self.energy
        if self.window is None or not found.size:
            return None
        low, high = max(self.window[0], found.min()), min(self.window[1], found.max())
        return (float(low), float(high)) if low < high else None


def drawn(data: RunData, index: int, card: ModelCard | None) -> Drawn:
    """Return what is to be drawn of one spectrum of a run.

    Parameters
    ----------
    data : RunData
        The run.
    index : int
        Number of the spectrum.
    card : ModelCard, optional
        Of the model that judged it, for its window.
    """
    rows = data.rows_of(index)
    if not rows:
        return Drawn()
    row = rows[-1]
    points, published = data.measured.get(index), data.spectra.get(index)
    shift = _number(row["energy_shift"], 0.0)
    e0, reference = _number(row["e0"]), _number(row["edge_reference"])
    known: dict[str, Any] = {
        "e0": e0,
        "edge_reference": reference,
        "fits": _fits(row, e0),
        "window": _range(card, reference, needed=False),
        "needed": _range(card, reference, needed=True),
    }
    if points is not None:
        known |= {"raw_energy": points.energy + shift, "mu": points.mu}
        known["current"] = points.raw_seq_num_last == row["raw_seq_num_last"]
        spectrum = _normalized(points, row, data.start)
        if spectrum is not None:
            known |= {"energy": spectrum.energy, "norm": spectrum.norm}
            if np.isfinite(spectrum.edge_step):
                mu = np.interp(spectrum.energy, known["raw_energy"], points.mu)
                known["pre_edge"] = mu - spectrum.norm * spectrum.edge_step
    if published is not None and "norm" not in known:
        known |= {"energy": published.energy, "norm": published.norm}
    return Drawn(**known)


def settings_of(start: Mapping[str, Any]) -> AnalysisSettings | None:
    """Return the settings of an analysis run; None if this release cannot read them."""
    try:
        return AnalysisSettings.model_validate(start["live_lce"]["settings"])
    except (KeyError, TypeError, ValidationError):
        return None


def _normalized(
    points: MeasuredPoints, row: Row, start: Mapping[str, Any]
) -> NormalizedSpectrum | None:
    """Normalize measured points as they were for a prediction; None where they cannot be."""
    given = row["norm_method"] == "as_given"
    settings = settings_of(start)
    if row["norm_method"] == "none" or settings is None:
        return None
    # The shift was measured on a foil that is not here: as it was found.
    known = {"shift": "constant", "shift_value": _number(row["energy_shift"], 0.0)}
    of_row = settings.normalization.model_copy(update=known)
    spectrum = Spectrum(points.energy, points.mu, row["absorber"], row["edge"], normalized=given)
    try:
        return normalize(spectrum, settings.model_copy(update={"normalization": of_row}))
    except SpectrumRejectedError:
        return None


def _fits(row: Row, e0: float) -> tuple[tuple[float, float], ...]:
    pairs = (("pre1", "pre2"), ("norm1", "norm2"))
    found = [(e0 + _number(row[low]), e0 + _number(row[high])) for low, high in pairs]
    return tuple(pair for pair in found if np.isfinite(pair).all())


def _range(card: ModelCard | None, reference: float, *, needed: bool) -> tuple[float, float] | None:
    if card is None or not math.isfinite(reference):
        return None
    energies = card.needed if needed else card.grid.energies
    return (reference + float(energies[0]), reference + float(energies[-1]))


def _number(value: Any, default: float = math.nan) -> float:
    found = float(value) if value is not None else math.nan
    return found if math.isfinite(found) else default

"""Prepare computed spectra for a model: aligned, scaled, cut or with noise on request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets._labelled import Labelled
from live_lce.datasets._rows import align
from live_lce.spectra import Array, NormalizedSpectrum, Spectrum, edge_references
from live_lce.spectra._reference import EARLIEST, LEVEL

Mask = NDArray[np.bool_]

CARRIED = 40.0
"""The first value is carried on below a computed spectrum by so much (eV), as in training."""
PRE_EDGE = 30.0
"""A measured scan begins further below its edge than this (eV): it needs a pre-edge line."""


def looks_computed(spectrum: Spectrum) -> bool:
    """Tell whether a spectrum of unknown origin can only be from theory.

    Computed spectra begin a few eV below the edge, where nothing is left to compute.  A
    measured one that begins so late cannot be normalized, and hence is no raw data.
    """
    energy, mu = spectrum.energy, spectrum.mu
    if energy.ndim != 1 or energy.size < 8 or energy.shape != mu.shape:
        return False
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.gradient(mu, energy)
    if not np.isfinite(slope).any():
        return False
    return bool(energy[np.nanargmax(slope)] - energy[0] < PRE_EDGE)


def aligned_or_reason(labelled: Labelled) -> NormalizedSpectrum | str:
    """Return a computed spectrum as training spectra are made, or which sanity check it fails."""
    spectrum = labelled.spectrum
    problem, found = align(spectrum.energy, spectrum.mu)
    if found is None:
        return problem
    reference = float(spectrum.energy[0] - found.relative[0])
    return _normalized(spectrum, found.norm, reference, reference + found.e0)


def cut_or_reason(whole: NormalizedSpectrum, stop: float) -> NormalizedSpectrum | str:
    """Return what is left of an aligned spectrum up to `stop` eV, aligned again."""
    kept = whole.raw_energy <= stop
    kept[0] = False  # the carried-on point, which comes back
    return _again(whole, kept, whole.norm)


def noised_or_reason(whole: NormalizedSpectrum, noise: Array) -> NormalizedSpectrum | str:
    """Return an aligned spectrum with noise added (in edge steps), aligned again."""
    kept = np.ones(len(whole.norm), dtype=bool)
    kept[0] = False
    return _again(whole, kept, whole.norm + noise)


def _again(whole: NormalizedSpectrum, kept: Mask, norm: Array) -> NormalizedSpectrum | str:
    """Find the edge reference and the level anew, without the checks: the whole passed them."""
    energy, part = whole.raw_energy[kept], norm[kept]
    if energy.size < 8:
        return "fewer than 8 points"
    reference = float(edge_references(energy, part[None], behind=EARLIEST)[0])
    relative = energy - reference
    level = part[(relative > LEVEL[0]) & (relative < LEVEL[1])]
    if np.isnan(reference) or not level.size or level.mean() <= 0:
        return "no edge reference"
    spectrum = Spectrum(energy, part, whole.absorber, whole.edge)
    return _normalized(spectrum, part / level.mean(), reference, whole.e0)


def _normalized(spectrum: Spectrum, norm: Array, reference: float, e0: float) -> NormalizedSpectrum:
    energy = np.concatenate([[spectrum.energy[0] - CARRIED], spectrum.energy])
    values = np.concatenate([norm[:1], norm])
    return NormalizedSpectrum(
        energy, values, energy, spectrum.absorber, spectrum.edge, e0, reference, edge_step=1.0
    )

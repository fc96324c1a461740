"""Recognize input that is already normalized, so that it is not normalized twice.

To take raw data for normalized is harmless where these rules hold: the
normalization would change next to nothing.
"""

from __future__ import annotations

import numpy as np

from live_lce.spectra._types import Array

LEVEL = 0.03
"""Largest pre-edge level of normalized data."""
TILT = 0.05
"""Largest change of the pre-edge line over the measured pre-edge."""


def looks_normalized(energy: Array, mu: Array, e0: float) -> bool:
    """Tell whether mu runs flat from 0 to 1 over the edge, or was scaled to a maximum of 1.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        Cleaned spectrum.
    e0 : float
        Edge energy in eV.
    """
    low, high = float(mu.min()), float(mu.max())
    if abs(high - 1.0) < 1e-6 and 0.0 <= low < 0.02:
        return True
    after = energy > e0 + 0.5 * (energy[-1] - e0)
    return _flat_zero(energy, mu, e0) and 0.9 < float(mu[after].mean()) < 1.1


def fits_unit_step(energy: Array, mu: Array, e0: float, edge_step: float) -> bool:
    """Tell whether a fitted edge step is 1 on a pre-edge of 0: normalized, but not flattened."""
    return abs(edge_step - 1.0) < 0.07 and _flat_zero(energy, mu, e0)


def _flat_zero(energy: Array, mu: Array, e0: float) -> bool:
    before = energy < e0 - 15
    if before.sum() < 3:
        return False
    slope, _ = np.polyfit(energy[before] - e0, mu[before], 1)
    tilt = abs(slope) * float(np.ptp(energy[before]))
    return abs(float(mu[before].mean())) < LEVEL and tilt < TILT

"""Split the sweeps over the edge, one after another, while they are measured.

:func:`live_lce.spectra._sweeps.split_sweeps` says where sweeps lie in the energies so far.  Here
is when it is asked, and when a sweep has ended: once a later one has begun, and if it went over
the edge.  A piece before the edge that is measured again belongs to the sweep that follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from live_lce.spectra import split_sweeps
from live_lce.spectra._sweeps import LEAST_TURN, TURN

BLIND_RANGE = 50.0
"""Where the edge is unknown, a sweep over less than this (eV) is no spectrum."""
FEWEST = 20
"""A sweep of fewer points is no spectrum."""


class Turns:
    """Notes how far energies have run back, to tell cheaply whether a sweep may have ended."""

    def __init__(self) -> None:
        self._low, self._high = math.inf, -math.inf
        self._falls = self._rises = 0.0
        self._n = self._looked = 0

    def add(self, energy: float) -> None:
        """Take in an energy (eV)."""
        self._n += 1
        if not math.isfinite(energy):
            return
        self._low, self._high = min(self._low, energy), max(self._high, energy)
        self._falls = max(self._falls, self._high - energy)
        self._rises = max(self._rises, energy - self._low)

    @property
    def turned(self) -> bool:
        """Whether the energies have run both ways by as much as a sweep does."""
        turn = max(LEAST_TURN, TURN * (self._high - self._low)) if self._n else math.inf
        return min(self._falls, self._rises) >= turn

    @property
    def is_due(self) -> bool:
        """Whether to look now; said less and less often, while nothing is found."""
        if not self.turned or self._n - self._looked < 1 + self._n // 50:
            return False
        self._looked = self._n
        return True


def first_sweep(energies: Sequence[float], edge: float | None) -> tuple[int, int] | None:
    """Return where the first sweep stops, and where the next one starts.

    Parameters
    ----------
    energies : sequence of float
        In eV, in the order measured; NaN where an event has none.
    edge : float, optional
        Tabulated edge energy (eV), if it is known.

    Returns
    -------
    tuple of int, or None
        None if there is only one sweep, or none that goes over the edge before the last one.
    """
    slices = split_sweeps(energies)
    for this, following in pairwise(slices):
        sweep = np.asarray(energies[this], dtype=float)
        if np.isfinite(sweep).sum() < FEWEST:
            continue
        low, high = float(np.nanmin(sweep)), float(np.nanmax(sweep))
        if low <= edge <= high if edge is not None else high - low >= BLIND_RANGE:
            return this.stop, following.start
    return None

"""Decide when to classify a growing spectrum: in eV, so that a replay gives the same."""

from __future__ import annotations

import math

from live_lce.settings import Pacing


class Pacer:
    """Decides, from the energies alone, when a partial prediction is due.

    The first is due once the covered range reaches from `start` eV below the edge to
    `start` eV above it (in whichever direction the scan goes), the next ones each time
    that the range has grown by `interval` eV, until the scan is `stop` eV past the edge.
    Without a known edge the first one is due once the range is wide enough to hold an
    edge with something on both sides; from the edge that it finds on `stop` counts.

    Parameters
    ----------
    settings : Pacing
        `start`, `interval` and `stop`, in eV.
    edge_energy : float or None
        Tabulated edge (eV), if the absorber is known.
    """

    BLIND_RANGE = 50.0
    """Range (eV) of the first prediction where the edge is unknown."""

    def __init__(self, settings: Pacing, edge_energy: float | None) -> None:
        self._settings = settings
        self._edge = edge_energy
        self._found: float | None = None
        self._low = math.inf
        self._high = -math.inf
        self._at_last = math.nan  # the covered range at the last prediction

    @property
    def extent(self) -> float:
        """The covered range in eV; 0 if nothing came yet."""
        return max(self._high - self._low, 0.0) if self._low <= self._high else 0.0

    def found(self, edge_energy: float) -> None:
        """Take in the tabulated edge (eV) that the measured points show, where none is stated."""
        self._found = edge_energy

    def due(self, energy: float) -> bool:
        """Take in a point's energy (eV), and tell whether a prediction is due."""
        if not math.isfinite(energy):
            return False
        self._low = min(self._low, energy)
        self._high = max(self._high, energy)
        if not self._settings.partial or not self._passed() or self._beyond(energy):
            return False
        if not math.isnan(self._at_last) and self.extent < self._at_last + self._settings.interval:
            return False
        self._at_last = self.extent
        return True

    def _passed(self) -> bool:
        if self._edge is None:
            return self.extent >= self.BLIND_RANGE
        start = self._settings.start
        return self._low <= self._edge - start and self._high >= self._edge + start

    def _beyond(self, energy: float) -> bool:
        edge = self._found if self._edge is None else self._edge
        return edge is not None and energy > edge + self._settings.stop

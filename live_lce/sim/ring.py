"""Simulate the storage ring: how the current falls, is topped up, and is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOMINAL_CURRENT = 400.0
"""mA after a fill."""


@dataclass(frozen=True)
class TopUp:
    """Injections that keep the current up, and shake the beam while they last.

    Parameters
    ----------
    interval : float
        Between injections (s).
    duration : float
        The beam is shaken for so long at the end of each interval (s).
    depth : float
        Part of the flux that the beamline loses meanwhile.
    """

    interval: float = 180.0
    duration: float = 2.0
    depth: float = 0.15


@dataclass(frozen=True)
class Ring:
    """The stored current as a function of time.

    Parameters
    ----------
    lifetime : float
        In which the current falls to 1/e (s).
    top_up : TopUp, optional
        Without it the current just decays.
    """

    lifetime: float = 2.0e4
    top_up: TopUp | None = None

    def current(self, elapsed: float) -> float:
        """Return the current in parts of that after a fill.

        Parameters
        ----------
        elapsed : float
            Beam time since a fill (s).
        """
        since = elapsed % self.top_up.interval if self.top_up else elapsed
        return float(np.exp(-since / self.lifetime))

    def flux(self, elapsed: float) -> float:
        """Return what reaches the beamline, in parts of that after a fill."""
        flux = self.current(elapsed)
        if (
            self.top_up
            and elapsed % self.top_up.interval > self.top_up.interval - self.top_up.duration
        ):
            flux *= 1.0 - self.top_up.depth
        return flux

"""Which spectrum of a stream an event belongs to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from live_lce.engine import axis
from live_lce.engine.roles import Roles
from live_lce.settings import Signals

SAME = 1e-3
"""Relative change of an outer value that is still the same step (readbacks jitter)."""


class Grouping:
    """Assigns events to spectra: one a run, one an outer step, or one an event.

    Parameters
    ----------
    start : mapping
        Start document.
    roles : Roles
        Roles of the stream.
    signals : Signals
        Settings `spectrum_per` and `outer`.
    """

    def __init__(self, start: Mapping[str, Any], roles: Roles, signals: Signals) -> None:
        self._by_event = roles.array
        self._outer = signals.outer if signals.spectrum_per in {"auto", "outer"} else ""
        self._n_inner = 0
        if signals.spectrum_per in {"auto", "outer"} and not self._outer:
            self._n_inner = inner_size(start, roles)
        self._value: Any = None
        self._group = -1
        self._assigned: dict[int, int] = {}

    @property
    def by_event(self) -> bool:
        """Whether each event is a spectrum of its own."""
        return self._by_event

    def group(self, seq_num: int, data: Mapping[str, Any]) -> int:
        """Return the number of the group that an event belongs to, counted from 0."""
        if self._by_event:
            return seq_num - 1
        if self._n_inner:
            return (seq_num - 1) // self._n_inner
        if not self._outer:
            return 0
        if seq_num in self._assigned:  # re-emitted after a pause
            return self._assigned[seq_num]
        value = data.get(self._outer, self._value)
        if self._group < 0 or not _same(value, self._value):
            self._group += 1
            self._value = value
        self._assigned[seq_num] = self._group
        return self._group


def inner_size(start: Mapping[str, Any], roles: Roles) -> int:
    """Return the points of one outer step of a grid; 0 if the run is no grid over energy.

    A grid has a ``shape`` of two or more, and as many dimensions, with energy the fastest.
    (Two dimensions alone are no grid: step scans list the dwell time beside the energy.)
    """
    shape = start.get("shape")
    if not isinstance(shape, (list, tuple)) or len(shape) < 2:
        return 0
    dims = axis.dimensions(start)
    motors = start.get("motors")
    fastest = dims[-1][0] if len(dims) == len(shape) else []
    if isinstance(motors, (list, tuple)) and len(motors) == len(shape):
        fastest = [*fastest, str(motors[-1])]
    is_fastest = roles.axis in fastest or any(
        axis.is_energy_name(name) or axis.is_bragg_name(name) for name in fastest
    )
    size = shape[-1]
    return int(size) if is_fastest and isinstance(size, int) and size > 1 else 0


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=1e-9)
    return bool(one == other)

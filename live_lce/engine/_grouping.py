"""Decide which spectrum an event belongs to, from documents and recorded keys.

What only the energies tell (sweeps over the edge) is found in :mod:`live_lce.engine._stream`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.engine import _axis as axis
from live_lce.engine._roles import Roles
from live_lce.settings import Signals
from live_lce.spectra._names import simple
from live_lce.spectra._sweeps import LEAST_POINTS, LEAST_TURN

SAME = 1e-3
"""Relative change of an outer value that is still the same step (readbacks jitter)."""
SAME_ENERGY = 0.3
"""Energies nearer than this part of the largest step are one point of a grid."""
RESTLESS = 3
"""A key that changed so often after a few points only sets no spectra apart."""
_COUNTED = re.compile(
    r"(\w+_)?(sample|specimen)(_?(name|id|no|nr|num|number|index|idx|label))?"
    r"|(\w+_)?(scan|sweep|repeat|repetition|cycle|iteration|loop|spectrum)"
    r"_?(id|no|nr|num|number|index|idx|count)"
    r"|scan|sweep|repeat|repetition|rep|cycle|iteration|loop|spectrum"
)
"""Data keys that tell spectra apart, whether they are scanned or not."""
_IN_TURN = re.compile(r"repeat|repetition|rep|cycle|iteration|loop")
"""Keys that count the readings of one point, where they change at each event."""
_POSITION = re.compile(r"(\w+_)?(sample|specimen|stage|holder|manipulator)\w*_?[xyz]")
"""Positions of the sample, scanned or not."""
MOST_PLACES = 400
"""More positions at each energy than this are told apart in declared grids only."""
_NO_POSITION = re.compile(
    r"time|dwell|exposure|seconds|preset|count|gap|undulator|taper|harmonic|(^|_)(und|ivu|epu)(_|$)"
)
"""What moves along with the energy, or changes within a scan, and makes no other spectrum."""


class Grouping:
    """Assigns events to spectra: one a run, one an outer step, one a position, or one an event.

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
        self.refused: Finding | None = None
        """Why the spectra cannot be told apart."""
        self._by_event = roles.array
        self._roles = roles
        self._outer = signals.outer if signals.spectrum_per in {"auto", "outer"} else ""
        self._told = signals.spectrum_per in {"auto", "outer"} and not roles.array
        self._grid = ScanGrid.of(start, roles) if self._told and not self._outer else None
        self._scanned = axis.scanned(start).names
        self._changes: dict[str, _Change] | None = None  # by data key, from the first event on
        self._early: list[tuple[int, float, dict[str, Any]]] | None = []  # until it is decided
        self._places: list[dict[str, Any]] = []  # of parallel spectra: values by data key
        self._spans: dict[str, float] = {}
        self._last = 0
        self._group = 0
        self._assigned: dict[int, int] = {}
        self._words: dict[int, str] = {}
        self._sweep = _Direction()

    @property
    def by_event(self) -> bool:
        """Whether each event is a spectrum of its own."""
        return self._by_event

    def group(self, seq_num: int, data: Mapping[str, Any], energy: float) -> int:
        """Return the number of the group that an event belongs to, counted from 0.

        Parameters
        ----------
        seq_num : int
            Of the event.
        data : mapping
            Of the event.
        energy : float
            In eV; NaN where the event has none.
        """
        if self._by_event:
            return seq_num - 1
        if self._grid is not None:
            return self._grid.group(seq_num)
        if not self._told:
            return 0
        if seq_num in self._assigned:  # re-emitted after a pause
            return self._assigned[seq_num]
        if self._changes is None:
            keys = [key for key in data if isinstance(key, str)]  # others are malformed
            found = separating(keys, self._scanned, self._roles)
            if self._outer in data:
                found = (self._outer, *(key for key in found if key != self._outer))
            self._changes = {key: self._change(key) for key in found}
        group = self._parallel(data) if self._places else self._next(data, energy)
        self._assigned[seq_num] = group
        if self._early is not None and math.isfinite(energy):
            self._early.append((seq_num, energy, {key: data.get(key) for key in self._changes}))
            self._decide()
        return self._assigned[seq_num]

    def regrouped(self) -> dict[int, int] | None:
        """Return the groups of all events, by `seq_num`, once, after they have changed."""
        if not self._places or self._early is None:
            return None
        self._early = None
        return dict(self._assigned)

    def ends(self, other: int, group: int) -> bool:
        """Tell whether an event of `group` ends the spectrum of the group `other`."""
        if self._places:
            return False
        if self._grid is not None:
            return self._grid.outer(other) != self._grid.outer(group)
        return other != group

    def words(self, group: int) -> str:
        """Say what sets a group apart from the others; empty if documents declare it."""
        return self._words.get(group, "")

    def _change(self, key: str) -> _Change:
        """Return what a change of a data key needs to begin a new spectrum."""
        if key == self._outer:
            return _Change(-math.inf, fewest=0)
        if _COUNTED.fullmatch(simple(key)):
            return _Change(-math.inf)
        if key in self._scanned or _POSITION.fullmatch(simple(key)):
            return _Change(0.0)
        return _Change(LEAST_TURN)  # some motor of the beamline

    def _next(self, data: Mapping[str, Any], energy: float) -> int:
        """Return the group of an event that is measured after the others."""
        back = self._sweep.back(energy)
        changed = ""
        for key, change in (self._changes or {}).items():
            before = change.value
            if key in data and change.is_new(data[key], back) and not changed:
                changed = f"{key} = {_text(data[key])}"
                self._words.setdefault(self._group, f"{key} = {_text(before)}")
        # As long as positions may come in turns, no group ends.
        if changed and self._early is None:
            self._group += 1
            self._words[self._group] = changed
            self._sweep = _Direction()
            self._sweep.back(energy)
        return self._group

    def _blocks(self) -> list[list[int]]:
        """Return the early events, by position, in blocks of one energy after another."""
        energies = [energy for _, energy, _ in self._early or ()]
        steps = [abs(after - before) for before, after in pairwise(energies)]
        if not steps or (max(steps) < 0.2 and max(energies) - min(energies) < 2.0):
            return [list(range(len(energies)))]
        blocks = [[0]]
        for n, step in enumerate(steps, start=1):
            if step > SAME_ENERGY * max(steps):
                blocks.append([])
            blocks[-1].append(n)
        return blocks

    def _decide(self) -> None:
        """Tell from the first two energies whether several positions were measured at each."""
        early = self._early or []
        if not self._changes:
            self._early = None
            return
        blocks = self._blocks()
        if len(blocks) < 3:
            return
        first, second = ([early[n][2] for n in block] for block in blocks[:2])
        moved = [
            key
            for key in self._changes
            if not _IN_TURN.search(simple(key)) and _moves(key, first, second)
        ]
        if len(first) < 2 or not moved:
            self._early = None
            return
        if len(first) > MOST_PLACES:
            detail = f"more than {MOST_PLACES} positions at each energy, and no `shape`"
            self.refused, self._early = Finding(Reason.SEVERAL_SPECTRA, detail), None
            return
        spans = {key: _span([row[key] for row in first]) for key in moved}
        places = _distinct([{key: row[key] for key in moved} for row in first], spans)
        back = _distinct([{key: row[key] for key in moved} for row in second], spans)
        if len(places) == len(back) and all(_find(place, back, spans) >= 0 for place in places):
            if len(places) > 1:
                self._places, self._spans = places, spans
                self._words = {n: _said(place) for n, place in enumerate(places)}
                self._assigned |= {seq: self._parallel(values) for seq, _, values in early}
                return
        elif any(key in self._scanned or key == self._outer for key in moved):
            detail = f"{', '.join(moved)} takes other values at each energy"
            self.refused = Finding(Reason.SEVERAL_SPECTRA, detail)
        self._early = None

    def _parallel(self, data: Mapping[str, Any]) -> int:
        """Return the group of the position that an event was measured at."""
        place = {key: data.get(key) for key in self._spans}
        n, last = len(self._places), self._last
        likely = [(last + 1) % n, last, last - 1]  # the next one, in turn or back and forth
        found = next((p for p in likely if _at(place, self._places[p], self._spans)), -1)
        if found < 0:
            found = _find(place, self._places, self._spans)
        if found < 0:
            self._places.append(place)
            found = n
            self._words[found] = _said(place)
        self._last = found
        return found


def separating(keys: Iterable[str], scanned: frozenset[str], roles: Roles) -> tuple[str, ...]:
    """Return the data keys that may set spectra apart, by name.

    Parameters
    ----------
    keys : iterable of str
        Data keys of a stream.
    scanned : frozenset of str
        What the start document says is scanned.
    roles : Roles
        Roles of the stream.
    """
    found = []
    for key in set(keys).difference(roles.read):
        name = simple(key)
        if axis.is_energy_name(key) or axis.is_bragg_name(key):
            continue
        moved = key in scanned | roles.positions or bool(_POSITION.fullmatch(name))
        if _COUNTED.fullmatch(name) or (moved and not _NO_POSITION.search(name)):
            found.append(key)
    return tuple(sorted(found))


class ScanGrid:
    """A grid that the start document declares, with energy as one of its axes.

    Parameters
    ----------
    shape : sequence of int
        Points along each axis, slowest first.
    energy : int
        Which axis is the energy.
    snaking : sequence of bool
        Which axes are run back and forth.
    """

    def __init__(self, shape: Sequence[int], energy: int, snaking: Sequence[bool]) -> None:
        self._shape, self._energy, self._snaking = tuple(shape), energy, tuple(snaking)
        self._n_faster = math.prod(self._shape[energy + 1 :])
        self._n_inner = self._shape[energy] * self._n_faster

    @classmethod
    def of(cls, start: Mapping[str, Any], roles: Roles) -> ScanGrid | None:
        """Return the grid of a run, or None if it has none.

        A grid has a ``shape`` of two or more, and as many dimensions, one of them the energy.
        (Two dimensions alone are no grid: step scans list the dwell time beside the energy.)
        """
        shape = start.get("shape")
        if not isinstance(shape, (list, tuple)) or len(shape) < 2:
            return None
        if not all(isinstance(n, int) and n > 0 for n in shape):
            return None
        dims, motors = axis.dimensions(start), start.get("motors")
        snaking = start.get("snaking")
        if not (isinstance(snaking, (list, tuple)) and len(snaking) == len(shape)):
            snaking = [False] * len(shape)
        for n in reversed(range(len(shape))):
            called = list(dims[n][0]) if len(dims) == len(shape) else []
            if isinstance(motors, (list, tuple)) and len(motors) == len(shape):
                called.append(str(motors[n]))
            is_energy = roles.axis in called or any(
                axis.is_energy_name(name) or axis.is_bragg_name(name) for name in called
            )
            if is_energy:
                return cls(shape, n, snaking) if shape[n] > 1 else None
        return None

    def group(self, seq_num: int) -> int:
        """Return the group of an event: its outer step, then its position within that."""
        number = seq_num - 1
        place, rest = 0, number % self._n_faster
        passed = number // self._n_faster  # how often the axes faster than the energy were run
        for n in range(self._energy + 1, len(self._shape)):
            size, inner = self._shape[n], math.prod(self._shape[n + 1 :])
            index, rest = divmod(rest, inner)
            place = place * size + (size - 1 - index if self._snaking[n] and passed % 2 else index)
            passed = passed * size + index
        return number // self._n_inner * self._n_faster + place

    def outer(self, group: int) -> int:
        """Return the outer step of a group."""
        return group // self._n_faster


class _Change:
    """Whether the value of a data key begins a new spectrum.

    Parameters
    ----------
    back : float
        Energies must run back by so much (eV) when it changes.
    fewest : int
        It must have been the same at so many points before.
    """

    def __init__(self, back: float, fewest: int = LEAST_POINTS) -> None:
        self.value: Any = None
        self._back, self._fewest = back, fewest
        self._n = self._restless = 0

    def is_new(self, value: Any, back: float) -> bool:
        """Take in a value, and how far the energy runs back (eV); tell whether it is a new one."""
        same = self._n > 0 and _same(value, self.value)
        n, self._n = self._n, self._n + 1 if same else 1
        if same:
            return False
        self.value = value
        if n == 0:
            return False
        if n < self._fewest:  # it jitters, or counts the points
            self._restless += 1
        return self._restless < RESTLESS and n >= self._fewest and back >= self._back


class _Direction:
    """How far energies run back against the direction that they had."""

    def __init__(self) -> None:
        self._first = self._last = math.nan
        self._step = 0.0

    def back(self, energy: float) -> float:
        """Take in an energy (eV); return how far it is behind the last one, negative if beyond."""
        if not math.isfinite(energy):
            return -math.inf
        if math.isnan(self._first):
            self._first = self._last = energy
            return -math.inf
        step = energy - self._last
        direction = math.copysign(1.0, self._last - self._first or step)
        here = abs(step) <= SAME_ENERGY * self._step
        self._step, self._last = abs(step) or self._step, energy
        return 0.0 if here else -step * direction


def _moves(key: str, first: list[dict[str, Any]], second: list[dict[str, Any]]) -> bool:
    """Tell whether a key changes at one energy by more than it does from one to the next."""
    one, other = ([row[key] for row in rows] for rows in (first, second))
    if all(_is_number(value) for value in (*one, *other)):
        within, between = float(np.ptp(one)), abs(float(np.mean(one) - np.mean(other)))
        large = max(1e-2 * float(np.max(np.abs([*one, *other]))), 5e-3)
        return within > 3 * between and within > large
    return any(not _same(value, one[0]) for value in one)


def _span(values: list[Any]) -> float:
    """Return how far values may be apart that are one position."""
    if not all(_is_number(value) for value in values):
        return 0.0
    steps = np.diff(np.unique(np.asarray(values, dtype=float)))
    large = steps[steps > 0.1 * steps.max()] if steps.size else steps
    return 0.4 * float(large.min()) if large.size else 0.0


def _distinct(rows: list[dict[str, Any]], spans: Mapping[str, float]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if _find(row, found, spans) < 0:
            found.append(row)
    return found


def _find(row: Mapping[str, Any], among: list[dict[str, Any]], spans: Mapping[str, float]) -> int:
    return next((n for n, other in enumerate(among) if _at(row, other, spans)), -1)


def _at(row: Mapping[str, Any], other: Mapping[str, Any], spans: Mapping[str, float]) -> bool:
    return all(_near(row[key], other[key], span) for key, span in spans.items())


def _near(one: Any, other: Any, span: float) -> bool:
    if _is_number(one) and _is_number(other):
        return abs(one - other) <= span or _same(one, other)
    return _same(one, other)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=1e-9)
    return bool(np.array_equal(one, other)) if np.ndim(one) or np.ndim(other) else one == other


def _said(place: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {_text(value)}" for key, value in place.items())


def _text(value: Any) -> str:
    return f"{value:g}" if _is_number(value) else str(value)[:80]

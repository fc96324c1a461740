"""Collect the points of one spectrum, and make the spectrum."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.engine._roles import Given, Roles
from live_lce.spectra import (
    Array,
    Readings,
    Spectrum,
    SpectrumRejectedError,
    _energy as energy,
    assemble,
)


@dataclass(frozen=True)
class Point:
    """One event's part of a spectrum: its time (s), and its values: ``axis``, then by data key."""

    time: float
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Unusable:
    """An event without what a point needs: why, by data key, for people."""

    problems: Mapping[str, str]


@dataclass
class Points:
    """The points of one spectrum, by ``seq_num``.

    A pause, suspender or rewind re-emits points: the later one with the same ``seq_num``
    replaces the earlier.

    Parameters
    ----------
    by_seq_num : dict
        Points, and events that cannot be used.
    """

    by_seq_num: dict[int, Point | Unusable] = field(default_factory=dict)

    def add(self, seq_num: int, point: Point | Unusable) -> None:
        """Take a point in, or note that it could not be used."""
        self.by_seq_num[seq_num] = point

    @property
    def used(self) -> list[Point]:
        """The usable points, in the order of their ``seq_num``."""
        return [point for _, point in sorted(self._usable(), key=lambda one: one[0])]

    @property
    def n_used(self) -> int:
        """Usable points."""
        return len(self.by_seq_num) - self.n_dropped

    @property
    def n_dropped(self) -> int:
        """Events that lacked what is needed."""
        return sum(isinstance(point, Unusable) for point in self.by_seq_num.values())

    @property
    def dropped(self) -> str:
        """What the dropped events lack, for people; empty if there are none."""
        counts = Counter(
            f"{key} {problem}"
            for point in self.by_seq_num.values()
            if isinstance(point, Unusable)
            for key, problem in point.problems.items()
        )
        said = [f"{key} in {n}" for key, n in sorted(counts.items())]
        return (
            f"{self.n_dropped} of {len(self.by_seq_num)} events: {', '.join(said)}" if said else ""
        )

    @property
    def span(self) -> tuple[int, int]:
        """First and last ``seq_num`` used; zeros if none."""
        numbers = [number for number, _ in self._usable()]
        return (min(numbers), max(numbers)) if numbers else (0, 0)

    @property
    def last_time(self) -> float:
        """Time of the latest point used (s); NaN if none."""
        return max((p.time for _, p in self._usable() if math.isfinite(p.time)), default=math.nan)

    def _usable(self) -> Iterator[tuple[int, Point]]:
        return ((n, p) for n, p in self.by_seq_num.items() if isinstance(p, Point))


def read_point(event: Mapping[str, Any], roles: Roles) -> Point | Unusable:
    """Return an event's point, or why it has none.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the event has no ``data`` or no ``time``.
    """
    data: Mapping[str, Any] = event["data"]
    time = float(event["time"])
    channels = {*roles.fluorescence, *(key for keys in roles.other_fluorescence for key in keys)}
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key in roles.read:
        try:
            convert = _array if roles.array else _channels if key in channels else _number
            values["axis" if key == roles.axis else key] = convert(data[key])
        except (KeyError, TypeError, ValueError):
            problems[key] = _problem(data, key)
    if roles.axis not in problems:
        for keys in roles.alternatives:
            if problems.keys().isdisjoint(keys):
                return Point(time, values)
    needed = {roles.axis, *(key for keys in roles.alternatives[:1] for key in keys)}
    return Unusable({key: said for key, said in problems.items() if key in needed} or problems)


def _problem(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if value is None:
        return "is missing"
    if isinstance(value, (str, bytes)):
        return "is text"
    if isinstance(value, (list, tuple, np.ndarray)):
        return f"is an array of {np.size(value)}"
    return f"is no number ({type(value).__name__})"


def build(points: Points, roles: Roles, absorber: str, edge: str) -> Spectrum:
    """Make a spectrum of what is there.

    Parameters
    ----------
    points : Points
        What has come in.
    roles : Roles
        How mu is built.
    absorber, edge : str
        Empty where unknown.

    Raises
    ------
    SpectrumRejectedError
        If there are no usable points, the energies are in no known units, or lengths differ.
    """
    used = points.used
    held: dict[str, tuple[str, ...]] = {}
    if not used and points.n_dropped:
        raise SpectrumRejectedError(Finding(Reason.VALUES_UNUSABLE, points.dropped))
    if roles.array:
        columns = {name: np.ravel(v) for name, v in used[-1].values.items()} if used else {}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            detail = ", ".join(f"{name}: {n}" for name, n in lengths.items())
            raise SpectrumRejectedError(Finding(Reason.UNEQUAL_LENGTHS, detail))
    else:
        columns, held = _columns(used)
    axis = columns.get("axis", np.empty(0))
    ev, findings = in_ev(axis, roles)
    given = roles.given if "mu" in roles.possible[:1] else Given()
    spectrum = assemble(
        Readings(
            energy=ev,
            channels={name: column for name, column in columns.items() if name != "axis"},
            energy_name=roles.axis,
            i0=roles.i0,
            it=roles.it,
            ir=roles.ir,
            fluorescence=_named(roles.fluorescence, held),
            other_fluorescence=tuple(_named(keys, held) for keys in roles.other_fluorescence),
            mu=roles.mu,
            exclude=roles.exclude,
            dark=roles.dark,
            mode=roles.mode,
            absorber=absorber,
            edge=edge,
            normalized=given.normalized,
            findings=given.findings,
        )
    )
    guessed = given.guessed if given.guessed and not absorber else None
    return replace(
        spectrum,
        absorber=guessed[0] if guessed else absorber,
        edge=guessed[1] if guessed and not edge else edge,
        absorber_guessed=guessed is not None,
        hint_energy=given.hint_energy,
        mode=given.mode or spectrum.mode,
        used=given.used or spectrum.used,
        findings=(*findings, *spectrum.findings),
    )


def _named(keys: tuple[str, ...], held: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for key in keys for name in held.get(key, (key,)))


def in_ev(axis: Array, roles: Roles) -> tuple[Array, tuple[Finding, ...]]:
    """Return photon energies (eV) from the values of the energy axis.

    Raises
    ------
    SpectrumRejectedError
        If the units are unknown.
    """
    if roles.bragg:
        if roles.d_spacing is None:
            raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, "no d_spacing"))
        return energy.angles_to_ev(axis, roles.d_spacing, roles.units)
    return energy.to_ev(axis, roles.units)


def _columns(points: list[Point]) -> tuple[dict[str, Array], dict[str, tuple[str, ...]]]:
    """Return the values of all points by name, and the names of what a key holds as an array."""
    keys = dict.fromkeys(name for point in points for name in point.values)
    columns: dict[str, Array] = {}
    held: dict[str, tuple[str, ...]] = {}
    for key in keys:
        values = [point.values.get(key, math.nan) for point in points]
        size = max((v.size for v in values if isinstance(v, np.ndarray)), default=0)
        if not size:
            columns[key] = np.array(values, dtype=float)
            continue
        nothing = np.full(size, math.nan)
        rows = [v if isinstance(v, np.ndarray) and v.size == size else nothing for v in values]
        held[key] = tuple(f"{key}[{n}]" for n in range(size))
        columns.update(zip(held[key], np.array(rows, dtype=float).T, strict=True))
    return columns, held


def _number(value: Any) -> float:
    if isinstance(value, (list, tuple, np.ndarray)):
        (value,) = np.asarray(value).ravel()
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+,\d+(e[-+]?\d+)?\s*", value.lower()):
        value = value.replace(",", ".")
    # EPICS string records: a number as text is a number.
    return float(value)


def _array(value: Any) -> Array:
    if isinstance(value, (str, bytes)):
        raise TypeError("a text is no spectrum")
    return np.array(value, dtype=float).ravel()


def _channels(value: Any) -> float | Array:
    """Return one reading, or the readings of all channels of a detector."""
    if isinstance(value, (list, tuple, np.ndarray)) and np.size(value) != 1:
        found = _array(value)
        if not found.size:
            raise ValueError("no channels")
        return found
    return _number(value)

"""The points of one spectrum as they come in, and the spectrum that they make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.engine.roles import Given, Roles
from live_lce.spectra import energy
from live_lce.spectra.readings import Readings, assemble
from live_lce.spectra.types import Array, Spectrum, SpectrumRejectedError


@dataclass(frozen=True)
class Point:
    """One event's part of a spectrum: its time (s), and its values: ``axis``, then by data key."""

    time: float
    values: Mapping[str, Any]


@dataclass
class Points:
    """The points of one spectrum, by ``seq_num``.

    A pause, suspender or rewind re-emits points: the later one with the same ``seq_num``
    replaces the earlier.

    Parameters
    ----------
    by_seq_num : dict
        Points, or None where an event lacked what is needed.
    """

    by_seq_num: dict[int, Point | None] = field(default_factory=dict)

    def add(self, seq_num: int, point: Point | None) -> None:
        """Take a point in, or note that it could not be used."""
        self.by_seq_num[seq_num] = point

    @property
    def used(self) -> list[Point]:
        """The usable points, in the order of their ``seq_num``."""
        return [point for _, point in sorted(self._usable())]

    @property
    def n_used(self) -> int:
        """Usable points."""
        return len(self.by_seq_num) - self.n_dropped

    @property
    def n_dropped(self) -> int:
        """Events that lacked what is needed."""
        return sum(point is None for point in self.by_seq_num.values())

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
        return ((n, p) for n, p in self.by_seq_num.items() if p is not None)


def read_point(event: Mapping[str, Any], roles: Roles) -> Point | None:
    """Return an event's point, or None if it lacks a needed value.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the event has no ``data`` or no ``time``.
    """
    data: Mapping[str, Any] = event["data"]
    time = float(event["time"])
    convert = _array if roles.array else _number
    named = [("axis", roles.axis)]
    named += [(key, key) for key in roles.read if key != roles.axis]
    values: dict[str, Any] = {}
    for name, key in named:
        try:
            values[name] = convert(data[key])
        except (KeyError, TypeError, ValueError):
            continue
    read = {key for name, key in named if name in values}
    usable = any(read.issuperset(roles.signals(mode)) for mode in roles.possible)
    return Point(time, values) if "axis" in values and usable else None


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
        If the energies are in no known units, or lengths differ.
    """
    used = points.used
    if roles.array:
        columns = {name: np.ravel(v) for name, v in used[-1].values.items()} if used else {}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            detail = ", ".join(f"{name}: {n}" for name, n in lengths.items())
            raise SpectrumRejectedError(Finding(Reason.UNEQUAL_LENGTHS, detail))
    else:
        names = dict.fromkeys(name for point in used for name in point.values)
        columns = {
            n: np.array([point.values.get(n, math.nan) for point in used], dtype=float)
            for n in names
        }
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
            fluorescence=roles.fluorescence,
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
        return energy.bragg_to_energy(axis, roles.d_spacing), ()
    return energy.to_ev(axis, roles.energy_units)


def _number(value: Any) -> float:
    if isinstance(value, (list, tuple, np.ndarray)):
        (value,) = np.asarray(value, dtype=float).ravel()
    if isinstance(value, str):
        raise TypeError("a text is no reading")
    return float(value)


def _array(value: Any) -> Array:
    if isinstance(value, str):
        raise TypeError("a text is no reading")
    return np.array(value, dtype=float).ravel()

"""Simulate a reaction: how much has turned into what, along temperature or time.

The kinetics are the usual forms of the converted fraction of a solid-state reaction (Khawam and
Flanagan, J. Phys. Chem. B 110, 17315 (2006)); the truth of a scan is the fraction at its start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from live_lce.sim.library import Sample, Standard

DECIMALS = 3
"""A truth is rounded to so many, to be told in full."""


class Kinetics(Protocol):
    """The converted fraction against a coordinate: degrees Celsius, or seconds."""

    def converted(self, coordinate: float) -> float:
        """Return the fraction from 0 to 1."""


@dataclass(frozen=True)
class Sigmoid:
    """A logistic curve that is exactly 0 at `first` and 1 at `last`.

    Parameters
    ----------
    first, last : float
        Where it begins and ends.
    steepness : float
        Exponent at both ends: the larger, the more sudden in the middle.

    Raises
    ------
    ValueError
        If the end is not behind the beginning, or the steepness not positive.
    """

    first: float
    last: float
    steepness: float = 7.0

    def __post_init__(self) -> None:
        if not (self.last > self.first and self.steepness > 0):
            raise ValueError(f"{self}: needs first < last and a steepness above 0")

    def converted(self, coordinate: float) -> float:
        """Return the fraction from 0 to 1."""
        within = 2.0 * (coordinate - self.first) / (self.last - self.first) - 1.0
        low, value, high = (
            1.0 / (1.0 + math.exp(-self.steepness * x))
            for x in (-1.0, min(1.0, max(-1.0, within)), 1.0)
        )
        return (value - low) / (high - low)


@dataclass(frozen=True)
class Avrami:
    """Nucleation and growth: ``1 - exp(-(rate (t - start))^exponent)``, 0 before the start.

    Avrami, J. Chem. Phys. 7, 1103 (1939); first order with the exponent 1.

    Parameters
    ----------
    rate : float
        Per second (per degree, along a temperature).
    exponent : float
        1 to 4, by how nuclei form and grow.
    start : float
        Where it begins.

    Raises
    ------
    ValueError
        If rate or exponent is not positive.
    """

    rate: float
    exponent: float = 1.0
    start: float = 0.0

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.exponent > 0):
            raise ValueError(f"{self}: rate and exponent must be above 0")

    def converted(self, coordinate: float) -> float:
        """Return the fraction from 0 to 1."""
        since = max(0.0, coordinate - self.start)
        return -math.expm1(-((self.rate * since) ** self.exponent))


def first_order(rate: float, start: float = 0.0) -> Avrami:
    """Return ``1 - exp(-rate (t - start))``: what is left reacts at a constant rate (1/s)."""
    return Avrami(rate, 1.0, start)


@dataclass(frozen=True)
class Reaction:
    """One mixture turns into another.

    Parameters
    ----------
    before, after : mapping of str to float
        Fractions of the absorbing atoms by standard; each sums to 1, of one absorber.
    kinetics : Kinetics
        How much has reacted.
    along : str
        What the kinetics' coordinate is: ``temperature`` (degrees Celsius, at equilibrium) or
        ``time`` (s of beam time, from when the furnace was first set).
    standards : mapping of str to Standard
        Besides those of the library, see :mod:`live_lce.sim.own_spectra`.
    edge_step, matrix : float
        Of the samples.

    Raises
    ------
    ValueError
        If the mixtures cannot be.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]
    kinetics: Kinetics
    along: Literal["temperature", "time"] = "temperature"
    standards: Mapping[str, Standard] = field(default_factory=dict, repr=False)
    edge_step: float = 1.0
    matrix: float = 0.8

    def __post_init__(self) -> None:
        ends = [self._sample(parts) for parts in (self.before, self.after)]
        if len({(s.absorber, s.edge) for s in ends}) != 1:
            raise ValueError(f"{ends[0].absorber} cannot react to {ends[1].absorber}")

    def converted(self, coordinate: float) -> float:
        """Return the fraction that has reacted, rounded to `DECIMALS`."""
        return round(min(1.0, max(0.0, self.kinetics.converted(coordinate))), DECIMALS)

    def sample(self, coordinate: float) -> Sample:
        """Return what is in the furnace at a temperature or time."""
        done = self.converted(coordinate)
        parts: dict[str, float] = {}
        for share, mixture in ((1.0 - done, self.before), (done, self.after)):
            for key, part in mixture.items():
                parts[key] = parts.get(key, 0.0) + share * part
        return self._sample({key: part for key, part in parts.items() if part > 0})

    def _sample(self, parts: Mapping[str, float]) -> Sample:
        return Sample(
            dict(parts), edge_step=self.edge_step, matrix=self.matrix, standards=self.standards
        )

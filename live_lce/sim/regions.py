"""Compute the energies and dwell times of a scan from its regions.

Below the edge and at it the steps are in eV; behind it, where the fine structure oscillates
in the photoelectron's wavenumber k, they are in 1/angstrom, and the time per point grows with
k, since the oscillations become small.  A scan given in the notation of NSLS-II BMM (``bounds``,
``steps``, ``times``; its manual, "XAFS scans") becomes regions by :func:`from_bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

KTOE = 3.809980849
"""hbar^2 / 2m in eV angstrom^2 (as in xraylarch): E - E0 = KTOE k^2."""
_SLACK = 1.0e-6  # eV


class RegionError(ValueError):
    """Regions cannot be scanned; one line that says which, and why."""


@dataclass(frozen=True)
class Region:
    """Equal steps in energy.

    Parameters
    ----------
    start, stop : float
        In eV from the edge; `stop` is the first point of the next region.
    step : float
        In eV.
    dwell : float, optional
        Time per point in s; by default as the detectors are set.
    """

    start: float
    stop: float
    step: float
    dwell: float | None = None

    @property
    def end(self) -> float:
        """Where it ends (eV from the edge)."""
        return self.stop

    def offsets(self) -> Array:
        """Return its points in eV from the edge, without the last one."""
        return _steps(self.start, self.stop, self.step)

    def times(self, offsets: Array) -> Array:
        """Return the time (s) of each point; NaN where the detectors' own counts."""
        return np.full(offsets.shape, np.nan if self.dwell is None else self.dwell)


@dataclass(frozen=True)
class KRegion:
    """Equal steps in the photoelectron's wavenumber k.

    Parameters
    ----------
    start : float
        In eV from the edge, where the region before ends; above the edge.
    stop : float
        In 1/angstrom.
    step : float
        In 1/angstrom.
    dwell : float, optional
        Time of the first point in s; by default as the detectors are set.
    power : float
        The time grows as ``dwell (k / k_start)^power``.
    """

    start: float
    stop: float
    step: float
    dwell: float | None = None
    power: float = 0.0

    @property
    def end(self) -> float:
        """Where it ends (eV from the edge)."""
        return KTOE * self.stop**2

    def offsets(self) -> Array:
        """Return its points in eV from the edge, without the last one."""
        points: Array = KTOE * _steps(float(wavenumber(self.start)), self.stop, self.step) ** 2
        return points

    def times(self, offsets: Array) -> Array:
        """Return the time (s) of each point; NaN where the detectors' own counts."""
        if self.dwell is None:
            return np.full(offsets.shape, np.nan)
        grown: Array = self.dwell * (wavenumber(offsets) / wavenumber(self.start)) ** self.power
        return grown


Regions = tuple[Region | KRegion, ...]
Given = Sequence[Region | KRegion | Sequence[float | str]]
"""Regions, or what :func:`as_regions` makes regions of."""

XANES: Regions = (
    Region(-150.0, -40.0, 10.0),
    Region(-40.0, -10.0, 3.0),
    Region(-10.0, 40.0, 0.5),
    Region(40.0, 80.0, 2.0),
    Region(80.0, 200.0, 6.0),
)
"""A short XANES scan, dwell times as the detectors are set."""

FOIL: Regions = (
    Region(-60.0, -10.0, 2.5),
    Region(-10.0, 15.0, 0.25),
    Region(15.0, 65.0, 2.5),
)
"""A scan of a reference foil, fine where the edge may be."""

EXAFS: Regions = (
    Region(-200.0, -30.0, 10.0, 0.5),
    Region(-30.0, -10.0, 2.0, 0.5),
    Region(-10.0, 16.0, 0.3, 0.5),
    KRegion(16.0, 12.0, 0.05, 0.5, 1.0),
)
"""A scan to 12/angstrom, its dwell times growing with k; much as BMM's template."""


def wavenumber(offset: ArrayLike) -> Array:
    """Return k (1/angstrom) of a photoelectron at energies in eV from the edge, 0 below it."""
    above: Array = np.maximum(np.asarray(offset, dtype=np.float64), 0.0)
    return np.sqrt(above / KTOE)


def scan_points(e0: float, given: Given) -> tuple[Array, Array]:
    """Return what a scan in regions measures.

    Parameters
    ----------
    e0 : float
        The edge in eV.
    given : sequence
        See :func:`as_regions`; in order, each beginning where the one before ends.

    Returns
    -------
    energy : ndarray of shape (n_points,)
        In eV, strictly ascending; the end of the last region is the last point.
    dwell : ndarray of shape (n_points,)
        In s; NaN where the detectors' own time counts.

    Raises
    ------
    RegionError
        If there are none, they leave gaps, overlap or turn back, or a number is none.
    """
    regions = as_regions(given)
    offsets = [region.offsets() for region in regions]
    offsets[-1] = np.append(offsets[-1], regions[-1].end)
    times = [region.times(points) for region, points in zip(regions, offsets, strict=True)]
    energy: Array = e0 + np.concatenate(offsets)
    if not np.all(np.diff(energy) > 0):
        raise RegionError(f"the energies {energy[0]:g} to {energy[-1]:g} eV do not ascend")
    return energy, np.concatenate(times)


def from_bounds(
    bounds: Sequence[float | str], steps: Sequence[float | str], times: Sequence[float | str]
) -> Regions:
    """Return regions from bounds, steps and times in the notation of NSLS-II BMM.

    Parameters
    ----------
    bounds : sequence of float or str
        In eV from the edge, or ``"15k"`` for 15/angstrom; one more than steps.
    steps : sequence of float or str
        In eV, or ``"0.05k"`` in 1/angstrom.
    times : sequence of float or str
        In s, or ``"0.25k"`` for 0.25 k seconds (only with steps in k).

    Raises
    ------
    RegionError
        If their numbers do not fit, or one cannot be read.
    """
    if not len(bounds) - 1 == len(steps) == len(times):
        raise RegionError(
            f"{len(bounds)} bounds, {len(steps)} steps and {len(times)} times: "
            "steps and times must be one fewer than bounds"
        )
    parts = zip(bounds[:-1], bounds[1:], steps, times, strict=True)
    return as_regions(list(parts))


def as_regions(given: Given) -> Regions:
    """Return regions, also from plain lists, as they come over a network.

    Parameters
    ----------
    given : sequence
        Regions, or ``(start, stop, step)`` or ``(start, stop, step, dwell)`` in the notation
        of :func:`from_bounds`: ``(16, "12k", "0.05k", "0.25k")``.

    Raises
    ------
    RegionError
        If one cannot be read, or they do not fit each other.
    """
    if not given:
        raise RegionError("a scan needs at least one region")
    found = tuple(
        part if isinstance(part, Region | KRegion) else _region(i, list(part))
        for i, part in enumerate(given, start=1)
    )
    _check(found)
    return found


def _region(i: int, part: Sequence[float | str]) -> Region | KRegion:
    if len(part) not in (3, 4):
        raise RegionError(f"region {i}: {part}: give start, stop, step and, if you like, dwell")
    start, stop, step = map(_number, part[:3])
    low, high = (KTOE * value**2 if is_k else value for value, is_k in (start, stop))
    time = _number(part[3]) if len(part) == 4 else None
    if step[1]:
        k = stop[0] if stop[1] else float(wavenumber(high))
        grows = time is not None and time[1]
        dwell = None if time is None else time[0] * (float(wavenumber(low)) if grows else 1.0)
        return KRegion(low, k, step[0], dwell, float(grows))
    if time is not None and time[1]:
        raise RegionError(f"region {i}: a time that grows with k needs a step in k, as '0.05k'")
    return Region(low, high, step[0], None if time is None else time[0])


def _number(value: float | str) -> tuple[float, bool]:
    text = str(value).strip()
    try:
        return float(text.removesuffix("k")), text.endswith("k")
    except ValueError:
        raise RegionError(f"{value!r} is neither a number nor a number with k, as '15k'") from None


def _check(regions: Regions) -> None:
    for i, region in enumerate(regions, start=1):
        numbers = [region.start, region.stop, region.step]
        numbers += [] if region.dwell is None else [region.dwell]
        if not all(map(math.isfinite, numbers)) or region.step <= 0:
            raise RegionError(f"region {i}: {region}: finite numbers and a step above 0 are needed")
        if region.dwell is not None and region.dwell <= 0:
            raise RegionError(f"region {i}: a dwell time of {region.dwell:g} s measures nothing")
        if isinstance(region, KRegion) and region.start <= 0:
            raise RegionError(f"region {i}: steps in k begin above the edge, not at {region.start}")
        if region.end <= region.start:
            raise RegionError(
                f"region {i} ends at {region.end:g} eV and begins at {region.start:g} eV"
            )
        if i > 1 and abs(regions[i - 2].end - region.start) > _SLACK:
            raise RegionError(
                f"region {i} begins at {region.start:g} eV, "
                f"the one before ends at {regions[i - 2].end:g} eV"
            )


def _steps(start: float, stop: float, step: float) -> Array:
    # The end is a point of its own: none nearer to it than half a step, except the start.
    points = np.arange(start, stop - 0.5 * step, step)
    return points if len(points) else np.array([start])

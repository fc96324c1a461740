"""Run the plan ``xanes``: a step scan over an edge, in regions with dwell times."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.sim._scan_metadata import scan_metadata
from live_lce.sim.regions import XANES, Given, RegionError, as_regions, scan_points

Plan = Generator[Any, Any, Any]

_COUNT_TIMES = ("count_time", "preset_time")  # ours; ophyd's EpicsScaler and ScalerCH


def xanes_energies(e0: float) -> NDArray[np.float64]:
    """Return the energies (eV) of a XANES scan, -150 to +200 eV around `e0`."""
    return scan_points(e0, XANES)[0]


def xanes(
    detectors: Sequence[Any],
    mono: Any,
    element: str,
    edge: str,
    *,
    sample: str,
    truth: Mapping[str, float] | None = None,
    regions: Given | None = None,
    dwell: float | None = None,
    energies: Sequence[float] | NDArray[np.float64] | None = None,
    mode: str = "transmission",
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Step-scan an absorption edge; the metadata are those of an XDI file.

    Where points have different dwell times, they are set as the scan goes, and recorded with
    each point as ``<detector>_count_time``.

    Parameters
    ----------
    detectors : sequence
        Read at each point.  Dwell times need one at least with a settable `count_time` or
        `preset_time`.
    mono : positioner
        Moves the energy (eV).
    element, edge : str
        What is scanned.
    sample : str
        Name of the sample.
    truth : mapping of str to float, optional
        Known fraction by coordination label; for the score, not read by live_lce.
    regions : sequence of Region or KRegion, optional
        Relative to the tabulated edge, also plain lists
        (:func:`live_lce.sim.regions.as_regions`); by default
        :data:`live_lce.sim.regions.XANES`.
    dwell : float, optional
        Time (s) of the points whose region gives none; by default as the detectors are set.
    energies : sequence of float, optional
        In eV, instead of regions; strictly ascending.
    mode : str
        How it is measured, for the metadata.
    md : mapping, optional
        More metadata, which count more than those made here.

    Raises
    ------
    RegionError
        If regions or energies cannot be scanned, or no detector can be given a dwell time.
    """
    from bluesky.plans import list_scan

    e0 = tabulated(element, edge)
    points, times = _points(e0, regions, energies)
    times = np.where(np.isnan(times), np.nan if dwell is None else dwell, times)
    step = _Step(_count_times(detectors), points, times)
    given = {
        "detectors": [detector.name for detector in detectors],
        "mono": mono.name,
        "element": element,
        "edge": edge,
        "regions": [] if energies is not None else [repr(r) for r in as_regions(regions or XANES)],
        "dwell": dwell,
    }
    metadata = scan_metadata(
        [mono, *detectors],
        element=element,
        edge=edge,
        edge_energy=e0,
        sample=sample,
        truth=truth or {},
        mode=mode,
        md={"plan_args": given, **(md or {})},
    )
    yield from step.prepare()
    # bluesky's hints take the motor and its list for one argument, and ask for a fourth argument of
    # the step, which it does not pass.
    moved: list[Any] = [mono, [float(e) for e in points]]
    per_step: Any = step
    return (yield from list_scan(list(detectors), *moved, per_step=per_step, md=metadata))


def tabulated(element: str, edge: str) -> float:
    """Return the tabulated energy (eV) of an edge.

    Raises
    ------
    RegionError
        If there is no such edge.
    """
    import xraydb

    try:
        return float(xraydb.xray_edge(element, edge).energy)
    except (KeyError, ValueError, AttributeError):
        raise RegionError(f"no edge {element} {edge} in the tables: as in 'Fe', 'K'") from None


class _Shown:
    """A signal as a device of its own: bluesky reads no part of a device beside the whole."""

    def __init__(self, signal: Any) -> None:
        self.name, self.parent = signal.name, None
        self.hints: dict[str, list[str]] = {"fields": []}
        self.read, self.describe = signal.read, signal.describe

    def read_configuration(self) -> dict[str, Any]:
        """Return nothing: the whole device has it."""
        return {}

    describe_configuration = read_configuration


@dataclass(frozen=True)
class _Step:
    """One point of a scan: dwell time, energy, reading."""

    signals: tuple[Any, ...]
    energies: NDArray[np.float64] = field(repr=False)
    times: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if not np.all(np.isnan(self.times)) and not self.signals:
            names = " or ".join(_COUNT_TIMES)
            raise RegionError(f"dwell times need a detector with {names}: give regions without")

    @property
    def _varied(self) -> bool:
        return bool(np.ptp(np.nan_to_num(self.times)) > 0)

    @cached_property
    def _shown(self) -> list[_Shown]:
        """What to read to record the time, unless the detector reads it anyway."""
        kind = int(getattr(self.signals[0], "kind", 0))  # ophyd: normal and hinted are odd
        return [] if kind & 1 else [_Shown(self.signals[0])]

    def prepare(self) -> Plan:
        """Set the dwell time that all points have, before the run: it is configuration."""
        import bluesky.plan_stubs as bps

        if not self._varied and not np.isnan(self.times[0]):
            for signal in self.signals:
                yield from bps.mv(signal, float(self.times[0]))

    def __call__(self, detectors: Any, step: Any, pos_cache: Any) -> Plan:
        """Measure."""
        import bluesky.plan_stubs as bps

        if not self._varied:
            return (yield from bps.one_nd_step(detectors, step, pos_cache))
        yield from bps.checkpoint()  # before the time is set: a rewind sets it anew
        [energy] = step.values()
        time = float(self.times[np.searchsorted(self.energies, energy)])
        moves = [part for signal in self.signals for part in (signal, time)]
        yield from bps.mv(*moves, *(part for pair in step.items() for part in pair))
        pos_cache.update(step)
        yield from bps.trigger_and_read([*detectors, *step, *self._shown])


def _points(
    e0: float, regions: Given | None, energies: Sequence[float] | NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if energies is None:
        return scan_points(e0, XANES if regions is None else regions)
    if regions is not None:
        raise RegionError("give regions or energies, not both")
    points = np.asarray(energies, dtype=np.float64)
    if points.ndim != 1 or not len(points) or not np.all(np.isfinite(points)):
        raise RegionError("energies must be a list of finite numbers in eV")
    if not np.all(np.diff(points) > 0) or points[0] <= 0:
        raise RegionError("energies must be strictly ascending, and above 0")
    return points, np.full(points.shape, np.nan)


def _count_times(detectors: Sequence[Any]) -> tuple[Any, ...]:
    found = (getattr(d, name, None) for d in detectors for name in _COUNT_TIMES)
    return tuple(signal for signal in found if hasattr(signal, "set"))

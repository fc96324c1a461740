"""Run plans: a XANES step scan, an in-situ series, a foil calibration, a disturbance.

They are bluesky plans like any other and run on simulated and real devices: what they need of
these is said at each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np

from live_lce.sim._calibration import CalibrationError, FoilCalibration, calibrate
from live_lce.sim._scan_metadata import merged
from live_lce.sim._step_scan import Plan, xanes, xanes_energies
from live_lce.sim.regions import FOIL, Given

__all__ = [
    "Plan",
    "after_point",
    "foil_calibration",
    "insitu_series",
    "pause_after",
    "xanes",
    "xanes_energies",
]


def insitu_series(
    detectors: Sequence[Any],
    mono: Any,
    furnace: Any,
    element: str,
    edge: str,
    *,
    n_scans: int,
    sample: str,
    temperatures: Sequence[float] | tuple[float, float] = (25.0, 25.0),
    truth: Callable[[], Mapping[str, float]] | None = None,
    series_uid: str = "",
    md: Mapping[str, Any] | None = None,
    **scan: Any,
) -> Plan:
    """Scan an edge again and again while the sample changes; a run a scan.

    Before each scan the furnace is set to the next temperature.  The start documents have
    ``series`` (``uid``, ``index`` from 0, ``n_scans``, ``temperature``), by which Tiled finds
    them, and ``XDI.Sample.temperature``.

    Parameters
    ----------
    detectors, mono, element, edge
        As of :func:`xanes`.
    furnace : positioner
        Is set to temperatures (degrees Celsius); also read at each point.
    n_scans : int
        How many.
    sample : str
        Name of the sample.
    temperatures : sequence of float
        Of each scan, or of the first and the last one, with equal steps between.
    truth : callable, optional
        Returns the known fractions, asked before each scan; by default what the furnace says
        in an attribute `truth`, if it has one.
    series_uid : str
        By default a new one.
    md : mapping, optional
        More metadata, of every scan.
    **scan
        More of :func:`xanes`, such as `regions`.

    Returns
    -------
    list of str
        Uids of the runs.

    Raises
    ------
    ValueError
        If numbers of scans and temperatures do not fit.
    """
    import bluesky.plan_stubs as bps

    series_uid = series_uid or str(uuid4())
    uids: list[str] = []
    read = [*detectors] if furnace in detectors else [*detectors, furnace]
    for index, temperature in enumerate(_temperatures(temperatures, n_scans)):
        yield from bps.mv(furnace, temperature)
        known = truth() if truth else getattr(furnace, "truth", {})
        series = {
            "series": {
                "uid": series_uid,
                "index": index,
                "n_scans": n_scans,
                "temperature": temperature,
            },
            "XDI": {"Sample": {"temperature": f"{temperature:g} C"}},
        }
        plan = xanes(
            read, mono, element, edge, sample=sample, truth=known, md=merged(series, md or {}),
            **scan,
        )  # fmt: skip
        uids.append((yield from plan))
    return uids


def foil_calibration(
    detectors: Sequence[Any],
    mono: Any,
    element: str,
    edge: str,
    *,
    it: str = "It",
    ir: str = "Ir",
    regions: Given = FOIL,
    apply: bool = False,
    report: Callable[[FoilCalibration], object] = print,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Scan the reference foil and find how far the energies are off.

    Parameters
    ----------
    detectors, mono, element, edge
        As of :func:`xanes`; the foil is that of the element.
    it, ir : str
        Data keys of the chambers before and behind the foil.
    regions : sequence of Region or KRegion
        What to scan.
    apply : bool
        Also tell the monochromator, by its `set_current_position` (as of ophyd's
        EpicsMotor); by default it is left alone.
    report : callable
        Is given the result, as soon as it is known; prints it by default.
    md : mapping, optional
        More metadata.

    Returns
    -------
    FoilCalibration
        With `shift`, which ``analysis.normalization.shift_value`` takes.

    Raises
    ------
    CalibrationError
        If the edge was not found, or the monochromator cannot be told.
    """
    if apply and not hasattr(mono, "set_current_position"):
        raise CalibrationError(f"{mono.name} has no set_current_position: use apply=False")
    rows: list[tuple[float, float, float]] = []

    def keep(reading: Mapping[str, Any]) -> None:
        missing = [name for name in (mono.name, it, ir) if name not in reading]
        if missing:
            there = ", ".join(reading)
            raise CalibrationError(f"no data key {missing[0]!r} in the scan: there are {there}")
        energy, before, behind = (float(reading[n]["value"]) for n in (mono.name, it, ir))
        rows.append((energy, before, behind))

    name = f"{element} foil"
    more = merged({"plan_name": "foil_calibration"}, md or {})
    plan = xanes(
        detectors, mono, element, edge, sample=name, mode="reference", regions=regions, md=more
    )
    yield from _readings(plan, keep)
    # A rewound scan measured some points twice: the last one counts.
    energies, before, behind = np.array(list({row[0]: row for row in rows}.values())).T
    found = calibrate(energies, before, behind, element, edge)
    if apply:
        mono.set_current_position(mono.position + found.shift)
    report(found)
    return found


def pause_after(plan: Plan, n_points: int, note: Callable[[], None]) -> Plan:
    """Pause a plan after it has saved `n_points` points, before its next checkpoint.

    A resumed RunEngine goes back to the last checkpoint and measures the last
    point again, under the same `seq_num`: as after a beam dump.

    Parameters
    ----------
    plan : generator
        To be disturbed.
    n_points : int
        Points before the pause.
    note : callable
        Called just before the pause, to tell it from one that the user asks for.
    """
    from bluesky import Msg

    def pause() -> Plan:
        note()
        yield Msg("pause", None, defer=False)

    return (yield from after_point(plan, n_points, pause))


def after_point(plan: Plan, n_points: int, then: Callable[[], Plan]) -> Plan:
    """Put another plan in where a plan has saved `n_points` points."""
    from bluesky.preprocessors import plan_mutator

    saved = 0

    def mutate(message: Any) -> tuple[None, Plan | None]:
        nonlocal saved
        if message.command == "save":
            saved += 1
            if saved == n_points:
                return None, then()
        return None, None

    return (yield from plan_mutator(plan, mutate))


def _temperatures(given: Sequence[float], n_scans: int) -> list[float]:
    if n_scans < 1:
        raise ValueError(f"a series of {n_scans} scans: give 1 or more")
    if len(given) == n_scans:
        return [float(t) for t in given]
    if len(given) != 2:
        raise ValueError(f"{len(given)} temperatures for {n_scans} scans: give each one's, or two")
    return [float(t) for t in np.linspace(given[0], given[1], n_scans)]


def _readings(plan: Plan, keep: Callable[[Mapping[str, Any]], None]) -> Plan:
    """Run a plan, and pass on what each of its points reads."""
    from bluesky.preprocessors import plan_mutator

    point: dict[str, Any] = {}

    def save() -> Plan:
        keep(point)
        point.clear()
        yield from ()

    def noted(message: Any) -> Plan:
        reading = yield message
        point.update(reading or {})
        return reading

    def mutate(message: Any) -> tuple[Plan | None, Plan | None]:
        if message.command == "read":
            return noted(message), None
        return None, (save() if message.command == "save" else None)

    return (yield from plan_mutator(plan, mutate))

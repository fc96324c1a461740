"""Run the plan ``xanes_fly``: an edge in one flight of the monochromator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from live_lce.sim._scan_metadata import scan_metadata
from live_lce.sim._step_scan import Plan, tabulated

FIRST, LAST = -150.0, 200.0
"""Where a flight begins and ends unless asked otherwise (eV from the tabulated edge)."""


def xanes_fly(
    detectors: Sequence[Any],
    mono: Any,
    element: str,
    edge: str,
    *,
    sample: str,
    truth: Mapping[str, float] | None = None,
    start: float | None = None,
    stop: float | None = None,
    n_points: int = 701,
    velocity: float | None = None,
    period: float = 0.5,
    mode: str = "transmission",
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Fly over an absorption edge; rows are announced while the monochromator flies.

    Parameters
    ----------
    detectors : sequence
        Ophyd-async detectors that count on the pulses of `mono`.
    mono : device
        Is prepared with a :class:`live_lce.sim.async_devices.Flight`, and flies.
    element, edge : str
        What is scanned.
    sample : str
        Name of the sample.
    truth : mapping of str to float, optional
        Known fraction by coordination label; for the score, not read by live_lce.
    start, stop : float, optional
        In eV; by default 150 below and 200 above the tabulated edge.
    n_points : int
        Pulses, at equal steps of the energy.
    velocity : float, optional
        In eV/s of beam time: a point is counted for as long as a step takes.  By default the
        detectors count for as long as they are set to.
    period : float
        Real time (s) between two announcements of rows.
    mode : str
        How it is measured, for the metadata.
    md : mapping, optional
        More metadata, which count more than those made here.

    Raises
    ------
    ValueError
        If this is no flight: less than two points, a velocity that is not positive.
    """
    import bluesky.plan_stubs as bps
    import bluesky.preprocessors as bpp
    from ophyd_async.core import DetectorTrigger, TriggerInfo

    from live_lce.sim.async_devices import Flight

    e0 = tabulated(element, edge)
    flight = Flight(
        e0 + FIRST if start is None else start, e0 + LAST if stop is None else stop, n_points
    )
    if velocity is not None and not velocity > 0:
        raise ValueError(f"a velocity of {velocity} eV/s")
    count_time = abs(flight.step) / velocity if velocity else 0.0
    trigger = TriggerInfo(
        trigger=DetectorTrigger.EXTERNAL_EDGE, livetime=count_time, number_of_events=n_points
    )
    given = {
        "detectors": [detector.name for detector in detectors],
        "mono": mono.name,
        "element": element,
        "edge": edge,
        "start": flight.start,
        "stop": flight.stop,
        "n_points": n_points,
        "velocity": velocity,
    }
    metadata = scan_metadata(
        [mono, *detectors],
        element=element,
        edge=edge,
        edge_energy=e0,
        sample=sample,
        truth=truth or {},
        mode=mode,
        md={
            "plan_name": "xanes_fly",
            "plan_args": given,
            "detectors": given["detectors"],
            "motors": [mono.name],
            "num_points": n_points,
            "hints": {"dimensions": [[[mono.name], "primary"]]},
            **(md or {}),
        },
    )

    @bpp.stage_decorator([mono, *detectors])  # type: ignore[untyped-decorator]
    @bpp.run_decorator(md=metadata)  # type: ignore[untyped-decorator]
    def fly() -> Plan:
        yield from bps.prepare(mono, flight, wait=True)
        for detector in detectors:
            yield from bps.prepare(detector, trigger, wait=True)
        yield from bps.declare_stream(*detectors, name="primary", collect=True)
        yield from bps.kickoff_all(*detectors, wait=True)
        yield from bps.kickoff(mono, wait=True)
        yield from bps.collect_while_completing(
            [mono, *detectors], detectors, flush_period=period, stream_name="primary"
        )

    return (yield from fly())

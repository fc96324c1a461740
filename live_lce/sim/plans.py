"""Plans: a XANES step scan in regions, and the two ways to disturb it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plan = Generator[Any, Any, Any]

REGIONS = ((-150.0, -40.0, 10.0), (-40.0, -10.0, 3.0), (-10.0, 40.0, 0.5), (40.0, 80.0, 2.0))
REGIONS_END = (80.0, 200.0, 6.0)
"""Regions of a scan: from, to, step, in eV from the tabulated edge."""


def xanes_energies(e0: float) -> NDArray[np.float64]:
    """Return the energies (eV) of a XANES scan, -150 to +200 eV around `e0`."""
    parts = [np.arange(start, stop, step) for start, stop, step in (*REGIONS, REGIONS_END)]
    return e0 + np.concatenate([*parts, [REGIONS_END[1]]])


def xanes(
    detectors: Sequence[Any],
    mono: Any,
    element: str,
    edge: str,
    *,
    sample: str,
    truth: Mapping[str, float],
    energies: Sequence[float] | NDArray[np.float64] | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Step-scan an absorption edge; the metadata are those of an XDI file.

    Parameters
    ----------
    detectors : sequence
        Read at each point.
    mono : positioner
        Moves the energy (eV).
    element, edge : str
        What is scanned.
    sample : str
        Name of the sample.
    truth : mapping of str to float
        Known fraction by coordination label; for the score, not read by live_lce.
    energies : sequence of float, optional
        In eV; by default :func:`xanes_energies`.
    md : mapping, optional
        More metadata.
    """
    import xraydb
    from bluesky.plans import list_scan

    if energies is None:
        energies = xanes_energies(float(xraydb.xray_edge(element, edge).energy))
    metadata = {
        "plan_name": "xanes",
        "element": element,
        "edge": edge,
        "sample": sample,
        "truth": dict(truth),
        "XDI": {
            "Element": {"symbol": element, "edge": edge},
            "Sample": {"name": sample},
            "_mode": "transmission",
        },
        **(md or {}),
    }
    return (yield from list_scan(list(detectors), mono, [float(e) for e in energies], md=metadata))


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
    from bluesky.preprocessors import plan_mutator

    saved = 0

    def pause() -> Plan:
        note()
        yield Msg("pause", None, defer=False)

    def mutate(message: Any) -> tuple[None, Plan | None]:
        nonlocal saved
        if message.command == "save":
            saved += 1
            if saved == n_points:
                return None, pause()
        return None, None

    return (yield from plan_mutator(plan, mutate))

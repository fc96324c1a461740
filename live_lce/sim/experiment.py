"""Run the simulated in-situ experiment: which scans, with which truth.

In a furnace hematite (octahedral iron) reacts with carbonates to BaCaFe4O8
(tetrahedral iron) while XANES scans are taken; some scans are disturbed as real
ones are.  Then standards of other elements follow, among them a five-coordinate
one and a chromate.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from live_lce.sim.beamline import Beamline
from live_lce.sim.library import Sample, exponents, mixture, true_class
from live_lce.sim.optics import Glitch, Optics
from live_lce.sim.plans import pause_after, xanes, xanes_energies
from live_lce.sim.reaction import Reaction, Sigmoid
from live_lce.sim.world import World

_COLDEST, _WARMER = 700.0, 20.0  # degrees Celsius


@dataclass(frozen=True)
class Scan:
    """One scan of the experiment.

    Parameters
    ----------
    sample : Sample
        What is in the beam.
    name : str
        Of the sample.
    temperature : float
        Of the furnace, degrees Celsius.
    beamline : Beamline
        Its flux, and its glitch.
    pause_at, abort_at : int, optional
        Pause and resume, or abort, after so many points.
    """

    sample: Sample
    name: str
    temperature: float = 25.0
    beamline: Beamline = field(default_factory=Beamline)
    pause_at: int | None = None
    abort_at: int | None = None

    @property
    def true_class(self) -> str:
        """The label that at least `PURE` of the atoms have; empty for a mixture."""
        return true_class(self.sample.truth)

    @property
    def remark(self) -> str:
        """What disturbs this scan, in one word; empty if nothing does."""
        if self.abort_at is not None:
            return "aborted"
        if self.pause_at is not None:
            return "paused"
        if self.beamline.optics.glitches:
            return "glitch"
        return "noisy" if self.beamline.flux < 5.0e5 else ""


def insitu_experiment(n_scans: int = 12) -> list[Scan]:
    """Return the scans: `n_scans` of the reaction of hematite, then three standards.

    Raises
    ------
    ValueError
        If there are fewer than six, which leave no room for the disturbances.
    """
    if n_scans < 6:
        raise ValueError("The experiment needs at least 6 scans.")
    scans = []
    e0 = exponents("Fe", "K")[2]
    energies = xanes_energies(e0)
    turning = reaction(n_scans)
    for i in range(n_scans):
        temperature = _COLDEST + _WARMER * i
        sample = turning.sample(temperature)
        beamline, pause_at, abort_at = Beamline(), None, None
        if i == 1:
            pause_at = int(np.searchsorted(energies, e0 + 12.0))
        elif i == 2:
            beamline = Beamline(optics=Optics((Glitch(e0 + 28.0),)))
        elif i == n_scans - 4:
            beamline = Beamline(flux=1.0e5)
        elif i == n_scans - 2:
            abort_at = int(np.searchsorted(energies, e0 + 110.0))
        name = f"Fe2O3 mixture, {temperature:.0f} C"
        scans.append(Scan(sample, name, temperature, beamline, pause_at, abort_at))
    scans += [Scan(mixture(parts), name) for name, parts in _STANDARDS.items()]
    return scans


_STANDARDS = {
    "CaV3O7": {"V-cavoite-1": 2 / 3, "V-cavoite-2": 1 / 3},  # its two sites, 8 and 4 a cell
    "MnV2O4": {"V-vuorelainenite": 1.0},
    "K2CrO4": {"Cr-tarapacaite": 1.0},
}


def reaction(n_scans: int) -> Reaction:
    """Return what happens in the furnace, from the first to the last of so many scans."""
    return Reaction(
        {"Fe-hematite": 1.0},
        {"Fe-BaCaFe4O8": 1.0},
        Sigmoid(_COLDEST, _COLDEST + _WARMER * (n_scans - 1)),
    )


@dataclass(frozen=True)
class Done:
    """A scan that was run.

    Parameters
    ----------
    scan : Scan
        What was asked for.
    uid : str
        Of the raw run.
    exit_status : str
        Of its stop document.
    began : float
        Beam time (s) before it.
    """

    scan: Scan
    uid: str
    exit_status: str
    began: float = 0.0


def run_experiment(
    engine: Any,
    scans: Sequence[Scan],
    *,
    seed: int = 0,
    duration: float = 0.0,
    started: Callable[[str, Scan], object] = lambda uid, scan: None,
) -> Iterator[Done]:
    """Run the scans on a RunEngine, pausing, resuming and aborting as they say.

    Parameters
    ----------
    engine : RunEngine
        Idle; subscribe to it before.
    scans : sequence of Scan
        In this order.
    seed : int
        Of the counting noise.
    duration : float
        Real time in s over which the points are spread.
    started : callable
        Called with uid and scan as soon as a scan has its start document.

    Yields
    ------
    Done
        After each scan.

    Raises
    ------
    KeyboardInterrupt
        If the user interrupts; the running scan is aborted properly first.
    """
    from live_lce.sim.devices import Furnace, IonChambers, Monochromator

    world = World(seed=seed)
    furnace, mono = Furnace(world), Monochromator(world)
    n_points = sum(scan.abort_at or len(xanes_energies(0.0)) for scan in scans)
    chambers = IonChambers(world, dwell=duration / n_points)
    for scan in scans:
        furnace.load(scan.sample, scan.temperature)
        world.beamline, began = scan.beamline, world.elapsed
        plan = xanes(
            [chambers, furnace],
            mono,
            scan.sample.absorber,
            scan.sample.edge,
            sample=scan.name,
            truth=scan.sample.truth,
            md={"disturbance": scan.remark},
        )
        yield replace(_run(engine, plan, scan, started), began=began)


def _run(engine: Any, plan: Any, scan: Scan, started: Callable[[str, Scan], object]) -> Done:
    from bluesky.utils import RunEngineInterrupted

    seen: dict[str, str] = {}
    wanted: list[int] = []

    def watch(name: str, doc: Mapping[str, Any]) -> None:
        if name == "start":
            seen["uid"] = doc["uid"]
            started(doc["uid"], scan)
        elif name == "stop":
            seen["exit_status"] = doc["exit_status"]

    stop_at = scan.abort_at if scan.abort_at is not None else scan.pause_at
    if stop_at is not None:
        plan = pause_after(plan, stop_at, lambda: wanted.append(1))
    try:
        with quiet():
            engine(plan, watch)
    except RunEngineInterrupted as interruption:
        if not wanted:  # not ours: the user pressed Ctrl-C
            _abort(engine, "interrupted by the user")
            raise KeyboardInterrupt from interruption
        if scan.abort_at is not None:
            _abort(engine, "aborted by the experiment")
        else:
            try:
                with quiet():
                    engine.resume()
            except RunEngineInterrupted as interrupted:
                _abort(engine, "interrupted by the user")
                raise KeyboardInterrupt from interrupted
    return Done(scan, seen["uid"], seen["exit_status"])


def _abort(engine: Any, reason: str) -> None:
    with quiet():
        engine.abort(reason)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep back the lines and the traceback that a RunEngine prints on pause and abort."""
    log = logging.getLogger("bluesky")
    was, log.disabled = log.disabled, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        log.disabled = was

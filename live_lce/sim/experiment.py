"""The simulated in-situ experiment: which scans, with which truth, and the score.

In a furnace hematite (octahedral iron) reacts with carbonates to BaCaFe4O8
(tetrahedral iron) while XANES scans are taken; some scans are disturbed as real
ones are.  Then standards of other elements follow, among them a five-coordinate
one and a chromate.

Rules of the score:

- A scan's true class is the label that at least `PURE` of its absorbing atoms
  have.  Scans without one are mixtures: reported, not scored.
- The scored prediction is the last one of the scan (``final`` = 1), also of an
  aborted scan.  No answer counts as not right, and so does no prediction.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from live_lce.sim.beamline import Beamline
from live_lce.sim.library import Sample, exponents, mixture
from live_lce.sim.optics import Glitch, Optics
from live_lce.sim.plans import pause_after, xanes, xanes_energies
from live_lce.sim.world import World

PURE = 0.7
PASS = 0.8


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


def true_class(truth: Mapping[str, float]) -> str:
    """Return the label with a fraction of at least `PURE`, or an empty string."""
    label = max(truth, key=lambda name: truth[name])
    return label if truth[label] >= PURE - 1e-9 else ""


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
    for i, fraction in enumerate(reaction(n_scans)):
        parts = {"Fe-hematite": 1.0 - fraction, "Fe-BaCaFe4O8": fraction}
        sample = mixture({key: part for key, part in parts.items() if part > 0})
        beamline, pause_at, abort_at = Beamline(), None, None
        if i == 1:
            pause_at = int(np.searchsorted(energies, e0 + 12.0))
        elif i == 2:
            beamline = Beamline(optics=Optics((Glitch(e0 + 28.0),)))
        elif i == n_scans - 4:
            beamline = Beamline(flux=1.0e5)
        elif i == n_scans - 2:
            abort_at = int(np.searchsorted(energies, e0 + 110.0))
        temperature = 700.0 + 20.0 * i
        name = f"Fe2O3 mixture, {temperature:.0f} C"
        scans.append(Scan(sample, name, temperature, beamline, pause_at, abort_at))
    scans += [Scan(mixture(parts), name) for name, parts in _STANDARDS.items()]
    return scans


_STANDARDS = {
    "CaV3O7": {"V-cavoite-1": 2 / 3, "V-cavoite-2": 1 / 3},  # its two sites, 8 and 4 a cell
    "MnV2O4": {"V-vuorelainenite": 1.0},
    "K2CrO4": {"Cr-tarapacaite": 1.0},
}


def reaction(n_scans: int) -> list[float]:
    """Return the reacted fraction at each scan: a sigmoid in time from 0 to 1."""
    time = np.linspace(-1.0, 1.0, n_scans)
    raw = 1.0 / (1.0 + np.exp(-time * 7.0))
    return [round(float(x), 3) for x in (raw - raw[0]) / (raw[-1] - raw[0])]


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
    """

    scan: Scan
    uid: str
    exit_status: str


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
        world.beamline = scan.beamline
        plan = xanes(
            [chambers, furnace],
            mono,
            scan.sample.absorber,
            scan.sample.edge,
            sample=scan.name,
            truth=scan.sample.truth,
            md={"disturbance": scan.remark},
        )
        yield _run(engine, plan, scan, started)


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
        with _quiet():
            engine(plan, watch)
    except RunEngineInterrupted as interruption:
        if not wanted:  # not ours: the user pressed Ctrl-C
            _abort(engine, "interrupted by the user")
            raise KeyboardInterrupt from interruption
        if scan.abort_at is not None:
            _abort(engine, "aborted by the experiment")
        else:
            try:
                with _quiet():
                    engine.resume()
            except RunEngineInterrupted as interrupted:
                _abort(engine, "interrupted by the user")
                raise KeyboardInterrupt from interrupted
    return Done(scan, seen["uid"], seen["exit_status"])


def _abort(engine: Any, reason: str) -> None:
    with _quiet():
        engine.abort(reason)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep back the lines and the traceback that a RunEngine prints on pause and abort."""
    log = logging.getLogger("bluesky")
    was, log.disabled = log.disabled, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        log.disabled = was


@dataclass(frozen=True)
class Score:
    """How many scans were right.

    Parameters
    ----------
    right, scored : int
        Right ones among those with a true class.
    mixtures : int
        Scans without a true class, not scored.
    wrong : tuple of (Scan, str)
        Scored scans that are not right, with the predicted label (empty: no answer).
    """

    right: int
    scored: int
    mixtures: int
    wrong: tuple[tuple[Scan, str], ...]

    @property
    def fraction(self) -> float:
        """Right ones among the scored; 0 if none is scored."""
        return self.right / self.scored if self.scored else 0.0

    @property
    def passed(self) -> bool:
        """Whether at least `PASS` are right."""
        return self.fraction >= PASS


def score(done: Sequence[Done], labels: Mapping[str, str]) -> Score:
    """Compare final labels with the truth, see the rules above.

    Parameters
    ----------
    done : sequence of Done
        The scans.
    labels : mapping of str to str
        Label of the last final prediction by raw uid; empty where not answered.
    """
    scored = [d for d in done if d.scan.true_class]
    wrong = tuple(
        (d.scan, labels.get(d.uid, ""))
        for d in scored
        if labels.get(d.uid, "") != d.scan.true_class
    )
    return Score(len(scored) - len(wrong), len(scored), len(done) - len(scored), wrong)

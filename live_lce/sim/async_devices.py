"""Define ophyd-async devices: a monochromator that flies, chambers that write HDF5.

They share a :class:`~live_lce.sim.world.World` with whatever else is on the beamline.  In a
flight the monochromator sends a pulse at each position, on which the chambers count; energy,
``I0``, ``It`` and ``Ir`` are rows of one file an acquisition, which can be read while it grows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from ophyd_async.core import (
    FlyableLogic,
    MovableLogic,
    PathProvider,
    StandardDetector,
    StandardFlyable,
    StandardMovable,
    StandardReadable,
    StandardReadableFormat,
    soft_signal_r_and_setter,
    soft_signal_rw,
)

from live_lce.sim._async_counting import Acquire, Acquisition, Data, Pulse, Trigger
from live_lce.sim.world import World


@dataclass(frozen=True)
class Flight:
    """What a monochromator is prepared for: pulses at equal steps of the energy.

    Parameters
    ----------
    start, stop : float
        First and last pulse (eV).
    n_points : int
        Pulses.
    """

    start: float
    stop: float
    n_points: int

    def __post_init__(self) -> None:
        ends = np.array([self.start, self.stop])
        if not (np.all(np.isfinite(ends)) and np.all(ends > 0) and self.start != self.stop):
            raise ValueError(f"a flight from {self.start} to {self.stop} eV")
        if self.n_points < 2:
            raise ValueError(f"a flight with {self.n_points} points")

    @property
    def step(self) -> float:
        """Distance of two pulses (eV)."""
        return (self.stop - self.start) / (self.n_points - 1)


@dataclass
class _Moving(MovableLogic[float], FlyableLogic[Flight, Flight]):
    """Moves at once, and flies a point a dwell time."""

    world: World
    show: Callable[[float], None]
    listeners: list[Pulse]
    dwell: float
    task: asyncio.Task[None] | None = None

    async def move(self, new_position: float, timeout: Any) -> None:
        self._go(new_position)
        await self.setpoint.set(new_position)

    async def on_prepare(self, value: Flight) -> Flight:
        self._go(value.start - value.step)  # a run-up, which takes out the backlash
        return value

    async def on_kickoff(self, ctx: Flight) -> Flight:
        self.task = asyncio.create_task(self._fly(ctx))
        return ctx

    async def on_complete(self, ctx: Flight) -> None:
        if self.task is not None:
            await self.task

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            # `complete` has told of an error already.
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self.task
            self.task = None

    async def _fly(self, flight: Flight) -> None:
        for energy in np.linspace(flight.start, flight.stop, flight.n_points):
            self._go(float(energy))
            for listener in list(self.listeners):
                await listener()
            await asyncio.sleep(self.dwell)

    def _go(self, energy: float) -> None:
        self.world.move(energy)
        self.show(energy)


class Monochromator(StandardReadable, StandardMovable[float], StandardFlyable[Flight, Flight]):
    """The photon energy in eV, to move and to fly; the data key is the device's name.

    Parameters
    ----------
    world : World
        The beamline.
    dwell : float
        Real time (s) a point of a flight takes; beam time passes as the detectors count.
    name : str
        Name of the device.

    Attributes
    ----------
    xdi : mapping
        What it says in the metadata of scans, after the XDI dictionary.
    listeners : list of callable
        Awaited at each pulse of a flight.
    """

    xdi: ClassVar[dict[str, dict[str, Any]]] = {
        "Mono": {"name": "Si(111)", "d_spacing": 3.13556},
        "Facility": {"name": "live_lce", "xray_source": "simulated bending magnet"},
        "Beamline": {"name": "simulated XAS beamline"},
    }

    def __init__(self, world: World, *, dwell: float = 0.0, name: str = "energy") -> None:
        self._world, self._dwell = world, dwell
        self.listeners: list[Pulse] = []
        with self.add_children_as_readables(StandardReadableFormat.HINTED_SIGNAL):
            self.readback, self._show = soft_signal_r_and_setter(float, world.energy, units="eV")
        self.setpoint = soft_signal_rw(float, world.energy, units="eV")
        super().__init__(name=name)

    @cached_property
    def movable_logic(self) -> _Moving:
        """How it moves."""
        return _Moving(
            setpoint=self.setpoint,
            readback=self.readback,
            world=self._world,
            show=self._show,
            listeners=self.listeners,
            dwell=self._dwell,
        )

    @property
    def flyable_logic(self) -> _Moving:
        """How it flies."""
        return self.movable_logic


class IonChambers(StandardDetector):
    """I0, It and Ir, in files; with a monochromator to fly with, the energy at each pulse too.

    Parameters
    ----------
    world : World
        The beamline; its time passes while they count.
    paths : PathProvider
        Where the files go.
    mono : Monochromator, optional
        Whose pulses start a count in flights.
    name : str
        Name of the device.

    Attributes
    ----------
    xdi : mapping
        What they say in the metadata of scans, after the XDI dictionary.
    count_time : SignalRW
        Seconds a point, where a flight asks for no other.
    """

    xdi: ClassVar[dict[str, dict[str, Any]]] = {
        "Detector": {
            "I0": "simulated ion chamber",
            "It": "simulated ion chamber",
            "Ir": "simulated ion chamber behind the reference foil",
        }
    }

    def __init__(
        self,
        world: World,
        paths: PathProvider,
        *,
        mono: Monochromator | None = None,
        name: str = "chambers",
    ) -> None:
        self.count_time = soft_signal_rw(float, world.beamline.count_time, units="s")
        counting = Acquisition(world, mono.listeners if mono else None, paths, self.count_time)
        self.add_detector_logics(Trigger(counting), Acquire(counting), Data(counting))
        super().__init__(name=name)

"""Act on writes to process variables of the simulated beamline, without EPICS.

Reads and writes go through :class:`Panel`; :mod:`live_lce.sim.ioc` makes records of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from live_lce.sim.beamline import Counts
from live_lce.sim.ioc_sample import reacted
from live_lce.sim.library import Sample
from live_lce.sim.world import World

STEP = 0.1
"""Real s between two updates of something that moves."""

VELOCITY = 200.0
RAMP_RATE = 600.0
_RAMP_STEP = 0.5  # s of beam time that pass at once while only the furnace works


class Panel(Protocol):
    """Values by the suffix of their process variable."""

    def __getitem__(self, suffix: str) -> Any:
        """Return a value."""

    def __setitem__(self, suffix: str, value: Any) -> None:
        """Show a value, without acting on it."""


class Controls:
    """The beamline behind its process variables.

    Parameters
    ----------
    world : World
        The beamline.
    panel : Panel
        Where values are shown.
    pace : float
        Real seconds for one second of beam time; 1 is real time, 0 as fast as it goes.
    """

    def __init__(self, world: World, panel: Panel, *, pace: float = 1.0) -> None:
        self._world = world
        self._panel = panel
        self._pace = pace
        self._stop = False
        self._ramps = 0
        self._counting = 0

    @property
    def actions(self) -> Mapping[str, Callable[[Any], Any]]:
        """What is called, and awaited, with a value written, by suffix."""
        return {
            "MONO:ENERGY": self._move,
            "MONO:STOP": self._stop_move,
            "SCALER:CNT": self._count_chambers,
            "FLUO:CNT": self._count_fluorescence,
            "FURNACE:TEMP": self._ramp,
            "FURNACE:STOP": self._stop_ramp,
            "SAMPLE:MIXTURE": self._mix,
            "SAMPLE:PRODUCT": self._load,
            "SAMPLE:REACTED": self._load,
            "BEAM:DUMP": self._dump,
            "SHUTTER:OPEN": self._shutter,
        }

    def accepts(self, suffix: str, value: Any) -> bool:
        """Return whether a value may be written; if not, the record keeps its last one."""
        if suffix.startswith("SAMPLE:"):
            return self._accepts_sample(suffix, value)
        if suffix in ("MONO:ENERGY", "MONO:VELOCITY", "SCALER:TP", "FLUO:TP"):
            return bool(0.0 < value < float("inf"))
        if suffix == "FURNACE:RATE":
            return bool(0.0 <= value < float("inf"))
        if suffix == "FURNACE:TEMP":
            return bool(-273.15 <= value < float("inf"))
        return True

    def start(self, mixture: str) -> None:
        """Load a first sample, and show the state at the start.

        Raises
        ------
        ValueError
            If it is no sample.
        """
        time = self._world.beamline.count_time
        begin = {
            "MONO:ENERGY": self._world.energy,
            "MONO:VELOCITY": VELOCITY,
            "SCALER:TP": time,
            "FLUO:TP": time,
            "FURNACE:TEMP": self._world.temperature,
            "FURNACE:RATE": RAMP_RATE,
            "SHUTTER:OPEN": 1,
            "SAMPLE:MIXTURE": mixture,
        }
        for suffix, value in begin.items():
            self._panel[suffix] = value
        self._load(mixture)
        self.show()

    def show(self) -> None:
        """Show what changes by itself, or by an action."""
        world, panel = self._world, self._panel
        panel["MONO:ENERGY_RBV"] = world.energy
        panel["FURNACE:TEMP_RBV"] = world.temperature
        panel["RING:CURRENT"] = world.current
        panel["BEAM:STATUS"] = int(world.beam and world.shutter_open)
        panel["BEAM:TIME"] = world.elapsed

    async def _move(self, target: float) -> None:
        world, start = self._world, self._world.energy
        self._stop = False
        duration = self._pace * abs(target - start) / float(self._panel["MONO:VELOCITY"])
        loop = asyncio.get_running_loop()
        begin = loop.time()
        if duration > 0:
            self._panel["MONO:MOVING"] = 1
        while (passed := loop.time() - begin) < duration and not self._stop:
            world.move(start + (target - start) * passed / duration)
            self._panel["MONO:ENERGY_RBV"] = world.energy
            await asyncio.sleep(min(STEP, duration - passed))
        if not self._stop:
            world.move(target)
        self._panel["MONO:ENERGY_RBV"] = world.energy
        self._panel["MONO:MOVING"] = 0

    def _stop_move(self, value: int) -> None:
        self._stop = bool(value)
        self._panel["MONO:STOP"] = 0

    async def _count_chambers(self, value: int) -> None:
        counts = await self._count(value, "SCALER", passing=True)
        if counts:
            for suffix, number in (("I0", counts.i0), ("IT", counts.it), ("IR", counts.ir)):
                self._panel[f"SCALER:{suffix}"] = number
            self.show()

    async def _count_fluorescence(self, value: int) -> None:
        counts = await self._count(value, "FLUO", passing=False)
        if counts:
            for n, number in enumerate(counts.fluorescence, start=1):
                self._panel[f"FLUO:IF{n}"] = number

    async def _count(self, value: int, detector: str, *, passing: bool) -> Counts | None:
        if not value:
            return None
        time = float(self._panel[f"{detector}:TP"])
        counts = self._world.count(time, passing=passing)
        self._counting += 1
        try:
            await asyncio.sleep(self._pace * time)
        finally:
            self._counting -= 1
            self._panel[f"{detector}:CNT"] = 0
        return counts

    async def _ramp(self, target: float) -> None:
        """Follow the beam time, which passes by itself while nothing counts."""
        world = self._world
        self._ramps += 1
        number, begin, start = self._ramps, world.elapsed, world.temperature
        rate = float(self._panel["FURNACE:RATE"]) / 60.0
        duration = abs(target - start) / rate if rate else 0.0
        longest = min(_RAMP_STEP, STEP / self._pace) if self._pace else _RAMP_STEP
        self._panel["FURNACE:RAMPING"] = 1
        while (passed := world.elapsed - begin) < duration and number == self._ramps:
            world.temperature = start + (target - start) * passed / duration
            self._panel["FURNACE:TEMP_RBV"] = world.temperature
            step = min(longest, duration - passed)
            if not self._counting:
                world.wait(step)
            await asyncio.sleep(self._pace * step)
        if number == self._ramps:
            world.temperature = float(target)
            self._panel["FURNACE:RAMPING"] = 0
        self.show()

    def _stop_ramp(self, value: int) -> None:
        self._ramps += bool(value)
        self._panel["FURNACE:RAMPING"] = self._panel["FURNACE:STOP"] = 0

    def _accepts_sample(self, suffix: str, value: Any) -> bool:
        try:
            self._sample(suffix, value)
        except ValueError as error:
            self._panel["SAMPLE:MESSAGE"] = str(error)
            return False
        self._panel["SAMPLE:MESSAGE"] = ""
        return True

    def _sample(self, suffix: str = "", value: Any = None) -> Sample:
        names = ("SAMPLE:MIXTURE", "SAMPLE:PRODUCT", "SAMPLE:REACTED")
        wanted = {name: value if name == suffix else self._panel[name] for name in names}
        # A new mixture has not reacted yet: it need not go with the product of the last one.
        if suffix == names[0]:
            wanted.update({names[1]: "", names[2]: 0.0})
        return reacted(*wanted.values())

    def _mix(self, value: str) -> None:
        self._panel["SAMPLE:PRODUCT"], self._panel["SAMPLE:REACTED"] = "", 0.0
        self._load(value)

    def _load(self, value: Any) -> None:
        sample = self._sample()
        self._world.sample = sample
        self._panel["SAMPLE:ELEMENT"], self._panel["SAMPLE:EDGE"] = sample.absorber, sample.edge
        for label in ("T4", "S5", "O6"):
            self._panel[f"SAMPLE:{label}"] = sample.truth.get(label, 0.0)

    def _dump(self, value: int) -> None:
        if value:
            self._world.dump()
        else:
            self._world.restore()
        self.show()

    def _shutter(self, value: int) -> None:
        self._world.shutter_open = bool(value)
        self.show()

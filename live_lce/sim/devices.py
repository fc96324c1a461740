"""Define the ophyd devices of the simulated beamline.

Names and units are those of a common beamline: ``energy`` in eV, ``I0``, ``It``, ``Ir``
(hinted), the elements ``If1``, ``If2``... of a fluorescence detector, and a furnace with its
temperature.  All of them belong to one :class:`~live_lce.sim.world.World`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from ophyd import Component, Device, DynamicDeviceComponent, Signal, SoftPositioner
from ophyd.status import DeviceStatus

from live_lce.sim.beamline import Counts
from live_lce.sim.library import Sample
from live_lce.sim.reaction import Reaction
from live_lce.sim.ring import NOMINAL_CURRENT
from live_lce.sim.world import World


class Monochromator(SoftPositioner):  # type: ignore[misc]
    """The photon energy in eV; the data key is the device's name.

    Attributes
    ----------
    xdi : mapping
        What it says in the metadata of scans, after the XDI dictionary.
    """

    xdi: ClassVar[dict[str, dict[str, Any]]] = {
        "Mono": {"name": "Si(111)", "d_spacing": 3.13556},
        "Facility": {"name": "live_lce", "xray_source": "simulated bending magnet"},
        "Beamline": {"name": "simulated XAS beamline"},
    }

    def __init__(self, world: World, *, name: str = "energy", **kwargs: Any) -> None:
        self._world = world
        super().__init__(name=name, egu="eV", source="SIM:mono", init_pos=world.energy, **kwargs)

    @property
    def hints(self) -> dict[str, list[str]]:
        """The energy is what to plot against."""
        return {"fields": [self.name]}

    def describe(self) -> dict[str, Any]:
        """Return the data key, with units."""
        described: dict[str, Any] = super().describe()
        described[self.name]["units"] = "eV"
        return described

    def set_current_position(self, position: float) -> None:
        """Say that the energy here is `position` (eV), without moving; as of an EpicsMotor.

        Raises
        ------
        ValueError
            If it is not a positive number.
        """
        self._world.calibrate(position)
        self._set_position(position)

    def _setup_move(self, position: float, status: Any) -> None:
        self._world.move(position)
        super()._setup_move(position, status)


class Furnace(Device):  # type: ignore[misc]
    """The in-situ cell: its temperature, and the sample in it.

    Parameters
    ----------
    world : World
        Where the sample is.
    reaction : Reaction, optional
        What the sample does when the furnace is set to a temperature; without one it is put
        in by :meth:`load`.
    """

    temperature = Component(Signal, value=25.0, kind="normal")

    def __init__(
        self,
        world: World,
        *,
        reaction: Reaction | None = None,
        name: str = "furnace",
        **kwargs: Any,
    ) -> None:
        self._world = world
        self.reaction = reaction
        self._begun: float | None = None
        super().__init__("", name=name, **kwargs)

    @property
    def truth(self) -> dict[str, float]:
        """Fractions by coordination label of the sample in it; empty without one."""
        return self._world.sample.truth if self._world.sample else {}

    def set(self, temperature: float) -> DeviceStatus:
        """Go to a temperature (degrees Celsius); the sample reacts, and is then left as it is."""
        sample = self._world.sample
        if self.reaction is not None:
            if self._begun is None:
                self._begun = self._world.elapsed
            since = self._world.elapsed - self._begun
            along_time = self.reaction.along == "time"
            sample = self.reaction.sample(since if along_time else temperature)
        self.load(sample, temperature)
        status = DeviceStatus(self)
        status.set_finished()
        return status

    def load(self, sample: Sample | None, temperature: float) -> None:
        """Bring the sample to a state of the reaction at a temperature in degrees Celsius."""
        self._world.load(sample, temperature)
        self.temperature.put(temperature)


class StorageRing(Device):  # type: ignore[misc]
    """The ring: its current (mA), and whether there is beam, for a suspender.

    ``RE.install_suspender(SuspendBoolLow(ring.beam))`` suspends scans while there is none.
    """

    current = Component(Signal, value=NOMINAL_CURRENT, kind="normal")
    beam = Component(Signal, value=1, kind="omitted")

    def __init__(self, world: World, *, name: str = "ring", **kwargs: Any) -> None:
        self._world = world
        super().__init__("", name=name, **kwargs)

    def read(self) -> dict[str, Any]:
        """Return the current as it is now."""
        self.current.put(self._world.current)
        reading: dict[str, Any] = super().read()
        return reading

    def describe(self) -> dict[str, Any]:
        """Return the data key, with units."""
        described: dict[str, Any] = super().describe()
        described[self.current.name]["units"] = "mA"
        return described

    def dump(self) -> None:
        """Lose the beam."""
        self._world.dump()
        self.beam.put(0)

    def restore(self) -> None:
        """Get it back, right after a fill."""
        self._world.restore()
        self.beam.put(1)


class _Counting(ABC, Device):  # type: ignore[misc]
    """A detector that counts for `count_time` seconds of beam time, and for `dwell` real ones.

    Parameters
    ----------
    world : World
        Where the beam is.
    dwell : float
        Real time per point in s.
    """

    count_time = Component(Signal, value=1.0, kind="config")

    def __init__(self, world: World, *, dwell: float = 0.0, name: str, **kwargs: Any) -> None:
        super().__init__("", name=name, **kwargs)
        self.world = world
        self.dwell = dwell
        self.count_time.put(world.beamline.count_time)

    def trigger(self) -> DeviceStatus:
        """Count one point; done after `dwell` seconds.

        Raises
        ------
        RuntimeError
            If there is no sample in the beam.
        """
        counts = self._count(float(self.count_time.get()))
        status = DeviceStatus(self)

        def finish() -> None:
            self._show(counts)
            status.set_finished()

        after(self.dwell, finish)
        return status

    @abstractmethod
    def _count(self, time: float) -> Counts:
        """Count for `time` seconds of beam time."""

    @abstractmethod
    def _show(self, counts: Counts) -> None:
        """Put what was counted where it is read."""


class IonChambers(_Counting):
    """I0, It and Ir, counted together; the beam time passes while they count.

    Attributes
    ----------
    xdi : mapping
        What they say in the metadata of scans, after the XDI dictionary.
    """

    xdi: ClassVar[dict[str, dict[str, Any]]] = {
        "Detector": {
            "I0": "simulated ion chamber",
            "It": "simulated ion chamber",
            "Ir": "simulated ion chamber behind the reference foil",
        }
    }

    i0 = Component(Signal, value=0.0, kind="hinted")
    it = Component(Signal, value=0.0, kind="hinted")
    ir = Component(Signal, value=0.0, kind="normal")

    def __init__(self, world: World, *, name: str = "chambers", **kwargs: Any) -> None:
        super().__init__(world, name=name, **kwargs)
        for signal, label in ((self.i0, "I0"), (self.it, "It"), (self.ir, "Ir")):
            signal.name = label

    def _count(self, time: float) -> Counts:
        return self.world.count(time)

    def _show(self, counts: Counts) -> None:
        for signal, value in ((self.i0, counts.i0), (self.it, counts.it), (self.ir, counts.ir)):
            signal.put(value)


class FluorescenceDetector(_Counting):
    """Four elements beside the sample; to be read together with the ion chambers.

    Attributes
    ----------
    xdi : mapping
        What it says in the metadata of scans, after the XDI dictionary.
    """

    xdi: ClassVar[dict[str, dict[str, Any]]] = {
        "Detector": {"If": "simulated silicon drift detector, 4 elements"}
    }

    elements = DynamicDeviceComponent(
        {f"element{n}": (Signal, None, {"value": 0.0, "kind": "hinted"}) for n in range(1, 5)}
    )

    def __init__(self, world: World, *, name: str = "fluorescence", **kwargs: Any) -> None:
        super().__init__(world, name=name, **kwargs)
        for n, signal in enumerate(self._channels, start=1):
            signal.name = f"If{n}"

    @property
    def _channels(self) -> list[Any]:
        return [getattr(self.elements, name) for name in self.elements.component_names]

    def _count(self, time: float) -> Counts:
        return self.world.count(time, passing=False)

    def _show(self, counts: Counts) -> None:
        for signal, value in zip(self._channels, counts.fluorescence, strict=True):
            signal.put(value)


def after(seconds: float, call: Callable[[], None]) -> None:
    """Call something after some real time, at once if there is none to wait."""
    if seconds > 0:
        threading.Timer(seconds, call).start()
    else:
        call()

"""Define ophyd devices that speak EPICS, for the simulated IOC or your own PV names.

The data keys are those of :mod:`live_lce.sim.devices`: ``energy``, ``I0``, ``It``, ``Ir``,
``If1`` to ``If4``, ``furnace_temperature``.

Needs the extra ``epics``; what EPICS should know (``EPICS_CA_ADDR_LIST``) must be in the
environment before the first device is made.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ophyd import Component, Device, FormattedComponent

from live_lce.sim._epics_devices import (
    PATIENCE,
    Count,
    FluorescenceDetector,
    IonChambers,
    Positioner,
)
from live_lce.sim._epics_signals import LOST, EpicsError, Readback, Setting
from live_lce.sim._ioc_pvs import PREFIX
from live_lce.sim.ioc_sample import to_text
from live_lce.sim.library import Sample, mixture
from live_lce.sim.reaction import Reaction

__all__ = [
    "Count",
    "Devices",
    "EpicsError",
    "FluorescenceDetector",
    "Furnace",
    "IonChambers",
    "Positioner",
    "SampleStage",
    "StorageRing",
    "simulated",
]


class SampleStage(Device):  # type: ignore[misc]
    """The sample of the simulated IOC, by its prefix."""

    mixture = Component(Setting, "SAMPLE:MIXTURE", string=True, kind="config")
    product = Component(Setting, "SAMPLE:PRODUCT", string=True, kind="config")
    reacted = Component(Setting, "SAMPLE:REACTED", kind="config")
    message = Component(Readback, "SAMPLE:MESSAGE", string=True, kind="omitted")
    t4 = Component(Readback, "SAMPLE:T4", kind="omitted")
    s5 = Component(Readback, "SAMPLE:S5", kind="omitted")
    o6 = Component(Readback, "SAMPLE:O6", kind="omitted")
    beam_time = Component(Readback, "BEAM:TIME", kind="omitted")

    @property
    def truth(self) -> dict[str, float]:
        """Fractions by coordination label of the sample in the beam, without zeros."""
        found = {"T4": self.t4.get(), "S5": self.s5.get(), "O6": self.o6.get()}
        return {label: float(part) for label, part in found.items() if part}

    def load(self, sample: Sample) -> None:
        """Put a sample into the beam, and wait for it.

        Raises
        ------
        EpicsError
            If the IOC refuses it, with its reason.
        """
        if sample != mixture(sample.fractions):
            raise EpicsError("The IOC has only mixtures of its library, of a common thickness.")
        text = to_text(sample.fractions)
        self.mixture.set(text, timeout=PATIENCE).wait()
        if (now := self.mixture.get()) != text:
            raise EpicsError(
                f"{self.mixture.pvname} is {now!r} instead of {text!r}: "
                f"{self.message.get() or LOST}"
            )


class Furnace(Device):  # type: ignore[misc]
    """The in-situ cell: its temperature and, if it is the simulated one, the sample in it.

    Parameters
    ----------
    setpoint, readback, stop : str
        PVs of the temperature (degrees Celsius).
    stage : SampleStage, optional
        Where the simulated sample is.
    reaction : Reaction, optional
        What it does when the furnace is set to a temperature.
    """

    temperature = FormattedComponent(
        Positioner,
        add_prefix=("setpoint", "readback", "stop"),
        setpoint="{self._pvs[0]}",
        readback="{self._pvs[1]}",
        stop="{self._pvs[2]}",
        tolerance=1.0,
        egu="C",
        kind="normal",
    )

    def __init__(
        self,
        *,
        setpoint: str,
        readback: str,
        stop: str,
        stage: SampleStage | None = None,
        reaction: Reaction | None = None,
        name: str = "furnace",
        **kwargs: Any,
    ) -> None:
        self._pvs = (setpoint, readback, stop)
        self._stage = stage
        self.reaction = reaction
        self._begun: float | None = None
        super().__init__("", name=name, **kwargs)

    @property
    def truth(self) -> dict[str, float]:
        """Fractions by coordination label of the sample in it; empty where nobody knows."""
        return self._stage.truth if self._stage else {}

    def set(self, temperature: float) -> Any:
        """Go to a temperature (degrees Celsius); the simulated sample reacts."""
        if self.reaction is not None and self._stage is not None:
            now = float(self._stage.beam_time.get())
            self._begun = now if self._begun is None else self._begun
            along_time = self.reaction.along == "time"
            self._stage.load(self.reaction.sample(now - self._begun if along_time else temperature))
        return self.temperature.set(temperature)

    def stop(self, *, success: bool = False) -> None:
        """End the ramp where it is."""
        self.temperature.stop(success=success)


class StorageRing(Device):  # type: ignore[misc]
    """The ring of the simulated IOC, for suspenders; on a beamline any PVs of current and beam."""

    current = Component(Readback, "RING:CURRENT", kind="normal")
    beam = Component(Readback, "BEAM:STATUS", kind="omitted")
    dumped = Component(Setting, "BEAM:DUMP", kind="omitted")

    def dump(self) -> None:
        """Lose the beam."""
        self.dumped.set(1, timeout=PATIENCE).wait()

    def restore(self) -> None:
        """Get it back, right after a fill."""
        self.dumped.set(0, timeout=PATIENCE).wait()


class Devices(NamedTuple):
    """All devices of the simulated IOC."""

    mono: Positioner
    chambers: IonChambers
    fluorescence: FluorescenceDetector
    furnace: Furnace
    stage: SampleStage
    ring: StorageRing


def simulated(
    prefix: str = PREFIX, *, reaction: Reaction | None = None, timeout: float = 10.0
) -> Devices:
    """Return the devices of ``live-lce sim-ioc``, connected.

    Parameters
    ----------
    prefix : str
        Of its PVs.
    reaction : Reaction, optional
        Of the sample in the furnace.
    timeout : float
        For each device to connect (s).

    Raises
    ------
    EpicsError
        If the IOC cannot be reached.
    """
    stage = SampleStage(prefix, name="stage")
    found = Devices(
        Positioner(
            setpoint=f"{prefix}MONO:ENERGY",
            readback=f"{prefix}MONO:ENERGY_RBV",
            stop=f"{prefix}MONO:STOP",
            name="energy",
            egu="eV",
        ),
        IonChambers(
            start=f"{prefix}SCALER:CNT",
            count_time=f"{prefix}SCALER:TP",
            i0=f"{prefix}SCALER:I0",
            it=f"{prefix}SCALER:IT",
            ir=f"{prefix}SCALER:IR",
        ),
        FluorescenceDetector(
            start=f"{prefix}FLUO:CNT",
            count_time=f"{prefix}FLUO:TP",
            elements=[f"{prefix}FLUO:IF{n}" for n in range(1, 5)],
        ),
        Furnace(
            setpoint=f"{prefix}FURNACE:TEMP",
            readback=f"{prefix}FURNACE:TEMP_RBV",
            stop=f"{prefix}FURNACE:STOP",
            stage=stage,
            reaction=reaction,
        ),
        stage,
        StorageRing(prefix, name="ring"),
    )
    for device in found:
        try:
            device.wait_for_connection(timeout=timeout)
        except TimeoutError as error:
            raise EpicsError(
                f"The IOC does not answer ({error}): start `live-lce sim-ioc` and set "
                "EPICS_CA_ADDR_LIST and EPICS_CA_SERVER_PORT as it says."
            ) from None
    return found

"""Ophyd devices that speak EPICS: for the simulated IOC, and for a beamline by its own PV names.

The data keys are those of :mod:`live_lce.sim.devices`: ``energy``, ``I0``, ``It``, ``Ir``,
``If1`` to ``If4``, ``furnace_temperature``.  What a put-callback says is checked, since a client
cannot tell a done write from a refused or a lost one.

Needs the extra ``epics``; what EPICS should know (``EPICS_CA_ADDR_LIST``) must be in the
environment before the first device is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ophyd import Component, Device, EpicsSignal, EpicsSignalRO, FormattedComponent
from ophyd.positioner import PositionerBase
from ophyd.pv_positioner import PVPositionerPC
from ophyd.status import Status

from live_lce.sim.ioc_pvs import PREFIX
from live_lce.sim.ioc_sample import to_text
from live_lce.sim.library import Sample, mixture
from live_lce.sim.reaction import Reaction

PATIENCE = 60.0
"""A count may take so much longer (s) than its count time before it counts as lost."""

_LOST = "the IOC went away, or refused it; look whether it is running, then run the plan again"


class EpicsError(RuntimeError):
    """A write did not do what it should; the message says which and what to look at."""


class Positioner(PVPositionerPC):  # type: ignore[misc]
    """Something with a set point whose put-callback waits, such as a motor record.

    Parameters
    ----------
    setpoint, readback, stop : str
        Names of the PVs; of a motor record ``M.VAL``, ``M.RBV`` and ``M.STOP``.
    name : str
        Of the device, and of its data key.
    tolerance : float
        A move that ends farther from its target than this has failed.
    egu : str
        Unit.
    """

    setpoint = FormattedComponent(EpicsSignal, "{self._pvs[0]}", kind="omitted")
    readback = FormattedComponent(EpicsSignalRO, "{self._pvs[1]}", auto_monitor=False)
    stop_signal = FormattedComponent(EpicsSignal, "{self._pvs[2]}", kind="omitted")

    def __init__(
        self,
        *,
        setpoint: str,
        readback: str,
        stop: str,
        name: str,
        tolerance: float = 0.05,
        egu: str = "",
        **kwargs: Any,
    ) -> None:
        self._pvs = (setpoint, readback, stop)
        self._tolerance = tolerance
        super().__init__("", name=name, egu=egu, **kwargs)
        self.readback.name = name

    def move(
        self, position: float, wait: bool = True, timeout: float | None = None, moved_cb: Any = None
    ) -> Any:
        """Move; the status fails with :class:`EpicsError` where it does not arrive."""
        status = PositionerBase.move(self, position, timeout=timeout, moved_cb=moved_cb)
        self._move_changed(value=1 - self.done_value)

        def end() -> None:
            try:
                reached = float(self.readback.get())
            except Exception:  # pyepics has several of its own
                return fail(_LOST)
            if abs(reached - position) > self._tolerance:
                return fail(f"it is at {reached} instead of {position}: stopped, or {_LOST}")
            self._done_moving(success=True)
            return None

        def fail(reason: str) -> None:
            if not status.done:
                status.set_exception(EpicsError(f"{self.setpoint.pvname}: {reason}"))
            self._done_moving(success=False)

        _put(self.setpoint, position, status, end, fail)
        if wait:
            status.wait()
        return status


def _put(
    signal: EpicsSignal,
    value: float,
    status: Any,
    end: Callable[[], None],
    fail: Callable[[str], None],
) -> None:
    """Write; call `end` when the put-callback comes, `fail` when the connection is lost."""

    def watch(connected: bool | None = None, **_: Any) -> None:
        if connected is False and not status.done:
            fail(_LOST)

    def done(**_: Any) -> None:
        # Also called when the connection is lost, in no fixed order with `watch`.
        if not status.done:
            end()

    signal.subscribe(watch, event_type=signal.SUB_META, run=False)
    status.add_callback(lambda _: signal.unsubscribe(watch))
    signal.put(value, use_complete=True, callback=done)


class Count(EpicsSignal):  # type: ignore[misc]
    """The PV that starts counting, is 0 when done, and has a put-callback that waits."""

    def count(self, seconds: float) -> Status:
        """Count once; the status fails with :class:`EpicsError` where it did not work."""
        status = Status(self, timeout=seconds + PATIENCE)

        def end() -> None:
            try:
                busy = self.get(use_monitor=False)
            except Exception:  # pyepics has several of its own
                return fail(_LOST)
            if busy:
                return fail("still counts")
            status.set_finished()
            return None

        def fail(reason: str) -> None:
            if not status.done:
                status.set_exception(EpicsError(f"{self.pvname}: {reason}"))

        _put(self, 1, status, end, fail)
        return status


class _Counting(Device):  # type: ignore[misc]
    """A detector with a PV that starts it and one with its count time."""

    start = FormattedComponent(Count, "{self._start_pv}", kind="omitted")
    count_time = FormattedComponent(
        EpicsSignal, "{self._time_pv}", put_complete=True, kind="config"
    )

    def __init__(self, *, start: str, count_time: str, name: str, **kwargs: Any) -> None:
        self._start_pv, self._time_pv = start, count_time
        super().__init__("", name=name, **kwargs)

    def trigger(self) -> Status:
        """Count one point."""
        return self.start.count(float(self.count_time.get()))


class IonChambers(_Counting):
    """I0, It and Ir of a scaler.

    Parameters
    ----------
    start, count_time : str
        PVs: of a scaler record ``S.CNT`` and ``S.TP``.
    i0, it, ir : str
        PVs of the channels: of a scaler record ``S.S2`` and so on.
    """

    i0 = FormattedComponent(EpicsSignalRO, "{self._channels[0]}", kind="hinted")
    it = FormattedComponent(EpicsSignalRO, "{self._channels[1]}", kind="hinted")
    ir = FormattedComponent(EpicsSignalRO, "{self._channels[2]}", kind="normal")

    def __init__(self, *, i0: str, it: str, ir: str, name: str = "chambers", **kwargs: Any) -> None:
        self._channels = (i0, it, ir)
        super().__init__(name=name, **kwargs)
        for signal, label in ((self.i0, "I0"), (self.it, "It"), (self.ir, "Ir")):
            signal.name = label


class FluorescenceDetector(_Counting):
    """Four elements beside the sample.

    Parameters
    ----------
    start, count_time : str
        PVs.
    elements : sequence of str
        PVs of the four elements.
    """

    element1 = FormattedComponent(EpicsSignalRO, "{self._channels[0]}", kind="hinted")
    element2 = FormattedComponent(EpicsSignalRO, "{self._channels[1]}", kind="hinted")
    element3 = FormattedComponent(EpicsSignalRO, "{self._channels[2]}", kind="hinted")
    element4 = FormattedComponent(EpicsSignalRO, "{self._channels[3]}", kind="hinted")

    def __init__(
        self, *, elements: Sequence[str], name: str = "fluorescence", **kwargs: Any
    ) -> None:
        self._channels = tuple(elements)
        super().__init__(name=name, **kwargs)
        for n in range(1, 5):
            getattr(self, f"element{n}").name = f"If{n}"


class SampleStage(Device):  # type: ignore[misc]
    """The sample of the simulated IOC, by its prefix."""

    mixture = Component(EpicsSignal, "SAMPLE:MIXTURE", string=True, kind="config")
    product = Component(EpicsSignal, "SAMPLE:PRODUCT", string=True, kind="config")
    reacted = Component(EpicsSignal, "SAMPLE:REACTED", put_complete=True, kind="config")
    message = Component(EpicsSignalRO, "SAMPLE:MESSAGE", string=True, kind="omitted")
    t4 = Component(EpicsSignalRO, "SAMPLE:T4", kind="omitted")
    s5 = Component(EpicsSignalRO, "SAMPLE:S5", kind="omitted")
    o6 = Component(EpicsSignalRO, "SAMPLE:O6", kind="omitted")
    beam_time = Component(EpicsSignalRO, "BEAM:TIME", kind="omitted")

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
        self.mixture.put(text, use_complete=True, wait=True, timeout=PATIENCE)
        if (now := self.mixture.get()) != text:
            raise EpicsError(
                f"{self.mixture.pvname} is {now!r} instead of {text!r}: "
                f"{self.message.get() or _LOST}"
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

    current = Component(EpicsSignalRO, "RING:CURRENT", kind="normal")
    beam = Component(EpicsSignalRO, "BEAM:STATUS", kind="omitted")
    dumped = Component(EpicsSignal, "BEAM:DUMP", kind="omitted")

    def dump(self) -> None:
        """Lose the beam."""
        self.dumped.put(1, use_complete=True, wait=True)

    def restore(self) -> None:
        """Get it back, right after a fill."""
        self.dumped.put(0, use_complete=True, wait=True)


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

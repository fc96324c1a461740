"""Define ophyd devices for PVs of any name: positioner, ion chambers, fluorescence.

What a put-callback says is checked, since a client cannot tell a done write from a refused or a
lost one.  Whenever the IOC goes away, the user gets an :class:`EpicsError` that names the PV.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ophyd import Device, FormattedComponent
from ophyd.positioner import PositionerBase
from ophyd.pv_positioner import PVPositionerPC
from ophyd.status import Status

from live_lce.sim._epics_signals import LOST, EpicsError, Readback, Setting

PATIENCE = 60.0
"""A count may take so much longer (s) than its count time before it counts as lost."""


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

    setpoint = FormattedComponent(Setting, "{self._pvs[0]}", kind="omitted")
    readback = FormattedComponent(Readback, "{self._pvs[1]}", auto_monitor=False)
    stop_signal = FormattedComponent(Setting, "{self._pvs[2]}", kind="omitted")

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
        self._lost = False
        super().__init__("", name=name, egu=egu, **kwargs)
        self.readback.name = name

    def move(
        self, position: float, wait: bool = True, timeout: float | None = None, moved_cb: Any = None
    ) -> Any:
        """Move; the status fails with :class:`EpicsError` where it does not arrive."""
        self._lost = False
        status = PositionerBase.move(self, position, timeout=timeout, moved_cb=moved_cb)
        self._move_changed(value=1 - self.done_value)

        def end() -> None:
            try:
                reached = float(self.readback.get())
            except EpicsError:
                return fail(LOST)
            if abs(reached - position) > self._tolerance:
                return fail(f"it is at {reached} instead of {position}: stopped, or {LOST}")
            self._done_moving(success=True)
            return None

        def fail(reason: str) -> None:
            self._lost = self._lost or reason == LOST  # before the status fails: that calls stop
            self.clear_sub(status._finished, event_type=self._SUB_REQ_DONE)  # knows no reason
            if not status.done:
                status.set_exception(EpicsError(f"{self.setpoint.pvname}: {reason}"))
            self._done_moving(success=False)

        self.setpoint.command(position, status, end, fail)
        if wait:
            status.wait()
        return status

    def stop(self, *, success: bool = False) -> None:
        """Stop.

        Raises
        ------
        EpicsError
            If the IOC cannot be told; not again where the move has failed for that.
        """
        try:
            if not self._lost and not self.stop_signal.connected:
                raise EpicsError(f"{self.stop_signal.pvname}: {LOST}")
            if not self._lost:
                self.stop_signal.put(self.stop_value, wait=False)
        finally:
            PositionerBase.stop(self, success=success)


class Count(Setting):
    """The PV that starts counting, is 0 when done, and has a put-callback that waits."""

    def count(self, seconds: float) -> Status:
        """Count once; the status fails with :class:`EpicsError` where it did not work."""
        status = Status(self, timeout=seconds + PATIENCE)

        def end() -> None:
            try:
                busy = self.get(use_monitor=False)
            except EpicsError:
                return fail(LOST)
            if busy:
                return fail("still counts")
            status.set_finished()
            return None

        def fail(reason: str) -> None:
            if not status.done:
                status.set_exception(EpicsError(f"{self.pvname}: {reason}"))

        self.command(1, status, end, fail)
        return status


class _EpicsCounting(Device):  # type: ignore[misc]
    """A detector with a PV that starts it and one with its count time."""

    start = FormattedComponent(Count, "{self._start_pv}", kind="omitted")
    count_time = FormattedComponent(Setting, "{self._time_pv}", kind="config")

    def __init__(self, *, start: str, count_time: str, name: str, **kwargs: Any) -> None:
        self._start_pv, self._time_pv = start, count_time
        super().__init__("", name=name, **kwargs)

    def trigger(self) -> Status:
        """Count one point."""
        return self.start.count(float(self.count_time.get()))


class IonChambers(_EpicsCounting):
    """I0, It and Ir of a scaler.

    Parameters
    ----------
    start, count_time : str
        PVs: of a scaler record ``S.CNT`` and ``S.TP``.
    i0, it, ir : str
        PVs of the channels: of a scaler record ``S.S2`` and so on.
    """

    i0 = FormattedComponent(Readback, "{self._channels[0]}", kind="hinted")
    it = FormattedComponent(Readback, "{self._channels[1]}", kind="hinted")
    ir = FormattedComponent(Readback, "{self._channels[2]}", kind="normal")

    def __init__(self, *, i0: str, it: str, ir: str, name: str = "chambers", **kwargs: Any) -> None:
        self._channels = (i0, it, ir)
        super().__init__(name=name, **kwargs)
        for signal, label in ((self.i0, "I0"), (self.it, "It"), (self.ir, "Ir")):
            signal.name = label


class FluorescenceDetector(_EpicsCounting):
    """Four elements beside the sample.

    Parameters
    ----------
    start, count_time : str
        PVs.
    elements : sequence of str
        PVs of the four elements.
    """

    element1 = FormattedComponent(Readback, "{self._channels[0]}", kind="hinted")
    element2 = FormattedComponent(Readback, "{self._channels[1]}", kind="hinted")
    element3 = FormattedComponent(Readback, "{self._channels[2]}", kind="hinted")
    element4 = FormattedComponent(Readback, "{self._channels[3]}", kind="hinted")

    def __init__(
        self, *, elements: Sequence[str], name: str = "fluorescence", **kwargs: Any
    ) -> None:
        self._channels = tuple(elements)
        super().__init__(name=name, **kwargs)
        for n in range(1, 5):
            getattr(self, f"element{n}").name = f"If{n}"

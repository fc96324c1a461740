"""Define EPICS signals that say clearly what went wrong, and never wait without end.

ophyd and pyepics raise a dozen different errors where the connection is lost, which one depends
on the millisecond; and a put that meets the loss waits for the IOC as long as its timeout, which
ophyd sets to ten years.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ophyd import EpicsSignal, EpicsSignalRO
from ophyd.signal import EpicsSignalBase
from ophyd.status import Status
from ophyd.utils import DestroyedError

LOST = "the IOC went away, or refused it; look whether it is running, then run the plan again"

PUT = 2.0
"""A put may wait so long (s) for a connection; its put-callback may take longer."""


class EpicsError(RuntimeError):
    """A process variable did not do what it should; the message says which and what to look at."""


@contextmanager
def _told(pvname: str) -> Iterator[None]:
    """Turn what pyepics and ophyd raise into an :class:`EpicsError`, but not bad values."""
    try:
        yield
    except (EpicsError, ValueError, DestroyedError):
        raise
    except Exception as error:
        raise EpicsError(f"{pvname}: {LOST}") from error


class _Telling(EpicsSignalBase):  # type: ignore[misc]
    """Reads as a signal does, but fails with :class:`EpicsError`."""

    def get(self, **how: Any) -> Any:
        """Return the value."""
        with _told(self.pvname):
            return super().get(**how)

    def read(self) -> Any:
        """Return the value and its time, as bluesky reads it."""
        with _told(self.pvname):
            return super().read()

    def describe(self) -> Any:
        """Return the data key."""
        with _told(self.pvname):
            return super().describe()


class Readback(_Telling, EpicsSignalRO):  # type: ignore[misc]
    """A process variable to read; fails with :class:`EpicsError`."""


class Setting(_Telling, EpicsSignal):  # type: ignore[misc]
    """A process variable to read and write; fails with :class:`EpicsError`."""

    def __init__(self, *names: str, **kwargs: Any) -> None:
        super().__init__(*names, **{"write_timeout": PUT, **kwargs})

    def put(self, value: Any, **how: Any) -> None:
        """Write, and do not wait for what it does; :meth:`set` does."""
        with _told(self.setpoint_pvname):
            super().put(value, **how)

    def set(
        self, value: Any, *, timeout: float | None = None, settle_time: float | None = None
    ) -> Status:
        """Write; the status is done when the put-callback comes."""
        status = Status(self, timeout=timeout, settle_time=settle_time)
        self.command(value, status, status.set_finished)
        return status

    def command(
        self,
        value: Any,
        status: Any,
        end: Callable[[], None],
        fail: Callable[[str], None] | None = None,
    ) -> None:
        """Write, and act on what comes first: the put-callback, or the end of the connection.

        Parameters
        ----------
        value
            What to write.
        status : Status
            Of what it does; nothing is called once it is done.
        end : callable
            Called when the put-callback comes; what it did is for `end` to check, since a
            client cannot tell a done write from a refused one.
        fail : callable, optional
            Called with the reason when it was lost; by default the status fails with it.
        """

        def failed(reason: str) -> None:
            if not status.done:
                status.set_exception(EpicsError(f"{self.setpoint_pvname}: {reason}"))

        lose = fail or failed
        first = threading.Lock()  # both may come at once, in different threads

        def watch(connected: bool | None = None, **_: Any) -> None:
            if connected is False and not status.done and first.acquire(blocking=False):
                lose(LOST)

        def done(**_: Any) -> None:
            # Also called when the connection is lost, in no fixed order with `watch`.
            if not status.done and first.acquire(blocking=False):
                end()

        watching = self.subscribe(watch, event_type=self.SUB_META, run=False)
        status.add_callback(lambda _: self.unsubscribe(watching))
        try:
            self.put(value, use_complete=True, callback=done)
        except EpicsError:
            watch(connected=False)
        # Lost before anybody listened: then nothing was sent, and nobody calls.
        watch(connected=self.connected)

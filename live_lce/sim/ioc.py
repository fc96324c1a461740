"""Serve the simulated beamline as an EPICS Channel Access IOC (extra ``epics``).

EPICS reads its environment when it is loaded, and can be started only once: set
:func:`environment` first, then make the :class:`Ioc`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from live_lce.sim._ioc_controls import STEP, Controls
from live_lce.sim._ioc_pvs import LONGEST_TEXT, PREFIX, PVS, Pv
from live_lce.sim.world import World

DEFAULT_PORT = 5064


class IocError(RuntimeError):
    """The IOC cannot be started; the message says what to do."""


def environment(port: int, listen: str) -> dict[str, str]:
    """Return what EPICS needs in its environment to serve on a port of an interface.

    Raises
    ------
    IocError
        If the port is taken, or the interface is none of this machine.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen, port))
        except OSError as error:
            raise IocError(
                f"Port {port} on {listen} cannot be used ({error.strerror}): "
                "is another IOC running? Give another --port."
            ) from None
    return {
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_INTF_ADDR_LIST": listen,
        # Beacons tell clients of new IOCs; from one on loopback nobody else need hear.
        **(
            {"EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO", "EPICS_CAS_BEACON_ADDR_LIST": listen}
            if listen.startswith("127.")
            else {}
        ),
    }


class Ioc:
    """Records of all process variables, with one world behind them.

    Parameters
    ----------
    world : World
        The beamline.
    prefix : str
        Of the names.
    pace : float
        Real seconds for one second of beam time.
    mixture : str
        The first sample.

    Raises
    ------
    IocError
        If the extra is not installed.
    ValueError
        If the mixture is no sample.
    """

    def __init__(
        self,
        world: World,
        *,
        prefix: str = PREFIX,
        pace: float = 1.0,
        mixture: str = "Fe-hematite",
    ) -> None:
        try:
            from softioc import asyncio_dispatcher, builder, softioc
        except ImportError as error:
            raise IocError(f"{error.name} is missing: pip install 'live_lce[epics]'.") from None
        self._records = _Records()
        self._controls = Controls(world, self._records, pace=pace)
        for pv in PVS:
            self._records.add(pv, self._make(builder, prefix, pv))
        builder.LoadDatabase()
        self._controls.start(mixture)
        self._dispatcher = asyncio_dispatcher.AsyncioDispatcher()
        softioc.iocInit(self._dispatcher, enable_pva=False)
        self._dispatcher(self._watch)

    def close(self) -> None:
        """Stop acting; the process variables go away with the process."""
        self._dispatcher.close()

    async def _watch(self) -> None:
        while True:
            self._controls.show()
            await asyncio.sleep(STEP)

    def _make(self, builder: Any, prefix: str, pv: Pv) -> Any:
        number, state, text = (
            (builder.aOut, builder.boolOut, builder.longStringOut)
            if pv.writable
            else (builder.aIn, builder.boolIn, builder.longStringIn)
        )
        options: dict[str, Any] = {"DESC": pv.doc[:40]}
        if pv.writable:
            options |= {
                "validate": lambda _, value: self._controls.accepts(pv.suffix, value),
                "on_update": self._controls.actions.get(pv.suffix),
                "always_update": True,
                "blocking": pv.waits,
            }
        name = f"{prefix}{pv.suffix}"
        if pv.kind == "text":
            return text(name, length=LONGEST_TEXT, initial_value="", **options)
        if pv.kind == "number":
            return number(name, EGU=pv.unit, PREC=3, initial_value=0.0, **options)
        return state(name, *pv.names, initial_value=0, **options)


class _Records:
    """The panel of :class:`Controls`, in records."""

    def __init__(self) -> None:
        self._by_suffix: dict[str, tuple[Any, Callable[..., None]]] = {}

    def add(self, pv: Pv, record: Any) -> None:
        def show(value: Any) -> None:
            if pv.writable:
                record.set(value, process=False)
            else:
                record.set(value)

        self._by_suffix[pv.suffix] = (record, show)

    def __getitem__(self, suffix: str) -> Any:
        return self._by_suffix[suffix][0].get()

    def __setitem__(self, suffix: str, value: Any) -> None:
        self._by_suffix[suffix][1](value)


def connecting(port: int, listen: str) -> dict[str, str]:
    """Return what a client needs in its environment to find the IOC."""
    host = listen if listen != "0.0.0.0" else socket.gethostname()
    found = {"EPICS_CA_ADDR_LIST": host, "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    return found if port == DEFAULT_PORT else {**found, "EPICS_CA_SERVER_PORT": str(port)}

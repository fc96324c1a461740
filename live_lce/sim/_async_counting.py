"""Count and write HDF5 for the ophyd-async ion chambers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
from ophyd_async.core import (
    DetectorAcquireLogic,
    DetectorDataLogic,
    DetectorTriggerLogic,
    PathProvider,
    SignalRW,
    StreamResourceDataProvider,
    StreamResourceInfo,
    soft_signal_r_and_setter,
)

from live_lce.sim.world import World

Pulse = Callable[[], Awaitable[None]]


class Acquisition:
    """What the parts share: the points that are still to come, and the file.

    Parameters
    ----------
    world : World
        The beamline.
    pulses : list of callable or None
        Where to be called at each pulse of a flight; None if nothing flies.
    paths : PathProvider
        Where files go.
    time : SignalRW
        Seconds a point.
    """

    def __init__(
        self, world: World, pulses: list[Pulse] | None, paths: PathProvider, time: SignalRW[float]
    ) -> None:
        self.time = time
        self.flying = False
        self.wanted = 0
        self.livetime = 0.0
        self.idle = asyncio.Event()
        self.n_written, self._set_written = soft_signal_r_and_setter(int)
        self._world, self.pulses, self._paths = world, pulses, paths
        self._left = 0
        self._file: RowFile | None = None

    def open(self, name: str) -> str:
        """Begin a new file; return its address."""
        self.close()
        info = self._paths(name)
        self._file = RowFile(f"{info.directory_path}/{info.filename}.h5")
        self._set_written(0)
        return f"{info.directory_uri}{info.filename}.h5"

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def begin(self) -> None:
        """Wait for `wanted` points, on pulses if it is a flight."""
        self.idle.clear()
        self._left = self.wanted
        if self.flying and self.pulses is not None:
            self.pulses.append(self.count)

    def end(self) -> None:
        """Wait for no more."""
        if self.pulses is not None and self.count in self.pulses:
            self.pulses.remove(self.count)
        self.idle.set()

    async def count(self) -> None:
        """Count a point and write it.

        Raises
        ------
        RuntimeError
            If there is no sample in the beam, or no file.
        """
        if self._file is None:
            raise RuntimeError("The chambers have no file to write to: prepare them first.")
        energy = self._world.energy
        counts = self._world.count(self.livetime or await self.time.get_value())
        self._file.append((energy, counts.i0, counts.it, counts.ir))
        self._left -= 1
        if self._left <= 0:
            self.end()
        self._set_written(self._file.n_rows)


@dataclass
class Trigger(DetectorTriggerLogic):
    """Counts when told, or on the pulses of a flight."""

    counting: Acquisition

    def config_sigs(self) -> set[Any]:
        """Return what is recorded in the configuration."""
        return {self.counting.time}

    async def prepare_internal(self, num: int, livetime: float, deadtime: float) -> None:
        """Prepare a step scan."""
        self._prepare(num, livetime, flying=False)

    async def prepare_edge(self, num: int, livetime: float) -> None:
        """Prepare a flight.

        Raises
        ------
        ValueError
            If there is nothing that flies.
        """
        if self.counting.pulses is None:
            raise ValueError("These chambers get no pulses: make them with mono=...")
        self._prepare(num, livetime, flying=True)

    def _prepare(self, num: int, livetime: float, *, flying: bool) -> None:
        counting = self.counting
        counting.wanted, counting.livetime, counting.flying = num, livetime, flying


@dataclass
class Acquire(DetectorAcquireLogic):
    """Begins and ends."""

    counting: Acquisition

    async def start_acquiring(self) -> None:
        """Count, or wait for pulses."""
        self.counting.begin()
        if not self.counting.flying:
            for _ in range(self.counting.wanted):
                await self.counting.count()

    async def wait_for_idle(self) -> None:
        """Wait for the last point."""
        await self.counting.idle.wait()

    async def ensure_stopped(self) -> None:
        """Wait for no more points."""
        self.counting.end()


@dataclass
class Data(DetectorDataLogic):
    """Writes a file an acquisition, and says so."""

    counting: Acquisition

    async def prepare_unbounded(self, datakey_name: str) -> StreamResourceDataProvider:
        """Begin a file; in a step scan the energy in it is not told: the monochromator is read."""
        uri = self.counting.open(datakey_name)
        resources = [
            StreamResourceInfo(
                data_key=name,
                shape=(),
                chunk_shape=(CHUNK,),
                dtype_numpy="<f8",
                parameters={"dataset": DATASET.format(name)},
            )
            for name in (COLUMNS if self.counting.flying else COLUMNS[1:])
        ]
        return StreamResourceDataProvider(
            uri=uri,
            resources=resources,
            mimetype="application/x-hdf5",
            collections_written_signal=self.counting.n_written,
        )

    def get_hinted_fields(self, datakey_name: str) -> Sequence[str]:
        """Return what is worth plotting."""
        return ["I0", "It"]

    async def stop(self) -> None:
        """End the file."""
        self.counting.close()


COLUMNS = ("energy", "I0", "It", "Ir")
DATASET = "/entry/{}"
CHUNK = 1024


class RowFile:
    """An HDF5 file with one dataset a column, for one writer and many readers (SWMR).

    Parameters
    ----------
    path : str
        Must not exist.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, path: str) -> None:
        self._file = h5py.File(path, "x", libver="latest")
        self._columns = [
            self._file.create_dataset(
                DATASET.format(name), shape=(0,), maxshape=(None,), chunks=(CHUNK,), dtype="<f8"
            )
            for name in COLUMNS
        ]
        self._file.swmr_mode = True
        self.n_rows = 0

    def append(self, values: Sequence[float]) -> None:
        """Write a row, of a value a column, so that a reader sees it."""
        for column, value in zip(self._columns, values, strict=True):
            column.resize(self.n_rows + 1, axis=0)
            column[self.n_rows] = value
            column.flush()
        self.n_rows += 1

    def close(self) -> None:
        """Close it."""
        self._file.close()

"""A beamline of soft devices, a RunEngine, and a callback that records what it publishes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import bluesky.plans as bp
import numpy as np
import pytest
from bluesky import RunEngine
from engine_parts import make_registry
from ophyd.sim import SynAxis, SynSignal

from live_lce.classifiers import Registry
from live_lce.engine import Result, RunClosed
from live_lce.live import LiveLCE
from live_lce.testing import xanes_energy, xanes_mu

ENERGY = xanes_energy()


MD = {"element": "Fe", "edge": "K"}


class Beamline:
    """A monochromator and two ion chambers."""

    def __init__(self, name: str = "mono_energy", white_line: float = 0.7) -> None:
        mu = xanes_mu(ENERGY, white_line=white_line)
        self.counts = 0
        self.mono = SynAxis(name=name)
        self.i0 = SynSignal(func=self._i0, name="I0")
        self.it = SynSignal(
            func=lambda: self._i0() * float(np.exp(-np.interp(self.mono.position, ENERGY, mu))),
            name="It",
        )

    def _i0(self) -> float:
        self.counts += 1
        return 1e5 * (1 + 1e-4 * np.sin(self.counts))

    def scan(self, energy: Any = ENERGY, **md: Any) -> Any:
        return bp.list_scan([self.i0, self.it], self.mono, list(energy), md={**MD, **md})


class Recorder:
    """A publisher that keeps what it gets, as slowly as wanted."""

    def __init__(self, pause: float = 0.0) -> None:
        self.counters: dict[str, int] = {}
        self.pause = pause
        self.results: list[Result] = []
        self.latencies: list[float] = []
        self.runs: list[RunClosed] = []
        self.was_closed = False
        self.threads: set[str] = set()

    def result(self, result: Result, latency: float) -> None:
        time.sleep(self.pause)
        self.threads.add(threading.current_thread().name)
        self.results.append(result)
        self.latencies.append(latency)

    def closed(self, closed: RunClosed) -> None:
        self.runs.append(closed)

    def close(self) -> None:
        self.was_closed = True


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def run_engine() -> Iterator[RunEngine]:
    engine = RunEngine({})
    yield engine
    if engine.state != "idle":
        engine.abort()
    # The RunEngine leaves its loop running; warnings are errors here.
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(10)
    engine.loop.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def live(registry: Registry, recorder: Recorder) -> Iterator[LiveLCE]:
    with LiveLCE(publisher=recorder, registry=registry) as live:
        yield live

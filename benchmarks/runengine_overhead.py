"""What a subscriber costs the RunEngine: bare, LiveLCE, TiledWriter(batch_size=1).

Each scan is an Fe K edge by simulated devices, without dwell time unless asked: the worst
case.  The Tiled server runs in a process of its own; the three subscribers take turns, so
that a busy machine hurts all of them.  Times are of the RunEngine's thread.

    python benchmarks/runengine_overhead.py [--repeats 5] [--dwell 0.0] [--models FOLDER]
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
from bluesky import RunEngine
from ophyd.sim import SynAxis, SynSignal

from live_lce.classifiers import Registry
from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings

ENERGY = np.concatenate(
    [np.arange(6962, 7092, 5.0), np.arange(7092, 7162, 0.5), np.arange(7162, 7412.1, 2.5)]
)
Callback = Callable[[str, Any], None]

SERVER = """
import json, sys
from live_lce.tiled import EmbeddedTiled
with EmbeddedTiled(sys.argv[1]) as server:
    print(json.dumps([server.uri, server.api_key]), flush=True)
    sys.stdin.read()
"""


@contextmanager
def tiled_server(folder: str) -> Iterator[tuple[str, str]]:
    """Run a Tiled server in another process; yield its address and key."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        uri, key = json.loads(process.stdout.readline())
        yield uri, key
    finally:
        process.stdin.close()
        process.wait(30)


class Timed:
    """Measures a callback's time per event, in the thread that calls it."""

    def __init__(self, callback: Callback | None) -> None:
        self.callback = callback
        self.events: list[float] = []

    def __call__(self, name: str, doc: Any) -> None:
        """Pass a document on."""
        before = time.perf_counter()
        if self.callback is not None:
            self.callback(name, doc)
        if name == "event":
            self.events.append(time.perf_counter() - before)


def make_plan(dwell: float) -> Callable[[], Any]:
    """Return a function that makes the plan of one scan."""
    mono = SynAxis(name="mono_energy")
    rng = np.random.default_rng(0)

    def mu(energy: float) -> float:
        x = energy - 7124.0
        return 0.5 + np.arctan(x / 1.5) / np.pi + 0.5 * np.exp(-((x - 4) ** 2) / 18)

    def i0() -> float:
        return float(1e5 * (1 + 1e-3 * rng.standard_normal()))

    chambers = [
        SynSignal(func=i0, name="I0"),
        SynSignal(func=lambda: i0() * float(np.exp(-mu(mono.position))), name="It"),
    ]

    def per_step(detectors: Any, step: Any, pos_cache: Any) -> Any:
        yield from bps.sleep(dwell)
        yield from bps.one_nd_step(detectors, step, pos_cache)

    options = {"per_step": per_step} if dwell else {}
    md = {"element": "Fe", "edge": "K"}
    return lambda: bp.list_scan(chambers, mono, list(ENERGY), md=md, **options)


def report(scans: dict[str, list[float]], events: dict[str, list[float]]) -> None:
    """Print the table."""
    base = statistics.median(scans["bare"])
    reference = statistics.median(events["LiveLCE"])
    print(f"\n{len(ENERGY)} points a scan, {len(scans['bare'])} scans each\n")
    head = ("subscriber", "scan s", "x bare", "event ms", "99 %", "max", "x LiveLCE")
    print("{:<26}{:>9}{:>9}{:>10}{:>9}{:>9}{:>11}".format(*head))
    for name, durations in scans.items():
        ms = np.array(events[name]) * 1e3
        duration = statistics.median(durations)
        ratio = "" if name == "bare" else f"{np.median(ms) / 1e3 / reference:.3g}"
        print(
            f"{name:<26}{duration:>9.3f}{duration / base:>9.2f}{np.median(ms):>10.4f}"
            f"{np.percentile(ms, 99):>9.3f}{ms.max():>9.3f}{ratio:>11}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="scans per subscriber")
    parser.add_argument("--dwell", type=float, default=0.0, help="seconds per point")
    parser.add_argument("--models", type=Path, default=None, help="folder of models")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    from bluesky_tiled_plugins import TiledWriter
    from tiled.client import from_uri

    plan, settings = make_plan(options.dwell), AnalysisSettings()
    scans: dict[str, list[float]] = {}
    events: dict[str, list[float]] = {}
    statuses: list[str] = []
    with tempfile.TemporaryDirectory() as folder, tiled_server(f"{folder}/tiled") as (uri, key):
        client = from_uri(uri, api_key=key)
        live = LiveLCE(
            settings,
            registry=Registry.beside_shipped(options.models),
            publisher=TiledPublisher(
                uri, settings=settings, spool=Path(folder) / "spool", source="RE", api_key=key
            ),
            on_result=lambda r: statuses.append(f"{r.prediction.status} final={r.final}"),
        )
        live.wait_until_ready()
        subscribers: dict[str, Callback | None] = {
            "bare": None,
            "LiveLCE": live,
            "TiledWriter(batch_size=1)": TiledWriter(client["raw"], batch_size=1),
        }
        run_engine = RunEngine({})
        for number in range(options.repeats + 1):  # the first round warms up
            for name, callback in subscribers.items():
                timed = Timed(callback)
                before = time.perf_counter()
                run_engine(plan(), timed)
                duration = time.perf_counter() - before
                live.flush(120)  # the next one shall not pay for this one's analysis
                if number:
                    scans.setdefault(name, []).append(duration)
                    events.setdefault(name, []).extend(timed.events)
        live.close(120)
        report(scans, events)
        print("\nLiveLCE:", {k: v for k, v in live.counters.items() if v})
        print("results:", {s: statuses.count(s) for s in sorted(set(statuses))})


if __name__ == "__main__":
    main()

"""How long from a raw event to a subscriber of the predictions, split by step.

A simulated scan with a dwell time runs through a real RunEngine; predictions go to a Tiled
server in another process, and come back through ``subscribe_to_streams``.

    python benchmarks/event_to_subscriber.py [--dwell 0.1] [--scans 2] [--models FOLDER]
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bluesky import RunEngine
from runengine_overhead import make_plan, tiled_server

from live_lce.classifiers import Registry
from live_lce.engine import Engine, Result
from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings

Key = tuple[str, int, int]  # raw uid, last raw event, final


class TimedEngine(Engine):
    """Notes when it begins with a document."""

    began = 0.0

    def __call__(self, name: str, doc: Any, *, partials: bool = True) -> Any:
        """Note the time, then go on."""
        TimedEngine.began = time.perf_counter()
        return super().__call__(name, doc, partials=partials)


class TimedPublisher(TiledPublisher):
    """Notes when each prediction is handed over, and when it is written."""

    stamps: dict[Key, list[float]]

    def result(self, result: Result, latency: float) -> None:
        """Note the times around the writing."""
        now = time.perf_counter()
        super().result(result, latency)
        key = (result.run.uid, result.raw_seq_num_last, int(result.final))
        self.stamps[key] = [now - latency, TimedEngine.began, now, time.perf_counter()]


def main() -> None:
    """Measure and print."""
    from bluesky_tiled_plugins import subscribe_to_streams
    from tiled.client import from_uri

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dwell", type=float, default=0.1, help="seconds per point")
    parser.add_argument("--scans", type=int, default=2, help="number of scans")
    parser.add_argument("--models", type=Path, default=None, help="folder of models")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    # LiveLCE makes its engine itself.
    sys.modules[Engine.__module__].Engine = TimedEngine  # type: ignore[attr-defined]
    seen: dict[Key, float] = {}
    raw_uids: dict[str, str] = {}

    def on_update(update: Any) -> None:
        now = time.perf_counter()
        rows = update.data()
        columns = zip(rows["raw_seq_num_last"], rows["final"], strict=True)
        for last, final in columns:
            seen.setdefault((str(update.run_uid), int(last), int(final)), now)

    plan, settings = make_plan(options.dwell), AnalysisSettings()
    with tempfile.TemporaryDirectory() as folder, tiled_server(f"{folder}/tiled") as (uri, key):
        client = from_uri(uri, api_key=key)
        spool = Path(folder) / "spool"
        publisher = TimedPublisher(uri, settings=settings, spool=spool, source="RE", api_key=key)
        publisher.stamps = {}
        live = LiveLCE(
            settings, registry=Registry.beside_shipped(options.models), publisher=publisher
        )
        live.wait_until_ready()
        with subscribe_to_streams(
            client["processed"], on_update, streams={"predictions": None}, start=0
        ):
            run_engine = RunEngine({})
            for _ in range(options.scans):
                run_engine(plan(), live)
                live.flush(120)
            time.sleep(2.0)
        live.close(60)
        for uid, run in client["processed"].items():
            raw_uids[uid] = run.metadata["start"]["original_run_uid"]
    stamps = publisher.stamps
    arrived = {(raw_uids.get(u, u), n, f): t for (u, n, f), t in seen.items()}
    both = [[*stamps[k], arrived[k]] for k in stamps if k in arrived]
    print(f"\n{len(stamps)} predictions, {len(both)} seen by the subscriber")
    if not both:
        return
    times = np.array(both) * 1e3
    steps = {
        "waiting in the queue": times[:, 1] - times[:, 0],
        "building, normalizing, classifying": times[:, 2] - times[:, 1],
        "writing to Tiled": times[:, 3] - times[:, 2],
        "event to subscriber, all": times[:, 4] - times[:, 0],
    }
    print(f"{'step':<38}{'median ms':>10}{'95 %':>9}{'max':>9}")
    for name, values in steps.items():
        p95 = np.percentile(values, 95)
        print(f"{name:<38}{np.median(values):>10.1f}{p95:>9.1f}{values.max():>9.1f}")


if __name__ == "__main__":
    main()

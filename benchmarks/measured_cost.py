"""What the stream ``measured`` costs: time a prediction, requests a run, bytes on disk.

The predictions on one scan are made once; then they are published again and again, by turns with
their measured points and without, each to a Tiled server of its own (a process with a folder).

    python benchmarks/measured_cost.py [--runs 10] [--points 300] [--partials 15] [--archived]
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import event_model
import numpy as np
from runengine_overhead import tiled_server

from live_lce.engine import Engine, Result, RunClosed
from live_lce.publish import SpoolPublisher, TiledPublisher
from live_lce.settings import AnalysisSettings, Pacing

KEYS = {
    name: {"dtype": "number", "shape": [], "source": "sim"} for name in ("mono_energy", "I0", "It")
}
START = {"motors": ["mono_energy"], "element": "Fe", "edge": "K"}
KINDS = ("without", "with")


def predictions(points: int, partials: int, settings: AnalysisSettings) -> list[Result]:
    """Return what the engine says of one Fe K scan: so many times on its way, and at its end."""
    rng = np.random.default_rng(0)
    fine = points // 2
    energy = np.concatenate(
        [
            np.linspace(6962, 7091, points // 6),
            np.linspace(7092, 7162, fine),
            np.linspace(7163, 7412, points - fine - points // 6),
        ]
    )
    x = energy - 7124.0
    mu = 0.5 + np.arctan(x / 1.5) / np.pi + 0.5 * np.exp(-((x - 4) ** 2) / 18)
    mu += 0.002 * rng.standard_normal(points)
    i0 = 1e5 * (1 + 1e-3 * rng.standard_normal(points))
    run = event_model.compose_run(metadata=START, time=1.7e9, validate=False)
    stream = run.compose_descriptor(name="primary", data_keys=KEYS, validate=False)
    documents = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
    for number in range(points):
        it = i0[number] * np.exp(-mu[number])
        data = {"mono_energy": float(energy[number]), "I0": float(i0[number]), "It": float(it)}
        event = stream.compose_event(
            data=data, timestamps=dict.fromkeys(data, 0.0), time=1.7e9 + number, validate=False
        )
        documents.append(("event", event))
    documents.append(("stop", run.compose_stop(validate=False)))
    engine = Engine(settings)
    found = [out for name, doc in documents for out in engine(name, doc)]
    *growing, final = [out for out in found if isinstance(out, Result)]
    chosen = np.linspace(0, len(growing) - 1, partials).round().astype(int)
    return [*(growing[i] for i in dict.fromkeys(chosen)), final]


def taken(folder: Path) -> tuple[int, int]:
    """Return the bytes that files take on the disk, and their number."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks * 512 for path in files), len(files)


class Side:
    """One of the two: its server, and what was measured."""

    def __init__(self, stack: ExitStack, folder: Path, *, points: bool, archived: bool) -> None:
        from tiled.client import from_uri

        self.points, self.archived = points, archived
        uri, key = stack.enter_context(tiled_server(str(folder)))
        client = from_uri(uri, api_key=key)
        stack.callback(client.context.close)
        self.container = client["processed"]
        self.requests = 0
        client.context.http_client.event_hooks["request"].append(self._count)
        self.partial: list[float] = []
        self.whole: list[float] = []
        self.requests_a_run: list[int] = []
        self.disk = (0, 0)
        self.spool: list[int] = []

    def _count(self, _: Any) -> None:
        self.requests += 1

    def publish(self, results: list[Result], settings: AnalysisSettings, *, warm: bool) -> None:
        """Publish one run, and note what it took."""
        uid, before = str(uuid.uuid4()), self.requests
        with tempfile.TemporaryDirectory() as spool:
            options: dict[str, Any] = {"settings": settings, "source": "benchmark"}
            options["growing"] = not self.archived
            publisher = TiledPublisher(self.container, spool=Path(spool), **options)
            if self.archived:
                publisher.expect_archived(stopped=True)
            kept = SpoolPublisher(Path(spool) / "kept", **options)
            whole = 0.0
            for number, result in enumerate(results):
                mine = replace(result, run=replace(result.run, uid=uid))
                if not self.points:
                    mine = replace(mine, spectrum=None)
                kept.result(mine, 0.0)
                began = time.perf_counter()
                publisher.result(mine, 0.0)
                spent = time.perf_counter() - began
                whole += spent
                if warm and number and not mine.final:  # the first one also begins the run
                    self.partial.append(spent)
            began = time.perf_counter()
            publisher.closed(RunClosed(uid, "success"))
            whole += time.perf_counter() - began
            publisher.close()
            kept.closed(RunClosed(uid, "success"))
            kept.close()
            if publisher.counters["runs_published"] != 1:
                raise SystemExit(f"not published: {publisher.counters}")
            if warm:
                self.whole.append(whole)
                self.spool.append(next((Path(spool) / "kept").glob("*.jsonl")).stat().st_size)
                self.requests_a_run.append(self.requests - before)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="runs of each kind")
    parser.add_argument("--points", type=int, default=300, help="points a scan")
    parser.add_argument("--partials", type=int, default=15, help="partial predictions a scan")
    parser.add_argument("--archived", action="store_true", help="published as by a replay")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    settings = AnalysisSettings(pacing=Pacing(interval=1.0))
    results = predictions(options.points, options.partials, settings)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folders = {kind: Path(temporary) / kind for kind in KINDS}
        sides = {
            kind: Side(stack, folder, points=kind == "with", archived=options.archived)
            for kind, folder in folders.items()
        }
        for kind in KINDS:
            sides[kind].publish(results, settings, warm=False)
        os.sync()
        before = {kind: taken(folder) for kind, folder in folders.items()}
        for _ in range(options.runs):
            for kind in KINDS:
                sides[kind].publish(results, settings, warm=True)
        os.sync()
        for kind, folder in folders.items():
            after = taken(folder)
            sides[kind].disk = (after[0] - before[kind][0], after[1] - before[kind][1])
    print(f"{options.points} points, {len(results) - 1} partial predictions, {options.runs} runs\n")
    print(f"{'':<34}{'without':>10}{'with':>10}{'ratio':>8}")
    rows = {
        "partial prediction, median ms": [
            1e3 * statistics.median(s.partial) for s in sides.values()
        ],
        "whole run, median ms": [1e3 * statistics.median(s.whole) for s in sides.values()],
        "requests a run": [statistics.median(s.requests_a_run) for s in sides.values()],
        "Tiled's folder, kB a run": [s.disk[0] / options.runs / 1e3 for s in sides.values()],
        "Tiled's folder, files a run": [s.disk[1] / options.runs for s in sides.values()],
        "spool file, kB a run": [statistics.mean(s.spool) / 1e3 for s in sides.values()],
    }
    for name, (without, with_points) in rows.items():
        ratio = f"{with_points / without:.2f}" if without else ""
        print(f"{name:<34}{without:>10.1f}{with_points:>10.1f}{ratio:>8}")


if __name__ == "__main__":
    main()

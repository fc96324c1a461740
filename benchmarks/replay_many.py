"""Many short runs in one replay: runs a second, and memory, from a file and from Tiled.

Compared are merely reading the archive, the replay without publishing, the replay into Tiled,
and TiledWriter writing as many analysis runs that are empty (a start and a stop document).  The
runs are Fe K scans with noise of their own; the Tiled server runs in a process of its own, which
shares the machine's cores.

    python benchmarks/replay_many.py [--runs 10000] [--stages read,engine,replay,empty]
        [--sources file,tiled] [--jobs 1] [--no-partial] [--seconds 0]
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import event_model
import numpy as np
from runengine_overhead import tiled_server

from live_lce import RunQuery
from live_lce.archives import open_archive
from live_lce.config import Config
from live_lce.engine import Engine, Result
from live_lce.publish import AnalysisRun
from live_lce.replaying import Candidates, Setup, replayed
from live_lce.settings import AnalysisSettings, Pacing

ENERGY = np.concatenate(
    [np.arange(6962, 7092, 10.0), np.arange(7092, 7142, 1.0), np.arange(7150, 7412, 15.0)]
)
KEYS = {
    name: {"dtype": "number", "shape": [], "source": "sim"} for name in ("mono_energy", "I0", "It")
}
START = {
    "plan_name": "scan",
    "motors": ["mono_energy"],
    "hints": {"dimensions": [(["mono_energy"], "primary")]},
    "element": "Fe",
    "edge": "K",
}
EVERY = 25
"""Runs after which the memory is taken."""
STAGES = ("read", "engine", "replay", "empty")
WORDS = {
    "read": "reading",
    "engine": "replay, not published",
    "replay": "replay into Tiled",
    "empty": "TiledWriter, empty runs",
}
Document = tuple[str, dict[str, Any]]


def a_run(number: int) -> Iterator[Document]:
    """Yield the documents of one scan; each has its noise and its uid."""
    rng = np.random.default_rng(number)
    x = ENERGY - 7124.0
    mu = 0.5 + np.arctan(x / 1.5) / np.pi + 0.5 * np.exp(-((x - 4) ** 2) / 18)
    mu = mu + 0.002 * rng.standard_normal(x.size)
    i0 = 1e5 * (1 + 1e-3 * rng.standard_normal(x.size))
    began = 1.6e9 + 120.0 * number
    run = event_model.compose_run(metadata={**START, "scan_id": number}, time=began, validate=False)
    yield "start", run.start_doc
    stream = run.compose_descriptor(name="primary", data_keys=KEYS, time=began, validate=False)
    yield "descriptor", stream.descriptor_doc
    for index, energy in enumerate(ENERGY):
        now = began + 1 + index
        data = {
            "mono_energy": float(energy),
            "I0": float(i0[index]),
            "It": float(i0[index] * np.exp(-mu[index])),
        }
        yield (
            "event",
            stream.compose_event(
                data=data, timestamps=dict.fromkeys(data, now), time=now, validate=False
            ),
        )
    yield "stop", run.compose_stop(time=began + 100, validate=False)


def resident() -> float:
    """Return the memory of this process (MB)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass
class Measured:
    """One stage: how many runs in what time, and the memory on the way."""

    runs: int = 0
    seconds: float = 0.0
    memory: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Runs a second."""
        return self.runs / self.seconds


def measure(done: Iterator[object], most: float) -> Measured:
    """Go through the runs for so many seconds at most; take the memory on the way."""
    found = Measured()
    began = time.perf_counter()
    for _ in done:
        found.runs += 1
        if found.runs % EVERY == 0:
            found.memory.append(resident())
        if time.perf_counter() - began > most:
            break
    found.seconds = time.perf_counter() - began
    found.memory.append(resident())
    done.close()  # type: ignore[attr-defined]
    gc.collect()
    return found


def reading(source: str, key: str) -> Iterator[int]:
    """Read each run of an archive; yield the number of its documents."""
    archive = open_archive(source, api_key=key)
    for run in archive.runs(RunQuery()):
        yield sum(1 for _ in run.documents())
    archive.close()


def replaying(source: str, setup: Setup, jobs: int, counters: Counter[str]) -> Iterator[object]:
    """Replay the archive, as the command does."""
    candidates = Candidates([source], RunQuery(), setup, journal=None, on_problem=print)
    runs = (run for run, action in candidates if action.analyses)
    done = replayed(setup, runs, jobs, counters)
    try:
        for outcome in done:
            if not any(row["final"] for row in outcome.rows):
                raise SystemExit(f"run {outcome.uid} has no prediction: {outcome.problem}")
            candidates.done(outcome.uid, empty=False)
            yield outcome
    finally:
        done.close()
        candidates.close()


def writing_empty(container: Any, number: int, settings: AnalysisSettings) -> Iterator[object]:
    """Write analysis runs without a prediction, with the documents of real ones."""
    from bluesky_tiled_plugins import TiledWriter

    engine = Engine(settings)
    outputs = [out for name, doc in a_run(0) for out in engine(name, doc)]
    first = next(out for out in outputs if isinstance(out, Result))
    for index in range(number):
        run = replace(first.run, uid=f"empty-{index}")
        documents = AnalysisRun(
            replace(first, run=run), settings=settings, source="benchmark", now=time.time
        )
        writer = TiledWriter(container, batch_size=1)
        writer(*documents.start)
        writer(*documents.stop())
        yield index


def write_file(path: Path, number: int) -> float:
    """Write the archive; return its size (MB)."""
    with path.open("w", encoding="utf-8") as file:
        for index in range(number):
            file.writelines(json.dumps(pair) + "\n" for pair in a_run(index))
    return path.stat().st_size / 1e6


def write_catalog(container: Any, number: int) -> None:
    """Write the same runs into Tiled."""
    from bluesky_tiled_plugins import TiledWriter

    for index in range(number):
        writer = TiledWriter(container, batch_size=10_000)
        for name, doc in a_run(index):
            writer(name, doc)


def report(measured: dict[tuple[str, str], Measured]) -> None:
    """Print the table."""
    print(
        f"\n{'stage':<26}{'source':<8}{'runs':>7}{'s':>9}{'runs/s':>9}{'x reading':>11}"
        f"{'x empty':>9}{'MB first':>10}{'last':>7}{'most':>7}"
    )
    empty = measured.get(("empty", "-"))
    for (stage, source), found in measured.items():
        read = measured.get(("read", source))
        print(
            f"{WORDS[stage]:<26}{source:<8}{found.runs:>7}{found.seconds:>9.1f}{found.rate:>9.2f}"
            f"{_ratio(read, found):>11}{_ratio(empty, found):>9}"
            f"{found.memory[0]:>10.0f}{found.memory[-1]:>7.0f}{max(found.memory):>7.0f}"
        )
    for (stage, source), found in measured.items():
        few = found.memory[:: max(1, len(found.memory) // 20)]
        memory = " ".join(f"{value:.0f}" for value in few)
        print(f"memory/MB on the way, {WORDS[stage]}, {source}: {memory}")


def _ratio(other: Measured | None, found: Measured) -> str:
    """Return how many times as long a run takes as in the other stage."""
    return "" if other is None else f"{other.rate / found.rate:.3g}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--stages", default=",".join(STAGES), help="some of: %(default)s")
    parser.add_argument("--sources", default="file,tiled", help="some of: %(default)s")
    parser.add_argument("--jobs", type=int, default=1, help="processes of the replay")
    parser.add_argument("--no-partial", action="store_true", help="only final predictions")
    parser.add_argument(
        "--seconds", type=float, default=0, help="end what writes to Tiled after so long"
    )
    options = parser.parse_args()
    most = options.seconds or float("inf")
    stages, sources = options.stages.split(","), options.sources.split(",")
    logging.disable(logging.WARNING)
    settings = AnalysisSettings(pacing=Pacing(partial=not options.no_partial))
    measured: dict[tuple[str, str], Measured] = {}

    def take(stage: str, source: str, done: Callable[[], Iterator[object]]) -> None:
        if stage in stages:
            limit = most if stage in ("replay", "empty") else float("inf")
            measured[stage, source] = measure(done(), limit)
            print(
                f"{WORDS[stage]}, {source}: {measured[stage, source].rate:.2f} runs/s", flush=True
            )

    with tempfile.TemporaryDirectory() as folder, tiled_server(f"{folder}/tiled") as (uri, key):
        os.environ |= {"XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config"}
        from tiled.client import from_uri

        client = from_uri(uri, api_key=key)
        path = Path(folder) / "runs.jsonl"
        archives = {"file": str(path), "tiled": f"{uri}/api/v1/metadata/raw"}
        if "file" in sources:
            size = write_file(path, options.runs)
            print(f"{options.runs} runs of {len(ENERGY)} points: {size:.0f} MB", flush=True)
        if "tiled" in sources:
            write_catalog(client["raw"], options.runs)
        counters: Counter[str] = Counter()
        for source in sources:
            archive = archives[source]
            tiled = {"uri": uri, "api_key": key, "path": f"replayed_{source}"}
            config = Config(analysis=settings, tiled=tiled)
            alone, whole = Setup(config), Setup(config, tiled=uri)
            take("read", source, lambda: reading(archive, key))  # noqa: B023 (called at once)
            take(
                "engine",
                source,
                lambda: replaying(archive, alone, options.jobs, counters),  # noqa: B023
            )
            take(
                "replay",
                source,
                lambda: replaying(archive, whole, options.jobs, counters),  # noqa: B023
            )
        empty = client.create_container("empty")
        take("empty", "-", lambda: writing_empty(empty, options.runs, settings))
        report(measured)
        print("\npublished:", {name: number for name, number in counters.items() if number})
        client.context.close()


if __name__ == "__main__":
    main()

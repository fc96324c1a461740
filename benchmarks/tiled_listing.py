"""What it costs to list the runs of a Tiled catalog, as stored and in order of time.

Run as ``python benchmarks/tiled_listing.py 1000 10000``.  The runs hold no data; their start
documents are of a usual size (1.5 kB) and go into the catalog's database directly.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from live_lce.tiled import EmbeddedTiled


def fill(server: EmbeddedTiled, raw: Any, n_runs: int) -> None:
    """Multiply one run, with other uids and times."""
    from tiled.structures.core import Spec

    key = str(uuid.uuid4())
    spec = Spec("BlueskyRun", version="3.0")
    raw.create_container(key, metadata={"start": {"uid": key, "time": 1.7e9}}, specs=[spec])
    with sqlite3.connect(Path(server.directory) / "catalog.db") as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("select * from nodes where key = ?", (key,)).fetchone())
        del row["id"]
        names, marks = ",".join(row), ",".join("?" * len(row))
        rng = random.Random(0)
        rows = []
        for number in range(n_runs - 1):
            uid = str(uuid.UUID(int=rng.getrandbits(128)))
            start = {"uid": uid, "time": 1.6e9 + 1e8 * rng.random(), "scan_id": number}
            metadata = json.dumps({"start": start | {"plan_args": "x" * 1500}})
            rows.append(tuple((row | {"key": uid, "metadata": metadata}).values()))
        database.executemany(f"insert into nodes ({names}) values ({marks})", rows)
    database.close()


def seconds(container: Any, n_runs: int) -> float:
    """Return how long it takes to go through a container."""
    began = time.perf_counter()
    found = sum(1 for _ in container.values())
    if found != n_runs:
        raise RuntimeError(f"{found} of {n_runs} runs came")
    return time.perf_counter() - began


def main() -> None:
    """Print a table."""
    print("| runs | as stored (s) | in order of time (s) |\n|---|---|---|")
    for n_runs in map(int, sys.argv[1:] or ["1000", "10000"]):
        with EmbeddedTiled() as server:
            client = server.client()
            raw = client["raw"]
            fill(server, raw, n_runs)
            stored = seconds(raw, n_runs)
            by_time = seconds(raw.sort(("start.time", 1)), n_runs)
            print(f"| {n_runs} | {stored:.1f} | {by_time:.1f} |", flush=True)
            client.context.close()


if __name__ == "__main__":
    main()

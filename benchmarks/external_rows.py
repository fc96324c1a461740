"""What it costs to read signals from HDF5 files: ``python benchmarks/external_rows.py``.

500 points of three signals in one file, told by `stream_datum` documents of one and of twenty rows.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from live_lce.engine import Engine
from live_lce.external import Hdf5Files
from live_lce.settings import AnalysisSettings, Pacing

KEYS = ("mono_energy", "I0", "It")
N = 500


def documents(path: Path, chunk: int) -> list[tuple[str, dict[str, Any]]]:
    """Return a flight."""
    external = {"dtype": "number", "shape": [1], "source": "file", "external": "STREAM:"}
    data_keys = dict.fromkeys(KEYS, external)
    run = f"run-{chunk}"
    start = {"uid": run, "time": 0.0, "motors": ["mono_energy"], "element": "Fe", "edge": "K"}
    found: list[tuple[str, dict[str, Any]]] = [
        ("start", start),
        ("descriptor", {"uid": f"d-{run}", "run_start": run, "time": 0.0, "data_keys": data_keys}),
    ]
    for key in KEYS:
        place = {"uid": f"{run}-{key}", "run_start": run, "data_key": key}
        place |= {"uri": f"file://localhost{path}", "mimetype": "application/x-hdf5"}
        found.append(("stream_resource", place | {"parameters": {"dataset": f"/entry/{key}"}}))
    for first in range(0, N, chunk):
        stop = min(first + chunk, N)
        for key in KEYS:
            rows = {"indices": {"start": first, "stop": stop}}
            rows |= {"seq_nums": {"start": first + 1, "stop": stop + 1}}
            doc = {"uid": f"{run}-{key}-{first}", "stream_resource": f"{run}-{key}", **rows}
            found.append(("stream_datum", doc | {"descriptor": f"d-{run}"}))
    return found


def main() -> None:
    """Measure."""
    energy = np.linspace(7000.0, 7250.0, N)
    mu = 0.5 + np.arctan(energy - 7120.0) / np.pi
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.h5"
        with h5py.File(path, "w") as file:
            for key, column in zip(KEYS, (energy, np.full(N, 1e5), 1e5 * np.exp(-mu)), strict=True):
                file[f"entry/{key}"] = column
        files = Hdf5Files()
        engine = Engine(AnalysisSettings(pacing=Pacing(partial=False)), files=files)
        for name, doc in documents(path, N)[:6]:  # starts the process
            began = time.perf_counter()
            engine(name, doc)
        print(f"first row, with the start of the process: {time.perf_counter() - began:.2f} s")
        for chunk in (1, 20):
            flight = documents(path, chunk)
            began = time.perf_counter()
            for name, doc in flight:
                engine(name, doc)
            took = time.perf_counter() - began
            n_told = sum(name == "stream_datum" for name, _ in flight)
            each, point = 1e3 * took / n_told, 1e3 * took / N
            print(f"{chunk} rows told at a time: {each:.2f} ms each, {point:.2f} ms a point")
        files.shutdown()
        if engine.counters["malformed"]:
            raise SystemExit("some documents were malformed")


if __name__ == "__main__":
    main()

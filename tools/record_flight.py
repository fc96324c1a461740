"""A flight of the simulated beamline as JSON lines and HDF5, for the tests of live and replay.

``python -m tools.record_flight tests/data`` makes them again (extra `async`): the same counts,
uids and times; only into how many parts its rows were announced depends on how fast it went.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from live_lce.sim.library import mixture
from live_lce.sim.world import World
from tools.record_beamline import Document

FILE, ROWS = "flight.jsonl.gz", "flight.h5"
_PLACE = "file://localhost/recorded/"
_TIME = 1.81e9
_UIDS = UUID("7d4f4a4e-0b57-4a57-9d2e-1f6f0f8f6a07")
_FLIGHT: dict[str, Any] = {"start": 7052.0, "stop": 7222.0, "n_points": 171}


def write(folder: Path) -> list[Document]:
    """Fly, write documents and rows into a folder, and return the documents.

    Raises
    ------
    FileExistsError
        If the rows are there already.
    """
    rows = folder / ROWS
    if rows.exists():
        raise FileExistsError(f"{rows} is there: remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    documents = [(name, _settled(i, doc)) for i, (name, doc) in enumerate(_fly(folder))]
    text = json.dumps(documents)
    for i, (_, doc) in enumerate(documents):
        if "uid" in doc:
            text = text.replace(doc["uid"], str(uuid5(_UIDS, str(i))))
    text = text.replace(_address(folder), _PLACE)
    lines = "".join(json.dumps(pair) + "\n" for pair in json.loads(text))
    (folder / FILE).write_bytes(gzip.compress(lines.encode(), mtime=0))
    return read(folder)


def read(folder: Path) -> list[Document]:
    """Return the documents of a recorded flight, with the rows in the folder where they are."""
    text = gzip.decompress((folder / FILE).read_bytes()).decode()
    lines = text.replace(_PLACE, _address(folder)).splitlines()
    return [(name, doc) for name, doc in map(json.loads, lines)]


def _fly(folder: Path) -> Iterable[Document]:
    from bluesky import RunEngine
    from event_model import sanitize_doc
    from ophyd_async.core import StaticFilenameProvider, StaticPathProvider, init_devices

    from live_lce.sim.async_devices import IonChambers, Monochromator
    from live_lce.sim.fly import xanes_fly

    world = World(sample=mixture({"Fe-hematite": 1.0}), seed=8)
    documents: list[Document] = []
    engine = RunEngine({})
    engine.subscribe(
        lambda name, doc: documents.append((name, json.loads(json.dumps(sanitize_doc(doc)))))
    )
    paths = StaticPathProvider(StaticFilenameProvider(Path(ROWS).stem), folder.resolve())
    try:
        with init_devices():
            mono = Monochromator(world, dwell=0.002)
            chambers = IonChambers(world, paths, mono=mono)
        mono.set_name("energy")
        chambers.set_name("chambers")
        truth = {"O6": 1.0}
        plan = xanes_fly(
            [chambers], mono, "Fe", "K", sample="Fe2O3", truth=truth, period=0.1, **_FLIGHT
        )
        engine(plan)
    finally:
        engine.loop.call_soon_threadsafe(engine.loop.stop)
        engine._th.join(10)
        engine.loop.close()
    return documents


def _settled(number: int, doc: dict[str, Any]) -> dict[str, Any]:
    """Return a document with a time by its number, and without versions."""
    doc.pop("versions", None)
    if "time" in doc:
        doc["time"] = _TIME + number
    if "timestamps" in doc:
        doc["timestamps"] = dict.fromkeys(doc["timestamps"], doc["time"])
    for configured in doc.get("configuration", {}).values():
        configured["timestamps"] = dict.fromkeys(configured["timestamps"], doc["time"])
    return doc


def _address(folder: Path) -> str:
    return f"file://localhost{folder.resolve().as_posix()}/"


def main() -> None:
    """Record a flight into a folder."""
    import argparse

    import ophyd

    given = argparse.ArgumentParser(prog="python -m tools.record_flight", description=main.__doc__)
    given.add_argument("folder", type=Path)
    ophyd.set_cl("dummy")  # no EPICS here
    folder = given.parse_args().folder
    for name in (FILE, ROWS):
        (folder / name).unlink(missing_ok=True)
    print(len(write(folder)), "documents")


if __name__ == "__main__":
    main()

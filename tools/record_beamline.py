"""Runs of the simulated beamline as JSON lines, for the tests of live and replay.

``python -m tools.record_beamline tests/data`` makes the files again, byte by byte: seeds are
fixed, uids are counted, and times are those of the documents' order.

=========  =================================================================================
run        what it is
=========  =================================================================================
step       a XANES scan in transmission
exafs      regions to 10/angstrom with dwell times that grow with k, and fluorescence
troubled   every trouble of the beamline in a moderate form
dump       the beam is lost in mid-scan; a suspender waits, the scan rewinds and goes on
aborted    aborted behind the edge
series-0   to series-2: an in-situ series in a furnace
foil       the calibration of a monochromator that is off by 0.8 eV
=========  =================================================================================
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from live_lce.sim.beamline import Beamline, troubled
from live_lce.sim.experiment import quiet
from live_lce.sim.library import mixture
from live_lce.sim.optics import Optics
from live_lce.sim.plans import Plan, after_point, foil_calibration, insitu_series, xanes
from live_lce.sim.reaction import Reaction, Sigmoid
from live_lce.sim.regions import KRegion, Region
from live_lce.sim.world import World

Document = tuple[str, dict[str, Any]]

NAMES = ("step", "exafs", "troubled", "dump", "aborted", "series-0", "series-1", "series-2", "foil")
FILE = "beamline.jsonl.gz"
_FIRST_TIME = 1.8e9
_UIDS = UUID("7d4f4a4e-0b57-4a57-9d2e-1f6f0f8f6a06")
_E0 = 7112.0
_SHORT = (Region(-60.0, -10.0, 5.0), Region(-10.0, 30.0, 0.5), Region(30.0, 110.0, 4.0))
_FINE = KRegion(20.0, 10.0, 0.06, 0.5, 1.0)
_WAIT = 0.05  # s of real time until the beam is back


def record() -> dict[str, list[Document]]:
    """Run everything on a RunEngine and return the documents of each run, by name."""
    from bluesky import RunEngine
    from bluesky.utils import RunEngineInterrupted
    from event_model import sanitize_doc

    engine = RunEngine({})
    documents: list[Document] = []
    # Through JSON: a later reader may not know whether they came from a file.
    engine.subscribe(
        lambda name, doc: documents.append((name, json.loads(json.dumps(sanitize_doc(doc)))))
    )
    try:
        for plan in _plans(engine):
            with quiet():
                try:
                    engine(plan)
                except RunEngineInterrupted:
                    engine.abort("aborted by the recording")
    finally:
        engine.loop.call_soon_threadsafe(engine.loop.stop)
        engine._th.join(10)
        engine.loop.close()
    runs = _by_run(documents)
    if len(runs) != len(NAMES):
        raise RuntimeError(f"{len(runs)} runs were recorded instead of {len(NAMES)}")
    return {name: _settled(name, run) for name, run in zip(NAMES, runs, strict=True)}


def write(folder: Path) -> Path:
    """Record into ``beamline.jsonl.gz`` in a folder; return the file."""
    lines = (json.dumps(pair) + "\n" for run in record().values() for pair in run)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    return path


def _plans(engine: Any) -> Iterator[Plan]:
    from live_lce.sim.devices import FluorescenceDetector, Furnace, IonChambers, Monochromator

    hematite = mixture({"Fe-hematite": 1.0})
    ferrite = mixture({"Fe-BaCaFe4O8": 1.0})

    def parts(seed: int, beamline: Beamline, sample: Any) -> tuple[World, Any, Any]:
        world = World(beamline, sample, seed=seed)
        return world, IonChambers(world), Monochromator(world)

    _, chambers, mono = parts(1, Beamline(), hematite)
    yield xanes([chambers], mono, "Fe", "K", sample="Fe2O3", truth=hematite.truth)

    world, chambers, mono = parts(2, Beamline(), ferrite)
    detectors = [chambers, FluorescenceDetector(world)]
    regions = (Region(-60.0, -10.0, 5.0, 0.5), Region(-10.0, 20.0, 0.5, 0.5), _FINE)
    yield xanes(
        detectors, mono, "Fe", "K", sample="BaCaFe4O8", truth=ferrite.truth, regions=regions
    )

    world, chambers, mono = parts(3, troubled(_E0), hematite)
    detectors = [chambers, FluorescenceDetector(world)]
    yield xanes(detectors, mono, "Fe", "K", sample="Fe2O3", truth=hematite.truth, regions=_SHORT)

    world, chambers, mono = parts(4, Beamline(), ferrite)
    yield _dumped(engine, world, chambers, mono, ferrite.truth)

    _, chambers, mono = parts(5, Beamline(), ferrite)
    scan = xanes(
        [chambers], mono, "Fe", "K", sample="BaCaFe4O8", truth=ferrite.truth, regions=_SHORT
    )
    yield after_point(scan, 95, _pause)

    world, chambers, mono = parts(6, Beamline(), None)
    reaction = Reaction({"Fe-hematite": 1.0}, {"Fe-BaCaFe4O8": 1.0}, Sigmoid(700.0, 900.0))
    furnace = Furnace(world, reaction=reaction)
    yield insitu_series(
        [chambers], mono, furnace, "Fe", "K", n_scans=3, sample="Fe2O3 in the furnace",
        temperatures=(700.0, 900.0), series_uid=str(uuid5(_UIDS, "series")), regions=_SHORT,
    )  # fmt: skip

    _, chambers, mono = parts(7, Beamline(optics=Optics(offset=0.8)), hematite)
    yield foil_calibration([chambers], mono, "Fe", "K", report=lambda found: None)


def _dumped(
    engine: Any, world: World, chambers: Any, mono: Any, truth: Mapping[str, float]
) -> Plan:
    """Scan; lose the beam at the white line, and get it back a little later.

    The ring says it a point late, as rings do: that point is dark, and is measured again.
    """
    import bluesky.plan_stubs as bps
    from bluesky.preprocessors import finalize_wrapper
    from bluesky.suspenders import SuspendBoolLow

    from live_lce.sim.devices import StorageRing

    ring = StorageRing(world)
    suspender = SuspendBoolLow(ring.beam)

    def lose() -> Plan:
        world.dump()
        yield from ()

    def say() -> Plan:
        ring.dump()
        threading.Timer(_WAIT, ring.restore).start()
        for _ in range(3):  # lets the suspender come before the next checkpoint
            yield from bps.null()

    def remove() -> Plan:
        engine.remove_suspender(suspender)
        yield from ()

    engine.install_suspender(suspender)
    scan = xanes([chambers, ring], mono, "Fe", "K", sample="BaCaFe4O8", truth=truth, regions=_SHORT)
    disturbed = after_point(after_point(scan, 44, lose), 45, say)
    return (yield from finalize_wrapper(disturbed, remove))


def _pause() -> Plan:
    from bluesky import Msg

    yield Msg("pause", None, defer=False)


def _by_run(documents: list[Document]) -> list[list[Document]]:
    runs: list[list[Document]] = []
    for name, doc in documents:
        if name == "start":
            runs.append([])
        runs[-1].append((name, doc))
    return runs


def _settled(name: str, run: list[Document]) -> list[Document]:
    """Return a run with counted uids, and times in the order of its documents."""
    uids = {doc["uid"]: str(uuid5(_UIDS, f"{name} {i}")) for i, (_, doc) in enumerate(run)}
    text = json.dumps(run)
    for old, new in uids.items():
        text = text.replace(old, new)
    first = _FIRST_TIME + 3600.0 * NAMES.index(name)
    settled: list[Document] = []
    for i, (kind, doc) in enumerate(json.loads(text)):
        _retime(doc, first + i)
        doc.pop("versions", None)
        if kind == "start":
            doc["scan_id"] = NAMES.index(name) + 1
        settled.append((kind, doc))
    return settled


def _retime(doc: dict[str, Any], time: float) -> None:
    """Set all times in a document."""
    doc["time"] = time
    if "timestamps" in doc:
        doc["timestamps"] = dict.fromkeys(doc["timestamps"], time)
    for configured in doc.get("configuration", {}).values():
        configured["timestamps"] = dict.fromkeys(configured["timestamps"], time)


def main() -> None:
    """Record into a folder."""
    import argparse

    import ophyd

    parser = argparse.ArgumentParser(
        prog="python -m tools.record_beamline", description=main.__doc__
    )
    parser.add_argument("folder", type=Path)
    ophyd.set_cl("dummy")  # no EPICS here
    print(write(parser.parse_args().folder))


if __name__ == "__main__":
    main()

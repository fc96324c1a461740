"""Flights and step scans with ophyd-async detectors that write HDF5, on a real RunEngine."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from archive_parts import without_exporter
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted
from engine_parts import feed, finals, make_registry, numbers, results
from external_parts import said

from live_lce import RunQuery
from live_lce.archives import Document, open_archive
from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.external import Hdf5Files
from live_lce.live import LiveLCE
from live_lce.sim.library import mixture
from live_lce.sim.world import World
from live_lce.tiled import EmbeddedTiled

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("ophyd_async", reason="needs the extra `async`")

from ophyd_async.core import (
    StaticPathProvider,
    UUIDFilenameProvider,
    init_devices,
)

from live_lce.sim import devices as soft
from live_lce.sim.async_devices import Flight, IonChambers, Monochromator
from live_lce.sim.fly import xanes_fly
from live_lce.sim.plans import pause_after, xanes

ENERGIES = np.linspace(7032.0, 7212.0, 181)
FLIGHT = {"start": 7032.0, "stop": 7212.0, "n_points": 181}


class Beamline:
    """The simulated beamline with a sample in it, and devices of both kinds."""

    def __init__(self, folder: Path, dwell: float = 0.0) -> None:
        self.world = World(seed=5)
        self.world.load(mixture({"Fe-hematite": 1.0}))
        self.world.move(7000.0)
        self.documents: list[Document] = []
        self.engine = RunEngine({})
        self.engine.subscribe(lambda name, doc: self.documents.append((name, copy.deepcopy(doc))))
        paths = StaticPathProvider(UUIDFilenameProvider(), folder)
        with init_devices():
            self.mono = Monochromator(self.world, dwell=dwell)
            self.chambers = IonChambers(self.world, paths, mono=self.mono)
        self.mono.set_name("energy")
        self.chambers.set_name("chambers")

    def fly(self, **options: Any) -> list[Document]:
        plan = xanes_fly(
            [self.chambers], self.mono, "Fe", "K", sample="hematite", **FLIGHT | options
        )
        return self.run(plan)

    def step(self) -> list[Document]:
        return self.run(self.stepping())

    def stepping(self) -> Any:
        return xanes([self.chambers], self.mono, "Fe", "K", sample="hematite", energies=ENERGIES)

    def step_softly(self) -> list[Document]:
        mono, chambers = soft.Monochromator(self.world), soft.IonChambers(self.world)
        return self.run(xanes([chambers], mono, "Fe", "K", sample="hematite", energies=ENERGIES))

    def run(self, plan: Any) -> list[Document]:
        self.documents.clear()
        self.engine(plan)
        return list(self.documents)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def beamline(tmp_path: Path) -> Beamline:
    return Beamline(tmp_path)


@pytest.fixture
def files() -> Iterator[Hdf5Files]:
    reader = Hdf5Files()
    yield reader
    reader.shutdown()


@pytest.fixture
def engine(registry: Registry, files: Hdf5Files) -> Engine:
    return Engine(registry=registry, files=files)


def test_predictions_come_while_it_flies(tmp_path: Path) -> None:
    """With the shipped models."""
    beamline = Beamline(tmp_path, dwell=0.012)
    seen: list[tuple[float, Any]] = []
    with LiveLCE(on_result=lambda r: seen.append((time.monotonic(), r))) as live:
        assert live.wait_until_ready(60)
        beamline.engine.subscribe(live)
        documents = beamline.fly(period=0.1, truth={"O6": 1.0})
        ended = time.monotonic()
        assert live.flush(30)
    flying = [r for at, r in seen if at < ended and not r.final]
    assert len(flying) > 5
    assert {r.prediction.label for r in flying if r.prediction.answered} == {"O6"}
    final = seen[-1][1]
    assert final.final and (final.prediction.status, final.prediction.label) == (Status.OK, "O6")
    assert final.n_points == len(ENERGIES) and final.prediction.findings == ()
    names = [name for name, _ in documents]
    assert "event" not in names and names.count("stream_datum") > 4 * 5
    start = documents[0][1]
    assert (start["plan_name"], start["element"], start["sample"]) == (
        "xanes_fly",
        "Fe",
        "hematite",
    )
    assert start["truth"] == {"O6": 1.0} and start["XDI"]["Mono"]["d_spacing"] > 3


def test_a_flight_says_what_a_step_scan_says(tmp_path: Path, engine: Engine) -> None:
    """One world, one seed: the same counts, by whatever way they come."""
    found = {}
    for name in ("fly", "step", "step_softly"):
        documents = getattr(Beamline(tmp_path), name)()
        outputs = results(feed(engine, documents))
        assert finals(outputs)[0].prediction.label == "O6"
        found[name] = [said(r) for r in outputs]
    assert found["fly"] == found["step"] == found["step_softly"]
    assert engine.counters["malformed"] == 0


def test_a_velocity_is_a_count_time(beamline: Beamline) -> None:
    before = beamline.world.elapsed
    beamline.fly(velocity=2.0)
    assert beamline.world.elapsed - before == pytest.approx(181 * 0.5)


def test_the_file_holds_what_was_counted(beamline: Beamline, tmp_path: Path) -> None:
    beamline.fly()
    (path,) = tmp_path.glob("*.h5")
    with h5py.File(path, "r") as file:
        np.testing.assert_allclose(file["entry/energy"][:], ENERGIES)
        assert {len(file["entry"][key]) for key in ("I0", "It", "Ir")} == {len(ENERGIES)}


@pytest.mark.parametrize(
    "wrong", [{"n_points": 1}, {"start": -1.0}, {"start": 7212.0}, {"velocity": 0.0}]
)
def test_no_flight(beamline: Beamline, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"flight|velocity"):
        beamline.fly(**wrong)
    assert not beamline.documents


def test_chambers_without_a_monochromator_do_not_fly(beamline: Beamline, tmp_path: Path) -> None:
    paths = StaticPathProvider(UUIDFilenameProvider(), tmp_path)
    with init_devices():
        alone = IonChambers(beamline.world, paths)
    alone.set_name("alone")
    with pytest.raises(Exception, match="mono="):
        beamline.run(xanes_fly([alone], beamline.mono, "Fe", "K", sample="x", **FLIGHT))


def test_a_flight_has_a_step() -> None:
    assert Flight(7000.0, 7100.0, 101).step == 1.0


def test_a_paused_step_scan_measures_points_again(beamline: Beamline, engine: Engine) -> None:
    plan = pause_after(beamline.stepping(), 90, lambda: None)
    with pytest.raises(RunEngineInterrupted):
        beamline.engine(plan)
    beamline.engine.resume()
    numbers_seen = [doc["seq_num"] for name, doc in beamline.documents if name == "event"]
    assert len(numbers_seen) == len(ENERGIES) + 1
    (final,) = finals(feed(engine, beamline.documents))
    assert (final.prediction.label, final.n_points) == ("O6", len(ENERGIES))
    stop = next(doc for name, doc in beamline.documents[::-1] if name == "stream_datum")
    assert stop["indices"]["stop"] == len(ENERGIES) + 1  # the detector counted on


def test_an_aborted_flight(tmp_path: Path, engine: Engine) -> None:
    beamline = Beamline(tmp_path, dwell=0.01)

    def abort(name: str, doc: Any) -> None:
        if name == "stream_datum" and doc["indices"]["stop"] > 145:
            beamline.world.sample = None  # the next point cannot be counted

    beamline.engine.subscribe(abort)
    with pytest.raises(Exception, match=r"sample|Failed"):
        beamline.fly(period=0.1)
    (final,) = finals(feed(engine, beamline.documents))
    assert (final.prediction.status, final.prediction.label) == (Status.PARTIAL, "O6")
    assert final.prediction.findings[0].reason is Reason.SCAN_ABORTED
    assert 145 < final.n_points < len(ENERGIES)


@pytest.fixture
def said_live(beamline: Beamline, registry: Registry) -> dict[str, tuple[list[Document], Any]]:
    """Return a flight and a step scan: their documents, and what was said of them."""
    seen: list[Any] = []
    runs = {}
    with LiveLCE(registry=registry, on_result=seen.append) as callback:
        beamline.engine.subscribe(callback)
        for way in ("fly", "step"):
            documents = getattr(beamline, way)()
            assert callback.flush(30) and len(seen) > 3
            runs[documents[0][1]["uid"]] = (documents, [numbers(r) for r in seen])
            seen.clear()
    return runs


def test_lines_say_what_was_said_live(
    said_live: dict[str, tuple[list[Document], Any]], engine: Engine, tmp_path: Path
) -> None:
    one, other = (documents for documents, _ in said_live.values())
    mixed = [pair for both in zip_longest(one, other) for pair in both if pair]  # interleaved
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in mixed))
    archive = open_archive(str(tmp_path / "runs.jsonl"))
    found = {run.uid: list(run.documents()) for run in archive.runs(RunQuery())}
    archive.close()
    assert found.keys() == said_live.keys()
    for uid, documents in found.items():
        assert [numbers(r) for r in results(feed(engine, documents))] == said_live[uid][1]


def test_tiled_says_what_was_said_live(
    said_live: dict[str, tuple[list[Document], Any]], registry: Registry, files: Hdf5Files,
    tmp_path: Path,
) -> None:  # fmt: skip
    from bluesky_tiled_plugins import TiledWriter

    with EmbeddedTiled(readable=[tmp_path]) as server:
        client = server.client()
        writer = TiledWriter(client["raw"])
        for documents, _ in said_live.values():
            for name, doc in copy.deepcopy(documents):
                writer(name, doc)
        client.context.close()
        archive = open_archive(server.uri, api_key=server.api_key)
        found = [(run.uid, list(run.documents())) for run in archive.runs(RunQuery())]
        with without_exporter():
            found += [(run.uid, list(run.documents())) for run in archive.runs(RunQuery())]
        archive.close()
    assert len(found) == 4
    for uid, documents in found:
        engine = Engine(registry=registry, files=files)
        again = [numbers(r) for r in results(feed(engine, documents))]
        assert again == said_live[uid][1]

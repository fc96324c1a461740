"""Regions, the plans on a real RunEngine, their metadata, and the foil's calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

ophyd = pytest.importorskip("ophyd", reason="needs the extra `sim`")
ophyd.set_cl("dummy")

from bluesky import RunEngine

from live_lce.engine import (
    Engine,
    Result,
)
from live_lce.engine._metadata import (
    find_absorber,
    find_d_spacing,
    find_edge,
    find_mode,
    find_sample,
)
from live_lce.sim._calibration import CalibrationError, FoilCalibration
from live_lce.sim.beamline import Beamline
from live_lce.sim.devices import (
    FluorescenceDetector,
    Furnace,
    IonChambers,
    Monochromator,
    StorageRing,
)
from live_lce.sim.library import mixture
from live_lce.sim.optics import Optics
from live_lce.sim.plans import foil_calibration, insitu_series, xanes, xanes_energies
from live_lce.sim.reaction import Reaction, Sigmoid, first_order
from live_lce.sim.regions import (
    EXAFS,
    FOIL,
    KRegion,
    Region,
    RegionError,
    as_regions,
    from_bounds,
    scan_points,
    wavenumber,
)
from live_lce.sim.world import World

E0 = 7112.0
HEMATITE = mixture({"Fe-hematite": 1.0})
SHORT = (Region(-30.0, -10.0, 5.0), Region(-10.0, 20.0, 2.0), Region(20.0, 60.0, 5.0))


@pytest.fixture
def engine() -> Iterator[Any]:
    engine = RunEngine({}, call_returns_result=True)
    yield engine
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(10)
    engine.loop.close()


def run(engine: Any, plan: Any) -> tuple[Any, list[tuple[str, Any]]]:
    documents: list[tuple[str, Any]] = []
    done = engine(plan, lambda name, doc: documents.append((name, doc)))
    return done.plan_result, documents


def column(documents: list[tuple[str, Any]], name: str) -> np.ndarray:
    return np.array([doc["data"][name] for kind, doc in documents if kind == "event"])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 100), st.floats(0.1, 120)), min_size=1, max_size=5),
    st.floats(-200, -1),
    st.one_of(st.none(), st.tuples(st.floats(1, 10), st.floats(0.02, 2))),
)
def test_energies_always_ascend_and_end_where_they_should(
    parts: list[tuple[float, float]], start: float, wave: tuple[float, float] | None
) -> None:
    regions: list[Region | KRegion] = []
    for width, step in parts:
        regions.append(Region(start, start + width, step))
        start += width
    if wave and start > 1:
        regions.append(KRegion(start, float(wavenumber(start)) + wave[0], wave[1], 1.0, 2.0))
    energy, dwell = scan_points(E0, regions)
    assert np.all(np.diff(energy) > 0)
    assert energy[0] == E0 + regions[0].start
    assert energy[-1] == pytest.approx(E0 + regions[-1].end)
    assert energy.shape == dwell.shape
    for region in regions:
        assert np.abs(energy - E0 - region.start).min() < 1e-9, "a bound is a point"


def test_steps_in_k_are_even_and_times_grow() -> None:
    energy, dwell = scan_points(E0, EXAFS)
    k = wavenumber(energy - E0)
    fine = k > wavenumber(16.01)
    np.testing.assert_allclose(np.diff(k[fine])[:-1], 0.05, rtol=1e-9)
    np.testing.assert_allclose(dwell[fine], 0.5 * k[fine] / wavenumber(16.0))
    assert np.all(dwell[~fine][:-1] == 0.5)


def test_the_notation_of_bmm() -> None:
    # The template of its manual: 4 steps/times, 0.25k is 1 s at 4/angstrom.
    regions = from_bounds([-200, -30, -10, 15.5, "15k"], [10, 2, 0.3, "0.05k"], [0.5, 0.5, 0.5, "0.25k"])  # fmt: skip  # noqa: E501
    energy, dwell = scan_points(E0, regions)
    assert wavenumber(energy[-1] - E0) == pytest.approx(15.0)
    at = np.argmin(np.abs(wavenumber(energy - E0) - 4.0))
    assert dwell[at] == pytest.approx(1.0, abs=0.02)
    plain = [[-200, -30, 10, 0.5], [-30, -10, 2, 0.5], [-10, 15.5, 0.3, 0.5]]
    assert as_regions([*plain, [15.5, "15k", "0.05k", "0.25k"]]) == regions


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([], "at least one region"),
        ([Region(0, 10, 1), Region(12, 20, 1)], "region 2 begins at 12 eV, the one before ends"),
        ([Region(0, 10, 1), Region(8, 20, 1)], "region 2 begins at 8 eV"),
        ([Region(0, 10, 0)], "step above 0"),
        ([Region(10, 0, 1)], "ends at 0 eV and begins at 10 eV"),
        ([Region(0, 10, 1, -1)], "measures nothing"),
        ([KRegion(-5, 10, 0.1)], "begin above the edge"),
        ([(0, 10)], "give start, stop, step"),
        ([(0, 10, 1, "0.2k")], "needs a step in k"),
        ([(0, "ten", 1)], "neither a number nor"),
    ],
)
def test_regions_that_cannot_be(regions: Any, words: str) -> None:
    with pytest.raises(RegionError, match=words):
        scan_points(E0, regions)


def test_the_metadata_follow_xdi_and_live_lce_reads_them(engine: Any) -> None:
    world = World(sample=HEMATITE)
    detectors = [IonChambers(world), FluorescenceDetector(world)]
    md = {"XDI": {"Sample": {"prep": "pellet"}}, "proposal": 7}
    plan = xanes(detectors, Monochromator(world), "Fe", "K", sample="Fe2O3", regions=SHORT, md=md)
    start = run(engine, plan)[1][0][1]
    xdi = start["XDI"]
    assert xdi["Element"] == {"symbol": "Fe", "edge": "K"}
    assert xdi["Sample"] == {"name": "Fe2O3", "prep": "pellet"}
    assert xdi["Scan"] == {"edge_energy": E0}
    assert xdi["Mono"]["name"] == "Si(111)" and xdi["Facility"] and xdi["Beamline"]
    assert set(xdi["Detector"]) == {"I0", "It", "Ir", "If"}
    assert start["proposal"] == 7 and start["num_points"] == len(scan_points(E0, SHORT)[0])
    assert "truth" not in start
    assert (find_absorber(start), find_edge(start)) == ("Fe", "K")
    assert (find_mode(start), find_sample(start)) == ("transmission", "Fe2O3")
    assert find_d_spacing(start) == pytest.approx(3.1356, abs=1e-3)


def test_one_dwell_time_is_configuration(engine: Any) -> None:
    world = World(sample=HEMATITE)
    detectors, mono = [IonChambers(world), FluorescenceDetector(world)], Monochromator(world)
    _, docs = run(engine, xanes(detectors, mono, "Fe", "K", sample="s", regions=SHORT, dwell=0.2))
    configured = docs[1][1]["configuration"]
    assert configured["chambers"]["data"] == {"chambers_count_time": 0.2}
    assert configured["fluorescence"]["data"]["fluorescence_count_time"] == 0.2
    assert "chambers_count_time" not in docs[2][1]["data"]
    assert column(docs, "I0").mean() == pytest.approx(4e5, rel=0.01)
    assert world.elapsed == pytest.approx(0.2 * len(column(docs, "I0")))


def test_dwell_times_that_vary_are_recorded_and_counted(engine: Any) -> None:
    world = World(sample=HEMATITE)
    regions = [Region(-40.0, -10.0, 3.0, 0.5), Region(-10.0, 30.0, 0.5), KRegion(30.0, 9.0, 0.1, 2.0, 1.0)]  # fmt: skip  # noqa: E501
    plan = xanes(
        [IonChambers(world), FluorescenceDetector(world)], Monochromator(world), "Fe", "K",
        sample="s", regions=regions, dwell=1.5,
    )  # fmt: skip
    _, docs = run(engine, plan)
    times = column(docs, "chambers_count_time")
    np.testing.assert_allclose(column(docs, "I0") / times, 2e6, rtol=0.02)
    assert times[0] == 0.5 and times[20] == 1.5 and times[-1] > 4
    assert len([kind for kind, _ in docs if kind == "descriptor"]) == 1
    live = Engine()
    final = [o for n, d in docs for o in live(n, d) if isinstance(o, Result) and o.final]
    assert final[0].prediction.label == "O6"


def test_what_xanes_refuses(engine: Any) -> None:
    world = World(sample=HEMATITE)
    chambers, mono = [IonChambers(world)], Monochromator(world)
    for arguments, words in (
        ({"energies": [7100.0, 7099.0]}, "strictly ascending"),
        ({"energies": [7100.0], "regions": SHORT}, "not both"),
        ({"energies": [float("nan")]}, "finite"),
    ):
        with pytest.raises(RegionError, match=words):
            list(xanes(chambers, mono, "Fe", "K", sample="s", **arguments))
    with pytest.raises(RegionError, match="no edge Fe Q"):
        list(xanes(chambers, mono, "Fe", "Q", sample="s"))
    with pytest.raises(RegionError, match="need a detector with count_time"):
        list(xanes([StorageRing(world)], mono, "Fe", "K", sample="s", dwell=1.0))


def test_a_series_moves_on_between_its_scans(engine: Any) -> None:
    world = World()
    reaction = Reaction({"Fe-hematite": 1.0}, {"Fe-BaCaFe4O8": 1.0}, Sigmoid(600.0, 800.0))
    furnace = Furnace(world, reaction=reaction)
    plan = insitu_series(
        [IonChambers(world)], Monochromator(world), furnace, "Fe", "K", n_scans=3, sample="mixture",
        temperatures=(600.0, 800.0), regions=SHORT, md={"cycle": 1},
    )  # fmt: skip
    uids, docs = run(engine, plan)
    starts = [doc for name, doc in docs if name == "start"]
    assert uids == [start["uid"] for start in starts]
    assert [start["series"]["index"] for start in starts] == [0, 1, 2]
    assert len({start["series"]["uid"] for start in starts}) == 1
    assert [start["truth"] for start in starts] == [
        {"O6": 1.0},
        {"O6": 0.5, "T4": 0.5},
        {"T4": 1.0},
    ]
    assert [s["XDI"]["Sample"]["temperature"] for s in starts] == ["600 C", "700 C", "800 C"]
    assert {*column(docs, "furnace_temperature")} == {600.0, 700.0, 800.0}
    assert all(start["cycle"] == 1 and start["sample"] == "mixture" for start in starts)


def test_a_reaction_in_time_goes_on_by_the_beam_s_clock(engine: Any) -> None:
    world = World()
    n_points = len(scan_points(E0, SHORT)[0])
    reaction = Reaction(
        {"Fe-hematite": 1.0}, {"Fe-BaCaFe4O8": 1.0}, first_order(1.0 / n_points), along="time"
    )
    furnace = Furnace(world, reaction=reaction)
    plan = insitu_series(
        [IonChambers(world)], Monochromator(world), furnace, "Fe", "K", n_scans=3, sample="s",
        temperatures=[700.0] * 3, regions=SHORT,
    )  # fmt: skip
    truths = [doc["truth"].get("T4", 0.0) for name, doc in run(engine, plan)[1] if name == "start"]
    assert truths == [0.0, round(1 - np.exp(-1), 3), round(1 - np.exp(-2), 3)]


def test_temperatures_must_fit() -> None:
    for n_scans, temperatures, words in ((3, [1.0] * 4, "4 temperatures for 3"), (0, (1, 2), "0 scans")):  # fmt: skip  # noqa: E501
        plan = insitu_series([], None, None, "Fe", "K", n_scans=n_scans, sample="s", temperatures=temperatures)  # fmt: skip  # noqa: E501
        with pytest.raises(ValueError, match=words):
            list(plan)


@pytest.mark.parametrize("offset", [0.0, 0.8, -3.0])
def test_a_foil_tells_how_far_the_energies_are_off(engine: Any, offset: float) -> None:
    world = World(Beamline(optics=Optics(offset=offset)), HEMATITE, seed=3)
    mono = Monochromator(world)
    reported: list[FoilCalibration] = []
    plan = foil_calibration([IonChambers(world)], mono, "Fe", "K", report=reported.append)
    found, docs = run(engine, plan)
    assert found.shift == pytest.approx(offset, abs=0.26)  # half a step of the scan
    assert reported == [found] and f"shift_value = {found.shift:.2f}" in str(found)
    assert docs[0][1]["plan_name"] == "foil_calibration"
    assert len(column(docs, "Ir")) == len(scan_points(E0, FOIL)[0])
    assert world.energy == mono.position, "left alone"


def test_the_monochromator_can_be_told(engine: Any) -> None:
    world = World(Beamline(optics=Optics(offset=0.8)), HEMATITE, seed=3)
    mono, quiet = Monochromator(world), []
    plan = foil_calibration([IonChambers(world)], mono, "Fe", "K", apply=True, report=quiet.append)
    run(engine, plan)
    assert mono.position == world.energy
    again = foil_calibration([IonChambers(world)], mono, "Fe", "K", report=quiet.append)
    assert run(engine, again)[0].shift == pytest.approx(0.0, abs=0.26)


def test_a_foil_that_is_not_there(engine: Any) -> None:
    world = World(sample=HEMATITE)
    mono, chambers = Monochromator(world), IonChambers(world)
    with pytest.raises(CalibrationError, match="no data key 'Iref' in the scan"):
        run(engine, foil_calibration([chambers], mono, "Fe", "K", ir="Iref"))
    flat = foil_calibration([chambers], mono, "Fe", "K", it="I0", ir="I0")
    with pytest.raises(CalibrationError, match="Fe K foil at 7112 eV"):
        run(engine, flat)
    with pytest.raises(CalibrationError, match="no set_current_position"):
        run(engine, foil_calibration([chambers], StorageRing(world), "Fe", "K", apply=True))


def test_default_energies_are_a_xanes_scan() -> None:
    energies = xanes_energies(E0)
    assert (energies[0], energies[-1], len(energies)) == (E0 - 150, E0 + 200, 162)

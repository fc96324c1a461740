"""The simulated beamline over EPICS Channel Access: a real IOC, a real RunEngine, two processes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("softioc", reason="needs the extra `epics`")
pytest.importorskip("epics", reason="needs the extra `epics`")

from bluesky import RunEngine
from ioc_parts import command, running_ioc, session

from live_lce.sim import devices
from live_lce.sim._ioc_pvs import PVS, page
from live_lce.sim.ioc_sample import from_text, reacted, to_text
from live_lce.sim.library import mixture
from live_lce.sim.plans import xanes
from live_lce.sim.world import World

ROOT = Path(__file__).parents[2]
SAMPLE = {"V-cavoite-1": 2 / 3, "V-cavoite-2": 1 / 3}
pytestmark = pytest.mark.timeout(150)


def soft_scan(seed: int) -> tuple[list[dict[str, float]], set[str]]:
    """Measure with the soft devices what the first test measures by EPICS."""
    world = World(seed=seed)
    world.load(mixture(SAMPLE))
    detectors = [
        devices.IonChambers(world),
        devices.FluorescenceDetector(world),
        devices.Furnace(world),
    ]
    docs: list[tuple[str, dict]] = []
    plan = xanes(detectors, devices.Monochromator(world), "V", "K", sample="CaV3O7")
    RunEngine({})(plan, lambda name, doc: docs.append((name, doc)))
    [keys] = [set(doc["data_keys"]) for name, doc in docs if name == "descriptor"]
    return [doc["data"] for name, doc in docs if name == "event"], keys


def test_a_scan_over_epics_is_predicted_and_counts_as_the_soft_devices_do(tmp_path: Path) -> None:
    with running_ioc("--seed", "3", "--pace", "0") as ioc:
        said = session(
            ioc,
            """
devices.stage.load(mixture({"V-cavoite-1": 2 / 3, "V-cavoite-2": 1 / 3}))
RE(xanes(detectors, devices.mono, "V", "K", sample="CaV3O7", truth=devices.furnace.truth))
say(truth=docs[0][1]["truth"])
""",
            tmp_path,
        )
        ioc.process.send_signal(signal.SIGINT)
        assert ioc.process.wait(20) == 0
        assert ioc.process.stdout is not None
        rest = ioc.process.stdout.read()
    assert "Stopping." in rest
    assert "Traceback" not in rest
    assert said["exit"] == "success"
    assert said["truth"] == {"S5": pytest.approx(1.0)}
    assert [(status, label) for status, label, _ in said["final"]] == [("ok", "S5")]
    events, keys = soft_scan(seed=3)
    assert set(said["keys"]) == keys
    assert said["keys"]["energy"]["units"] == "eV"
    assert said["events"] == events


def test_a_beam_dump_suspends_the_scan_and_the_prediction_survives(tmp_path: Path) -> None:
    with running_ioc("--pace", "0.01", "--sample", "V-vuorelainenite") as ioc:
        said = session(
            ioc,
            """
from bluesky.suspenders import SuspendBoolLow, SuspendFloor
RE.record_interruptions = True
RE.install_suspender(SuspendBoolLow(devices.ring.beam, sleep=0.1))
RE.install_suspender(SuspendFloor(devices.ring.current, 300, sleep=0.1))

def dump():
    devices.ring.dump()
    time.sleep(1.0)
    devices.ring.restore()

def watch(name, doc):
    if name == "event" and doc.get("seq_num") == 60 and "I0" in doc["data"]:
        threading.Thread(target=dump).start()

RE(xanes(detectors[:1], devices.mono, "V", "K", sample="MnV2O4"), watch)
say(interruptions=[doc["data"]["interruption"] for name, doc in docs
                   if name == "event" and "interruption" in doc["data"]],
    numbers=[doc["seq_num"] for name, doc in docs if name == "event" and "I0" in doc["data"]])
""",
            tmp_path,
        )
    assert said["exit"] == "success"
    assert any("ring_beam is low" in why for why in said["interruptions"])
    assert any("fell below 300" in why for why in said["interruptions"])
    assert sorted(set(said["numbers"])) == list(range(1, max(said["numbers"]) + 1))
    assert [(status, label) for status, label, _ in said["final"]] == [("ok", "O6")]


def test_an_ioc_killed_in_mid_scan_is_a_clear_error_and_what_there_was_is_predicted(
    tmp_path: Path,
) -> None:
    with running_ioc("--pace", "0", "--sample", "Fe-hematite") as ioc:
        said = session(
            ioc,
            """
import signal, traceback
def kill(name, doc):
    if name == "event" and doc["data"]["energy"] > 7112 + 60:
        os.kill(int(sys.argv[1]), signal.SIGKILL)
try:
    RE(xanes(detectors, devices.mono, "Fe", "K", sample="Fe2O3"), kill)
    error = ""
except Exception:
    error = traceback.format_exc()
say(error=error)
""",
            tmp_path,
            str(ioc.process.pid),
        )
    assert said["exit"] == "fail"
    assert "EpicsError: " in said["error"]
    assert "TEST:" in said["error"]
    assert "the IOC went away" in said["error"]
    [(status, label, reason)] = said["final"]
    assert (status, label) == ("partial", "O6"), reason


def test_sample_furnace_shutter_and_refusals(tmp_path: Path) -> None:
    with running_ioc("--pace", "0", "--sample", "Fe-hematite 0.5, Fe-andradite 0.5") as ioc:
        done = subprocess.run(
            [sys.executable, "-c", PANEL, ioc.prefix, json.dumps([pv.suffix for pv in PVS])],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=ioc.environment,
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["missing"] == []
    assert said["element"] == ["Fe", "K"]
    assert said["truth"] == [pytest.approx(0.25), pytest.approx(0.75)]
    assert said["refused"][0] == "Fe-hematite"
    assert "no-such" in said["refused"][1]
    assert "Fe-andradite" in said["refused"][1]
    assert said["energy"] == 8000.0
    assert said["temperature"][0] == 700.0
    assert said["temperature"][1] == pytest.approx(675.0 / 600.0 * 60.0)
    open_, shut, dark, filled = said["i0"]
    assert shut < 0.001 * open_
    assert dark < 0.001 * open_
    assert filled == pytest.approx(open_, rel=0.02)
    assert said["current"] == [pytest.approx(400, rel=0.02), 0.0]
    assert said["written"] == pytest.approx(400, rel=0.02)  # a readback cannot be written


@pytest.mark.serial
def test_moves_take_their_time_and_a_stopped_one_fails(tmp_path: Path) -> None:
    with running_ioc("--pace", "1") as ioc:
        done = subprocess.run(
            [sys.executable, "-c", MOVES, ioc.prefix],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=ioc.environment,
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["energy"] == 8100.0
    assert 0.5 <= said["took"] < 5.0
    assert said["moving"] == [1, 0]
    assert 8100.0 < said["stopped"] < 9000.0
    assert "TEST:MONO:ENERGY: it is at 8" in said["fault"]
    assert 25.0 < said["warm"] < 700.0
    assert "TEST:FURNACE:TEMP: it is at" in said["cold"]
    assert "The IOC does not answer" in said["absent"]
    assert "NONE:SAMPLE:" in said["absent"] or "NONE:MONO:" in said["absent"]
    assert "start `live-lce sim-ioc`" in said["absent"]
    assert "only mixtures of its library" in said["thick"]


MOVES = """
import json, sys, time
from dataclasses import replace
from ophyd import EpicsSignalRO
from live_lce.sim import epics
from live_lce.sim.library import mixture

def failing(status, stop):
    time.sleep(0.5)
    stop()
    try:
        status.wait(20)
    except epics.EpicsError as error:
        return str(error)

devices = epics.simulated(sys.argv[1])
mono, furnace = devices.mono, devices.furnace
began = time.time()
status = mono.set(8100.0)
time.sleep(0.2)
flag = EpicsSignalRO(sys.argv[1] + "MONO:MOVING", name="moving")
moving = [int(flag.get())]
status.wait(20)
took, energy = time.time() - began, mono.position
moving.append(int(flag.get()))
fault = failing(mono.set(9000.0), lambda: mono.stop_signal.put(1))
stopped = mono.readback.get()
cold = failing(furnace.set(700.0), lambda: furnace.temperature.stop_signal.put(1))
warm = furnace.temperature.readback.get()
try:
    devices.stage.load(replace(mixture({"Fe-hematite": 1.0}), edge_step=3.0))
except epics.EpicsError as error:
    thick = str(error)
try:
    epics.simulated("NONE:", timeout=1)
except epics.EpicsError as error:
    absent = str(error)
print(json.dumps({"energy": energy, "took": took, "moving": moving, "fault": fault,
                  "stopped": stopped, "cold": cold, "warm": warm, "thick": thick,
                  "absent": absent}))
"""

PANEL = """
import json, sys
from epics import PV, caget, caput
prefix, suffixes = sys.argv[1], json.loads(sys.argv[2])
pvs = {suffix: PV(prefix + suffix) for suffix in suffixes}
missing = [suffix for suffix, pv in pvs.items() if not pv.wait_for_connection(5)]

def get(suffix, **how):
    return pvs[suffix].get(use_monitor=False, **how)

def put(suffix, value):
    pvs[suffix].put(value, wait=True, timeout=20)

put("SAMPLE:MIXTURE", "Fe-hematite")
put("SAMPLE:PRODUCT", "Fe-BaCaFe4O8")
put("SAMPLE:REACTED", 0.25)
element = [get("SAMPLE:ELEMENT", as_string=True), get("SAMPLE:EDGE", as_string=True)]
truth = [get("SAMPLE:T4"), get("SAMPLE:O6")]
put("SAMPLE:MIXTURE", "no-such")
refused = [get("SAMPLE:MIXTURE", as_string=True), get("SAMPLE:MESSAGE", as_string=True)]
put("MONO:ENERGY", -5.0)
energy = get("MONO:ENERGY_RBV")
put("FURNACE:TEMP", 700.0)
temperature = [get("FURNACE:TEMP_RBV"), get("BEAM:TIME")]
i0, current = [], []
for suffix, value in (("SHUTTER:OPEN", 1), ("SHUTTER:OPEN", 0), ("BEAM:DUMP", 1), ("BEAM:DUMP", 0)):
    put(suffix, value)
    if suffix == "BEAM:DUMP":
        put("SHUTTER:OPEN", 1)
    else:
        current[:] = [get("RING:CURRENT")]
    if (suffix, value) == ("BEAM:DUMP", 1):
        current.append(get("RING:CURRENT"))
    put("SCALER:CNT", 1)
    i0.append(get("SCALER:I0"))
pvs["RING:CURRENT"].put(7.0, wait=True, timeout=5)
print(json.dumps({"missing": missing, "element": element, "truth": truth, "refused": refused,
                  "energy": energy, "temperature": temperature, "i0": i0, "current": current,
                  "written": get("RING:CURRENT")}))
"""


def test_text_of_a_sample() -> None:
    assert from_text(to_text(SAMPLE)) == SAMPLE
    assert from_text("Fe-hematite") == {"Fe-hematite": 1.0}
    assert reacted("Fe-hematite", "", 0.0) == mixture({"Fe-hematite": 1.0})
    both = reacted("Fe-hematite 0.5, Fe-andradite 0.5", "Fe-andradite", 0.5)
    assert both.fractions == {"Fe-hematite": 0.25, "Fe-andradite": 0.75}
    for text, product, part, words in (
        ("Fe-hematite x", "", 0.0, "no fraction"),
        ("", "", 0.0, "must be a sample"),
        ("Fe-hematite 0.5", "", 0.0, "sum to 1"),
        ("Fe-hematite", "V-cavoite-1", 0.5, "Mixes absorbers"),
        ("Fe-hematite", "Fe-andradite", 1.5, "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=words):
            reacted(text, product, part)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sample", "Fe-nothing"], "No standard is called 'Fe-nothing'"),
        (["--troubles", "Xx"], "give an element and an edge, such as Fe:K"),
        (["--listen", "203.0.113.1"], "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_one_line(options: list[str], words: str) -> None:
    done = subprocess.run(
        command("sim-ioc", *options), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command("sim-ioc", "--port", port),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr


def test_the_page_has_the_table() -> None:
    assert page() in (ROOT / "docs" / "how-to" / "beamline.md").read_text()

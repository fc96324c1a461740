"""The startup files of ``profile_collection``: in a plain process, and in IPython itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("IPython", reason="needs the extra `queueserver`")

from live_lce.results import predictions
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

STARTUP = Path(__file__).parents[2] / "profile_collection" / "startup"

SESSION = """
import ophyd, sys
ophyd.set_cl("dummy")
for path in sys.argv[1:]:
    exec(compile(open(path).read(), path, "exec"), globals())

from live_lce.sim.experiment import Scan, run_experiment
from live_lce.sim.library import mixture

[done] = run_experiment(RE, [Scan(mixture({"V-vuorelainenite": 1.0}), "MnV2O4")])
live.flush(60)
live.close(60)
print(RE.md.get("beamline_id"), done.uid)
"""


def session(tmp_path: Path, config: str, *before: Path) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "live_lce.toml"
    path.write_text(config)
    files = [*before, *sorted(STARTUP.glob("*.py"))]
    return subprocess.run(
        [sys.executable, "-c", SESSION, *map(str, files)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, "LIVE_LCE_CONFIG": str(path)},
        cwd=tmp_path,
    )


def spooled(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    [file] = folder.rglob("*.jsonl")
    lines = map(json.loads, file.read_text().splitlines())
    return [(line["name"], line["doc"]) for line in lines]


@pytest.mark.timeout(200)
def test_a_scan_of_the_startup_s_run_engine_is_predicted(tmp_path: Path) -> None:
    done = session(tmp_path, f'[publish]\nspool = "{(tmp_path / "spool").as_posix()}"\n')
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    docs = spooled(tmp_path / "spool")
    start, stop = docs[0][1], docs[-1][1]
    assert done.stdout.split()[-2] == "None"
    assert done.stdout.split()[-1] == start["original_run_uid"]
    assert (docs[0][0], docs[-1][0]) == ("start", "stop")
    assert stop["live_lce"]["n_final"] == 1
    assert (stop["live_lce"]["absorber"], stop["live_lce"]["label"]) == ("V", "O6")


@pytest.mark.timeout(200)
def test_an_earlier_run_engine_is_kept(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.py"
    earlier.write_text("from bluesky import RunEngine\nRE = RunEngine({'beamline_id': 'mine'})\n")
    spool = tmp_path / "spool"
    done = session(tmp_path, f'[publish]\nspool = "{spool.as_posix()}"\n', earlier)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2] == "mine"
    assert spooled(spool)[-1][1]["live_lce"]["label"] == "O6"


def ipython(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in IPython with a copy of the profile, which IPython writes into."""
    profile = tmp_path / "profile_collection"
    shutil.copytree(
        STARTUP.parent, profile, ignore=shutil.ignore_patterns("*.sqlite", "__pycache__")
    )
    command = ["--profile-dir", str(profile), "--colors=nocolor", "-c", code]
    return subprocess.run(
        [sys.executable, "-m", "IPython", *command],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={
            **os.environ,
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "LIVE_LCE_PUBLISH__SPOOL": str(tmp_path / "spool"),
            **environment,
        },
        cwd=tmp_path,
    )


@pytest.mark.timeout(200)
def test_ipython_runs_the_plans_and_raw_and_predictions_are_in_tiled(tmp_path: Path) -> None:
    code = """
RE(xanes("V", mixture="V-cavoite-1 0.6667, V-cavoite-2 0.3333", sample="CaV3O7"))
RE(foil_calibration("V"))
RE(wait_for_predictions())
live.close(60)
print("done", BEAMLINE)
"""
    with EmbeddedTiled(tmp_path / "tiled") as server:
        done = ipython(
            tmp_path,
            code,
            LIVE_LCE_TILED__URI=server.uri,
            LIVE_LCE_TILED__API_KEY=server.api_key,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert "done sim" in done.stdout
        assert "V K of the foil at 5465.0" in done.stdout
        frame = predictions(server.uri, api_key=server.api_key, final=True)
        client = server.client()
        try:
            starts = [run.metadata["start"] for run in client["raw"].values()]
        finally:
            client.context.close()
    assert [start["plan_name"] for start in starts] == ["xanes", "foil_calibration"]
    [row] = frame[frame["raw_uid"] == starts[0]["uid"]].to_dict("records")
    assert (row["status"], row["label"], row["sample"]) == ("ok", "S5", "CaV3O7")


@pytest.mark.timeout(200)
def test_ipython_flies(tmp_path: Path) -> None:
    pytest.importorskip("ophyd_async", reason="needs the extra `async`")
    code = """
RE(xanes_fly("Fe", mixture="Fe-BaCaFe4O8"))
RE(wait_for_predictions())
live.close(60)
print(mono.name, BEAMLINE)
"""
    done = ipython(tmp_path, code, LIVE_LCE_BEAMLINE="fly", LIVE_LCE_DATA=str(tmp_path / "files"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "energy fly" in done.stdout
    assert len(list((tmp_path / "files").glob("*.h5"))) == 1
    assert spooled(tmp_path / "spool")[-1][1]["live_lce"]["label"] == "T4"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LIVE_LCE_BEAMLINE", "bmm", "is 'bmm': set it to 'sim', 'fly' or 'epics', or add your"),
        ("LIVE_LCE_TILED__URI", "http://127.0.0.1:9", "Start the server (`live-lce serve`)"),
    ],
)
def test_a_wrong_start_is_a_clear_error(tmp_path: Path, name: str, value: str, words: str) -> None:
    done = ipython(tmp_path, "'xanes' in globals()", **{name: value})
    assert words in done.stdout + done.stderr
    assert "False" in done.stdout  # no plan without devices or a place for the data

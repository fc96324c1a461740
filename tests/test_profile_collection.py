"""The startup files of ``profile_collection`` in a process of their own, as IPython runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ophyd", reason="needs the extra `sim`")

STARTUP = Path(__file__).parent.parent / "profile_collection" / "startup"

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

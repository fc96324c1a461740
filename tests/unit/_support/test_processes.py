"""Processes of ours import nothing from the current folder, and tell nobody anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from live_lce._support import processes
from live_lce.engine import Source, UnreadableError
from live_lce.external import Hdf5Files
from live_lce.external._files import MIMETYPE
from live_lce.tiled import EmbeddedTiled

PLANTED = ("h5py", "numpy", "json", "multiprocessing", "pickle", "live_lce", "sitecustomize")


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which anybody has left modules."""
    for name in PLANTED:
        (tmp_path / f"{name}.py").write_text("open('ran', 'a').write(__name__ + ' ')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_process_that_reads_files(planted: Path) -> None:
    files = Hdf5Files(answer=60.0)
    source = Source("x", f"file://localhost{planted}/none.h5", MIMETYPE, {"dataset": "x"})
    with pytest.raises(UnreadableError, match="is not there"):
        files.rows(source, 0, 1, last=False)
    files.shutdown()
    assert not (planted / "ran").exists()


def test_processes_that_share_work(planted: Path) -> None:
    worker = processes.spawning().Process(target=print, args=("done",))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 0
    with processes.process_pool(1) as workers:
        assert workers.submit(pow, 2, 3).result(60) == 8
    assert not (planted / "ran").exists()


def test_the_server_makes_its_database(planted: Path) -> None:
    """Tiled does it in a process that it starts itself."""
    pytest.importorskip("tiled.server")
    with EmbeddedTiled(planted / "served") as tiled:
        assert tiled.uri
    assert not (planted / "ran").exists()


def test_a_child_gets_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET", "secret")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "here", "/there"]))
    known = processes.environment()
    assert "secret" not in known.values()
    assert known["PYTHONPATH"] == "/there"
    assert known["PYTHONSAFEPATH"] == known["ORT_DISABLE_TELEMETRY"] == "1"
    assert known["PATH"] == os.environ["PATH"]
    assert processes.environment("LIVE_LCE_")["LIVE_LCE_TILED__API_KEY"] == "secret"


def test_onnxruntime_sends_no_usage_data(tmp_path: Path) -> None:
    """Its client writes an identity and a queue of events into the home before it sends them."""
    code = (
        "import os; from live_lce.classifiers._registry import Registry as R; r = R();"
        "r.session(r.cards()[0]); assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
    assert [path for path in tmp_path.rglob("*") if "Microsoft" in str(path)] == []

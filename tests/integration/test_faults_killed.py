"""kill -9 in mid-run: what was said is kept, and a replay completes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_parts import make_registry
from fault_parts import assert_whole, raw_uid, rows, runs_of, scan

from live_lce.archives import Document
from live_lce.classifiers import Registry
from live_lce.publish import republish
from live_lce.publish._spool import in_use, waiting
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

WATCH = """
import sys
from live_lce.archives import read_documents
from live_lce.live import LiveLCE
live = LiveLCE.from_config()
for name, doc in read_documents(sys.argv[1]):
    live(name, doc)
assert live.flush(60)
print("seen", flush=True)
sys.stdin.read()
"""
LIVE_LCE = str(Path(sys.executable).parent / "live-lce")
RUNS = 8


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_registry(folder)
    return folder


@pytest.fixture
def registry(models: Path) -> Registry:
    return Registry(models)


@pytest.fixture
def environment(server: EmbeddedTiled, models: Path, tmp_path: Path) -> dict[str, str]:
    """Return the configuration of the process that will be killed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVE_LCE_")}
    return kept | {
        "LIVE_LCE_MODELS": str(models),
        "LIVE_LCE_TILED__URI": server.uri,
        "LIVE_LCE_TILED__API_KEY": server.api_key,
        "LIVE_LCE_ANALYSIS__PACING__INTERVAL": "25",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


@pytest.fixture
def begin(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs a command; what still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments,
            env=environment, cwd=tmp_path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def write(path: Path, documents: list[Document]) -> str:
    path.write_text("".join(json.dumps(pair) + "\n" for pair in documents))
    return str(path)


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL


def test_the_watching_process_is_killed_in_mid_run_and_begun_again(
    begin: Any, environment: dict[str, str], registry: Registry, runs: Any, tmp_path: Path
) -> None:
    documents, spool = scan(1), tmp_path / "state" / "live_lce" / "spool"
    first = begin(sys.executable, "-c", WATCH, write(tmp_path / "half.jsonl", documents[:-20]))
    assert first.stdout.readline() == "seen\n", first.stderr.read()
    (half,) = runs_of(runs, raw_uid(documents))
    before = rows(half)
    assert len(before) > 2
    kill(first)
    (path,) = waiting(spool)
    assert not in_use(path)
    # The next scans are watched by another process, and the half is no matter to them.
    second = begin(
        sys.executable, "-c", WATCH, write(tmp_path / "next.jsonl", following := scan(2))
    )
    assert second.stdout.readline() == "seen\n", second.stderr.read()
    assert_whole(runs, registry, following)
    assert waiting(spool) == [path]
    # What the killed one had said is kept as an aborted run,
    report = republish(spool, runs)
    assert (report.closed, report.failed) == (1, {})
    (half,) = runs_of(runs, raw_uid(documents))
    assert (rows(half), half.metadata["stop"]["exit_status"]) == (before, "abort")
    # until the raw run is replayed.
    replay = begin(LIVE_LCE, "replay", write(tmp_path / "whole.jsonl", documents))
    out, err = replay.communicate(timeout=90)
    assert replay.returncode == 0, out + err
    assert_whole(runs, registry, documents)
    assert waiting(spool) == []


def test_a_replay_is_killed_and_begun_again(
    begin: Any, registry: Registry, runs: Any, tmp_path: Path
) -> None:
    scans = [scan(number) for number in range(RUNS)]
    archive = write(tmp_path / "all.jsonl", [pair for documents in scans for pair in documents])
    killed = begin(LIVE_LCE, "replay", archive)
    deadline = time.monotonic() + 60
    while len(runs) < 3:
        assert killed.poll() is None, "it was done before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kill(killed)
    already = len(runs)
    assert already < RUNS
    times = {key: runs[key].metadata["start"]["time"] for key in list(runs)[: already - 1]}
    again = begin(LIVE_LCE, "replay", archive)
    out, err = again.communicate(timeout=90)
    assert again.returncode == 0, out + err
    for documents in scans:
        assert_whole(runs, registry, documents)
    assert {key: runs[key].metadata["start"]["time"] for key in times} == times, "twice"
    # A kill between the stop document's arrival and the file's removal leaves the file.
    spool = tmp_path / "state" / "live_lce" / "spool"
    assert len(waiting(spool)) <= 1
    report = republish(spool, runs)
    assert (report.published, report.failed) == (0, {}), "twice"
    assert waiting(spool) == []

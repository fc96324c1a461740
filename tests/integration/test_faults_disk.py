"""A disk that is full: real ENOSPC (``/dev/full``), and a file that may not grow in mid-run."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine_parts import make_registry
from fault_parts import (
    SETTINGS,
    assert_whole,
    expected,
    live,
    proxy,
    publisher,
    raw_uid,
    registry,
    scan,
)
from fault_proxy import Proxy

from live_lce.archives import Document
from live_lce.classifiers import Registry
from live_lce.contract import analysis_uid
from live_lce.publish import TiledPublisher
from live_lce.publish._spool import read_spooled, waiting
from live_lce.tiled import EmbeddedTiled

__all__ = ["proxy", "registry"]  # fixtures


def fill(spool: Path, registry: Registry, documents: list[Document]) -> None:
    """Let the file of this run lie on a device that is always full."""
    last = expected(registry, documents)[-1].prediction
    uid = analysis_uid(
        raw_uid(documents), "primary", last.absorber, last.model.sha256, SETTINGS.digest
    )
    spool.mkdir(exist_ok=True)
    (spool / f"{uid}.jsonl").symlink_to("/dev/full")


def watch(registry: Registry, found: TiledPublisher, *scans: list[Document]) -> None:
    callback = live(registry, found)
    for documents in scans:
        for name, doc in documents:
            callback(name, doc)
    assert callback.close(60)
    assert callback.counters["publisher_errors"] == 0


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


def test_a_full_disk_does_not_keep_runs_from_tiled(
    server: EmbeddedTiled,
    registry: Registry,
    runs: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scans = [scan(1), scan(2)]
    for documents in scans:
        fill(tmp_path, registry, documents)
    found = publisher(server.uri, server.api_key, tmp_path)
    watch(registry, found, *scans)
    for documents in scans:
        assert_whole(runs, registry, documents)
    assert found.counters["runs_published"] == found.counters["runs_not_kept"] == 2
    assert found.counters["runs_lost"] == 0
    (sentence,) = errors(caplog)  # once, not per run
    assert "disk is full" in sentence and "publish.spool" in sentence
    assert waiting(tmp_path) == []


def test_disk_full_and_tiled_away_is_said_and_a_replay_brings_it_back(
    proxy: Proxy,
    server: EmbeddedTiled,
    registry: Registry,
    runs: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost, kept = scan(1), scan(2)
    spool = tmp_path / "spool"
    fill(spool, registry, lost)
    proxy.down()
    found = publisher(proxy.uri, server.api_key, spool)
    watch(registry, found, lost, kept)
    assert found.counters["runs_lost"] == 1
    assert any("replay the raw run" in sentence for sentence in errors(caplog))
    assert [read_spooled(path).complete for path in waiting(spool) if not path.is_symlink()] == [
        True
    ]
    proxy.up()
    again = publisher(proxy.uri, server.api_key, tmp_path / "empty")
    watch(registry, again, lost, kept)
    for documents in (lost, kept):
        assert_whole(runs, registry, documents)


LIMITED = """
import resource, sys
from live_lce.archives import read_documents
from live_lce.live import LiveLCE
live = LiveLCE.from_config()
assert live.wait_until_ready(60)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))
for name, doc in read_documents(sys.argv[1]):
    live(name, doc)
assert live.close(60)
print({k: v for k, v in live._pipeline.published.items() if v})
"""


def test_the_disk_fills_up_in_mid_run(
    server: EmbeddedTiled, registry: Registry, runs: Any, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    make_registry(tmp_path / "models")
    documents = scan(1)
    path = tmp_path / "raw.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in documents))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIVE_LCE_")} | {
        "LIVE_LCE_MODELS": str(tmp_path / "models"),
        "LIVE_LCE_TILED__URI": server.uri,
        "LIVE_LCE_TILED__API_KEY": server.api_key,
        "LIVE_LCE_ANALYSIS__PACING__INTERVAL": "25",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "'runs_not_kept': 1" in done.stdout, done.stdout + done.stderr
    assert "Runs cannot be kept on disk" in done.stderr
    assert_whole(runs, registry, documents)
    assert waiting(tmp_path / "state" / "live_lce" / "spool") == []

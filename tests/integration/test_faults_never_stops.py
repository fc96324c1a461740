"""A run that never stops is published as partial, and is replaced when the whole is replayed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_parts import assert_whole, live, publisher, raw_uid, registry, rows, runs_of, scan

from live_lce import RunQuery
from live_lce.archives import Document, open_archive
from live_lce.classifiers import Registry
from live_lce.config import load_config
from live_lce.publish._spool import waiting
from live_lce.replaying import Setup
from live_lce.replaying._outcome import RunStatus
from live_lce.replaying._work import Worker
from live_lce.testing import compose
from live_lce.tiled import EmbeddedTiled
from live_lce.tiled._analyses import NOT_STOPPED

__all__ = ["registry"]  # fixtures

NEVER: dict[str, Callable[[], list[Document]]] = {
    "sixteen others are open": lambda: [
        pair for n in range(16) for pair in compose([], start={"plan_name": "count"})[:1]
    ],
    "nothing came for two hours": lambda: scan(100),
}


@pytest.mark.parametrize("case", NEVER)
def test_a_run_that_never_stops_is_published_as_partial_and_replaced_by_its_replay(
    case: str, server: EmbeddedTiled, registry: Registry, runs: Any, tmp_path: Path
) -> None:
    documents = scan(1)
    found = publisher(server.uri, server.api_key, tmp_path)
    callback = live(registry, found)
    half = len(documents) - 6
    for name, doc in documents[:half]:
        callback(name, doc)
    assert callback.flush(60) and callback._pipeline._engine is not None
    if case == "nothing came for two hours":
        callback._pipeline._engine._silence = 0.0  # which are over at once
    for name, doc in NEVER[case]():
        callback(name, doc)
    assert callback.flush(60)
    (run,) = runs_of(runs, raw_uid(documents))
    stop = run.metadata["stop"]  # it is not left open
    assert (stop["exit_status"], stop["reason"]) == ("abort", NOT_STOPPED)
    last = rows(run)[-1]
    assert last[1:4] == (1, "partial", last[3]) and last[3].startswith("run_not_stopped")
    assert stop["live_lce"]["label"] == "O6"
    for name, doc in documents[half:]:  # it went on after all
        callback(name, doc)
    assert callback.close(60)
    assert callback.counters["not_stopped"] >= 1
    again = publisher(server.uri, server.api_key, tmp_path)
    callback = live(registry, again)
    for name, doc in documents:
        callback(name, doc)
    assert callback.close(60)
    assert_whole(runs, registry, documents)
    assert waiting(tmp_path) == []


def test_an_archived_run_without_a_stop_is_published_once_until_the_stop_is_there(
    server: EmbeddedTiled,
    registry: Registry,
    runs: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LIVE_LCE_MODELS", str(registry.folders[0]))
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__PACING__INTERVAL", "25")
    worker = Worker(Setup(load_config(), tiled=server.uri))
    documents = scan(1)

    def replay(*documents: Document) -> RunStatus:
        path = tmp_path / "run.jsonl"
        path.write_text("".join(json.dumps(pair) + "\n" for pair in documents))
        (run,) = open_archive(str(path)).runs(RunQuery())
        return worker(run).status

    assert replay(*documents[:-1]) is RunStatus.PUBLISHED
    (run,) = runs_of(runs, raw_uid(documents))
    assert run.metadata["stop"]["reason"] == NOT_STOPPED
    assert replay(*documents[:-1]) is RunStatus.THERE
    assert replay(*documents) is RunStatus.PUBLISHED
    assert_whole(runs, registry, documents)
    assert replay(*documents) is RunStatus.THERE
    assert worker.close()["runs_rewritten"] == 1

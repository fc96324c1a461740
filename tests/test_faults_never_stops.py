"""A run that never stops is published as partial, and is replaced when the whole is replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine_parts import Document, compose
from fault_parts import (
    assert_whole,
    live,
    publisher,
    raw_uid,
    registry,
    rows,
    runs,
    runs_of,
    scan,
    server,
)

from live_lce.classifiers.registry import Registry
from live_lce.publish.spool import waiting
from live_lce.server import EmbeddedTiled

__all__ = ["registry", "runs", "server"]  # fixtures

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
    for name, doc in [*documents[:half], *NEVER[case]()]:
        callback(name, doc)
    assert callback.flush(60)
    (run,) = runs_of(runs, raw_uid(documents))
    assert "stop" in run.metadata, "it is not left open"
    last = rows(run)[-1]
    assert last[1:4] == (1, "partial", last[3]) and last[3].startswith("run_not_stopped")
    assert run.metadata["stop"]["live_lce"]["label"] == "O6"
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

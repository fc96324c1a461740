"""Tiled takes two seconds for a write: the scan does not notice, and all gets there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fault_parts import assert_whole, live, proxy, publisher, registry, scan
from fault_proxy import Proxy

from live_lce.classifiers import Registry
from live_lce.publish._spool import waiting
from live_lce.settings import AnalysisSettings, Pacing
from live_lce.tiled import EmbeddedTiled

__all__ = ["proxy", "registry"]  # fixtures


def test_two_seconds_a_write(
    proxy: Proxy, server: EmbeddedTiled, runs: Any, registry: Registry, tmp_path: Path
) -> None:
    proxy.delay = 2.0
    settings = AnalysisSettings(pacing=Pacing(partial=False))  # 2 s, but a dozen writes
    found = publisher(proxy.uri, server.api_key, tmp_path, settings=settings)
    callback = live(registry, found, settings=settings)
    documents = scan(1)
    slowest = 0.0
    for name, doc in documents:
        before = time.perf_counter()
        callback(name, doc)
        slowest = max(slowest, time.perf_counter() - before)
    assert slowest < 0.5, "the scan waits for Tiled"
    assert callback.counters["documents"] == len(documents)
    assert callback.close(100)
    assert_whole(runs, registry, documents, settings)
    assert waiting(tmp_path) == []

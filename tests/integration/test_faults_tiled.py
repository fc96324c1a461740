"""Tiled misbehaves in mid-run: every prediction gets there once, when it is back or before."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_parts import assert_whole, live, proxy, publisher, registry, scan
from fault_proxy import Proxy

from live_lce.archives import Document
from live_lce.classifiers import Registry
from live_lce.publish import republish
from live_lce.publish._spool import read_spooled, waiting
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["proxy", "registry"]  # fixtures


@pytest.fixture
def watch(
    proxy: Proxy, server: EmbeddedTiled, registry: Registry, tmp_path: Path
) -> Callable[..., dict[str, int]]:
    """Return a function that has live_lce watch some runs; `at` calls before a document."""

    def run(
        *scans: list[Document], at: dict[int, Callable[[], None]] | None = None
    ) -> dict[str, int]:
        found = publisher(proxy.uri, server.api_key, tmp_path / "spool")
        callback = live(registry, found)
        documents = [document for documents in scans for document in documents]
        for number, (name, doc) in enumerate(documents):
            if at and number in at:
                assert callback.flush(30)
                at[number]()
            callback(name, doc)
        assert callback.close(60)
        assert callback.counters["publisher_errors"] == callback.counters["engine_errors"] == 0
        return found.counters

    return run


def test_through_the_proxy_all_is_well(
    watch: Any, proxy: Proxy, runs: Any, registry: Registry, tmp_path: Path
) -> None:
    counters = watch(first := scan(1), second := scan(2))
    for documents in (first, second):
        assert_whole(runs, registry, documents)
    assert (counters["runs_published"], counters["errors"]) == (2, 0)
    assert len(proxy.writes) > 10
    assert waiting(tmp_path / "spool") == []


def test_away_in_mid_run_and_back_in_the_next_run(
    watch: Any, proxy: Proxy, runs: Any, registry: Registry, tmp_path: Path
) -> None:
    scans = [scan(1), scan(2), scan(3)]
    size = len(scans[0])
    counters = watch(
        *scans, at={size // 2: proxy.down, 2 * size - 5: lambda: (proxy.up(), time.sleep(0.3))}
    )
    for documents in scans:
        assert_whole(runs, registry, documents)
    assert counters["runs_resent"] == 2
    assert counters["runs_published"] == 1
    assert waiting(tmp_path / "spool") == []


def test_away_longer_than_the_runs(
    watch: Any, proxy: Proxy, runs: Any, registry: Registry, tmp_path: Path
) -> None:
    scans = [scan(number) for number in range(3)]
    counters = watch(*scans, at={len(scans[0]) // 2: proxy.down})
    assert (counters["runs_spooled"], counters["runs_published"]) == (3, 0)
    assert all(read_spooled(path).complete for path in waiting(tmp_path / "spool"))
    report = republish(tmp_path / "spool", runs)
    assert (report.published, report.failed) == (3, {})
    for documents in scans:
        assert_whole(runs, registry, documents)
    assert waiting(tmp_path / "spool") == []
    again = republish(tmp_path / "spool", runs)
    assert (again.published, len(list(runs))) == (0, 3)


FAULTS: dict[str, Callable[[int], str]] = {
    "every write is answered with 500": lambda n: "error",
    "every fifth write is answered with 500": lambda n: "error" if n % 5 == 0 else "",
    "the fourth write gets no answer": lambda n: "lost" if n == 4 else "",
    "all writes from the fourth get no answer": lambda n: "lost" if n >= 4 else "",
    "every fourth answer is cut off": lambda n: "cut" if n % 4 == 0 else "",
    "all answers are cut off": lambda n: "cut",
}


@pytest.mark.serial
@pytest.mark.parametrize("fault", FAULTS)
def test_writes_that_fail(
    fault: str, watch: Any, proxy: Proxy, runs: Any, registry: Registry, tmp_path: Path
) -> None:
    proxy.fault = FAULTS[fault]
    documents = scan(1)
    began = time.monotonic()
    watch(documents)
    assert time.monotonic() - began < 30
    assert any(FAULTS[fault](n + 1) for n in range(len(proxy.writes))), "the fault never came"
    # What Tiled does not have is whole on disk, and gets there when the server is well again.
    assert all(read_spooled(path).complete for path in waiting(tmp_path / "spool"))
    proxy.fault = lambda number: ""
    report = republish(tmp_path / "spool", runs)
    assert report.failed == {}
    assert_whole(runs, registry, documents)
    assert waiting(tmp_path / "spool") == []

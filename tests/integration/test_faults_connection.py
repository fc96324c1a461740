"""Requests without an answer, and with error 500: few attempts, and never for good."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fault_parts import assert_whole, live, proxy, publisher, raw_uid, registry, runs_of, scan
from fault_proxy import Proxy

from live_lce.classifiers import Registry
from live_lce.publish._spool import waiting
from live_lce.tiled import Connection, EmbeddedTiled, explain
from live_lce.tiled._connection import (
    ATTEMPTS,
    ROW,
    TiledAwayError,
    TiledFailsError,
    is_away,
    limit_attempts,
)

pytestmark = pytest.mark.slow

__all__ = ["proxy", "registry"]  # fixtures


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def container(proxy: Proxy, server: EmbeddedTiled, runs: Any, clock: Clock) -> Any:
    connection = Connection(proxy.uri, api_key=server.api_key, path="processed", clock=clock)
    yield connection.container()
    connection.close()


def test_after_a_pause_the_same_client_asks_again(
    proxy: Proxy, container: Any, clock: Clock
) -> None:
    proxy.fault = lambda number: "lost"
    for _ in range(2):
        with pytest.raises(TiledAwayError, match="did not answer 2 requests in a row"):
            container.create_container("a")
    assert len(proxy.writes) == ATTEMPTS, "the second time nothing is asked"
    proxy.fault = lambda number: ""
    with pytest.raises(TiledAwayError):
        container.create_container("a")
    clock.now += ROW + 1
    container.create_container("a")
    assert list(container) == ["a"]


def test_requests_long_apart_are_not_in_a_row(server: EmbeddedTiled, clock: Clock) -> None:
    with socket.socket() as free, httpx.Client() as client:
        free.bind(("127.0.0.1", 0))  # not listening: connections are refused
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        limit_attempts(client, nobody, clock=clock)
        for _ in range(5):
            with pytest.raises(httpx.ConnectError):
                client.get(nobody)
            clock.now += ROW + 1
        for _ in range(ATTEMPTS):
            with pytest.raises(httpx.ConnectError):
                client.get(nobody)
        clock.now += ROW + 1
        assert client.get(server.uri).status_code == 200


def test_requests_of_several_threads_that_are_under_way_are_not_in_a_row(
    proxy: Proxy, container: Any
) -> None:
    proxy.delay = 0.5
    problems: list[Exception] = []

    def create(key: str) -> None:
        try:
            container.create_container(key)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=create, args=(key,)) for key in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    assert sorted(container) == ["a", "b", "c", "d"]


def test_error_500_is_said_and_the_next_request_is_tried(proxy: Proxy, container: Any) -> None:
    proxy.fault = lambda number: "error"
    with pytest.raises(TiledFailsError) as caught:
        container.create_container("a")
    assert len(proxy.writes) == ATTEMPTS
    assert not is_away(caught.value)
    assert explain(caught.value).startswith("Tiled has an internal error 500: look at the server")
    proxy.fault = lambda number: ""
    container.create_container("a")
    assert list(container) == ["a"]


def test_a_run_that_always_gets_error_500_does_not_keep_others_back(
    proxy: Proxy, server: EmbeddedTiled, registry: Registry, runs: Any, tmp_path: Path
) -> None:
    found = publisher(proxy.uri, server.api_key, tmp_path / "spool")
    callback = live(registry, found)
    bad, good, last = scan(1), scan(2), scan(3)
    broken: set[str] = set()

    def fault(number: int) -> str:
        path = proxy.writes[number - 1][1]
        if not broken:
            broken.update(run.item["id"] for run in runs_of(runs, raw_uid(bad)))
        return "error" if any(uid in path for uid in broken) else ""

    def watch(documents: list[Any]) -> None:
        for name, doc in documents:
            callback(name, doc)
        assert callback.flush(60)

    proxy.fault = fault
    watch(bad)
    proxy.down()
    watch(good)
    proxy.up()
    watch(last)
    assert callback.close(60)
    assert broken
    for documents in (good, last):
        assert_whole(runs, registry, documents)
    assert [path.stem for path in waiting(tmp_path / "spool")] == list(broken)
    counters = found.counters
    assert (counters["runs_spooled"], counters["runs_published"] + counters["runs_resent"]) == (
        1,
        2,
    )


# event_model says more of an error at the start than there is, and raises it then
@pytest.mark.filterwarnings("ignore:The callback:UserWarning")
def test_what_failed_twice_is_sent_at_the_close(
    proxy: Proxy, server: EmbeddedTiled, registry: Registry, runs: Any, tmp_path: Path
) -> None:
    found = publisher(proxy.uri, server.api_key, tmp_path / "spool", backoff=0.0)
    callback = live(registry, found)
    documents = scan(1)
    proxy.fault = lambda number: "lost" if number >= 4 else ""
    for name, doc in documents:
        callback(name, doc)
    assert callback.flush(60)
    assert found.counters["runs_spooled"] == 1
    proxy.fault = lambda number: ""
    assert callback.close(60)
    assert_whole(runs, registry, documents)
    assert (found.counters["runs_spooled"], found.counters["runs_resent"]) == (0, 1)
    assert waiting(tmp_path / "spool") == []

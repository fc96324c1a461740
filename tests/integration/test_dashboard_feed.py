"""The board is filled from real Tiled servers, by subscription and by asking."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from feed_parts import Beam, ended, feeding, is_linked, n_measured, reader, sizes, uid, within

from live_lce.dashboard import _fragments as fragments
from live_lce.dashboard._board import Board, Link
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow


@pytest.fixture
def beam(server: EmbeddedTiled, runs: Any, tmp_path: Path) -> Iterator[Beam]:
    found = Beam(server.uri, server.api_key, tmp_path / "spool")
    yield found
    found.publisher.close()


def requests(server: EmbeddedTiled) -> list[str]:
    return (server.directory / "access.log").read_text().splitlines()


def listening() -> list[str]:
    """Return the threads that wait for news of a node."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("tiled-subscription")]


@pytest.mark.serial
def test_a_growing_run_comes_by_subscription(server: EmbeddedTiled, beam: Beam) -> None:
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        time.sleep(3)  # the next time of asking is 5 s away: what comes now is told
        took = []
        for n in (100, 200, 300):
            beam.grow(1, n)
            took.append(within(12, lambda n=n: n_measured(board, 1) == n))
            within(12, lambda n=n: n in sizes(board, 1))
        assert min(took) < 2, took
        beam.end(1)
        within(12, lambda: ended(board, 1))
        assert sizes(board, 1) == [100, 200, 300]
        assert [point.label for point in board.trend()] == ["O6"]
        assert board.link.link is Link.STREAMING and board.link.detail == ""
        within(10, lambda: len(listening()) == 1)  # of the run nothing is left open


def test_asking_alone_finds_the_same(server: EmbeddedTiled, beam: Beam) -> None:
    with feeding(server.uri, server.api_key, streaming=False) as board:
        within(20, is_linked(board, Link.POLLING))
        assert "no subscription is wanted" in board.link.detail
        for n in (100, 200, 300):
            beam.grow(2, n)
            within(12, lambda n=n: n in sizes(board, 2))
        beam.end(2)
        within(12, lambda: ended(board, 2))
        (run,) = board.counting()
        board.feed.want(run.analysis.uid)  # type: ignore[attr-defined]
        within(12, lambda: board.get(run.analysis.uid).complete)  # type: ignore[union-attr]
        data = board.get(run.analysis.uid)
        assert data is not None and data.measured[0].key == (0, 300, True)
        assert list(data.spectra) == [0] and len(data.rows) == 3


def test_what_was_is_there_at_once_and_is_not_subscribed_to(
    server: EmbeddedTiled, beam: Beam
) -> None:
    for number in range(10, 18):
        beam.scan(number)
    beam.grow(18, 100, 200)  # and one that is open
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        assert len(board.counting()) == 9 and len(board.trend()) == 8
        assert sizes(board, 18) == [100, 200], "rows of an open run are read"
        assert sizes(board, 10) == [], "its stop document says enough"
        within(5, lambda: any("measured" in name for name in listening()))
        time.sleep(0.5)
        over = [run.analysis.uid for run in board.counting() if run.analysis.ended]
        assert not [name for name in listening() if any(one in name for one in over)]
        beam.grow(18, 300)
        within(12, lambda: n_measured(board, 18) == 300)
        beam.end(18)
        within(12, lambda: ended(board, 18))


def test_an_idle_feed_asks_little(server: EmbeddedTiled, beam: Beam) -> None:
    beam.scan(20)
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        time.sleep(3)
        before = len(requests(server))
        time.sleep(6)
        asked = requests(server)[before:]
    # two times of asking at most, two requests each: 24 a minute
    assert 0 < len(asked) <= 4, asked


def test_a_stream_that_went_deaf_is_noticed(server: EmbeddedTiled, beam: Beam) -> None:
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        time.sleep(3)  # what it told of the past is no sign of life any more
        deaf = board.feed._subscription  # type: ignore[attr-defined]
        deaf._subscribed.disconnect()  # nothing is told from here on
        beam.scan(30)
        within(30, lambda: ended(board, 30))
        assert len(board.trend()) == 1, "it was found by asking"
        within(30, lambda: board.feed._subscription not in (None, deaf))  # type: ignore[attr-defined]
        assert board.link.link is Link.STREAMING
        beam.grow(31, 100)
        within(30, lambda: n_measured(board, 31) == 100)


def test_a_run_that_was_removed_does_not_block_the_others(
    server: EmbeddedTiled, runs: Any, beam: Beam
) -> None:
    """The stream tells of it, and of its rows it would never tell: 404."""
    from live_lce.tiled._run import remove_run

    beam.scan(35)
    (removed,) = list(runs)
    remove_run(runs, removed)
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        time.sleep(0.5)
        beam.grow(36, 100)
        within(12, lambda: n_measured(board, 36) == 100)
        assert board.get(removed) is None


def test_a_subscription_is_renewed(
    server: EmbeddedTiled, beam: Beam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_lce.dashboard._feed.RENEWED_AFTER", 2)
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        first = board.feed._subscription  # type: ignore[attr-defined]
        for number in (37, 38):
            beam.scan(number)
            within(12, lambda number=number: ended(board, number))
        within(10, lambda: board.feed._subscription not in (None, first))  # type: ignore[attr-defined]
        beam.grow(39, 100)
        within(12, lambda: n_measured(board, 39) == 100)
        assert len(board.trend()) == 2


def test_one_run_that_cannot_be_read_does_not_hide_the_others(
    server: EmbeddedTiled, runs: Any, beam: Beam
) -> None:
    """Somebody else's run that says to be ours, and one of ours whose table is torn."""
    from tiled.structures.core import Spec

    ours = {"purpose": "live_lce", "uid": uid(90), "time": time.time(), "raw_time": "noon"}
    start = {**ours, "live_lce": {"contract": "1.4"}, "original_run_uid": uid(90)}
    runs.create_container(uid(90), metadata={"start": start}, specs=[Spec("BlueskyRun", "3.0")])
    beam.grow(91, 100)
    start = {**start, "uid": uid(92), "raw_time": 1.7e9, "original_run_uid": uid(92)}
    torn = runs.create_container(
        uid(92), metadata={"start": start}, specs=[Spec("BlueskyRun", "3.0")]
    )
    stream = torn.create_container("predictions", specs=[Spec("BlueskyEventStream", "3.0")])
    stream.write_table({"seq_num": [1], "nonsense": [2]}, key="internal")
    with feeding(server.uri, server.api_key) as board:
        within(20, is_linked(board, Link.STREAMING))
        board.feed.want(uid(92))  # type: ignore[attr-defined]
        within(12, lambda: sizes(board, 91) == [100])
        beam.grow(91, 200)
        within(12, lambda: n_measured(board, 91) == 200)
        assert board.get(uid(90)) is None and board.get(uid(92)) is not None
        since = board.link.since
        time.sleep(3)
        assert (board.link.link, board.link.since) == (Link.STREAMING, since)


def test_nothing_published_yet(server: EmbeddedTiled, tmp_path: Path) -> None:
    with feeding(server.uri, server.api_key, path="later") as board:
        within(20, is_linked(board, Link.POLLING))
        assert board.link.detail == "nothing was published yet: asked every second"
        assert "waiting" in fragments.waiting(board.link, (), 0, 0.0)
        beam = Beam(server.uri, server.api_key, tmp_path / "spool", path="later")
        beam.grow(40, 100)
        within(8, is_linked(board, Link.STREAMING))
        beam.grow(40, 200)
        within(12, lambda: n_measured(board, 40) == 200)
        beam.end(40)
        within(12, lambda: ended(board, 40))
        beam.publisher.close()


@pytest.mark.parametrize("skew", [3600.0, -3600.0, -40 * 86_400.0, 40 * 86_400.0])
def test_runs_of_clocks_that_are_wrong_hide_no_others(
    server: EmbeddedTiled, runs: Any, tmp_path: Path, skew: float
) -> None:
    beams = [
        Beam(server.uri, server.api_key, tmp_path / name, now=now)
        for name, now in (("right", time.time), ("wrong", lambda: time.time() + skew))
    ]
    right, wrong = beams
    right.scan(1)
    board, asking = Board(), reader(server.uri, server.api_key)
    try:
        asking.refresh(board)
        for n, (beam, number) in enumerate(((wrong, 2), (right, 3), (wrong, 4), (right, 5)), 2):
            beam.scan(number)
            assert asking.refresh(board)
            assert [run.scan_id for run in board.counting()] == list(range(n, 0, -1))
            assert not asking.refresh(board), "it is told once"
    finally:
        asking.close()
        for beam in beams:
            beam.publisher.close()


def test_what_was_stored_long_ago_comes_by_no_clock(
    server: EmbeddedTiled, runs: Any, tmp_path: Path
) -> None:
    old = Beam(server.uri, server.api_key, tmp_path / "old", now=lambda: time.time() - 3 * 86_400)
    old.scan(1)
    board, asking = Board(), reader(server.uri, server.api_key)
    try:
        assert not asking.refresh(board) and board.counting() == []
        for number in range(2, 30):  # more than are asked for at once
            old.scan(number)
        assert asking.refresh(board)
        assert sorted(run.scan_id or 0 for run in board.counting()) == list(range(2, 30))
    finally:
        asking.close()
        old.publisher.close()


def test_a_subscription_tells_of_a_clock_that_is_behind(
    server: EmbeddedTiled, runs: Any, tmp_path: Path
) -> None:
    beam = Beam(server.uri, server.api_key, tmp_path, now=lambda: time.time() - 7200)
    try:
        with feeding(server.uri, server.api_key) as board:
            within(20, is_linked(board, Link.STREAMING))
            time.sleep(3)  # what it told of the past is over
            beam.grow(1, 200)
            within(30, lambda: n_measured(board, 1) == 200)
            beam.end(1)
            within(30, lambda: ended(board, 1))
    finally:
        beam.publisher.close()

"""What the dashboard knows: each thing once, in order, from several threads."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from feed_parts import composed, grown, known, raw_run, told, uid
from publish_parts import a_result

from live_lce.contract import Reason, Status
from live_lce.dashboard._board import Begun, Board, Link
from live_lce.results import TrendPoint, trend as trend_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def scan(number: int, *results: Any, **options: Any) -> list[Any]:
    """Return the documents of an analysis of one raw run."""
    run = raw_run(number)
    found = results or (grown(200, run=run), grown(run=run))
    return composed(*found, now=run.start["time"] + 300, **options)


def put(board: Board, documents: list[Any], *, ended: bool = True, rows: bool = True) -> str:
    run = known(documents, ended=ended)
    board.merge([run])
    if rows:
        board.add_rows(run[0].analysis.uid, told(documents)[0])
    return run[0].analysis.uid


def test_repeated_rows_are_one_and_come_in_order() -> None:
    board = Board()
    run = raw_run(1)
    two = [grown(n, index=i, run=run) for i in (0, 1) for n in (100, 200, 300)]
    documents = composed(*two)
    number = put(board, documents, rows=False)
    rows, points = told(documents)
    shuffled = [*rows, *rows]
    random.Random(0).shuffle(shuffled)
    added = [board.add_rows(number, [row]) for row in shuffled]
    assert sum(added) == len(rows) == 6 and set(added) == {0, 1}
    data = board.get(number)
    assert data is not None and data.last_index == 1
    assert [(r["spectrum_index"], r["raw_seq_num_last"]) for r in data.rows] == [
        (0, 100), (0, 200), (0, 300), (1, 100), (1, 200), (1, 300),
    ]  # fmt: skip
    assert [row["raw_seq_num_last"] for row in data.rows_of(1)] == [100, 200, 300]
    board.add_points(number, [*points[::-1], *points])
    found = board.get(number)
    assert found is not None
    assert {i: p.key for i, p in found.measured.items()} == {0: (0, 300, True), 1: (1, 300, True)}


def test_nothing_new_changes_nothing() -> None:
    """A page that asks again for what is not there must not be woken by the answer."""
    board = Board()
    documents = scan(1)
    number = put(board, documents, ended=False)
    rows, points = told(documents)
    board.add_points(number, points)
    board.set_link(Link.STREAMING)
    board.set_begun([Begun("r", "s", 1, 0.0)])
    version, data, trend = board.version, board.get(number), board.trend()
    board.merge([known(documents, ended=False)])
    board.add_rows(number, rows, heard=5.0)
    board.add_points(number, points)
    board.add_spectra(number, [], complete=False)
    board.set_link(Link.STREAMING)
    board.set_begun([Begun("r", "s", 1, 0.0)])
    assert board.version == version and board.get(number) is data and board.trend() is trend
    board.merge([known(documents)])
    assert board.version > version and board.unended() == []
    board.add_spectra(number, [], complete=True)
    assert board.get(number).complete  # type: ignore[union-attr]


def test_a_new_analysis_supersedes_the_old_one() -> None:
    board = Board()
    first = put(board, scan(1, a_result(run=raw_run(1), label="T4")))
    before = board.trend()
    assert [point.label for point in before] == ["T4"]
    other = scan(1, a_result(run=raw_run(1), label="O6"))
    other[0][1]["uid"], other[0][1]["time"] = uid(99), other[0][1]["time"] + 100
    other[0][1]["live_lce"] = other[0][1]["live_lce"] | {"attempt": 2}
    for ended in (False, True):  # the old one counts until the new one is whole
        second = put(board, other, ended=ended)
        assert [run.analysis.uid for run in board.counting()] == [second if ended else first]
    old = board.get(first)
    assert old is not None and old.run.analysis.superseded_by == second
    assert [point.label for point in board.trend()] == ["O6"]
    # what is read again of the old run does not bring it back
    version = board.version
    board.merge([known(scan(1, a_result(run=raw_run(1), label="T4")))])
    assert board.version == version and len(board.counting()) == 1


def test_runs_that_count_are_told_newest_first() -> None:
    board = Board()
    numbers = [put(board, scan(number)) for number in (3, 1, 2)]
    found = [run.analysis.uid for run in board.counting()]
    assert found == [numbers[0], numbers[2], numbers[1]]
    assert [point.scan_id for point in board.trend()] == [1, 2, 3]


def test_the_trend_is_what_tiled_would_tell() -> None:
    """From rows, from stop documents, and of several spectra in one run: the same points."""
    by_rows, by_stop = Board(), Board()
    for number in range(5):
        put(by_rows, scan(number))
        put(by_stop, scan(number), rows=False)
    assert by_rows.trend() == by_stop.trend() and len(by_stop.trend()) == 5
    runs = sorted(by_stop.counting(), key=lambda run: run.raw_time)
    assert tuple(trend_of(None, runs)) == by_stop.trend(), "no request is needed for these"
    run = raw_run(9)
    several = [
        replace(grown(index=i, run=run), raw_time=run.start["time"] + 60 * i) for i in range(4)
    ]
    board = Board()
    number = put(board, composed(*several), rows=False)
    assert board.trend() == (), "the stop document tells of the last one only"
    board.add_rows(number, told(composed(*several))[0])
    assert [(p.spectrum_index, p.time - run.start["time"]) for p in board.trend()] == [
        (0, 0), (1, 60), (2, 120), (3, 180),
    ]  # fmt: skip
    assert {p.begun for p in board.trend()} == {run.start["time"]}


def test_growing_spectra_are_no_points_of_the_trend() -> None:
    board = Board()
    documents = scan(1)
    number = put(board, documents, ended=False, rows=False)
    rows, _ = told(documents)
    nothing = board.trend()
    board.add_rows(number, rows[:1])
    assert board.trend() is nothing == (), "a partial prediction costs no new trend"
    board.add_rows(number, rows[1:])
    assert [point.label for point in board.trend()] == ["O6"]


def test_one_more_point_leaves_the_others_as_they_are() -> None:
    board = Board()
    for number in range(40):
        put(board, scan(number), rows=number % 2 == 0)
    before = {id(point) for point in board.trend()}
    put(board, scan(777))
    after = board.trend()
    assert len(after) == 41 and sum(id(point) not in before for point in after) == 1


def test_points_without_a_time_come_first() -> None:
    board = Board()
    for number in (5, 2, 9, 1):
        run, start = known(scan(number))
        unknown = number in (2, 9)
        board.merge([(replace(run, raw_time=math.nan) if unknown else run, start)])
    times = [point.time for point in board.trend()]
    assert len(times) == 4 and times[2:] == sorted(times[2:])
    assert math.isnan(times[0]) and math.isnan(times[1])


def test_an_abstention_is_a_point_without_an_answer() -> None:
    board = Board()
    silent = a_result(run=raw_run(1), status=Status.ABSTAIN, reasons=(Reason.LOW_CONFIDENCE,))
    put(board, scan(1, silent))
    (point,) = board.trend()
    assert not point.answered and point.label == "" and point.reason == "low_confidence"


def test_the_link_keeps_its_time_while_it_lasts() -> None:
    clock = Clock()
    board = Board(clock)
    assert board.link.link is Link.CONNECTING and board.link.since == 1000.0
    clock.now = 1010.0
    board.set_link(Link.GONE, "refused")
    clock.now = 1020.0
    board.set_link(Link.GONE, "still refused")
    assert (board.link.since, board.link.detail) == (1010.0, "still refused")
    board.set_link(Link.STREAMING)
    assert (board.link.since, board.link.detail) == (1020.0, "")


def test_a_raw_run_is_measured_until_it_has_a_prediction() -> None:
    board = Board()
    board.set_begun([Begun(uid(1), "s", 1, 2.0), Begun(uid(2), "s", 2, 1.0)])
    assert [one.uid for one in board.begun] == [uid(1), uid(2)]
    put(board, scan(1), ended=False)
    assert [one.uid for one in board.begun] == [uid(2)]
    assert len(board.unended()) == 1


def test_rows_are_heard_of_at_a_time() -> None:
    board = Board()
    documents = scan(1)
    number = put(board, documents, ended=False, rows=False)
    rows, _ = told(documents)
    board.add_rows(number, rows[:1], heard=50.0)
    board.add_rows(number, rows[1:])
    assert board.get(number).heard == 50.0  # type: ignore[union-attr]


@pytest.mark.timeout(60)
def test_viewers_read_while_the_feed_writes() -> None:
    board = Board()
    made = [scan(number) for number in range(60)]
    errors: list[BaseException] = []
    done = threading.Event()
    lengths: list[int] = []

    def look() -> None:
        try:
            while not done.is_set():
                points: tuple[TrendPoint, ...] = board.trend()
                assert list(points) == sorted(points, key=lambda p: p.time)
                lengths.append(len(points))
                assert len(board.begun) <= len(made)
                for run in board.counting():
                    data = board.get(run.analysis.uid)
                    assert data is not None and list(data.rows) == sorted(
                        data.rows, key=lambda r: r["raw_seq_num_last"]
                    )
        except BaseException as error:
            errors.append(error)

    def write(part: list[Any]) -> None:
        try:
            for documents in part:
                number = put(board, documents, ended=False, rows=False)
                rows, points = told(documents)
                for row, one in zip(rows, points, strict=True):
                    board.add_rows(number, [row])
                    board.add_points(number, [one])
                board.merge([known(documents)])
        except BaseException as error:
            errors.append(error)

    board.set_begun([Begun(uid(n), "s", n, 0.0) for n in range(len(made))])
    viewers = [threading.Thread(target=look) for _ in range(3)]
    writers = [threading.Thread(target=write, args=(made[k::2],)) for k in range(2)]
    for thread in (*viewers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in viewers:
        thread.join()
    assert not errors and len(board.trend()) == len(made)
    assert lengths
    assert board.begun == ()


@pytest.mark.serial
def test_ten_thousand_runs_cost_little() -> None:
    board = Board()
    (run, start) = known(scan(1))
    many = [
        (
            replace(
                run,
                raw_time=run.raw_time + n,
                analysis=replace(run.analysis, uid=f"a{n}", raw_uid=f"r{n}", time=float(n)),
            ),
            start,
        )
        for n in range(10_000)
    ]
    board.merge(many)
    assert len(board.trend()) == 10_000
    began = time.process_time()
    put(board, scan(1))
    assert len(board.trend()) == 10_001
    # 0.1 s on the machine of 2026; ten such updates a second are one process's work
    assert time.process_time() - began < 1.0


def test_what_nobody_looks_at_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live_lce.dashboard._board.KEPT_WHOLE", 2)
    board = Board()
    runs = [scan(n, a_result(run=raw_run(n), label="T4")) for n in range(6)]
    for n, documents in enumerate(runs):
        documents[0][1]["time"] = 1000.0 * n
    uids = [put(board, documents, ended=n != 1) for n, documents in enumerate(runs)]
    board.asked(uids[0])
    board.asked(uids[3])
    points = board.trend()
    assert len(points) == 6
    board.prune(2500.0)
    # Looked at; open; old; looked at; among the two newest ones: whole.
    kept = [data and len(data.rows) for data in map(board.get, uids)]
    assert kept == [1, 1, None, 1, 1, 1]
    assert [point.key for point in board.trend()] == [
        p.key for p in points if p.analysis_uid != uids[2]
    ]
    version = board.version
    board.prune(2500.0)
    assert board.version == version
    newer = put(board, scan(7, a_result(run=raw_run(7), label="O6")))
    board.prune(2500.0)
    slim = board.get(uids[4])
    assert slim is not None and slim.rows == () and not slim.complete
    assert len(board.trend()) == 6 and board.get(newer).rows  # type: ignore[union-attr]
    # It is read again when somebody asks, and found anew when it was forgotten wholly.
    put(board, runs[4])
    put(board, runs[2])
    assert len(board.get(uids[4]).rows) == 1  # type: ignore[union-attr]
    assert len(board.trend()) == 7


def test_runs_of_a_wrong_clock_are_in_their_place() -> None:
    def at(number: int, now: float) -> list[Any]:
        return composed(grown(run=raw_run(number)), now=now)

    board = Board(clock=lambda: 1000.0)
    put(board, at(1, 9000.0))
    put(board, at(2, 900.0))
    assert [run.scan_id for run in board.counting()] == [1, 2]
    board.merge([known(at(3, -5e6))], arrived=1001.0)
    assert [run.scan_id for run in board.counting()] == [3, 1, 2], "it came last"
    board.prune(950.0)
    assert [run.scan_id for run in board.counting()] == [3, 1], "it came lately"
    board.prune(1002.0)
    assert board.counting() == []

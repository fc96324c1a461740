"""Documents that come twice, late, in disorder or never, and clocks that jump."""

from __future__ import annotations

import copy
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_parts import closed, feed, finals, numbers, results
from fault_parts import SETTINGS, assert_whole, expected, live, raw_uid, registry, rows_wanted, scan

from live_lce.archives import Document
from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.publish import SpoolPublisher, republish
from live_lce.testing import compose, spectrum_rows

__all__ = ["registry"]  # fixtures

HOURS = 3 * 3600.0


def shifted(documents: list[Document], first: int, seconds: float) -> list[Document]:
    """Let the clock jump before a document."""
    return [
        (name, {**doc, "time": doc["time"] + seconds} if number >= first else doc)
        for number, (name, doc) in enumerate(documents)
    ]


def test_each_document_twice(registry: Registry) -> None:
    documents = scan(1)
    twice = [copy.deepcopy(pair) for pair in documents for _ in range(2)]
    engine = Engine(SETTINGS, registry)
    assert [numbers(r) for r in finals(feed(engine, twice))] == [
        numbers(r) for r in finals(expected(registry, documents))
    ]
    assert engine.counters["malformed"] == 1, "the second start document"


def test_events_in_any_order(registry: Registry) -> None:
    documents = scan(1)
    events = documents[2:-1]
    random.Random(0).shuffle(events)
    (final,) = finals(feed(Engine(SETTINGS, registry), [*documents[:2], *events, documents[-1]]))
    (wanted,) = finals(expected(registry, documents))
    assert final.raw_time == events[-1][1]["time"] or final.raw_time == wanted.raw_time
    assert numbers(replace(final, raw_time=wanted.raw_time)) == numbers(wanted)


def test_events_that_never_came_are_missing_in_the_prediction_only(registry: Registry) -> None:
    documents = scan(1)
    kept = [pair for number, pair in enumerate(documents) if number < 2 or number % 7]
    kept = kept if kept[-1][0] == "stop" else [*kept, documents[-1]]
    (final,) = finals(feed(Engine(SETTINGS, registry), kept))
    assert final.n_points == len(kept) - 3 < len(documents) - 3
    assert (final.prediction.status, final.prediction.label) == (Status.OK, "O6")


MISSING: dict[str, tuple[str, Status, Reason]] = {
    "start": ("start", Status.FAILED, Reason.NO_START_DOCUMENT),
    "descriptor": ("descriptor", Status.REJECTED, Reason.NO_POINTS),
    "stop": ("stop", Status.PARTIAL, Reason.RUN_NOT_STOPPED),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_document_that_never_came_is_said_in_one_final_prediction(
    case: str, registry: Registry
) -> None:
    missing, status, reason = MISSING[case]
    engine = Engine(SETTINGS, registry)
    outputs = feed(engine, [pair for pair in scan(1) if pair[0] != missing])
    outputs += feed(engine, good := scan(2))  # the next run is not touched
    outputs += engine.finish()
    first, *others = sorted(finals(outputs), key=lambda r: r.run.uid == raw_uid(good))
    assert first.prediction.status is status
    assert first.prediction.findings[0].reason is reason
    assert [numbers(r) for r in others] == [numbers(r) for r in finals(expected(registry, good))]


@pytest.mark.parametrize("seconds", [HOURS, -HOURS, 1e9, -1e9, math.nan])
def test_the_clock_jumps_in_mid_run(seconds: float, registry: Registry) -> None:
    documents = scan(1)
    jumped = shifted(documents, len(documents) // 2, seconds)
    found, wanted = expected(registry, jumped), expected(registry, documents)
    assert rows_wanted(found) == rows_wanted(wanted)
    engine = Engine(SETTINGS, registry)
    assert [c.exit_status for c in closed(feed(engine, jumped))] == ["success"]
    later = shifted(scan(2), 0, seconds)  # whose clock jumped, too
    assert rows_wanted(results(feed(engine, later))) == rows_wanted(expected(registry, scan(2)))
    assert engine.counters["not_stopped"] == 0


def test_the_spool_in_order_though_the_clock_of_the_publisher_jumps(
    registry: Registry, runs: Any, tmp_path: Path
) -> None:
    times = iter([1.7e9, 1.7e9 - HOURS, 1.7e9 + HOURS])
    now = 0.0

    def clock() -> float:
        return now

    for number in range(3):
        now = next(times)
        found = SpoolPublisher(tmp_path, settings=SETTINGS, source="test", now=clock)
        callback = live(registry, found)
        for name, doc in scan(number, uid=f"run-{number}"):
            callback(name, doc)
        assert callback.close(60)
    assert republish(tmp_path, runs).published == 3
    for number in range(3):
        assert_whole(runs, registry, scan(number, uid=f"run-{number}"))


def test_open_runs_do_not_pile_up(registry: Registry) -> None:
    engine = Engine(SETTINGS, registry)
    few = spectrum_rows()[:3]
    for _ in range(200):
        feed(engine, compose(few, exit_status=None))
        assert len(engine.open_runs) <= 16
    assert engine.counters["not_stopped"] == 200 - 16

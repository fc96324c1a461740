"""Which runs: options in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from live_lce.cli._output import UsageError
from live_lce.cli._query import moment, pairs, query

NOW = 1.8e9


def local(*parts: int) -> float:
    return datetime(*parts).timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("", None),
        ("7d", NOW - 7 * 86_400),
        ("1.5 h", NOW - 5400),
        ("2W", NOW - 14 * 86_400),
        ("30m", NOW - 1800),
        ("2026-11-21", local(2026, 11, 21)),
        ("2026-11-21T14:30", local(2026, 11, 21, 14, 30)),
        (" 2026-11-21 14:30:05 ", local(2026, 11, 21, 14, 30, 5)),
        ("2026-11-21T14:30+00:00", 1795271400.0),
    ],
)
def test_times(text: str, time: float | None) -> None:
    assert moment(text, "--since", now=NOW) == time


def test_a_day_ends_with_its_last_moment() -> None:
    end = moment("2026-11-21", "--until", now=NOW, end=True)
    assert end is not None
    assert local(2026, 11, 21, 23, 59, 59) < end < local(2026, 11, 22)
    noon = moment("2026-11-21T12:00", "--until", now=NOW, end=True)
    assert noon == local(2026, 11, 21, 12)


@pytest.mark.parametrize("text", ["yesterday", "7 y", "21.11.2026", "2026-13-01", "-7d"])
def test_no_times(text: str) -> None:
    with pytest.raises(UsageError, match=r"--since .*: give a date \(2026-11-21\)"):
        moment(text, "--since", now=NOW)


def test_pairs() -> None:
    assert pairs(["a.b = x=y", "c="]) == (("a.b", "x=y"), ("c", ""))
    for text in ("a", "=b"):
        with pytest.raises(UsageError, match="give key=value"):
            pairs([text])


NONE: dict[str, Any] = {
    "since": "", "until": "", "uid": (), "scan_id": (), "sample": "", "absorber": "",
    "plan": "", "where": (), "now": NOW,
}  # fmt: skip


def test_a_whole_query() -> None:
    found = query(**NONE | {"since": "7d", "absorber": "iron", "where": ["a=1"], "uid": ["a" * 8]})
    assert (found.since, found.until) == (NOW - 7 * 86_400, None)
    assert (found.absorber, found.where, found.uids) == ("Fe", (("a", "1"),), ("a" * 8,))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"since": "1d", "until": "2d"}, "exchange them"),
        ({"absorber": "Xx"}, "no element"),
        ({"uid": ["abc"]}, "at least 8 characters"),
    ],
)
def test_queries_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        query(**NONE | changes)

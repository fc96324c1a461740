"""A field of a query means the same for raw runs and for analysis runs."""

from __future__ import annotations

from typing import Any

import pytest

from live_lce import RunQuery, archives, results
from live_lce.query import QueryError

UID = "0b1ffa52-aaaa-4aaa-8aaa-000000000001"
RAW: dict[str, Any] = {
    "uid": UID,
    "time": 100.0,
    "scan_id": 7,
    "sample": {"name": "Hematite 3"},
    "element": "iron",
    "plan_name": "XANES",
    "md": {"cycle": "2026-1", "no": 7},
}
ANALYSIS: dict[str, Any] = {
    "start": {
        "uid": "ffffffff-aaaa-4aaa-8aaa-000000000001",
        "purpose": "live_lce",
        "original_run_uid": UID,
        "raw_time": 100.0,
        "scan_id": 7,
        "sample": "Hematite 3",
        "live_lce": {"absorber": "Fe", "model": {"name": "lce"}},
    },
    "stop": {"live_lce": {"label": "O6", "status": "ok"}},
}


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"since": 100.0, "until": 100.0}, True),
        ({"since": 100.1}, False),
        ({"until": 99.9}, False),
        ({"uids": (UID,)}, True),
        ({"uids": (UID[:8],)}, True),
        ({"uids": (UID[:8].upper(),)}, False),
        ({"uids": (UID + "-2",)}, False),
        ({"scan_ids": (6, 7)}, True),
        ({"scan_ids": (6,)}, False),
        ({"sample": "HEMATITE*"}, True),
        ({"sample": " hematite 3 "}, True),
        ({"sample": "hematite"}, False),
        ({"absorber": "iron"}, True),
        ({"absorber": "Ni"}, False),
    ],
)
def test_raw_runs_and_analyses_match_alike(fields: dict[str, Any], matches: bool) -> None:
    query = RunQuery(**fields)
    assert query.matches(RAW) is matches
    assert query.matches_analysis(ANALYSIS) is matches


@pytest.mark.parametrize(
    ("fields", "raw", "analysis"),
    [
        ({"label": "o6"}, False, True),
        ({"label": "T4"}, False, False),
        ({"status": "ok"}, False, True),
        ({"model": "LCE*"}, False, True),
        ({"model": "own"}, False, False),
        ({"plan_name": "xanes"}, True, False),
        ({"where": (("md.no", "7.0"), ("md.cycle", "2026-1"))}, True, False),
        ({"uids": (ANALYSIS["start"]["uid"][:9],)}, False, True),
    ],
)
def test_what_only_one_kind_records(fields: dict[str, Any], raw: bool, analysis: bool) -> None:
    query = RunQuery(**fields)
    assert (query.matches(RAW), query.matches_analysis(ANALYSIS)) == (raw, analysis)


def test_each_kind_of_run_is_never_the_other() -> None:
    assert not RunQuery().matches(ANALYSIS["start"])
    assert not RunQuery().matches_analysis({"start": RAW})
    assert not RunQuery(label="O6").matches_analysis({"start": ANALYSIS["start"]})


def test_an_unknown_absorber_is_open_before_the_analysis_and_not_after_it() -> None:
    query = RunQuery(absorber="Fe")
    assert query.matches({"uid": UID})
    start = ANALYSIS["start"] | {"live_lce": {"absorber": ""}}
    assert not query.matches_analysis({"start": start})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"uids": ("1234567",)}, "8 characters"),
        ({"absorber": "Xx"}, "no element"),
        ({"status": "good"}, "choose of ok, partial, abstain, rejected, failed"),
        ({"since": 2.0, "until": 1.0}, "exchange them"),
        ({"since": float("nan")}, "no time"),
        ({"attempts": "first"}, "latest"),
    ],
)
def test_queries_that_cannot_be_asked(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryError, match=words):
        RunQuery(**fields)


def test_the_names_of_0_1_still_work_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"live_lce\.RunQuery"):
        old = archives.Query(sample="a*")
    assert old.matches({"uid": UID, "sample": "AB"})
    with pytest.warns(DeprecationWarning, match=r"live_lce\.RunQuery") as caught:
        assert results.ResultQuery(absorber="Fe").absorber == "Fe"
    assert caught[0].filename == __file__

"""What Tiled returns holds all that a query accepts, on a real server."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tiled.structures.core import Spec

from live_lce import RunQuery
from live_lce.contract import Status
from live_lce.tiled import EmbeddedTiled
from live_lce.tiled._query import count_raw, find_analyses, find_raw, like_pattern

NAMES = (
    *("xanes_scan", "XANES_scan", "Xanes scan", "xanes", "energy.scan", "50%_scan", "a_b", "a\\b"),
    *("ÄÖ-scan", "äö-SCAN", "ſcan", "漢字", "scan\nof two lines", "x'y\"z", "[a]?", "*", " a b "),
    *("0", "7", "O6", "true", "1e5", "", "🧪 no. 3", "K\u212a", "İ", "\\%", "%_", "null"),
)
SCAN_IDS = (0, 1, 2, 3, 3.0, "3", True, None, 2**40)
TIMES = (1000, 1000.0, 1000.5, 1001, 1002.25, None, "1001", True)
ROOT = "query"

names = st.sampled_from(NAMES) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
samples = (
    names
    | st.builds(lambda name: {"name": name, "batch": 2}, names)
    | st.sampled_from([None, 7, 2.5, True, {"name": None}, {"id": 3}, ["first", "second"]])
)


@st.composite
def raw_starts(draw: st.DrawFn) -> dict[str, Any]:
    """Return a start document; any of its keys may be missing."""
    start = {
        "time": draw(st.sampled_from(TIMES)),
        "scan_id": draw(st.sampled_from(SCAN_IDS)),
        "plan_name": draw(names | st.sampled_from([None, 7, True])),
        draw(st.sampled_from(["sample", "sample_name"])): draw(samples),
        "element": draw(st.sampled_from(["Fe", "fe", "iron", "Ni", "?", None])),
        "md": {"a": draw(names | st.sampled_from([1, 2.0, False, None, {"b": "x"}]))},
    }
    kept = draw(st.sets(st.sampled_from(sorted(start))))
    known = {key: start[key] for key in sorted(start) if key in kept}
    return {"uid": draw(uids()), **known}


@st.composite
def uids(draw: st.DrawFn) -> str:
    """Return a uid: of bluesky, or of somebody who makes longer or odd ones."""
    uid = str(uuid.UUID(int=draw(st.integers(0, 2**128 - 1)), version=4))
    return draw(st.sampled_from([uid, uid, uid.upper(), uid + "-2", uid.replace("-", "_")]))


@st.composite
def analyses(draw: st.DrawFn) -> dict[str, Any]:
    """Return the metadata of an analysis run, open or ended."""
    start = draw(raw_starts())
    ours: dict[str, Any] = {"absorber": draw(st.sampled_from(["Fe", "Ni", ""]))}
    if draw(st.booleans()):
        ours["model"] = {"name": draw(names)}
    start |= {"purpose": "live_lce", "original_run_uid": draw(uids()), "live_lce": ours}
    if "time" in start:
        start["raw_time"] = start.pop("time")
    if not draw(st.booleans()):
        return {"start": start}
    ended = {"label": draw(names), "status": draw(st.sampled_from([*map(str, Status), ""]))}
    return {"start": start, "stop": {"live_lce": ended}}


def drawn(strategy: st.SearchStrategy[Any], number: int) -> list[Any]:
    """Return examples that are the same every time."""
    found: list[Any] = []

    @settings(max_examples=number, database=None, derandomize=True, deadline=None)
    @given(strategy)
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found


@pytest.fixture(scope="module")
def catalog() -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Raw runs and analysis runs in one container, and their metadata."""
    with EmbeddedTiled(containers=(ROOT,)) as server:
        client = server.client()
        spec = Spec("BlueskyRun", version="3.0")
        plain = [
            {
                "start": {
                    "uid": str(uuid.UUID(int=number + 1, version=4)),
                    "time": 1000.0 + number,
                    "scan_id": number % 5,
                    "plan_name": name,
                    "sample": {"name": f"Foil {number}"},
                    "md": {"a": name},
                }
            }
            for number, name in enumerate((*NAMES, None, 7))
        ]
        raw = [{"start": start} for start in drawn(raw_starts(), 60)]
        runs = [*plain, *raw, *drawn(analyses(), 60)]
        for number, run in enumerate(runs):
            uid = run["start"]["uid"] = f"{number:08x}{run['start']['uid'][8:]}"
            key = f"n{number}" if number % 7 == 3 else uid  # mostly stored under their uids
            client[ROOT].create_container(key, metadata=run, specs=[spec])
        yield client[ROOT], runs
        client.context.close()


def assert_all_found(catalog: tuple[Any, list[dict[str, Any]]], query: RunQuery) -> int:
    """Return how many runs match; fail if Tiled did not return all of them."""
    container, runs = catalog
    raw = [run["start"] for run in runs if query.matches(run["start"])]
    found = [run.metadata["start"] for run in find_raw(container, query)]
    assert {_id(start) for start in raw} <= {_id(start) for start in found}
    count = count_raw(container, query)
    assert count is None or query.uids or count >= len(raw)
    ours = [run for run in runs if query.matches_analysis(run)]
    nodes = [dict(run.metadata) for run in find_analyses(container, query)]
    assert {_id(run) for run in ours} <= {_id(run) for run in nodes}
    return len(raw) + len(ours)


def _id(metadata: Mapping[str, Any]) -> str:
    """Return the uid of a start document, or of the run whose metadata these are."""
    return str(metadata.get("start", metadata)["uid"])


@pytest.mark.parametrize(
    "text", ["XANES_SCAN", "xanes*", "*SCAN", "*scan*", "äö-scan", "SCAN", "Ä*", "*", "a\\B", "7"]
)
def test_capitals_and_patterns_find_what_they_mean(catalog: Any, text: str) -> None:
    assert assert_all_found(catalog, RunQuery(plan_name=text)), "else nothing is shown here"


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Return a name with other capitals, and part of it replaced by a star."""
    name = draw(names)
    low, high = sorted(min(draw(st.integers(0, 12)), len(name)) for _ in range(2))
    text = f"{name[:low]}*{name[high:]}" if high > low else name
    return draw(st.sampled_from([text, text.upper(), text.lower()]))


@st.composite
def queries(draw: st.DrawFn) -> RunQuery:
    """Return a query with one to three fields."""
    times = st.sampled_from([999.0, 1000.0, 1000.5, 1001.0, 1002.25]) | st.floats(990, 1030)
    low, high = sorted((draw(times), draw(times)))
    keys = st.sampled_from(["md.a", "md.a.b", "plan_name", "sample.name", "scan_id", "md.'\""])
    fields = {
        "since": st.just(low),
        "until": st.just(high),
        "scan_ids": st.lists(st.integers(0, 6) | st.just(2**70), min_size=1, max_size=2).map(tuple),
        "sample": patterns(),
        "absorber": st.sampled_from(["Fe", "iron", "NI"]),
        "plan_name": patterns(),
        "where": st.tuples(keys, names | st.sampled_from(["1", "2", "False"])).map(lambda x: (x,)),
        "label": patterns(),
        "status": st.sampled_from([*Status]).map(str),
        "model": patterns(),
    }
    asked = draw(st.sets(st.sampled_from(sorted(fields)), min_size=1, max_size=3))
    return RunQuery(**{name: draw(fields[name]) for name in sorted(asked)})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=queries())
def test_what_matches_is_found(catalog: Any, query: RunQuery) -> None:
    assert_all_found(catalog, query)


def test_every_run_is_found_by_what_it_is(catalog: Any) -> None:
    for run in catalog[1][::9]:
        start, ours = run["start"], run["start"].get("live_lce", {})
        assert assert_all_found(catalog, RunQuery(uids=(start["uid"],)))
        for name, text in (
            ("uids", start.get("original_run_uid")),
            ("plan_name", start.get("plan_name")),
            ("model", ours.get("model", {}).get("name")),
            ("label", run.get("stop", {}).get("live_lce", {}).get("label")),
        ):
            if text and isinstance(text, str):
                value = (text,) if name == "uids" else text
                assert assert_all_found(catalog, RunQuery(**{name: value}))


def test_uids_are_found_by_their_beginning(catalog: Any) -> None:
    for run in catalog[1][::20]:
        for n in (8, 20, 36, 40):
            assert_all_found(catalog, RunQuery(uids=(run["start"]["uid"][:n],)))


def test_a_pattern_says_no_more_than_every_database_means() -> None:
    assert like_pattern("XANES_1*") == "______1%"
    letters = "abyz_%\\'\"äß漢"
    assert set(like_pattern(letters)) == {"_"}
    for a, b in itertools.combinations(("scan", "SCAN", "Scan"), 2):
        assert like_pattern(a) == like_pattern(b)

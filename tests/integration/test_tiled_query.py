"""What Tiled is asked for holds all that a query means, on a real server."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tiled.structures.core import Spec

from live_lce.archives import Query
from live_lce.archives._tiled_query import count_runs, find_runs, like_pattern
from live_lce.tiled import EmbeddedTiled

NAMES = (
    *("xanes_scan", "XANES_scan", "Xanes scan", "xanes", "energy.scan", "50%_scan", "a_b", "a\\b"),
    *(
        "ÄÖ-scan",
        "äö-SCAN",
        "ſcan",
        "漢字",
        "scan\nof two lines",
        "x'y\"z",
        "[a]?",
        "0",
        "",
        None,
        7,
    ),
)
ROOT = "query"


@pytest.fixture(scope="module")
def catalog() -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Runs of many plans, and their start documents."""
    with EmbeddedTiled(containers=(ROOT,)) as server:
        client = server.client()
        starts = []
        for number, name in enumerate(NAMES):
            start = {"uid": str(uuid.uuid4()), "time": 1000.0 + number, "scan_id": number % 5}
            start |= {"plan_name": name, "sample": {"name": f"Foil {number}"}, "md": {"a": name}}
            spec = Spec("BlueskyRun", version="3.0")
            client[ROOT].create_container(start["uid"], metadata={"start": start}, specs=[spec])
            starts.append(start)
        yield client[ROOT], starts
        client.context.close()


def assert_all_found(catalog: tuple[Any, list[dict[str, Any]]], query: Query) -> None:
    container, starts = catalog
    found = {run.metadata["start"]["uid"] for run in find_runs(container, query)}
    wanted = {start["uid"] for start in starts if query.matches(start)}
    assert wanted <= found
    count = count_runs(container, query)
    assert count is None or count >= len(wanted)


@pytest.mark.parametrize(
    "text", ["XANES_SCAN", "xanes*", "*SCAN", "*scan*", "äö-scan", "SCAN", "Ä*", "*", "a\\B", "7"]
)
def test_capitals_and_patterns_find_what_they_mean(catalog: Any, text: str) -> None:
    query = Query(plan_name=text)
    assert any(query.matches(start) for start in catalog[1]), "else nothing is shown here"
    assert_all_found(catalog, query)


def patterns() -> st.SearchStrategy[str]:
    """Names with other capitals, and parts of them replaced by a star."""

    def make(name: str, upper: bool, cut: tuple[int, int]) -> str:
        low, high = sorted(min(n, len(name)) for n in cut)
        text = f"{name[:low]}*{name[high:]}" if high > low else name
        return text.upper() if upper else text.lower()

    names = [name for name in NAMES if isinstance(name, str)]
    numbers = st.integers(0, 12)
    return st.builds(make, st.sampled_from(names), st.booleans(), st.tuples(numbers, numbers))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    plan_name=st.just("") | patterns(),
    since=st.none() | st.floats(990, 1030),
    scan_ids=st.lists(st.integers(0, 6), max_size=2).map(tuple),
    where=st.none() | st.sampled_from([n for n in NAMES if isinstance(n, str)]),
    sample=st.sampled_from(["", "FOIL*", "foil 3"]),
)
def test_what_matches_is_found(
    catalog: Any,
    plan_name: str,
    since: float | None,
    scan_ids: tuple[int, ...],
    where: str | None,
    sample: str,
) -> None:
    asked = () if where is None else (("md.a", where),)
    query = Query(since=since, scan_ids=scan_ids, plan_name=plan_name, where=asked, sample=sample)
    assert_all_found(catalog, query)


def test_uids_are_found_by_their_beginning(catalog: Any) -> None:
    for start in catalog[1][:4]:
        for n in (8, 20, 36):
            assert_all_found(catalog, Query(uids=(start["uid"][:n],)))


def test_a_pattern_says_no_more_than_every_database_means() -> None:
    assert like_pattern("XANES_1*") == "______1%"
    letters = "abyz_%\\'\"äß漢"
    assert set(like_pattern(letters)) == {"_"}
    for a, b in itertools.combinations(("scan", "SCAN", "Scan"), 2):
        assert like_pattern(a) == like_pattern(b)

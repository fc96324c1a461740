"""Which analyses of a raw run there are, and which of them count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from publish_parts import MODEL, RAW_UID, a_result, a_run

from live_lce.engine import RunClosed
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled, PublishedAnalysis, analyses_of
from live_lce.tiled._analyses import counting, read_analysis, resolved

OLD = PublishedAnalysis("old", "raw", True, 1.0, "sha", "hash", 1, "", "primary", "Fe")


@pytest.fixture(scope="module")
def runs() -> Iterator[Any]:
    with EmbeddedTiled() as server:
        client = server.client()
        yield client["processed"]
        client.context.close()


def uids(analyses: list[PublishedAnalysis]) -> list[str]:
    return [a.uid for a in analyses]


def test_the_analysis_with_the_last_word_counts() -> None:
    new = replace(OLD, uid="new", time=2.0, model_sha256="other")
    assert uids(counting([new, OLD])) == ["new"]
    assert [a.superseded_by for a in resolved([new, OLD])] == ["new", ""]
    # the old one counts until the new one is complete
    assert uids(counting([OLD, replace(new, complete=False, supersedes=("old",))])) == ["old"]
    # of two halves the second
    halves = [replace(OLD, complete=False), replace(new, complete=False, supersedes=("old",))]
    assert uids(counting(halves)) == ["new"]
    # what is said counts more than clocks, which jump
    assert uids(counting([OLD, replace(new, time=0.5, supersedes=("old",))])) == ["new"]


def test_each_raw_run_stream_and_absorber_has_its_own() -> None:
    others = [
        replace(OLD, uid=f"{key}", **{key: "another"}) for key in ("raw_uid", "stream", "absorber")
    ]
    assert len(counting([OLD, *others])) == 4


def test_what_is_no_analysis_of_ours_is_none() -> None:
    assert read_analysis({"start": {"uid": "a", "time": 1.0}}) is None
    assert read_analysis({"start": {"uid": "a", "time": 1.0, "purpose": "live_lce"}}) is None
    assert read_analysis({"start": None, "stop": None}) is None


def test_the_server_finds_them_in_few_queries(runs: Any, tmp_path: Path) -> None:
    publisher = TiledPublisher(runs, settings=AnalysisSettings(), spool=tmp_path, source="test")
    for raw in (RAW_UID, "second"):
        publisher.result(a_result(run=a_run(raw)), 0.0)
    publisher.result(a_result(run=a_run("second"), absorber="Mn"), 0.0)
    publisher.closed(RunClosed(RAW_UID, "success"))
    requests = []
    hooks = runs.context.http_client.event_hooks
    runs.context.http_client.event_hooks = {
        **hooks,
        "request": [*hooks["request"], requests.append],
    }
    asked = [RAW_UID, *(f"{n:036d}" for n in range(250)), "second"]
    found = analyses_of(runs, asked)
    assert list(found) == asked and len(requests) < 10
    (first,) = found[RAW_UID]
    assert first.complete and first.attempt == 1 and first.model_sha256 == MODEL.sha256
    assert (first.stream, first.absorber, first.superseded_by) == ("primary", "Fe", "")
    assert {a.absorber for a in found["second"]} == {"Fe", "Mn"}
    assert not any(a.complete or a.superseded_by for a in found["second"])
    assert sum(map(len, found.values())) == 3
    publisher.close()
    assert not any(a.complete for a in analyses_of(runs, ["second"])["second"])  # aborted

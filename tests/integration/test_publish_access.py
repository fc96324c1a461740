"""Access tags on a real server with Tiled's tag-based access policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from access_parts import pytestmark, runs
from publish_parts import a_result, a_run

from live_lce.engine import RunClosed
from live_lce.publish import TiledPublisher
from live_lce.publish._spool import read_spooled, waiting
from live_lce.settings import AnalysisSettings
from live_lce.tiled._connection import find_child
from live_lce.tiled._run import tags_of

__all__ = ["pytestmark", "runs"]


def test_tags_are_carried_over_or_the_run_stays_on_disk(
    runs: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "spool"
    for tag in ("proposal-1", "foreign", "unknown"):
        publisher = TiledPublisher(runs, settings=AnalysisSettings(), spool=spool, source="test")
        publisher.result(a_result(run=a_run(uid=tag, tiled_access_tags=[tag])), 0.0)
        publisher.closed(RunClosed(tag, "success"))
        publisher.close()
        published = tag == "proposal-1"
        assert publisher.counters["runs_published"] == published
        assert publisher.counters["runs_spooled"] == (not published)
    (key,) = runs
    run = runs[key]
    assert tags_of(run) == ["proposal-1"]
    assert tags_of(find_child(run, "predictions").base["internal"]) == ["proposal-1"]
    left = [read_spooled(path).start["tiled_access_tags"] for path in waiting(spool)]
    assert sorted(left) == [["foreign"], ["unknown"]]
    assert "not an owner" in caplog.text and "not defined" in caplog.text

"""Access tags of raw runs in Tiled go on to the predictions on them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from access_parts import pytestmark, runs
from archive_parts import scan
from bluesky_tiled_plugins import TiledWriter
from engine_parts import feed, make_registry, results

from live_lce import RunQuery
from live_lce.archives._databroker import OpenCatalog
from live_lce.archives._tiled import TiledArchive
from live_lce.engine import Engine, RunClosed
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings
from live_lce.tiled._connection import find_child
from live_lce.tiled._run import tags_of

__all__ = ["pytestmark", "runs"]  # a fixture


@pytest.fixture
def raw(runs: Any) -> Any:
    """Return a catalog with a tagged run."""
    from tiled.structures.core import Spec

    spec = Spec("CatalogOfBlueskyRuns", version="3.0")
    raw = runs.parent.create_container("raw", specs=[spec], access_tags=["top"])
    writer = TiledWriter(raw, batch_size=200)
    tagged = scan("tagged")
    tagged[0][1]["tiled_access_tags"] = ["proposal-1"]
    for name, doc in copy.deepcopy(tagged):
        writer(name, doc)
    return raw


def test_predictions_get_the_tags_of_the_raw_run(raw: Any, runs: Any, tmp_path: Path) -> None:
    (run,) = TiledArchive(OpenCatalog(raw)).runs(RunQuery())
    assert "tiled_access_tags" not in raw[run.uid].metadata["start"], "TiledWriter took them out"
    assert run.start["tiled_access_tags"] == ["proposal-1"]
    documents = list(run.documents())
    assert documents[0] == ("start", run.start)
    publisher = TiledPublisher(
        runs, settings=AnalysisSettings(), spool=tmp_path / "spool", source="replay"
    )
    (final,) = [
        r for r in results(feed(Engine(registry=make_registry(tmp_path)), documents)) if r.final
    ]
    publisher.result(final, 0.0)
    publisher.closed(RunClosed(run.uid, "success"))
    publisher.close()
    (key,) = runs
    assert tags_of(runs[key]) == ["proposal-1"]
    assert tags_of(find_child(runs[key], "predictions").base["internal"]) == ["proposal-1"]
    start, *_ = scan("untagged")
    TiledWriter(raw)(*start)
    uid = start[1]["uid"]
    assert tags_of(raw[uid]) == ["user:alice"], "Tiled gives it to its writer"
    (run,) = TiledArchive(OpenCatalog(raw)).runs(RunQuery(uids=(uid,)))
    assert "tiled_access_tags" not in run.start

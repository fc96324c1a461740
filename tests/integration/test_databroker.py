"""Archived runs, replayed from databroker and from Tiled, give what the live scan gave."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from bluesky import RunEngine
from engine_parts import feed, numbers, results
from live_parts import Beamline, Recorder, live, recorder, registry, run_engine

from live_lce.archives import Document
from live_lce.engine import Engine
from live_lce.live import LiveLCE
from live_lce.tiled import EmbeddedTiled

pytest.importorskip("databroker", reason="needs the extra `databroker`")

__all__ = ["live", "recorder", "registry", "run_engine"]  # fixtures
# databroker's catalog is an in-process Tiled, whose client stands on starlette's test client
HTTPX = "ignore:Using `httpx` with `starlette.testclient`"


@pytest.fixture
def catalog() -> Iterator[Any]:
    """Return a real databroker catalog on a Mongo in memory."""
    from databroker.v2 import temp

    catalog = temp()
    yield catalog
    catalog.context.close()
    gc.collect()  # what the in-process server leaves is noticed here, not in a later test


@pytest.fixture
def raw() -> Iterator[Any]:
    """Return the container of raw runs of an embedded Tiled."""
    with EmbeddedTiled() as server:
        client = server.client()
        yield client["raw"]
        client.context.close()


def scan(
    run_engine: RunEngine, live: LiveLCE, recorder: Recorder, archive: Callable[..., Any]
) -> str:
    """Run a scan that is archived and classified at once; return its uid."""
    live.wait_until_ready()
    run_engine.subscribe(archive)
    run_engine.subscribe(live)
    (uid,) = run_engine(Beamline().scan(sample="FeO"))
    assert live.flush(60)
    assert [r.prediction.label for r in recorder.results if r.final] == ["O6"]
    assert sum(r.prediction.answered for r in recorder.results) > 5
    return str(uid)


def assert_same(live: LiveLCE, recorder: Recorder, documents: Iterable[Document]) -> None:
    """Compare all predictions on archived documents with the live ones, bit by bit."""
    replayed = results(feed(Engine(live.settings, live._pipeline.registry), documents))
    assert [numbers(r) for r in replayed] == [numbers(r) for r in recorder.results]


@pytest.mark.filterwarnings(HTTPX)
@pytest.mark.parametrize("interface", ["v1", "v2"])
def test_databroker(
    catalog: Any, run_engine: RunEngine, live: LiveLCE, recorder: Recorder, interface: str
) -> None:
    uid = scan(run_engine, live, recorder, catalog.v1.insert)
    archived = catalog.v1[-1] if interface == "v1" else catalog[-1]
    documents = list(archived.documents(fill=False))
    assert documents[0][1]["uid"] == uid
    assert_same(live, recorder, documents)


def test_tiled(raw: Any, run_engine: RunEngine, live: LiveLCE, recorder: Recorder) -> None:
    from bluesky_tiled_plugins import TiledWriter

    uid = scan(run_engine, live, recorder, TiledWriter(raw))
    assert_same(live, recorder, raw[uid].documents())

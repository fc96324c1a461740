"""Parts for the tests of faults: live_lce on real documents, and what must be in Tiled then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_parts import feed, make_registry, results
from fault_proxy import Proxy, proxied

from live_lce.archives import Document
from live_lce.classifiers import Registry
from live_lce.engine import Engine, Result
from live_lce.live import LiveLCE
from live_lce.publish import Publisher, TiledPublisher
from live_lce.settings import AnalysisSettings, Pacing
from live_lce.testing import compose, spectrum_rows
from live_lce.tiled import EmbeddedTiled
from live_lce.tiled._connection import find_child

SETTINGS = AnalysisSettings(pacing=Pacing(interval=25))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture
def proxy(server: EmbeddedTiled) -> Iterator[Proxy]:
    with proxied(server.uri) as proxy:
        yield proxy


def scan(number: int = 0, **options: Any) -> list[Document]:
    """Return the documents of a good scan; odd ones have a strong white line."""
    white_line = 0.7 if number % 2 else 0.0
    return compose(spectrum_rows(white_line, seed=number), time=1.7e9 + 1000 * number, **options)


def raw_uid(documents: Iterable[Document]) -> str:
    """Return the uid of the run."""
    return str(next(iter(documents))[1]["uid"])


def expected(
    registry: Registry, documents: Iterable[Document], settings: AnalysisSettings = SETTINGS
) -> list[Result]:
    """Return what the engine says, without anything in its way."""
    engine = Engine(settings, registry)
    return [*results(feed(engine, documents)), *results(engine.finish())]


def publisher(uri: str, key: str, spool: Path, **options: Any) -> TiledPublisher:
    """Return a publisher with short pauses."""
    options = {"settings": SETTINGS, "source": "test", "backoff": 0.2} | options
    return TiledPublisher(uri, api_key=key, spool=spool, **options)


def live(registry: Registry, publisher: Publisher, **options: Any) -> LiveLCE:
    """Return the callback, ready to work."""
    found = LiveLCE(
        **{"settings": SETTINGS, "registry": registry, "publisher": publisher} | options
    )
    assert found.wait_until_ready(60)
    return found


def runs_of(container: Any, uid: str) -> list[Any]:
    """Return the analysis runs of a raw run."""
    from tiled.queries import Eq

    return list(container.search(Eq("start.original_run_uid", uid)).values())


def rows(run: Any) -> list[tuple[Any, ...]]:
    """Return the predictions of a run in Tiled; rows that are there twice count once."""
    table = find_child(run, "predictions").base["internal"].read()
    table = table.drop_duplicates("seq_num").sort_values("seq_num")
    assert list(table["seq_num"]) == list(range(1, len(table) + 1))
    names = ("spectrum_index", "final", "status", "reason", "label", "confidence")
    columns = [table[name].tolist() for name in (*names, "raw_seq_num_last")]
    return list(zip(*columns, strict=True))


def rows_wanted(found: Iterable[Result]) -> list[tuple[Any, ...]]:
    """Return the same of results."""
    return [
        (
            r.spectrum_index, int(r.final), r.prediction.status.value, r.prediction.reason,
            r.prediction.label, float(r.prediction.confidence), r.raw_seq_num_last,
        )
        for r in found
    ]  # fmt: skip


def assert_whole(
    container: Any,
    registry: Registry,
    documents: list[Document],
    settings: AnalysisSettings = SETTINGS,
) -> Any:
    """Check that Tiled has one ended analysis of these documents, with all predictions."""
    (run,) = runs_of(container, raw_uid(documents))
    wanted = rows_wanted(expected(registry, documents, settings))
    assert sum(row[1] for row in wanted) == 1
    assert rows(run) == wanted
    assert run.metadata["stop"]["num_events"]["predictions"] == len(wanted)
    return run

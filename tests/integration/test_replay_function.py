"""`live_lce.replay`: documents, runs and catalogs that are open in a session."""

from __future__ import annotations

import copy
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_parts import in_pages, without_exporter
from cli_parts import cli
from replay_parts import a_scan, address, an_alignment, analyses, raw_uid, write

import live_lce
from live_lce import RunQuery
from live_lce.archives import ArchiveError, open_archive
from live_lce.config import ConfigError
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli"]  # a fixture: a model of the tests' own, and no other configuration
pytestmark = [
    pytest.mark.usefixtures("cli"),
    # databroker's catalog is an in-process Tiled, whose client stands on starlette's test client
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
DOCUMENTS = [*a_scan(1), *an_alignment(3), *a_scan(2)]


def test_documents_of_a_session() -> None:
    done = live_lce.replay(DOCUMENTS)
    assert (
        [r.run.uid for r in done] == [raw_uid(1), raw_uid(2)] == [r.run.uid for r in done.results]
    )
    assert [r.prediction.label for r in done] == ["T4", "O6"] and all(r.final for r in done)
    assert done[1].spectrum is not None and done[1].normalized is not None and len(done) == 2
    assert done.said == "3 runs: 2 analysed, 1 without a spectrum"
    assert not done.problems and not done.published
    assert "scan 2 foil 2, Fe K: ok, O6 " in repr(done)
    table = done.table()
    assert list(table[table["final"]]["label"]) == ["T4", "O6"] and len(table) > 10


Form = Callable[[Path], Any]
FORMS: dict[str, Form] = {
    "generator": lambda _: iter(DOCUMENTS),
    "objects": lambda _: [{"name": name, "doc": doc} for name, doc in DOCUMENTS],
    "one run": lambda _: a_scan(2),
    "interleaved": lambda _: [d for pair in zip(a_scan(1), a_scan(2), strict=True) for d in pair],
    "file": lambda folder: write(folder / "runs.jsonl", DOCUMENTS),
    "files": lambda folder: [str(write(folder / "runs.jsonl", DOCUMENTS))],
    "archived runs": lambda folder: list(
        open_archive(str(write(folder / "runs.jsonl", DOCUMENTS))).runs(RunQuery())
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, tmp_path: Path) -> None:
    done = live_lce.replay(FORMS[form](tmp_path))
    assert {r.run.uid: r.prediction.label for r in done}[raw_uid(2)] == "O6"
    assert not done.problems


def test_documents_of_a_run_engine() -> None:
    """As a subscription leaves them: enums for names, arrays and all."""
    pytest.importorskip("ophyd", reason="needs the extra `sim`")
    from archive_parts import paused_scan

    (result,) = live_lce.replay(paused_scan())
    assert result.prediction.label == "O6"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (7, "int cannot be replayed: give documents, as .name, document.; runs"),
        ([7], "list of int cannot be replayed: give documents"),
        (("start", {"uid": "1"}), "one document is no run"),
        (b"runs.jsonl", "bytes cannot be replayed"),
    ],
)
def test_what_cannot_be_replayed(source: Any, says: str) -> None:
    with pytest.raises(ArchiveError, match=says) as caught:
        live_lce.replay(source)
    assert "\n" not in str(caught.value)


def test_what_is_wrong_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    done = live_lce.replay([*a_scan(1), ("start", {"time": 1.0})])
    assert len(done) == 1
    assert done.problems == (f"list: item {len(a_scan(1)) + 1}: a start without a uid",)
    assert "a start without a uid" in repr(done)
    done = live_lce.replay([*a_scan(1), 7])
    assert f"item {len(a_scan(1)) + 1} is no document: give documents" in done.problems[0]
    assert live_lce.replay(a_scan(1)[1:]).problems == (
        "list: no start document: give those of whole runs",
    )
    assert "missing.jsonl: no such file" in live_lce.replay("missing.jsonl").problems[0]


def test_a_query_and_a_configuration(tmp_path: Path) -> None:
    done = live_lce.replay(DOCUMENTS, query=RunQuery(scan_ids=(2,)))
    assert [r.run.uid for r in done] == [raw_uid(2)]
    (tmp_path / "mine.toml").write_text('[analysis.normalization]\nabsorber = "Mn"\n')
    done = live_lce.replay(a_scan(2), config=tmp_path / "mine.toml")
    assert done[0].prediction.absorber == "Mn" and done[0].prediction.status == "rejected"


def test_publishing(server: EmbeddedTiled) -> None:
    done = live_lce.replay(DOCUMENTS, publish=address(server))
    assert done.published["runs_published"] == 2 and len(done) == 2
    assert [a.raw_uid for a in analyses(server, "processed")] == [raw_uid(1), raw_uid(2)]
    again = live_lce.replay(DOCUMENTS, publish=address(server))
    assert len(again) == 0 and again.published.get("runs_published", 0) == 0
    assert "2 in Tiled already" in again.said
    with pytest.raises(ConfigError, match="no Tiled server to publish to: give its address"):
        live_lce.replay(DOCUMENTS, publish=True)


@pytest.fixture(scope="module")
def stored() -> Iterator[Any]:
    """Return a catalog of runs, as Tiled's client gives it."""
    from bluesky_tiled_plugins import TiledWriter

    with EmbeddedTiled() as server:
        client = server.client()
        for number in (1, 2):
            writer = TiledWriter(client["raw"], batch_size=1000)
            for name, doc in copy.deepcopy(a_scan(number)):
                writer(name, doc)
        yield client
        client.context.close()


def test_a_catalog_of_tiled(stored: Any) -> None:
    from tiled.queries import Key

    raw, uids = stored["raw"], [raw_uid(1), raw_uid(2)]
    assert [r.run.uid for r in live_lce.replay(raw)] == uids
    assert [r.run.uid for r in live_lce.replay(stored)] == uids, "what holds the catalog"
    found = raw.search(Key("start.scan_id") == 2)
    assert [r.run.uid for r in live_lce.replay(found)] == [raw_uid(2)]
    (one,) = live_lce.replay(raw[raw_uid(2)])
    assert one.prediction.label == "O6"
    assert [r.run.uid for r in live_lce.replay(raw.values())] == uids
    with without_exporter():
        assert [r.run.uid for r in live_lce.replay([raw[raw_uid(2)]])] == [raw_uid(2)]
    assert raw[raw_uid(1)].metadata["start"]["uid"] == raw_uid(1), "left open"


def test_databroker() -> None:
    databroker = pytest.importorskip("databroker", reason="needs the extra `databroker`")
    broker = databroker.temp()
    for number in (1, 2):
        for name, doc in in_pages(a_scan(number)):
            broker.insert(name, doc)
    uids = [raw_uid(1), raw_uid(2)]
    assert [r.run.uid for r in live_lce.replay(broker)] == uids
    assert [r.run.uid for r in live_lce.replay(broker.v2)] == uids
    header = broker[raw_uid(2)]
    (one,) = live_lce.replay(header)
    assert one.prediction.label == "O6"
    assert len(live_lce.replay([header, broker[raw_uid(1)]])) == 2
    (own,) = live_lce.replay(list(header.documents()))
    assert own.prediction.confidence == one.prediction.confidence
    broker.v2.context.close()
    gc.collect()  # what the in-process server leaves is noticed here, not in a later test


def test_it_is_the_package_s_own_name() -> None:
    """No module of that name takes its place, whatever was imported before."""
    script = (
        "import live_lce.replaying._work, live_lce.cli.replay, live_lce; "
        "assert callable(live_lce.replay), live_lce.replay; from live_lce import replay"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert live_lce.replay([]).said == "0 runs: none found"

"""databroker 2.x as an archive: its own temporary catalog, Broker and Header, and names."""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_parts import final_only, in_pages, replayed, scan
from engine_parts import make_registry
from replay_parts import a_scan, raw_uid

from live_lce import RunQuery
from live_lce.archives import ArchiveError, open_archive
from live_lce.archives._databroker import OpenCatalog
from live_lce.archives._tiled import TiledArchive
from live_lce.tiled import EmbeddedTiled

pytest.importorskip("databroker", reason="needs the extra `databroker`")
pytestmark = [
    pytest.mark.slow,
    # databroker's catalog is an in-process Tiled, whose client stands on starlette's test client
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
ALL = RunQuery()


@pytest.fixture(scope="module")
def catalog() -> Iterator[Any]:
    from databroker.v2 import temp

    catalog = temp()
    for number in (3, 1, 2):
        start = {"tiled_access_tags": ["proposal-1"]} if number == 2 else {}
        for name, doc in in_pages(a_scan(number, **start)):
            catalog.v1.insert(name, doc)
    yield catalog
    catalog.context.close()
    gc.collect()  # what the in-process server leaves is noticed here, not in a later test


def test_runs_come_in_order_of_time(catalog: Any) -> None:
    archive = TiledArchive(OpenCatalog(catalog, "temp"))
    runs = list(archive.runs(ALL))
    assert [run.uid for run in runs] == [raw_uid(n) for n in (1, 2, 3)]
    assert archive.count(ALL) == 3
    assert runs[0].where == f"temp, {raw_uid(1)}"
    assert runs[1].start["tiled_access_tags"] == ["proposal-1"], "kept in the start document"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (RunQuery(since=a_scan(2)[0][1]["time"]), [2, 3]),
        (RunQuery(until=a_scan(2)[0][1]["time"]), [1, 2]),
        (RunQuery(scan_ids=(2, 3)), [2, 3]),
        (RunQuery(sample="foil 3"), [3]),
        (RunQuery(where=(("sample.name", "foil 1"),)), [1]),
        (RunQuery(uids=(raw_uid(2),)), [2]),
        (RunQuery(uids=(raw_uid(2)[:8], raw_uid(1)[:10])), [2, 1]),
        (RunQuery(plan_name="x*"), []),
        (RunQuery(absorber="Cu"), []),
    ],
)
def test_queries(catalog: Any, query: RunQuery, found: list[int]) -> None:
    runs = TiledArchive(OpenCatalog(catalog)).runs(query)
    assert [run.uid for run in runs] == [raw_uid(n) for n in found]


def test_broker_and_header(catalog: Any, tmp_path: Path) -> None:
    """What people have in their hands gives the same."""
    (run,) = TiledArchive(OpenCatalog(catalog)).runs(RunQuery(uids=(raw_uid(1),)))
    registry = make_registry(tmp_path)
    said = replayed(registry, run.documents())
    assert len(final_only(said)) == 1 and len(said) > 5
    header = catalog.v1[raw_uid(1)]
    assert replayed(registry, header.documents(fill=False)) == said


def test_an_open_catalog_stays_in_its_process(catalog: Any) -> None:
    (run,) = TiledArchive(OpenCatalog(catalog)).runs(RunQuery(uids=(raw_uid(1),)))
    with pytest.raises(TypeError, match="cannot be sent to another process: use --jobs 1"):
        pickle.dumps(run)


def test_a_run_that_goes_on_has_all_its_events(catalog: Any) -> None:
    """databroker keeps the last page to itself as long as there is no stop document."""
    documents = scan("open", exit_status=None)
    for name, doc in in_pages(documents):
        catalog.v1.insert(name, doc)
    uid = documents[0][1]["uid"]
    (run,) = TiledArchive(OpenCatalog(catalog)).runs(RunQuery(uids=(uid,)))
    sent = [d["seq_num"][-1] for n, d in catalog[uid].documents() if n == "event_page"]
    assert sent[-1] == 100, "databroker's own documents"
    whole = list(run.documents())
    assert [d["seq_num"] for n, d in whole if n == "event"] == list(range(101, len(documents) - 1))
    last = documents[-1][1]
    assert whole[-1][1]["data"] == last["data"] and whole[-1][1]["time"] == last["time"]


def test_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of databroker's catalogs are those of Tiled's profiles."""
    from bluesky_tiled_plugins import TiledWriter
    from databroker import Broker
    from tiled import profiles

    with EmbeddedTiled() as server:
        client = server.client()
        writer = TiledWriter(client["raw"], batch_size=1000)
        for name, doc in a_scan(1):
            writer(name, doc)
        client.context.close()
        (tmp_path / "beamline.yml").write_text(f"bmm:\n  uri: {server.uri}/api/v1/metadata/raw\n")
        monkeypatch.setenv("TILED_API_KEY", server.api_key)
        monkeypatch.setattr(profiles, "paths", [tmp_path])
        profiles.load_profiles.cache_clear()
        broker = Broker.named("bmm")
        assert broker.v1[raw_uid(1)].start["uid"] == raw_uid(1)
        broker._catalog.context.close()
        archive = open_archive("databroker:bmm")
        (run,) = archive.runs(ALL)
        assert (run.uid, archive.name) == (raw_uid(1), "databroker:bmm")
        assert len(list(run.documents())) == len(a_scan(1))
        archive.close()
        with pytest.raises(ArchiveError, match="Tiled has no profile 'other': there are bmm"):
            list(open_archive("databroker:other").runs(ALL))
    profiles.load_profiles.cache_clear()


def test_without_databroker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "databroker", None)
    with pytest.raises(ArchiveError, match=r"pip install 'live_lce\[databroker\]'") as caught:
        open_archive("databroker:bmm")
    assert "\n" not in str(caught.value)

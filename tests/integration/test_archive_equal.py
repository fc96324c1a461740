"""Every archive gives the predictions that the live scan gave, bit by bit.

The last predictions are equal from every archive.  So are the partial ones, where no point was
measured twice (a pause, a rewind): Tiled's exporter and databroker keep the last of these only,
or put it in the place of the first.
"""

from __future__ import annotations

import copy
import gc
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from archive_parts import (
    COMPOSED,
    RECORDED,
    SETTINGS,
    final_only,
    in_pages,
    paused_scan,
    recorded,
    replayed,
    without_exporter,
)
from engine_parts import make_registry, numbers
from event_model import sanitize_doc

from live_lce import RunQuery
from live_lce.archives import Archive, Document, open_archive
from live_lce.classifiers import Registry
from live_lce.live import LiveLCE
from live_lce.settings import Signals
from live_lce.tiled import EmbeddedTiled

pytestmark = [
    pytest.mark.slow,
    # databroker's catalog is an in-process Tiled, whose client stands on starlette's test client
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
REWOUND = {"rewound", "grid", "paused", "bmm_rewound"}
NAMES = [*COMPOSED, "paused", *RECORDED, "bmm_rewound"]
ARCHIVES = ["plain", "gzip", "backup", "tiled", "tiled_tables", "databroker"]
PAIRS = [(archive, name) for archive in ARCHIVES for name in NAMES]
PAIRS += [("tiled_all_columns", name) for name in ("grid", "baseline", "arrays")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Document]]:
    found = {name: make() for name, make in COMPOSED.items()} | {"paused": paused_scan()}
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "documents"
    found |= recorded(folder) if folder.is_dir() else {}
    return {name: [(n, sanitize_doc(d)) for n, d in docs] for name, docs in found.items()}


@pytest.fixture(scope="module")
def live(runs: dict[str, list[Document]], registry: Registry) -> dict[str, list[Any]]:
    """Return what each run gives live; it is here that the tests would notice empty ones."""
    seen: dict[str, list[Any]] = {}
    for name, documents in runs.items():
        results: list[Any] = []
        with LiveLCE(registry=registry, settings=SETTINGS, on_result=results.append) as callback:
            for kind, doc in copy.deepcopy(documents):
                callback(kind, doc)
        seen[name] = [numbers(r) for r in results]
    return seen


@pytest.fixture(scope="module")
def files(runs: dict[str, list[Document]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    lines = "".join(json.dumps(pair) + "\n" for docs in runs.values() for pair in docs)
    (folder / "plain.jsonl").write_text(lines)
    (folder / "gzip.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return folder


@pytest.fixture(scope="module")
def server(runs: dict[str, list[Document]], files: Path) -> Iterator[EmbeddedTiled]:
    """Return a server that holds all runs, and refused them once, so that there are backups."""
    from bluesky_tiled_plugins import TiledWriter

    with EmbeddedTiled() as server:
        for refused in (False, True):
            client = server.client()
            writer = TiledWriter(
                client["raw"], batch_size=100, backup_directory=str(files / "backup")
            )
            if refused:
                client.context.api_key = "wrong"
            for documents in runs.values():
                for name, doc in copy.deepcopy(documents):
                    writer(name, doc)
            assert bool(list((files / "backup").glob("*"))) == refused
            client.context.close()
        yield server


@pytest.fixture(scope="module")
def broker(runs: dict[str, list[Document]]) -> Iterator[Any]:
    pytest.importorskip("databroker", reason="needs the extra `databroker`")
    from databroker.v2 import temp

    catalog = temp()
    for run, documents in runs.items():
        documents = documents if run == "paused" else in_pages(documents)  # noqa: PLW2901
        for name, doc in copy.deepcopy(documents):
            catalog.v1.insert(name, doc)
    yield catalog
    catalog.context.close()
    gc.collect()  # what the in-process server leaves is noticed here, not in a later test


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, files: Path) -> Iterator[Callable[[str], Archive]]:
    """Return how to open an archive by name; each is opened once."""
    archives: dict[str, Archive] = {}

    def open_one(name: str) -> Archive:
        if name not in archives:
            archives[name] = _open(name, request, files)
        return archives[name]

    yield open_one
    for archive in archives.values():
        archive.close()


def _open(name: str, request: pytest.FixtureRequest, files: Path) -> Archive:
    if name == "databroker":
        from live_lce.archives._databroker import OpenCatalog
        from live_lce.archives._tiled import TiledArchive

        return TiledArchive(OpenCatalog(request.getfixturevalue("broker")))
    server = request.getfixturevalue("server")  # makes the backups, too
    if name.startswith("tiled"):
        signals = None if name == "tiled_all_columns" else Signals()
        return open_archive(server.uri, api_key=server.api_key, signals=signals)
    return open_archive(str(next(files.glob(f"{name}*"))))


@pytest.mark.parametrize(("archive", "name"), PAIRS)
def test_replayed_as_live(
    archive: str, name: str, runs: Any, live: Any, opened: Any, registry: Registry,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    if name not in runs:
        request.getfixturevalue("shared")  # skips
    source = opened(archive)
    (run,) = source.runs(RunQuery(uids=(runs[name][0][1]["uid"],)))
    if archive in ("tiled_tables", "tiled_all_columns"):
        with without_exporter():
            assert asked_for_documents(run) == 406
            said = replayed(registry, run.documents())
        # A grid is read from the tables without asking for documents.
        assert not run.source.exports or name == "grid"
    else:
        said = replayed(registry, run.documents())
    assert final_only(said) == final_only(live[name])
    if name not in REWOUND or archive != "tiled":
        assert said == live[name]
    assert source.problems == []


def asked_for_documents(run: Any) -> int:
    server = run.source.catalog().context
    url = f"{server.api_uri}container/full/raw/{run.key}?format=application/json-seq"
    return httpx.get(url, headers={"Authorization": f"Apikey {server.api_key}"}).status_code


def test_the_runs_say_something(live: dict[str, list[Any]], shared: Path) -> None:
    n_finals = {name: len(final_only(said)) for name, said in live.items()}
    several = {"grid": 3, "arrays": 2, "sweeps": 2, "positions": 2}
    nothing = {"bmm_linescan_1dccff46": 0}
    assert n_finals == dict.fromkeys(NAMES, 1) | several | nothing
    for name in n_finals.keys() - {"arrays"} - nothing.keys():
        assert len(live[name]) > 5, f"{name} has partial predictions"

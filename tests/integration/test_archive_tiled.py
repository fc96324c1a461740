"""Tiled as an archive: what is asked of the server, in which order, and what is said of faults."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pyarrow
import pytest
from archive_parts import scan, with_baseline, without_exporter
from replay_parts import a_scan, an_alignment, raw_uid

from live_lce import RunQuery
from live_lce.archives import (
    Archive,
    ArchiveError,
    _tiled as tiled_runs,
    open_archive,
)
from live_lce.settings import Signals
from live_lce.tiled import EmbeddedTiled

ALL = RunQuery()
STORED = (3, 1, 4, 2)  # a day apart, by number


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedTiled]:
    """Return a server with runs that were stored in another order than measured."""
    from bluesky_tiled_plugins import TiledWriter

    runs = {n: a_scan(n) for n in STORED} | {2: an_alignment(2)}
    runs[4] = a_scan(4, element="Cu", plan_name="xafs cu", proposal={"cycle": "2026-1", "no": 7})
    runs[5] = a_scan(5, purpose="live_lce")  # as if it were of ours
    with EmbeddedTiled() as server:
        client = server.client()
        for documents in [*runs.values(), with_baseline()]:
            writer = TiledWriter(client["raw"], batch_size=1000)
            for name, doc in copy.deepcopy(documents):
                writer(name, doc)
        client.context.close()
        yield server


@pytest.fixture
def archive(server: EmbeddedTiled) -> Iterator[Archive]:
    archive = open_archive(server.uri, api_key=server.api_key, signals=Signals())
    yield archive
    archive.close()


class Asked:
    """The requests that the server saw, from its log."""

    def __init__(self, server: EmbeddedTiled) -> None:
        self._log = server.directory / "access.log"
        self._before = len(self._log.read_text())

    def __call__(self, part: str) -> list[str]:
        lines = self._log.read_text()[self._before :].splitlines()
        return [line for line in map(unquote_plus, lines) if part in line]


def numbers(archive: Archive, query: RunQuery = ALL) -> list[int]:
    by_uid = {raw_uid(n): n for n in range(6)}
    return [by_uid[run.uid] for run in archive.runs(query) if run.uid in by_uid]


def test_runs_come_in_order_of_time_and_without_ours(archive: Archive) -> None:
    assert numbers(archive) == [1, 2, 3, 4]
    assert archive.problems == []


def test_many_runs_come_as_they_were_stored(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_lce.tiled._query.MOST_SORTED", 3)
    assert numbers(archive) == list(STORED)


@pytest.mark.parametrize(
    ("query", "found", "asked"),
    [
        (RunQuery(since=a_scan(3)[0][1]["time"]), [3, 4], "filter[comparison]"),
        (RunQuery(until=a_scan(2)[0][1]["time"]), [1, 2], "filter[comparison]"),
        (RunQuery(scan_ids=(1, 4)), [1, 4], "filter[in]"),
        (RunQuery(plan_name="xafs cu"), [4], "filter[like]"),
        (RunQuery(plan_name="*CU"), [4], "filter[like]"),
        (RunQuery(where=(("proposal.cycle", "2026-1"),)), [4], "filter[eq]"),
        (RunQuery(where=(("proposal.no", "7"),)), [4], ""),  # could be a text or a number
        (RunQuery(absorber="Fe", until=a_scan(5)[0][1]["time"]), [1, 2, 3], "filter[comparison]"),
        (RunQuery(sample="FOIL *"), [1, 3, 4], ""),
        (RunQuery(uids=(raw_uid(3)[:8],)), [3], "filter[like]"),
        (RunQuery(uids=(raw_uid(3), raw_uid(3)[:9], raw_uid(1))), [3, 1], f"raw/{raw_uid(1)}"),
        (RunQuery(uids=("0" * 36,)), [], "filter[eq]"),
    ],
)
def test_what_can_be_asked_is_asked(
    archive: Archive, server: EmbeddedTiled, query: RunQuery, found: list[int], asked: str
) -> None:
    seen = Asked(server)
    runs = list(archive.runs(query))
    assert [run.uid for run in runs if run.uid != with_baseline()[0][1]["uid"]] == [
        raw_uid(n) for n in found
    ]
    assert seen(asked), "the server was asked so"
    count = archive.count(query)
    assert count is not None and count >= len(runs), "at most some too many"


def test_only_needed_columns_are_read(archive: Archive, server: EmbeddedTiled) -> None:
    uid = with_baseline()[0][1]["uid"]
    (run,) = archive.runs(RunQuery(uids=(uid,)))
    seen = Asked(server)
    with without_exporter():
        documents = list(run.documents())
    (refused,) = seen("container/full")
    assert "json-seq" in refused and "406 Not Acceptable" in refused
    data = next(doc["data"] for name, doc in documents if name == "event" and len(doc["data"]) > 1)
    assert set(data) == {"mono_energy", "I0", "It"}
    primary = [line for line in seen("/table/") if "/primary/" in line]
    assert len(primary) == 1 and primary[0].count("column=") == 5, "and seq_num and time"
    baseline = [line for line in seen("/table/") if "/baseline/" in line]
    assert len(baseline) == 1 and baseline[0].count("column=") == 2
    assert not seen("roi_"), "44 columns are there"
    next_one = next(iter(archive.runs(RunQuery(uids=(raw_uid(1),)))))
    assert len(list(next_one.documents())) > 100
    assert len(seen("container/full")) == 1, "it is asked for documents once"


def test_a_long_run_is_read_from_its_table(
    server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiled_runs, "LONG", 100)
    archive = open_archive(server.uri, api_key=server.api_key, signals=Signals())
    (run,) = archive.runs(RunQuery(uids=(raw_uid(1),)))
    seen = Asked(server)
    assert len(list(run.documents())) == len(a_scan(1))
    assert not seen("container/full") and seen("/table/")
    archive.close()


def test_a_table_in_parts_and_an_array_beside_it(server: EmbeddedTiled) -> None:
    """Of another writer: three partitions."""
    import numpy as np
    import pandas as pd
    from tiled.structures.core import Spec
    from tiled.structures.data_source import DataSource
    from tiled.structures.table import TableStructure

    from live_lce.archives._tiled_tables import _PAGE, rebuild

    client = server.client()
    start, descriptor, *_, stop = scan("parts")
    run = client.create_container("parts", metadata={"start": start[1], "stop": stop[1]},
                                  specs=[Spec("BlueskyRun", version="3.0")])  # fmt: skip
    kept = {k: v for k, v in descriptor[1].items() if k not in ("name", "run_start")}
    specs = [Spec("BlueskyEventStream", version="3.0"), Spec("composite")]
    stream = run.base.create_container("primary", metadata=kept, specs=specs).base
    n = 2 * _PAGE + 7
    frame = pd.DataFrame(
        {
            "seq_num": range(1, n + 1),
            "time": np.arange(n) + 1.7e9,
            "I0": 1.0,
            "It": np.arange(n) / n,
        }
    )
    structure = TableStructure.from_pandas(frame)
    structure.npartitions = 3
    source = DataSource(
        structure_family="table", structure=structure, mimetype="application/x-parquet"
    )
    table = stream.new(
        structure_family="table", data_sources=[source], key="internal", metadata={}, specs=[]
    )
    for number, part in enumerate(np.array_split(np.arange(n), 3)):
        table.write_partition(number, pyarrow.Table.from_pandas(frame.iloc[part]))
    stream.write_array(np.arange(n) + 7000.0, key="mono_energy")
    events = [doc for name, doc in rebuild(run, Signals()) if name == "event"]
    assert [doc["seq_num"] for doc in events] == list(range(1, n + 1))
    assert [doc["data"]["It"] for doc in events] == list(frame["It"])
    assert [doc["data"]["mono_energy"] for doc in events] == [7000.0 + i for i in range(n)]
    client.context.close()


def test_a_run_whose_stream_is_gone_is_refused(server: EmbeddedTiled) -> None:
    """Else it would be published that the scan has no points."""
    from bluesky_tiled_plugins import TiledWriter

    client = server.client()
    hidden = client.create_container("hidden", specs=client["raw"].specs)
    writer = TiledWriter(hidden, batch_size=1000)
    documents = scan("hidden")
    for name, doc in copy.deepcopy(documents):
        writer(name, doc)
    uid = documents[0][1]["uid"]
    hidden[uid].delete_contents(["primary"], recursive=True, external_only=False)
    archive = open_archive(f"{server.uri}/api/v1/metadata/hidden?api_key={server.api_key}")
    (run,) = archive.runs(ALL)
    for _ in range(2):  # exported, then from tables
        with pytest.raises(ArchiveError, match="the events of primary cannot be read") as caught:
            list(run.documents())
        assert "\n" not in str(caught.value)
        run.source.exports = False
    hidden.delete_contents([uid], recursive=True, external_only=False)
    with pytest.raises(ArchiveError, match="the run is not there any more"):
        list(run.documents())
    archive.close()
    client.delete_contents(["hidden"], recursive=True, external_only=False)
    client.context.close()


def test_a_run_goes_to_another_process(archive: Archive) -> None:
    (run,) = archive.runs(RunQuery(uids=(raw_uid(1),)))
    sent = pickle.loads(pickle.dumps(run))
    assert sent.source is not run.source
    assert json.dumps(list(sent.documents())) == json.dumps(list(run.documents()))
    sent.source.close()


def test_a_profile(server: EmbeddedTiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiled import profiles

    (tmp_path / "beamline.yml").write_text(f"mine:\n  uri: {server.uri}/api/v1\n")
    monkeypatch.setattr(profiles, "paths", [tmp_path])
    profiles.load_profiles.cache_clear()
    archive = open_archive("profile:mine", api_key=server.api_key)
    assert numbers(archive) == [1, 2, 3, 4]
    (run,) = archive.runs(RunQuery(uids=(raw_uid(1),)))
    assert run.where == f"profile:mine, {raw_uid(1)}"
    assert len(list(run.documents())) == len(a_scan(1))
    archive.close()
    with pytest.raises(ArchiveError, match=r"no profile 'other': there are mine \(`tiled profile"):
        list(open_archive("profile:other").runs(ALL))
    profiles.load_profiles.cache_clear()


@pytest.mark.parametrize(
    ("path", "key", "words"),
    [
        ("", "wrong", "Tiled does not accept the API key"),
        ("", "", "Tiled wants an API key|does not accept the API key"),
        ("/api/v1/metadata/nothing", "right", "there is nothing at this address"),
        ("/api/v1/metadata/raw/{uid}", "right", "is no catalog of bluesky runs"),
        ("/api/v1/metadata/raw/{uid}/primary/internal", "right", "is no container of runs"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    server: EmbeddedTiled, path: str, key: str, words: str
) -> None:
    key = {"right": server.api_key}.get(key, key)
    address = server.uri + path.format(uid=raw_uid(1)) + (f"?api_key={key}" if key else "")
    archive = open_archive(address)
    with pytest.raises(ArchiveError, match=words) as caught:
        list(archive.runs(ALL))
    assert "\n" not in str(caught.value) and (not key or key not in str(caught.value))
    archive.close()


def test_nobody_answers_and_several_catalogs(server: EmbeddedTiled) -> None:
    with pytest.raises(ArchiveError, match="Tiled does not answer"):
        list(open_archive("http://127.0.0.1:9").runs(ALL))
    client = server.client()
    some = client.create_container("some")
    for name in ("one", "two"):
        some.create_container(name, specs=client["raw"].specs)
    archive = open_archive(f"{server.uri}/api/v1/metadata/some", api_key=server.api_key)
    with pytest.raises(ArchiveError, match=r"there are one, two: write .*/metadata/NAME of"):
        list(archive.runs(ALL))
    archive.close()
    client.delete_contents(["some"], recursive=True, external_only=False)
    client.context.close()

"""The recorded runs of the simulated beamline: made again, replayed as live, and right."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ophyd = pytest.importorskip("ophyd", reason="needs the extra `sim`")
ophyd.set_cl("dummy")

from archive_parts import SETTINGS, final_only, replayed
from engine_parts import numbers

from live_lce import RunQuery
from live_lce.archives import Document, open_archive, read_documents
from live_lce.live import LiveLCE
from live_lce.sim._scoring import fraction_score
from live_lce.sim.library import true_class
from live_lce.sim.score import SeriesError, read_series
from live_lce.tiled import EmbeddedTiled
from tools.record_beamline import FILE, NAMES, write

RECORDED = Path(__file__).parents[1] / "data" / FILE


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    names = iter(NAMES)
    for name, doc in read_documents(RECORDED):
        if name == "start":
            run = found.setdefault(next(names), [])
        run.append((name, doc))
    assert list(found) == list(NAMES)
    return found


@pytest.fixture(scope="module")
def live(runs: dict[str, list[Document]]) -> dict[str, list[Any]]:
    seen: dict[str, list[Any]] = {}
    for name, documents in runs.items():
        seen[name] = []
        with LiveLCE(SETTINGS, on_result=seen[name].append) as callback:
            for kind, doc in copy.deepcopy(documents):
                callback(kind, doc)
    return seen


@pytest.fixture(scope="module")
def server(runs: dict[str, list[Document]]) -> Iterator[EmbeddedTiled]:
    from bluesky_tiled_plugins import TiledWriter

    with EmbeddedTiled() as server:
        client = server.client()
        writer = TiledWriter(client["raw"], batch_size=100)
        for documents in runs.values():
            for name, doc in copy.deepcopy(documents):
                writer(name, doc)
        client.context.close()
        yield server


def events(documents: list[Document]) -> list[dict[str, Any]]:
    return [doc for name, doc in documents if name == "event"]


def test_they_are_small_and_made_again_byte_by_byte(tmp_path: Path) -> None:
    again = write(tmp_path)
    assert again.read_bytes() == RECORDED.read_bytes(), (
        "python -m tools.record_beamline tests/data makes them anew"
    )
    assert RECORDED.stat().st_size < 200_000


def test_a_beam_dump_leaves_a_dark_point_that_is_measured_again(
    runs: dict[str, list[Document]],
) -> None:
    points = events(runs["dump"])
    numbers_ = [point["seq_num"] for point in points]
    again = [a for a, b in itertools.pairwise(numbers_) if b <= a]
    assert again == [45] and numbers_[-1] == len(points) - 1
    dark, bright = (point["data"] for point in points if point["seq_num"] == 45)
    assert dark["I0"] < 1000 and dark["ring_current"] == 0
    assert bright["I0"] > 1e6 and bright["energy"] == dark["energy"]
    assert runs["dump"][-1][1]["exit_status"] == "success"


def test_what_the_others_hold(runs: dict[str, list[Document]]) -> None:
    times = np.array([point["data"]["chambers_count_time"] for point in events(runs["exafs"])])
    assert times[0] == 0.5 and np.all(np.diff(times) >= 0) and times[-1] > 2
    assert runs["aborted"][-1][1]["exit_status"] == "abort"
    series = [runs[f"series-{i}"][0][1] for i in range(3)]
    assert [start["series"]["index"] for start in series] == [0, 1, 2]
    assert [start["truth"].get("T4", 0.0) for start in series] == [0.0, 0.5, 1.0]
    assert len({start["series"]["uid"] for start in series}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_replayed_from_a_file_as_live(
    name: str, runs: dict[str, list[Document]], live: dict[str, list[Any]]
) -> None:
    archive = open_archive(str(RECORDED))
    (run,) = archive.runs(RunQuery(uids=(runs[name][0][1]["uid"],)))
    assert replayed(None, run.documents()) == [numbers(result) for result in live[name]]
    archive.close()


@pytest.mark.parametrize("name", NAMES)
def test_replayed_from_tiled_as_live(
    name: str, runs: dict[str, list[Document]], live: dict[str, list[Any]], server: EmbeddedTiled
) -> None:
    archive = open_archive(server.uri, api_key=server.api_key)
    (run,) = archive.runs(RunQuery(uids=(runs[name][0][1]["uid"],)))
    said, expected = replayed(None, run.documents()), [numbers(r) for r in live[name]]
    archive.close()
    assert final_only(said) == final_only(expected)
    if name != "dump":  # Tiled's exporter leaves out what was measured again
        assert said == expected


def test_they_are_predicted_right(
    runs: dict[str, list[Document]], live: dict[str, list[Any]]
) -> None:
    for name, results in live.items():
        assert sum(result.final for result in results) == 1, name
        prediction = results[-1].prediction
        truth = runs[name][0][1].get("truth")
        if truth and true_class(truth):  # the foil has none, a mixture no class
            assert prediction.label == true_class(truth), name


def test_the_series_is_found_in_tiled(server: EmbeddedTiled) -> None:
    scans = read_series(server.uri, api_key=server.api_key)
    assert [scan.temperature for scan in scans] == [700.0, 800.0, 900.0]
    assert [scan.truth.get("T4", 0.0) for scan in scans] == [0.0, 0.5, 1.0]
    assert scans[1].minutes == 60.0, "as recorded, an hour apart"
    assert fraction_score(scans).coverage == 0.0, "nothing has been predicted there"
    with pytest.raises(SeriesError, match="no runs of the series 'none'"):
        read_series(server.uri, "none", api_key=server.api_key)
    with pytest.raises(SeriesError, match="has no container elsewhere"):
        read_series(server.uri, raw="elsewhere", api_key=server.api_key)
    with pytest.raises(SeriesError, match="key"):
        read_series(server.uri, api_key="wrong")

"""Analysis runs in a real Tiled server: seen live, read back, searched."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from publish_parts import MODEL, RAW_UID, a_result, a_run

from live_lce import contract
from live_lce.contract import Reason, Status
from live_lce.engine import RunClosed
from live_lce.publish import TiledPublisher
from live_lce.publish._spool import read_spooled, waiting
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

# tiled 0.2.20 opens its websocket without `with`, which websockets 17.1 deprecates

SETTINGS = AnalysisSettings()
UID = contract.analysis_uid(RAW_UID, "primary", "Fe", MODEL.sha256, SETTINGS.digest)
DONE = RunClosed(RAW_UID, "success")


@pytest.fixture
def publisher(server: EmbeddedTiled, tmp_path: Path) -> TiledPublisher:
    return make(server, tmp_path)


_MADE: list[TiledPublisher] = []


def make(server: EmbeddedTiled, spool: Path, **options: Any) -> TiledPublisher:
    """Return a publisher that is closed after the test, whatever becomes of it."""
    options = {"settings": SETTINGS, "spool": spool, "source": "test"} | options
    publisher = TiledPublisher(server.uri, api_key=server.api_key, **options)
    _MADE.append(publisher)
    return publisher


@pytest.fixture(autouse=True)
def closed_at_the_end() -> Iterator[None]:
    yield
    while _MADE:
        _MADE.pop().close()


def test_values_read_back_as_they_were(
    publisher: TiledPublisher, runs: Any, tmp_path: Path
) -> None:
    publisher.result(
        a_result(final=False, status=Status.PARTIAL, reasons=(Reason.SCAN_RUNNING,)), 0.1
    )
    publisher.result(a_result(), 0.2)
    publisher.result(a_result(1, status=Status.REJECTED, reasons=(Reason.DEAD_CHANNEL,)), 0.3)
    publisher.closed(DONE)
    run = runs[UID]
    data = run["predictions"].read()
    kinds = {"integer": "i", "number": "f", "string": "UOT"}
    columns = contract.prediction_columns(("T4", "S5", "O6"))
    for column in columns:
        assert data[column.name].dtype.kind in kinds[column.dtype], column.name
    assert data["spectrum_index"].values.tolist() == [0, 0, 1]
    assert data["final"].values.tolist() == [0, 1, 1]
    assert data["answered"].values.tolist() == [1, 1, 0]
    assert data["status"].values.tolist() == ["partial", "ok", "rejected"]
    assert data["reason"].values.tolist() == ["scan_running", "", "dead_channel"]
    assert data["p_O6"].values[:2].tolist() == [0.875, 0.875]
    assert np.isnan(data["p_O6"].values[2]) and np.isnan(data["e0"].values[2])
    assert data["e0"].values[:2].tolist() == [7119.5, 7119.5]
    assert data["latency"].values.tolist() == [0.1, 0.2, 0.3]
    spectra = run["spectra"].read()
    assert spectra["norm"].shape == spectra["valid"].shape == (1, contract.GRID_SIZE)
    assert spectra["norm"].dtype.kind == "f" and spectra["valid"].dtype.kind == "i"
    assert set(np.unique(spectra["valid"].values)) == {0, 1}
    assert np.isnan(spectra["norm"].values[spectra["valid"].values == 0]).all()
    configuration = run["spectra"].metadata["configuration"]["live_lce"]["data"]["grid"]
    assert configuration == np.linspace(-30, 100, 261).tolist()
    assert publisher.counters["events_published"] == 4
    assert publisher.counters["runs_published"] == 1 and publisher.counters["errors"] == 0
    assert waiting(tmp_path) == []


def test_first_rows_without_an_answer_do_not_turn_numbers_into_strings(
    publisher: TiledPublisher, runs: Any
) -> None:
    publisher.result(a_result(final=False, status=Status.ABSTAIN), 0.0)
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    data = runs[UID]["predictions"].read()
    assert data["p_T4"].dtype.kind == data["nnorm"].dtype.kind == "f"
    assert np.isnan(data["p_T4"].values[0]) and data["nnorm"].values[1] == 1


def test_a_subscriber_sees_the_predictions_while_the_run_is_open(
    publisher: TiledPublisher, runs: Any
) -> None:
    from bluesky_tiled_plugins import subscribe_to_streams

    seen: list[tuple[str, str, list[Any]]] = []
    arrived = threading.Condition()

    def on_update(update: Any) -> None:
        data = update.data()
        values = data["label"].tolist() if update.stream_name == "predictions" else [data]
        with arrived:
            seen.append((update.run_uid, update.stream_name, values))
            arrived.notify_all()

    def labels() -> list[str]:
        return [
            label for _, stream, values in list(seen) if stream == "predictions" for label in values
        ]

    def wait_for(label: str, number: int = 1, timeout: float = 20) -> bool:
        with arrived:
            return arrived.wait_for(lambda: labels().count(label) >= number, timeout)

    streams = {"predictions": None, "spectra": ["norm"]}
    with subscribe_to_streams(
        runs, on_update, streams=streams, required_specs=contract.SPEC_NAME, start=None
    ):
        for _ in range(10):  # rows from before Tiled has subscribed to the table are not sent
            publisher.result(a_result(final=False, label="T4", status=Status.PARTIAL), 0.0)
            if wait_for("T4", timeout=2):
                break
        publisher.result(a_result(final=False, status=Status.PARTIAL), 0.0)
        assert wait_for("O6"), seen
        assert "stop" not in runs[UID].metadata  # still open
        publisher.result(a_result(), 0.0)
        assert wait_for("O6", 2), seen
        for index in range(1, 10):  # the same for arrays
            with arrived:
                if arrived.wait_for(lambda: any(s == "spectra" for _, s, _ in seen), 2):
                    break
            publisher.result(a_result(index), 0.0)
        publisher.closed(DONE)
    assert labels()[0] == "T4" and labels()[-2:] == ["O6", "O6"]
    assert {u for u, _, _ in seen} == {UID}
    assert any(s == "spectra" for _, s, _ in seen)


def test_runs_are_found_by_label_raw_run_and_spec(publisher: TiledPublisher, runs: Any) -> None:
    from tiled.queries import Eq, Key, SpecsQuery

    publisher.result(a_result(), 0.0)
    publisher.result(a_result(run=a_run(uid="another"), label="T4"), 0.0)
    publisher.closed(DONE)
    publisher.closed(RunClosed("another", "abort"))
    assert list(runs.search(Key("stop.live_lce.label") == "O6")) == [UID]
    assert len(runs.search(Key("stop.live_lce.label") == "T4")) == 1
    assert list(runs.search(Eq("start.original_run_uid", RAW_UID))) == [UID]
    assert len(runs.search(SpecsQuery(include=[contract.SPEC_NAME]))) == 2


def test_the_exporter_gives_the_documents_back(publisher: TiledPublisher, runs: Any) -> None:
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    documents = list(runs[UID].documents(fill=False))
    assert documents[0][0] == "start" and documents[-1][0] == "stop"
    rows = [d for n, d in documents if n in ("event", "event_page") and "label" in d["data"]]
    assert len(rows) == 1


def test_each_absorber_and_model_has_its_run_and_all_end_together(
    publisher: TiledPublisher, runs: Any
) -> None:
    publisher.result(a_result(), 0.0)
    publisher.result(a_result(absorber="Mn"), 0.0)
    publisher.result(a_result(model=False, status=Status.REJECTED), 0.0)
    publisher.result(a_result(run=a_run(uid="another")), 0.0)
    publisher.closed(DONE)
    ended = {k: "stop" in runs[k].metadata for k in runs}
    assert sorted(ended.values()) == [False, True, True, True]
    publisher.close()
    stops = [runs[k].metadata["stop"] for k in runs]
    assert sorted(s["exit_status"] for s in stops) == ["abort", "success", "success", "success"]


def test_the_same_again_is_skipped(
    server: EmbeddedTiled, publisher: TiledPublisher, runs: Any, tmp_path: Path
) -> None:
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    written = runs[UID].metadata["start"]["time"]
    again = make(server, tmp_path)
    again.result(a_result(), 0.0)
    again.result(a_result(1), 0.0)
    again.closed(DONE)
    assert again.counters["runs_skipped"] == 1 and again.counters["runs_published"] == 0
    assert runs[UID].metadata["start"]["time"] == written
    assert len(runs[UID]["predictions"].read()["label"]) == 1
    assert waiting(tmp_path) == []


@pytest.mark.parametrize("aborted", [False, True])
def test_a_half_written_or_aborted_run_is_replaced(
    server: EmbeddedTiled, runs: Any, tmp_path: Path, aborted: bool
) -> None:
    first = make(server, tmp_path / "killed")
    first.result(a_result(final=False, label="T4"), 0.0)
    first.result(a_result(final=False, label="T4"), 0.0)
    if aborted:
        first.close()
        assert runs[UID].metadata["stop"]["exit_status"] == "abort"
    again = make(server, tmp_path / "again")
    again.result(a_result(), 0.0)
    again.closed(DONE)
    assert again.counters["runs_rewritten"] == again.counters["runs_published"] == 1
    assert runs[UID]["predictions"].read()["label"].values.tolist() == ["O6"]
    if not aborted:
        # the one who was taken for dead notices, and does not end the other's run
        first.closed(DONE)
        assert first.counters["errors"] == 1
        # sent again from disk, it meets the other's complete run and gives way
        assert first.counters["runs_resent"] == 1
        assert waiting(tmp_path / "killed") == []
        assert runs[UID]["predictions"].read()["label"].values.tolist() == ["O6"]
        assert runs[UID].metadata["stop"]["num_events"] == {"predictions": 1, "spectra": 1}


def test_of_two_writers_of_one_run_the_second_gives_way(
    server: EmbeddedTiled, runs: Any, tmp_path: Path
) -> None:
    first, second = make(server, tmp_path), make(server, tmp_path)
    first.result(a_result(), 0.0)
    second.result(a_result(), 0.0)
    assert sorted(read_spooled(path).start["uid"] for path in waiting(tmp_path)) == [UID, UID]
    first.closed(DONE)
    second.closed(DONE)
    assert first.counters["runs_published"] == second.counters["runs_resent"] == 1
    assert waiting(tmp_path) == []
    assert len(runs[UID]["predictions"].read()["label"].values) == 1


def test_tags_that_tiled_ignores_keep_the_run_on_disk(
    publisher: TiledPublisher, runs: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # this server has no access policy: it takes tags and drops them without a word
    publisher.result(a_result(run=a_run(tiled_access_tags=["proposal-1"])), 0.0)
    publisher.closed(DONE)
    assert list(runs) == []
    assert publisher.counters["runs_spooled"] == 1
    assert len(waiting(tmp_path)) == 1
    assert "proposal-1" in caplog.text and "live-lce republish" in caplog.text


def test_a_container_can_be_given(runs: Any, tmp_path: Path) -> None:
    publisher = TiledPublisher(runs, settings=SETTINGS, spool=tmp_path, source="test")
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    publisher.close()
    assert "stop" in runs[UID].metadata


def test_a_missing_container_is_made(server: EmbeddedTiled, runs: Any, tmp_path: Path) -> None:
    publisher = make(server, tmp_path, path=f"mine{time.time_ns()}/deep")
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    publisher.close()
    assert publisher.counters["runs_published"] == 1, publisher.counters


def test_what_failed_is_sent_again_when_tiled_is_back(
    server: EmbeddedTiled, tmp_path: Path
) -> None:
    key = server.api_key  # servers of one process share it
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri, folder, spool = f"http://127.0.0.1:{port}", tmp_path / "tiled", tmp_path / "spool"
    publisher = TiledPublisher(
        uri, settings=SETTINGS, spool=spool, source="test", api_key=key, backoff=0.1
    )
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    assert publisher.counters["runs_spooled"] == len(waiting(spool)) == 1
    with EmbeddedTiled(folder, port=port, api_key=key) as back:
        time.sleep(0.2)
        other = a_run("0" * 8 + RAW_UID[8:])
        publisher.result(a_result(run=other), 0.0)
        publisher.closed(RunClosed(other.uid, "success"))
        assert publisher.counters["runs_published"] == publisher.counters["runs_resent"] == 1
        assert publisher.counters["runs_spooled"] == len(waiting(spool)) == 0
        client = back.client()
        assert len(client["processed"]) == 2
        client.context.close()
        publisher.close()

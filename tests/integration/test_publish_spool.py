"""Tiled away, killed or refusing: nothing is lost, nothing is written twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from publish_parts import MODEL, RAW_UID, a_result, a_run

from live_lce import contract
from live_lce.engine import RunClosed
from live_lce.publish import SpoolPublisher, TiledPublisher, republish
from live_lce.publish._spool import SpoolFile, in_use, read_spooled, waiting
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled, analyses_of
from live_lce.tiled._run import find_child

pytestmark = pytest.mark.slow

SETTINGS = AnalysisSettings()
UID = contract.analysis_uid(RAW_UID, "primary", "Fe", MODEL.sha256, SETTINGS.digest)
DONE = RunClosed(RAW_UID, "success")


def spooled(folder: Path, *results: Any, stop: bool = True) -> Path:
    publisher = SpoolPublisher(folder, settings=SETTINGS, source="test")
    for result in results or (a_result(),):
        publisher.result(result, 0.0)
    assert all(in_use(path) for path in waiting(folder)[:1])
    if stop:
        for uid in {r.run.uid for r in results} or {RAW_UID}:
            publisher.closed(RunClosed(uid, "success"))
    publisher.close()
    return folder / f"{UID}.jsonl"


def test_disk_only_keeps_the_run_and_republish_sends_it_once(tmp_path: Path, runs: Any) -> None:
    path = spooled(tmp_path, a_result(0), a_result(1))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["name"] == "start" and lines[-1]["name"] == "stop"
    report = republish(tmp_path, runs)
    assert (report.published, report.skipped, report.failed) == (1, 0, {})
    assert runs[UID]["predictions"].read()["spectrum_index"].values.tolist() == [0, 1]
    assert waiting(tmp_path) == []
    spooled(tmp_path, a_result(0), a_result(1))
    assert republish(tmp_path, runs).skipped == 1
    assert waiting(tmp_path) == []


def test_runs_are_sent_in_order_of_their_start(tmp_path: Path, runs: Any) -> None:
    times = iter(range(10**9, 2 * 10**9, 1000))
    order = []
    for raw in ("c", "a", "b"):
        publisher = SpoolPublisher(
            tmp_path, settings=SETTINGS, source="test", now=lambda: float(next(times))
        )
        publisher.result(a_result(run=a_run(uid=raw)), 0.0)
        publisher.closed(RunClosed(raw, "success"))
        order.append(raw)
    assert republish(tmp_path, runs).published == 3
    assert [runs[k].metadata["start"]["original_run_uid"] for k in runs] == order


@pytest.mark.serial
def test_no_server_at_the_start_costs_little_and_loses_nothing(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    publisher = TiledPublisher(
        f"http://127.0.0.1:{port}", settings=SETTINGS, spool=tmp_path, source="test"
    )
    before = time.monotonic()
    for raw in ("a", "b", "c"):
        publisher.result(a_result(run=a_run(uid=raw)), 0.0)
        publisher.closed(RunClosed(raw, "success"))
    publisher.close()
    assert time.monotonic() - before < 3
    assert publisher.counters["runs_spooled"] == 3
    assert all(read_spooled(path).complete for path in waiting(tmp_path))


def test_an_api_key_that_is_refused_keeps_runs_on_disk(
    server: EmbeddedTiled, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = TiledPublisher(
        server.uri, api_key="0000", settings=SETTINGS, spool=tmp_path, source="test"
    )
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    publisher.close()
    assert publisher.counters["runs_spooled"] == 1
    assert "API key" in caplog.text


@pytest.mark.serial
def test_a_server_that_dies_in_mid_run(tmp_path: Path) -> None:
    data, spool = tmp_path / "data", tmp_path / "spool"
    script = (
        "import sys, time\nfrom live_lce.tiled._server import EmbeddedTiled\n"
        "s = EmbeddedTiled(sys.argv[1], api_key='secret')\nprint(s.uri, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        uri = process.stdout.readline().strip()
        publisher = TiledPublisher(
            uri, api_key="secret", settings=SETTINGS, spool=spool, source="test"
        )
        publisher.result(a_result(0, final=False), 0.0)
        assert publisher.counters["events_published"] == 1
        process.kill()
        process.wait()
        before = time.monotonic()
        publisher.result(a_result(0), 0.0)
        publisher.result(a_result(1), 0.0)
        publisher.closed(DONE)
        took = time.monotonic() - before
        publisher.close()
    assert took < 10, took
    assert publisher.counters["runs_spooled"] == 1 and publisher.counters["runs_published"] == 0
    with EmbeddedTiled(data) as back:
        client = back.client()
        container = client["processed"]
        half = find_child(container, UID)
        assert half is not None and "stop" not in half.metadata
        report = republish(spool, container)
        assert report.published == report.rewritten == 1 and report.failed == {}
        assert container[UID]["predictions"].read()["spectrum_index"].values.tolist() == [0, 0, 1]
        assert container[UID].metadata["stop"]["exit_status"] == "success"
        client.context.close()
    assert waiting(spool) == []


def test_a_killed_worker_with_a_torn_last_line(tmp_path: Path, runs: Any) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[2])\n"
        "from publish_parts import a_result\n"
        "from live_lce.publish._publisher import SpoolPublisher\n"
        "from live_lce.settings import AnalysisSettings\n"
        "p = SpoolPublisher(Path(sys.argv[1]), settings=AnalysisSettings(), source='test')\n"
        "p.result(a_result(0), 0.0)\np.result(a_result(1, label='T4'), 0.0)\n"
        "print('ready', flush=True)\nsys.stdin.read()\n"
    )
    command = [
        sys.executable,
        "-c",
        script,
        str(tmp_path),
        str(Path(__file__).parents[1] / "parts"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert republish(tmp_path, runs).in_use == 1 and list(runs) == []
        os.kill(process.pid, signal.SIGKILL)
    (path,) = waiting(tmp_path)
    with path.open("a") as handle:
        handle.write('{"name": "event", "doc": {"uid": "tor')
    report = republish(tmp_path, runs)
    assert (report.published, report.closed, report.failed) == (1, 1, {})
    stop = runs[UID].metadata["stop"]
    assert stop["exit_status"] == "abort"
    assert stop["num_events"] == {"predictions": 2, "spectra": 2}
    assert stop["live_lce"] == {
        "label": "T4", "confidence": 0.875, "status": "ok", "absorber": "Fe", "n_final": 2,
        "reason": "", "probabilities": {"T4": 0.875, "S5": 0.0625, "O6": 0.0625}, "spread": {},
        "label_set": ["T4"],
    }  # fmt: skip
    # a replay of the whole raw run takes its place
    spooled(tmp_path, a_result(0), a_result(1), a_result(2))
    assert republish(tmp_path, runs).rewritten == 1
    assert runs[UID].metadata["stop"]["live_lce"]["n_final"] == 3


def test_a_new_attempt_after_a_torn_line_is_read_whole(tmp_path: Path) -> None:
    path = spooled(tmp_path, a_result(0), a_result(1), stop=False)
    text = path.read_text().splitlines()
    path.write_text("\n".join(text[:-2]) + "\n" + text[-2][:40])
    assert not read_spooled(path).complete
    spooled(tmp_path, a_result(0))
    run = read_spooled(path)
    assert run.complete and sum(name == "event" for name, _ in run.documents) == 2


def test_what_is_not_ours_is_left_alone(tmp_path: Path, runs: Any) -> None:
    raw = {"name": "start", "doc": {"uid": RAW_UID, "time": 1.0, "plan_name": "scan"}}
    (tmp_path / "raw.jsonl").write_text(json.dumps(raw) + "\n")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "noise.jsonl").write_bytes(b"\xff\x00[]\n3\n")
    report = republish(tmp_path, runs)
    assert set(report.failed) == {"raw.jsonl", "empty.jsonl", "noise.jsonl"}
    assert report.published == 0 and list(runs) == [] and len(waiting(tmp_path)) == 3


@pytest.mark.parametrize(
    "line",
    [
        '{"name": "start", "doc": ' + '{"a": ' * 100_000 + "1" + "}" * 100_000 + "}",
        json.dumps({"name": "start", "doc": {"uid": "x", "purpose": "live_lce", "time": "now"}}),
        json.dumps({"name": "start", "doc": {"uid": "x", "purpose": "live_lce", "time": None}}),
        '{"name": "start", "doc": {"uid": "x", "purpose": "live_lce", "time": NaN}}',
        json.dumps({"name": "start", "doc": {"purpose": "live_lce", "time": 1.0}}),
        json.dumps({"name": "start", "doc": {"purpose": "live_lce"}}),
    ],
    ids=["nested", "text", "null", "nan", "no uid", "nothing"],
)
def test_one_odd_file_keeps_no_other_back(tmp_path: Path, runs: Any, line: str) -> None:
    spooled(tmp_path)
    (tmp_path / "odd.jsonl").write_text(line + "\n")
    report = republish(tmp_path, runs)
    assert (report.published, set(report.failed)) == (1, {"odd.jsonl"})
    assert report.failed["odd.jsonl"].endswith(".")
    assert [path.name for path in waiting(tmp_path)] == ["odd.jsonl"]


def test_text_that_is_no_utf8_goes_to_tiled(tmp_path: Path, runs: Any) -> None:
    """From names of files that are no UTF-8: in the uid, the stream and the sample."""
    odd = "scan\udcff"
    run = replace(a_run(sample={"name": odd, odd: [odd]}), uid=odd, stream=odd, sample=odd)
    publisher = SpoolPublisher(tmp_path, settings=SETTINGS, source="test")
    publisher.result(replace(a_result(), run=run), 0.0)
    publisher.closed(RunClosed(odd, "success"))
    publisher.close()
    assert republish(tmp_path, runs).published == 1
    (found,) = analyses_of(runs, [odd])[odd]
    start = find_child(runs, found.uid).metadata["start"]
    said = r"scan\udcff"
    assert (start["original_run_uid"], start["raw_stream"]) == (said, said)
    assert start["sample"] == {"name": said, said: [said]}


def test_a_spool_that_cannot_be_written_does_not_stop_publishing(
    server: EmbeddedTiled, runs: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    publisher = TiledPublisher(
        server.uri, api_key=server.api_key, settings=SETTINGS, spool=blocked, source="test"
    )
    publisher.result(a_result(), 0.0)
    publisher.closed(DONE)
    publisher.close()
    assert publisher.counters["runs_published"] == publisher.counters["errors"] == 1
    assert "publish.spool" in caplog.text
    assert "stop" in runs[UID].metadata


def test_files_are_locked_while_written(tmp_path: Path) -> None:
    first, second = SpoolFile(tmp_path, "u"), SpoolFile(tmp_path, "u")
    assert not first.shared and second.shared and first.path != second.path
    assert in_use(first.path)
    first.close()
    second.remove()
    assert not in_use(first.path) and not second.path.exists()

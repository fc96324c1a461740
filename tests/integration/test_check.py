"""`live-lce check` and `live-lce republish` against real servers."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from publish_parts import a_result
from typer.testing import CliRunner

from live_lce.classifiers._registry import default_folder
from live_lce.cli._output import UsageError
from live_lce.cli.check import check
from live_lce.cli.republish import republish
from live_lce.engine import RunClosed
from live_lce.publish import SpoolPublisher
from live_lce.publish._spool import waiting
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled, tiled_checks
from live_lce.tiled._checks import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: EmbeddedTiled) -> Any:
    """Run a command on a configuration that names the server and a spool."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIVE_LCE_CONFIG", raising=False)
    app = typer.Typer()
    app.command()(check)
    app.command()(republish)

    def invoke(*arguments: str, **values: str) -> Any:
        settings = {
            "LIVE_LCE_TILED__URI": server.uri,
            "LIVE_LCE_TILED__API_KEY": server.api_key,
            "LIVE_LCE_PUBLISH__SPOOL": str(tmp_path / "spool"),
            "LIVE_LCE_PUBLISH__DEAD_LETTER": str(tmp_path / "dead-letter"),
            "COLUMNS": "200",
        }
        return CliRunner().invoke(app, list(arguments), env=settings | values)

    return invoke


def states(result: Any) -> dict[str, str]:
    return {item["name"]: item["state"] for item in json.loads(result.stdout)}


def test_everything_in_place(run: Any, server: EmbeddedTiled) -> None:
    result = run("check", "--json")
    found = states(result)
    for name in ("larch", "onnxruntime", "spool", "spooled runs", "Tiled", "write", "delete"):
        assert found[name] == "ok", result.stdout
    assert found["exporter"] == found["streaming"] == "ok", result.stdout
    client = server.client()
    assert list(client["processed"]) == []  # nothing is left behind
    client.context.close()


def test_a_server_that_is_away_fails_with_what_to_do(run: Any) -> None:
    result = run("check", "--wait", "0", LIVE_LCE_TILED__URI="http://127.0.0.1:9")
    assert result.exit_code == 1
    words = re.compile(r"\b(ok|warn|fail)\b")
    lines = [line for line in result.stdout.splitlines() if words.search(line)]
    assert "Tiled" in lines[0] and "fail" in lines[0], "failures come first"
    assert "check the server and `tiled.uri`" in " ".join(result.stdout.split())


def test_a_server_that_starts_is_waited_for() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started: list[ThreadingHTTPServer] = []

    def start() -> None:
        server = ThreadingHTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)

    wait_for(f"http://127.0.0.1:{port}?api_key=x", 60.0, start)
    (server,) = started
    wait_for(f"http://127.0.0.1:{port}", 0.0, lambda: pytest.fail("it is there"))
    server.shutdown()
    server.server_close()


def test_a_refused_key_fails(run: Any) -> None:
    result = run("check", "--json", LIVE_LCE_TILED__API_KEY="0000")
    assert result.exit_code == 1 and states(result)["Tiled"] == "fail"
    assert "tiled.api_key" in result.stdout


def test_no_server_is_a_warning(run: Any) -> None:
    assert states(run("check", "--json", LIVE_LCE_TILED__URI=""))["Tiled"] == "warn"


def test_a_damaged_model_fails(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    shipped = sorted(default_folder().glob("*.onnx"))
    if not shipped:
        pytest.skip("no models are there yet")
    folder.mkdir()
    for path in (shipped[0], shipped[0].with_suffix(".json")):
        shutil.copy(path, folder)
    assert states(run("check", "--json", LIVE_LCE_MODELS=str(folder)))["models"] == "ok"
    (folder / shipped[0].name).write_bytes(shipped[0].read_bytes()[:-100])
    result = run("check", "--json", LIVE_LCE_MODELS=str(folder))
    assert result.exit_code == 1
    (failed,) = [item for item in json.loads(result.stdout) if item["state"] == "fail"]
    assert failed["name"] == "models" and shipped[0].name in failed["detail"]


def test_a_server_without_exporter_warns(server: EmbeddedTiled) -> None:
    from tiled.media_type_registration import default_serialization_registry

    formats = default_serialization_registry._lookup["BlueskyRun"]
    exporter = formats.pop("application/json-seq")
    try:
        found = {c.name: c for c in tiled_checks(server.uri, server.api_key, "processed")}
    finally:
        formats["application/json-seq"] = exporter
    assert found["exporter"].state == "warn" and "media_types" in found["exporter"].detail


def test_spooled_runs_are_counted_and_sent(run: Any, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    publisher = SpoolPublisher(spool, settings=AnalysisSettings(), source="test")
    publisher.result(a_result(), 0.0)
    publisher.closed(RunClosed(a_result().run.uid, "success"))
    assert states(run("check", "--json"))["spooled runs"] == "warn"
    (spool / "strange.jsonl").write_text("?")
    away = run("republish", LIVE_LCE_TILED__URI="http://127.0.0.1:9")
    assert away.exit_code == 1 and "Tiled does not answer" in away.output
    assert len(waiting(spool)) == 2
    result = run("republish", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1 and list(report["failed"]) == ["strange.jsonl"]
    assert report["published"] == 1 and len(waiting(spool)) == 1
    assert isinstance(run("republish", str(tmp_path / "none")).exception, UsageError)
    (spool / "strange.jsonl").unlink()
    assert "0 sent" in run("republish", str(spool)).stdout

"""Servers that may be read and not written: every run stays on disk."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from publish_parts import RAW_UID, a_result
from test_publish_access import configuration, define_tags

from live_lce.engine import RunClosed
from live_lce.publish import TiledPublisher
from live_lce.publish._spool import read_spooled, waiting
from live_lce.settings import AnalysisSettings

pytest.importorskip("uvicorn", reason="needs the extra `server`")

SERVERS = {
    # whom --public lets in without a key may only read
    "401": (["catalog", "--temp", "--public", "--api-key", "secret"], None),
    # a catalog without storage for data: runs can begin there, and get no table
    "405": (["catalog", "--init", "catalog.db", "--read", "data", "--api-key", "secret"], "secret"),
}


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """Run `tiled serve` in a process of its own; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tiled", "serve", *arguments, "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + 60
            while not answers(uri):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.2)
            yield uri
        finally:
            process.terminate()
            process.wait(20)


def answers(uri: str) -> bool:
    try:
        return httpx.get(f"{uri}/healthz", timeout=2.0).status_code == 200
    except httpx.TransportError:
        return False


def answered(folder: Path, status: str) -> bool:
    """Tell from the server's log whether it refused a request so."""
    log = re.sub(r"\x1b\[\d+m", "", (folder / "log").read_text())
    return re.search(rf'"(POST|PUT|PATCH) [^"]*" {status} ', log) is not None


@contextmanager
def alices_key(folder: Path, *scopes: str) -> Iterator[tuple[str, str]]:
    """Serve with access control; give the address, and a key of alice's with these scopes."""
    from tiled.client import from_context
    from tiled.client.context import Context, password_grant
    from tiled.structures.core import Spec

    (folder / "data").mkdir()
    (folder / "config.yml").write_text(json.dumps(configuration(folder)))  # JSON is YAML
    with serving(folder, "config", "config.yml") as uri:
        asyncio.run(define_tags(folder))
        context, _ = Context.from_any_uri(uri)
        (provider,) = context.server_info.authentication.providers
        auth = provider.links["auth_endpoint"]
        context.configure_auth(password_grant(context.http_client, auth, "toy", "alice", "secret"))
        spec = Spec("CatalogOfBlueskyRuns", version="3.0")
        from_context(context).create_container("processed", specs=[spec], access_tags=["top"])
        key = context.create_api_key(scopes=list(scopes))["secret"]
        context.close()
        yield uri, key


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Return a server with access control, and a key with which alice may only read."""
    with alices_key(tmp_path, "read:metadata", "read:data") as served:
        yield served


def publish(uri: str, key: str | None, spool: Path) -> TiledPublisher:
    publisher = TiledPublisher(
        uri, api_key=key, settings=AnalysisSettings(), spool=spool, source="test"
    )
    publisher.result(a_result(0, final=False), 0.0)
    publisher.result(a_result(0), 0.0)
    publisher.closed(RunClosed(RAW_UID, "success"))
    publisher.close()
    return publisher


def assert_kept(folder: Path, publisher: TiledPublisher, caplog: pytest.LogCaptureFixture) -> str:
    """Check that the whole run is on disk and that one sentence says so; return it."""
    (path,) = waiting(folder / "spool")
    assert read_spooled(path).complete
    assert publisher.counters["runs_spooled"] == publisher.counters["errors"] == 1
    assert publisher.counters["runs_published"] == publisher.counters["events_published"] == 0
    (sentence,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "live-lce republish" in sentence
    return sentence


@pytest.mark.parametrize("status", SERVERS)
def test_a_server_that_refuses_writes(
    tmp_path: Path, status: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    (tmp_path / "data").mkdir()
    arguments, key = SERVERS[status]
    with serving(tmp_path, *arguments) as uri:
        publisher = publish(uri, key, tmp_path / "spool")
    assert answered(tmp_path, status)
    sentence = assert_kept(tmp_path, publisher, caplog)
    assert {"401": "scopes to write", "405": "405"}[status] in sentence


# event_model's RunRouter warns of what a callback raises on a start document, and raises it too
@pytest.mark.filterwarnings("ignore:The callback <bluesky_tiled_plugins:UserWarning")
def test_a_key_that_may_only_read(
    reader: tuple[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publish(*reader, tmp_path / "spool")
    assert answered(tmp_path, "401")  # Tiled 0.2.20; others say 403
    assert "API key" in assert_kept(tmp_path, publisher, caplog)

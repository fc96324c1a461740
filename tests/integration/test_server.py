"""The embedded Tiled server: set up right, and clear about what is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run

from live_lce.tiled import EmbeddedTiled, ServerError

pytestmark = pytest.mark.slow


def test_it_is_writable_exports_and_keeps_its_data(tmp_path: Path) -> None:
    with EmbeddedTiled(tmp_path / "kept") as server:
        client = server.client()
        assert list(client) == ["raw", "processed"]
        for name in ("raw", "processed"):
            (spec,) = client[name].specs
            assert (spec.name, spec.version) == ("CatalogOfBlueskyRuns", "3.0")
        assert "application/json-seq" in client.context.server_info.formats["BlueskyRun"]
        client["raw"].create_container("kept-node")
        client.context.close()
        assert httpx.get(server.uri + "/api/v1/metadata/").status_code == 401
    with EmbeddedTiled(tmp_path / "kept") as server:
        client = server.client()
        assert list(client) == ["raw", "processed"] and list(client["raw"]) == ["kept-node"]
        client.context.close()


def test_a_temporary_folder_is_removed() -> None:
    with EmbeddedTiled() as server:
        folder = server.directory
        assert (folder / "catalog.db").is_file()
    server.close()
    assert not folder.exists()


def test_problems_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ServerError, match="Give another directory"):
        EmbeddedTiled(file / "below")
    with pytest.raises(ServerError, match="letters and digits"):
        EmbeddedTiled(api_key="not allowed!")
    with EmbeddedTiled() as server:
        with pytest.raises(ServerError, match="choose another one, or 0"):
            EmbeddedTiled(port=int(server.uri.rsplit(":", 1)[1]))
        with pytest.raises(ServerError, match="give the same one"):
            EmbeddedTiled(api_key="another")


def test_two_servers_in_one_process_keep_apart() -> None:
    with EmbeddedTiled(containers=("one",)) as one, EmbeddedTiled(containers=("two",)) as two:
        for server, expected in ((one, "one"), (two, "two"), (one, "one")):
            client = server.client()
            assert list(client) == [expected]
            client.context.close()


def test_serve_says_how_to_connect_and_ends_cleanly(tmp_path: Path) -> None:
    code = "import typer; from live_lce.cli.serve import serve; typer.run(serve)"
    command = [sys.executable, "-c", code, "--directory", str(tmp_path / "data"), "--port", "0"]
    environment = os.environ | {"LIVE_LCE_TILED__API_KEY": "secret", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        lines = [process.stdout.readline()]
        assert "Starting a Tiled server" in lines[0]
        while lines[-1] and "http://" not in lines[-1]:
            lines.append(process.stdout.readline())
        found = re.search(r"http://\S+", lines[-1])
        if found is None:
            process.kill()
        assert found is not None, lines
        answer = httpx.get(found[0] + "/api/v1/search/?api_key=secret")
        assert {item["id"] for item in answer.json()["data"]} == {"raw", "processed"}
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Stopping." in rest and "Traceback" not in errors


def _write_runs(container: object, n_runs: int, failures: list[BaseException]) -> None:
    try:
        for _ in range(n_runs):
            writer = TiledWriter(container, batch_size=1)
            run = compose_run()
            writer("start", run.start_doc)
            key = {"source": "test", "dtype": "number", "shape": []}
            stream = run.compose_descriptor(name="primary", data_keys={"x": key})
            writer("descriptor", stream.descriptor_doc)
            for i in range(5):
                writer("event", stream.compose_event(data={"x": float(i)}, timestamps={"x": 0.0}))
            writer("stop", run.compose_stop())
    except Exception as error:
        failures.append(error)


def test_several_clients_write_at_once() -> None:
    # with one shared DuckDB connection this loses transactions, or kills the process
    failures: list[BaseException] = []
    with EmbeddedTiled() as server:
        clients = [server.client() for _ in range(3)]
        containers = [c[name] for c, name in zip(clients, ("raw", "processed", "raw"), strict=True)]
        threads = [
            threading.Thread(target=_write_runs, args=(container, 3, failures))
            for container in containers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        runs = [*clients[0]["raw"].values(), *clients[0]["processed"].values()]
        assert [len(run["primary"].read()["x"]) for run in runs] == [5] * 9
        for client in clients:
            client.context.close()

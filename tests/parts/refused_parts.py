"""Tiled servers that refuse what is sent to them."""

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
from access_parts import configuration, define_tags

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


def answers(uri: str) -> bool:
    try:
        return httpx.get(f"{uri}/healthz", timeout=2.0).status_code == 200
    except httpx.TransportError:
        return False


def answered(folder: Path, status: str) -> bool:
    """Tell from the server's log whether it refused a request so."""
    log = re.sub(r"\x1b\[\d+m", "", (folder / "log").read_text())
    return re.search(rf'"(POST|PUT|PATCH) [^"]*" {status} ', log) is not None

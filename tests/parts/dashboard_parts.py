"""A dashboard, a real browser that looks at it, and scans that grow as the test wants."""

from __future__ import annotations

import copy
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from bluesky_tiled_plugins import TiledWriter
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tiled.client import from_uri

from live_lce.archives import read_documents
from live_lce.classifiers import Registry
from live_lce.dashboard import Dashboard, DashboardSource
from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings, Pacing

KEY = "thesecretkeyofthetiledserver"
RECORDED = Path(__file__).parents[1] / "data" / "beamline.jsonl.gz"
Document = tuple[str, dict[str, Any]]
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; of the module, since Playwright keeps this thread's event loop."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Seen:
    """What a browser noticed beside what it shows."""

    errors: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)


def until(page: Page, expression: str, timeout: float = 30.0) -> None:
    """Wait until an expression is true in a page, whose policy allows it no `eval`."""
    end = time.monotonic() + timeout
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(100)


@contextmanager
def looking(browser: Browser, uri: str, **options: Any) -> Iterator[tuple[Page, Seen]]:
    """Open a page, and collect its errors and all that reaches it."""
    context = browser.new_context(**({"viewport": {"width": 1400, "height": 900}} | options))
    page, seen = context.new_page(), Seen()
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on(
        "websocket", lambda ws: ws.on("framereceived", lambda f: seen.received.append(_bytes(f)))
    )
    page.goto(uri)
    page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
    try:
        yield page, seen
    finally:
        context.close()


@contextmanager
def serving(uri: str, key: str, *, streaming: bool = True, **options: Any) -> Iterator[Dashboard]:
    """Serve the results of a Tiled server."""
    dashboard = Dashboard(DashboardSource(uri, key, streaming=streaming), Registry(), **options)
    try:
        yield dashboard
    finally:
        dashboard.close()


class Beam:
    """Scans of the recorded beamline, analysed live and published, raw runs too.

    Parameters
    ----------
    uri, key : str
        Of the Tiled server.
    spool : Path
        Of the publisher.
    """

    def __init__(self, uri: str, key: str, spool: Path) -> None:
        settings = AnalysisSettings(pacing=Pacing(interval=10.0))
        publisher = TiledPublisher(uri, settings=settings, spool=spool, source="RE", api_key=key)
        self._live = LiveLCE(settings, publisher=publisher)
        self._client = from_uri(uri, api_key=key)
        self._raw: TiledWriter | None = None

    def send(self, documents: Iterable[Document], *, raw: bool = False) -> None:
        """Send documents of a scan, and wait until what comes of them is published.

        One by one: the points of predictions that come late would be left out.
        """
        for name, document in documents:
            if raw:
                if name == "start":
                    self._raw = TiledWriter(self._client["raw"])
                assert self._raw is not None
                self._raw(name, document)
            self._live(name, document)
            self._live.flush(60)

    def close(self) -> None:
        """End it."""
        self._live.close(30)
        self._client.context.close()


HEMATITE, FERRITE, ABORTED, FURNACE, FOIL = 0, 1, 4, 5, 8
"""Recorded scans, by their place in the file: O6; T4; T4, aborted; one of three; a metal."""


def a_scan(number: int = HEMATITE, **start: Any) -> list[Document]:
    """Return the documents of a recorded scan as if it were measured now; `start` is changed."""
    documents: list[Document] = []
    place = -1
    for name, document in read_documents(RECORDED):
        place += name == "start"
        if place == number:
            documents.append((name, copy.deepcopy(document)))
    text = json.dumps(documents)
    for uid in {document["uid"] for _, document in documents}:
        text = text.replace(uid, str(uuid.uuid4()))
    moved = [(name, document) for name, document in json.loads(text)]
    later = time.time() - moved[0][1]["time"]
    for _, document in moved:
        document["time"] += later
    moved[0][1].update(start)
    return moved


def cut(documents: list[Document], share: float) -> tuple[list[Document], list[Document]]:
    """Return a scan in two parts."""
    at = round(share * len(documents))
    return documents[:at], documents[at:]


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A command of live-lce that serves, in a process to be killed and started again.

    Parameters
    ----------
    command : str
        Its arguments but port and key; the key goes by the environment.
    """

    def __init__(self, *command: str) -> None:
        self._port = free_port()
        self._command = (sys.executable, "-m", "live_lce", *command, "--port", str(self._port))
        self.uri = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"LIVE_LCE_TILED__API_KEY": KEY},
        )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert self._process.poll() is None, "it ended"
            time.sleep(0.1)
        raise AssertionError("it did not start")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _bytes(frame: Any) -> bytes:
    return frame if isinstance(frame, bytes) else str(frame).encode()

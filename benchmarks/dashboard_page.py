"""What the benchmarks of the dashboard share: its process, a browser, and what both cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

READY_WITHIN = 60_000
"""Milliseconds until the page must be there."""


class DashboardProcess:
    """The command ``live-lce dashboard`` in a process of its own.

    Parameters
    ----------
    uri, key : str
        Of the Tiled server.
    poll : bool
        Whether it asks every second instead of subscribing.
    """

    def __init__(self, uri: str, key: str, *, poll: bool = False) -> None:
        command = [sys.executable, "-m", "live_lce", "dashboard", "--tiled", uri, "--port", "0"]
        self._process = subprocess.Popen(
            [*command, "--poll"] if poll else command,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"LIVE_LCE_TILED__API_KEY": key, "OMP_NUM_THREADS": "1"},
        )
        if self._process.stdout is None:
            raise RuntimeError("it has no output")
        said = self._process.stdout.readline()
        if "http://" not in said:
            raise SystemExit(f"the dashboard did not start: {said}")
        self.uri = said.split()[-1]

    def cpu(self) -> float:
        """Return the processor time that it took so far (s)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return its memory (MB)."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def dashboard(uri: str, key: str, *, poll: bool = False) -> Iterator[DashboardProcess]:
    """Run a dashboard; see :class:`DashboardProcess`."""
    process = DashboardProcess(uri, key, poll=poll)
    try:
        yield process
    finally:
        process.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's chromium without a screen; it draws with the processor."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("needs chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Looking:
    """One viewer: a page, and the bytes that reached it.

    Parameters
    ----------
    browser : Browser
        Opens it, with a context of its own.
    uri : str
        Of the dashboard.
    view : str
        ``now`` or ``trend``.
    """

    def __init__(self, browser: Browser, uri: str, view: str = "now") -> None:
        self.received = 0
        self.frames = 0
        self.opened = time.time()
        self._context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", lambda ws: ws.on("framereceived", self._received))
        self.page.goto(f"{uri}#{view}")
        self.page.wait_for_selector("html[data-ready=yes]", timeout=READY_WITHIN)

    def clock_ahead(self) -> float:
        """Return how far the page's clock is ahead of this process's (s)."""
        found = []
        for _ in range(9):
            before = time.time()
            there = self.page.evaluate("(performance.timeOrigin + performance.now()) / 1000")
            after = time.time()
            found.append((after - before, there - (before + after) / 2))
        return float(min(found)[1])

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def _received(self, frame: Any) -> None:
        self.received += len(frame if isinstance(frame, bytes) else str(frame).encode())
        self.frames += 1


def load() -> str:
    """Return the load of the machine, to be read beside any number."""
    one, five, _ = os.getloadavg()
    return f"load of the machine {one:.1f} (1 min), {five:.1f} (5 min), {os.cpu_count()} cores"

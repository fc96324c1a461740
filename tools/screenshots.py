"""Take the pictures of the dashboard page: ``python -m tools.screenshots docs/images/dashboard``.

The demo's experiment runs, and a foil that no model knows; Debian's chromium looks at it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import ophyd
from bluesky import RunEngine
from bluesky_tiled_plugins import TiledWriter
from playwright.sync_api import Page, sync_playwright

from live_lce.cli._dashboard import DashboardProcess
from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings, Pacing, Signals
from live_lce.sim.counting import DARK_RATE
from live_lce.sim.experiment import insitu_experiment, run_experiment
from live_lce.tiled import EmbeddedTiled
from tests.parts.dashboard_parts import FOIL, Beam, a_scan, looking

WIDE: dict[str, Any] = {"viewport": {"width": 1360, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}


def main() -> None:
    """Run the experiment and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--duration", type=float, default=45.0, help="of the experiment (s)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    ophyd.set_cl("dummy")
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedTiled() as server,
        closing(DashboardProcess(server.uri, server.api_key)) as dashboard,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        spool = Path(folder)
        with experiment(server, spool, options.duration) as done:
            with looking(browser, dashboard.uri, **WIDE) as (page, _):
                wait_for(page, "tetrahedral")
                wait_for(page, "scan running")
                take(page, options.folder / "live.png", pause=200)
            done.wait(600)
        for name, view, keys, how in (
            ("trend", "trend", "", WIDE),
            ("why", "why", "", WIDE),
            ("past", "past", "", WIDE),
            ("phone", "now", "", PHONE),
            ("large", "now", "l", WIDE | {"color_scheme": "dark"}),
        ):
            with looking(browser, f"{dashboard.uri}#{view}", **how) as (page, _):
                for key in keys:
                    page.keyboard.press(key)
                if name == "past":
                    page.get_by_role("button", name="Search").click()
                take(page, options.folder / f"{name}.png", whole=name in ("why", "phone"))
        beam = Beam(server.uri, server.api_key, spool / "foil")
        beam.send(a_scan(FOIL), raw=True)
        beam.close()
        with looking(browser, dashboard.uri, **WIDE) as (page, _):
            wait_for(page, "no answer")
            take(page, options.folder / "abstention.png")
        browser.close()


@contextmanager
def experiment(server: EmbeddedTiled, spool: Path, duration: float) -> Iterator[threading.Event]:
    """Run the demo's experiment beside what the caller does."""
    signals = Signals(dark=dict.fromkeys(("I0", "It", "Ir"), DARK_RATE))
    settings = AnalysisSettings(signals=signals, pacing=Pacing(interval=5.0))
    publisher = TiledPublisher(
        server.uri, settings=settings, spool=spool, source="RE", api_key=server.api_key
    )
    lce, client, done = LiveLCE(settings, publisher=publisher), server.client(), threading.Event()
    lce.wait_until_ready(60)

    def run() -> None:
        engine = RunEngine({}, context_managers=[])
        engine.subscribe(TiledWriter(client["raw"]))
        engine.subscribe(lce)
        for _ in run_experiment(engine, insitu_experiment(), duration=duration):
            lce.flush(60)
        lce.close(60)
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    yield done
    thread.join()
    client.context.close()


def wait_for(page: Page, text: str) -> None:
    """Wait until the headline says something."""
    page.locator("#now .headline", has_text=text).wait_for(timeout=300_000)


def take(page: Page, file: Path, *, whole: bool = False, pause: float = 2500) -> None:
    """Take a picture once all is drawn, after a pause (ms)."""
    page.wait_for_timeout(pause)
    page.screenshot(path=str(file), full_page=whole)
    sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    time.tzset()
    main()

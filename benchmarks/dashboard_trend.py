"""A long trend in a real browser while finished spectra arrive: how it keeps up.

A run of many spectra is published as a replay does it; then a second one goes on, with so many
finished spectra a second, while browsers show the trend.  Beside it, in the same run, the same
with a trend of ten spectra.  Tiled, the dashboard and the browser are processes of their own;
the browser draws with the processor, which a beamline's computer leaves to its graphics card.

    python benchmarks/dashboard_trend.py [--points 10000] [--rate 10] [--seconds 20] [--viewers 1]
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import threading
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from dashboard_page import READY_WITHIN, DashboardProcess, Looking, chromium, dashboard, load
from measured_cost import predictions
from playwright.sync_api import Browser
from runengine_overhead import tiled_server

from live_lce.contract import Finding, Reason, Status
from live_lce.engine import Result, RunClosed
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings

AT_ONCE = 15.0
"""Changes so close together are one update (ms)."""
FEW = 10
"""Spectra in the trend that the long one is compared with."""

FRAMES = """() => {
  const plots = Bokeh.documents[0].get_model_by_name("trend_plots");
  const seen = window.seen = { frames: [], at: [] };
  const note = () => seen.at.push(performance.now());
  for (const source of new Set(plots.children.map((p) => p.renderers[0].data_source))) {
    source.streaming.connect(note);
    source.patching.connect(note);
    source.properties.data.change.connect(note);
  }
  let last = performance.now();
  const step = (now) => {
    if (seen.over) return;
    seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""
DRAWN = """() => {
  const plots = Bokeh.documents[0].get_model_by_name("trend_plots");
  const sources = new Set((plots?.children ?? []).map((p) => p.renderers[0].data_source));
  return Array.from(sources).flatMap((s) => Array.from(s.data.count)).reduce((n, c) => n + c, 0);
}"""


class Series:
    """A raw run of many spectra, as the engine would give them.

    Parameters
    ----------
    template : Result
        Repeated, with other numbers.
    """

    def __init__(self, template: Result, publisher: TiledPublisher) -> None:
        start = dict(template.run.start) | {"time": time.time(), "sample": "a long series"}
        self._run = replace(template.run, uid=str(uuid.uuid4()), start=start)
        self._template, self._publisher = template, publisher
        self._began = time.time()
        self._rng = np.random.default_rng(1)
        self.n = 0

    def publish(self, at: float) -> None:
        """Publish one more finished spectrum, measured at a time."""
        found = self._template.prediction
        share = 0.5 + 0.45 * np.sin(self.n / 300) + 0.02 * self._rng.standard_normal()
        share = float(np.clip(share, 0.01, 0.98))
        if self.n % 37 == 0:
            found = replace(
                found,
                status=Status.ABSTAIN,
                findings=(Finding(Reason.OUT_OF_DISTRIBUTION),),
                label="",
                confidence=0.0,
            )
        else:
            rest = np.linspace(3, 1, len(found.classes) - 1)
            p = np.insert((1 - share) * rest / rest.sum(), 2, share)  # O6 comes and goes
            label = found.classes[int(np.argmax(p))]
            spread = np.full(p.size, 0.04)
            found = replace(
                found, label=label, confidence=float(p.max()), probabilities=p, spread=spread
            )
        result = replace(
            self._template,
            run=self._run,
            spectrum_index=self.n,
            prediction=found,
            raw_time=at,
            raw_seq_num_first=self.n * 100 + 1,
            raw_seq_num_last=self.n * 100 + 100,
        )
        self._publisher.result(result, 0.0)
        self.n += 1

    def end(self) -> None:
        """End the run."""
        self._publisher.closed(RunClosed(self._run.uid, "success"))


@dataclass
class Seen:
    """What was measured with one trend."""

    first: list[float] = field(default_factory=list)
    """Seconds from opening the page until all points are there, for each viewer."""
    frames: list[float] = field(default_factory=list)
    """Time between two frames (ms), of all viewers."""
    updates: float = 0.0
    """Times a second that new columns reached a page, mean of the viewers."""
    cpu: float = 0.0
    """Processor time of the dashboard, a second."""
    memory: float = 0.0
    kilobytes: float = 0.0
    """Received a second, mean of the viewers."""
    published: float = 0.0
    """Spectra a second that were really published."""
    behind: int = 0
    """Spectra that the page lacks when the last one was published."""
    caught_up: float = 0.0
    """Seconds until it lacks none."""


def measure(
    uri: str, key: str, browser: Browser, template: Result, options: argparse.Namespace, n: int
) -> Seen:
    """Publish a trend of `n` spectra, and look at it while more arrive."""
    from tiled.client import from_uri

    client = from_uri(uri, api_key=key)
    with ExitStack() as stack:
        stack.callback(client.context.close)
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made: dict[str, Any] = {"settings": AnalysisSettings(), "source": "benchmark"}
        made["spool"] = spool
        archived = TiledPublisher(client["processed"], growing=False, **made)
        _archive(Series(template, archived), archived, n, options.rate)
        page = stack.enter_context(dashboard(uri, key, poll=options.poll))
        seen, viewers = Seen(), []
        for _ in range(options.viewers):
            viewer = Looking(browser, page.uri, "trend")
            stack.callback(viewer.close)
            _wait(viewer, n)
            seen.first.append(time.time() - viewer.opened)
            viewers.append(viewer)
        # The run that grows has its own publisher, each row in a request of its own; rows alone,
        # since Tiled cannot write whole spectra so fast.
        live = TiledPublisher(client["processed"], **made)
        growing = Series(replace(template, normalized=None, spectrum=None), live)
        growing.publish(time.time())
        for viewer in viewers:
            _wait(viewer, n + 1)
        time.sleep(3)  # the first row brings more with it than a row
        _watch(seen, viewers, page, growing, options, n)
        if options.picture:
            viewers[0].page.screenshot(path=f"{options.picture}_{n}.png")
        growing.end()
        live.close()
        errors = [text for viewer in viewers for text in viewer.errors]
        if errors:
            raise SystemExit(f"the page has errors: {errors[:3]}")
    return seen


def _archive(series: Series, publisher: TiledPublisher, n: int, rate: float) -> None:
    """Publish a run that is over, as a replay does."""
    publisher.expect_archived(stopped=True)
    began = time.time()
    for number in range(n):
        series.publish(began - (n - number) / rate)
    series.end()
    publisher.close()
    if publisher.counters["errors"]:
        raise SystemExit(f"not published: {publisher.counters}")
    print(f"{n} spectra published in {time.time() - began:.0f} s", flush=True)


def _watch(
    seen: Seen,
    viewers: list[Looking],
    page: DashboardProcess,
    growing: Series,
    options: argparse.Namespace,
    n: int,
) -> None:
    """Look at pages while spectra arrive."""
    for viewer in viewers:
        viewer.page.evaluate(FRAMES)
    received = sum(viewer.received for viewer in viewers)
    cpu, start, first = page.cpu(), time.time(), growing.n
    worker = threading.Thread(target=_publish, args=(growing, options.rate, options.seconds))
    worker.start()
    while worker.is_alive():
        viewers[0].page.wait_for_timeout(200)  # so that what it received is counted
    took, share = time.time() - start, len(viewers)
    seen.cpu, seen.memory = (page.cpu() - cpu) / took, page.memory()
    seen.behind = n + growing.n - int(viewers[0].page.evaluate(DRAWN))
    for viewer in viewers:
        found = viewer.page.evaluate("() => { window.seen.over = true; return window.seen }")
        seen.frames += found["frames"]
        # What changed and what is new come one after the other.
        seen.updates += (np.count_nonzero(np.diff(found["at"]) > AT_ONCE) + 1) / took / share
    seen.kilobytes = (sum(viewer.received for viewer in viewers) - received) / took / share / 1e3
    seen.published = (growing.n - first) / took
    for viewer in viewers:
        _wait(viewer, n + growing.n)
    seen.caught_up = time.time() - start - took


def _wait(viewer: Looking, n: int) -> None:
    viewer.page.wait_for_function(f"({DRAWN})() >= {n}", timeout=READY_WITHIN)


def _publish(series: Series, rate: float, seconds: float) -> None:
    start = time.time()
    number = 0
    while (now := time.time()) < start + seconds:
        series.publish(now)
        number += 1
        time.sleep(max(0.0, start + number / rate - time.time()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=10_000, help="spectra in the trend")
    parser.add_argument("--rate", type=float, default=10.0, help="finished spectra a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="so long")
    parser.add_argument("--viewers", type=int, default=1, help="pages that look")
    parser.add_argument("--poll", action="store_true", help="the dashboard asks every second")
    parser.add_argument("--bare", action="store_true", help="the long run without its spectra")
    parser.add_argument("--picture", default="", help="path of screenshots, without its ending")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    template = predictions(100, 1, AnalysisSettings())[-1]
    if options.bare:
        template = replace(template, normalized=None, spectrum=None)
    found: dict[int, Seen] = {}
    with chromium() as browser:
        for n in (FEW, options.points):
            with tempfile.TemporaryDirectory() as folder, tiled_server(folder) as (uri, key):
                found[n] = measure(uri, key, browser, template, options, n)
    report(found, options)


def report(found: dict[int, Seen], options: argparse.Namespace) -> None:
    """Print the table."""
    rows = {
        "page opened until all are there, s": [max(s.first) for s in found.values()],
        "frames a second": [1e3 / np.mean(s.frames) for s in found.values()],
        "median between frames, ms": [np.median(s.frames) for s in found.values()],
        "99 % between frames, ms": [np.percentile(s.frames, 99) for s in found.values()],
        "longest between frames, ms": [max(s.frames) for s in found.values()],
        "spectra published a second": [s.published for s in found.values()],
        "updates that reached a page a second": [s.updates for s in found.values()],
        "spectra that a page lacked at the end": [s.behind for s in found.values()],
        "until it had all, s": [s.caught_up for s in found.values()],
        "dashboard's process, % of a core": [100 * s.cpu for s in found.values()],
        "dashboard's process, MB": [s.memory for s in found.values()],
        "received by a page a second, kB": [s.kilobytes for s in found.values()],
    }
    print(f"\n{options.viewers} viewers, {options.rate:g} a second asked for; {load()}\n")
    head = "".join(f"{n:>10}" for n in found)
    print(f"{'spectra in the trend':<42}{head}{'ratio':>8}")
    for name, (few, many) in rows.items():
        ratio = f"{many / few:.2f}" if few else ""
        print(f"{name:<42}{few:>10.1f}{many:>10.1f}{ratio:>8}")


if __name__ == "__main__":
    main()

"""How long from a raw event to the words on the dashboard's page, beside a bare subscriber.

A simulated scan with a dwell time runs through a real RunEngine; predictions go to Tiled.  In the
same run a subscriber of that server notes when it has each partial prediction, and a real browser
when the page shows it, or a newer one: the words changed, and two frames were drawn since.  Tiled,
the dashboard and the browser are processes of their own.

    python benchmarks/dashboard_latency.py [--dwell 0.1] [--scans 3] [--poll]
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bluesky import RunEngine
from dashboard_page import Looking, chromium, dashboard, load
from event_to_subscriber import Key, TimedPublisher
from runengine_overhead import ENERGY, make_plan, tiled_server

from live_lce.classifiers import Registry
from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings

WORDS = """() => {
  window.shown = [];
  const words = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("now_words"));
  const note = () => {
    const said = words.shadow_el.querySelector(".sure")?.innerText ?? "";
    requestAnimationFrame(() => requestAnimationFrame((now) =>
      window.shown.push([said, (performance.timeOrigin + now) / 1000])));
  };
  new MutationObserver(note).observe(words.shadow_el, { childList: true, subtree: true,
    characterData: true });
}"""
SHOWN = "() => window.shown"
WITHIN = 20.0
"""Words that come later (s) are those of another scan."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dwell", type=float, default=0.1, help="seconds per point")
    parser.add_argument("--scans", type=int, default=3, help="number of scans")
    parser.add_argument("--poll", action="store_true", help="the dashboard asks every second")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    plan, settings = make_plan(options.dwell), AnalysisSettings()
    heard: dict[Key, tuple[float, float]] = {}
    uids: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, tiled_server(f"{folder}/tiled") as (uri, key):
        publisher = TimedPublisher(
            uri, settings=settings, spool=Path(folder) / "spool", source="RE", api_key=key
        )
        publisher.stamps = {}
        with dashboard(uri, key, poll=options.poll) as page, chromium() as browser:
            viewer = Looking(browser, page.uri)
            viewer.page.evaluate(WORDS)
            ahead = viewer.clock_ahead()
            _scan(options.scans, plan, (uri, key), publisher, settings, heard, uids)
            viewer.page.wait_for_timeout(2000)
            shown = [(said, t - ahead) for said, t in viewer.page.evaluate(SHOWN)]
            errors, drift = viewer.errors, viewer.clock_ahead() - ahead
            viewer.close()
    if errors:
        raise SystemExit(f"the page has errors: {errors[:3]}")
    report(publisher.stamps, heard, uids, shown, drift)


def _scan(
    scans: int,
    plan: Any,
    tiled: tuple[str, str],
    publisher: TiledPublisher,
    settings: AnalysisSettings,
    heard: dict[Key, tuple[float, float]],
    uids: dict[str, str],
) -> None:
    """Run scans; note when the subscriber has each prediction, and the edge it was referred to."""
    from bluesky_tiled_plugins import subscribe_to_streams
    from tiled.client import from_uri

    def on_update(update: Any) -> None:
        now = time.time()
        rows = update.data()
        for last, final, edge in zip(
            rows["raw_seq_num_last"], rows["final"], rows["edge_reference"], strict=True
        ):
            heard.setdefault((str(update.run_uid), int(last), int(final)), (now, float(edge)))

    client = from_uri(tiled[0], api_key=tiled[1])
    live = LiveLCE(settings, registry=Registry.beside_shipped(None), publisher=publisher)
    live.wait_until_ready()
    with subscribe_to_streams(
        client["processed"], on_update, streams={"predictions": None}, start=0
    ):
        run_engine = RunEngine({})
        for _ in range(scans):
            run_engine(plan(), live)
            live.flush(120)
        time.sleep(2.0)
    live.close(60)
    for uid, run in client["processed"].items():
        uids[uid] = run.metadata["start"]["original_run_uid"]
    client.context.close()


def report(
    stamps: dict[Key, list[float]],
    heard: dict[Key, tuple[float, float]],
    uids: dict[str, str],
    shown: list[tuple[str, float]],
    drift: float,
) -> None:
    """Print the table: of each partial prediction the event, the subscriber and the page."""
    to_wall = time.time() - time.perf_counter()
    partial = {k: v for k, v in heard.items() if not k[2]}
    on_page: dict[str, list[tuple[int, float]]] = {}
    events: dict[tuple[str, int], float] = {}
    for (uid, last, final), (_, edge) in partial.items():
        event = stamps[uids[uid], last, final][0] + to_wall
        events[uid, last] = event
        words = f"at {ENERGY[last - 1] - edge:.0f} eV past the edge"
        later = [t for said, t in shown if said.endswith(words) and event < t < event + WITHIN]
        on_page.setdefault(uid, []).extend((last, t) for t in later[:1])
    rows = []
    for (uid, last, _), (arrived, _) in partial.items():
        # Where the next one came before it could be drawn, that counts.
        later = [t for number, t in on_page[uid] if number >= last]
        if later:
            rows.append((arrived - events[uid, last], min(later) - events[uid, last]))
    drawn = sum(map(len, on_page.values()))
    print(f"\n{len(partial)} partial predictions, {drawn} drawn, {len(rows)} drawn or overtaken")
    print(load())
    print(f"the clocks of page and benchmark went apart by {1e3 * drift:.1f} ms\n")
    if not rows:
        raise SystemExit("none was seen")
    times = 1e3 * np.array(rows)
    columns = {
        "event to subscriber (the floor)": times[:, 0],
        "event to the page's words": times[:, 1],
        "the page after the subscriber": times[:, 1] - times[:, 0],
    }
    floor = np.median(times[:, 0]), np.percentile(times[:, 0], 95)
    print(f"{'':<34}{'median ms':>10}{'95 %':>9}{'max':>9}{'x floor':>9}{'95 %':>7}")
    for name, values in columns.items():
        median, high = np.median(values), np.percentile(values, 95)
        print(
            f"{name:<34}{median:>10.1f}{high:>9.1f}{values.max():>9.1f}"
            f"{median / floor[0]:>9.2f}{high / floor[1]:>7.2f}"
        )


if __name__ == "__main__":
    main()

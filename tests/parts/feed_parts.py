"""What a dashboard knows of published runs, without a browser: composed, and through Tiled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from publish_parts import a_result, a_run

from live_lce.dashboard._board import Board, Link, RunData
from live_lce.dashboard._feed import Feed
from live_lce.dashboard._reading import Reader
from live_lce.dashboard._signals import SignalTable
from live_lce.engine import Result, RunClosed
from live_lce.publish import AnalysisRun, TiledPublisher
from live_lce.publish._documents import Document
from live_lce.results import MeasuredPoints, PublishedRun, points_of
from live_lce.results._catalog import read_run
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Spectrum

HOSTILE = "<script>alert(1)</script>\"'&\n\r µ漢"
WHOLE = 300
DAY = 86_400.0
# tiled 0.2.20 opens its websocket without `with`, which websockets 17.1 deprecates


def grown(n: int = WHOLE, **options: Any) -> Result:
    """Return a prediction on the first points of a scan; the final one on all of them."""
    energy = np.linspace(7000.0, 7300.0, WHOLE)[:n]
    result = a_result(**{"final": n == WHOLE} | options)
    spectrum = Spectrum(energy, np.arctan(energy - 7120.0))
    return replace(result, raw_seq_num_last=n, n_points=n, spectrum=spectrum)


def uid(number: int) -> str:
    """Return the uid of a raw run."""
    return f"{number:08d}-dddd-4ddd-8ddd-000000000000"


def raw_run(number: int, **metadata: Any) -> Any:
    """Return a raw run, one every ten minutes."""
    found = {"scan_id": number, "sample": "sample", "time": 1.7e9 + 600 * number} | metadata
    return a_run(uid(number), **found)


def composed(
    *results: Result, now: float = 1.7e9 + 400, settings: AnalysisSettings | None = None
) -> list[Document]:
    """Return the documents of an analysis run."""
    settings = settings or AnalysisSettings()
    run = AnalysisRun(results[0], settings=settings, source="test", now=lambda: now)
    told = [document for result in results for document in run.result(result, 0.0)]
    return [run.start, *told, run.stop()]


def known(documents: list[Document], *, ended: bool = True) -> tuple[PublishedRun, dict[str, Any]]:
    """Return an analysis run as it is read, and its start document."""
    start, stop = documents[0][1], documents[-1][1]
    run = read_run({"start": start, "stop": stop if ended else None}, "http://tiled/x")
    assert run is not None
    return run, start


def told(documents: list[Document]) -> tuple[list[dict[str, Any]], list[MeasuredPoints]]:
    """Return the predictions of an analysis run, and its measured points."""
    streams = {doc["uid"]: doc["name"] for name, doc in documents if name == "descriptor"}
    events = [(streams[d["descriptor"]], d) for name, d in documents if name == "event"]
    rows = [
        d["data"] | {"seq_num": d["seq_num"], "time": d["time"]}
        for stream, d in events
        if stream == "predictions"
    ]
    return rows, [points_of(d["data"]["points"]) for stream, d in events if stream == "measured"]


def data_of(*results: Result, ended: bool = True, **options: Any) -> RunData:
    """Return all that is known of an analysis run."""
    board = Board()
    documents = composed(*results, **options)
    (number,) = board.merge([known(documents, ended=ended)])
    rows, points = told(documents)
    board.add_rows(number, rows)
    board.add_points(number, points)
    found = board.get(number)
    assert found is not None
    return found


def reader(uri: str, key: str | None, window: float = DAY, path: str = "processed") -> Reader:
    """Return a connection to a server."""
    return Reader(uri, key, path, "raw", window)


@contextmanager
def feeding(
    uri: str, key: str | None, *, streaming: bool = True, **options: Any
) -> Iterator[Board]:
    """Fill a board for a while; `board.feed` is what fills it."""
    board = Board()
    feed = Feed(reader(uri, key, **options), board, SignalTable(), streaming=streaming)
    board.feed = feed  # type: ignore[attr-defined]
    try:
        yield board
    finally:
        feed.close()


def within(seconds: float, condition: Callable[[], Any]) -> float:
    """Wait until a condition holds; return how long that took (s).

    `seconds` is what it takes at most where the machine has time; under load it may take longer.
    """
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 5 * seconds, "it took too long"
        time.sleep(0.01)
    return time.monotonic() - began


class Beam:
    """Publishes growing scans."""

    def __init__(self, uri: str, key: str, spool: Path, **options: Any) -> None:
        self.publisher = TiledPublisher(
            uri, api_key=key, settings=AnalysisSettings(), spool=spool, source="RE", **options
        )

    def grow(self, number: int, *sizes: int, **options: Any) -> None:
        for n in sizes:
            self.publisher.result(grown(n, run=raw_run(number), **options), 0.0)

    def end(self, number: int) -> None:
        self.publisher.closed(RunClosed(uid(number), "success"))

    def scan(self, number: int) -> None:
        self.grow(number, 300)
        self.end(number)


def sizes(board: Board, number: int) -> list[int]:
    """Return how many points each prediction of a raw run rests on."""
    for run in board.counting():
        if run.analysis.raw_uid == uid(number):
            return [row["n_points"] for row in board.get(run.analysis.uid).rows]  # type: ignore[union-attr]
    return []


def n_measured(board: Board, number: int) -> int:
    for run in board.counting():
        if run.analysis.raw_uid == uid(number):
            found = board.get(run.analysis.uid).measured  # type: ignore[union-attr]
            return found[0].n_points if found else 0
    return 0


def ended(board: Board, number: int) -> bool:
    return any(r.analysis.raw_uid == uid(number) and r.analysis.ended for r in board.counting())


def is_linked(board: Board, link: Link) -> Any:
    return lambda: board.link.link is link

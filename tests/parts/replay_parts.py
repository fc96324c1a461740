"""Archives of short runs for the tests of replaying."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from live_lce.archives import Document
from live_lce.testing import SCAN, START_TIME, compose, spectrum_rows
from live_lce.tiled import EmbeddedTiled, PublishedAnalysis
from live_lce.tiled._analyses import read_analysis

_NAMES = uuid.UUID("0b1ffa52-2222-4c4c-8888-0123456789ab")
DAY = 86_400.0


def raw_uid(number: int) -> str:
    return str(uuid.uuid5(_NAMES, str(number)))


def a_scan(number: int, **metadata: Any) -> list[Document]:
    """Return a short Fe scan, O6 where `number` is even, else T4; a day after the one before."""
    rows = spectrum_rows(white_line=0.6 if number % 2 == 0 else 0.0, seed=number)[::2]
    start = SCAN | {"scan_id": number, "sample": {"name": f"foil {number}"}} | metadata
    return compose(rows, start=start, uid=raw_uid(number), time=START_TIME + number * DAY)


def an_alignment(number: int) -> list[Document]:
    """Return a run that scans no energy."""
    keys = {"stage": {"dtype": "number", "shape": [], "source": "sim"}}
    start = {"motors": ["stage"], "hints": {"dimensions": [(["stage"], "primary")]}}
    rows = [{"stage": float(x)} for x in range(5)]
    time = START_TIME + number * DAY
    return compose(rows, start=start, keys=keys, uid=raw_uid(number), time=time)


def write(path: Path, *runs: Iterable[Document]) -> Path:
    """Write runs into one file of JSON lines."""
    lines = (json.dumps([name, doc]) + "\n" for run in runs for name, doc in run)
    path.write_text("".join(lines))
    return path


def address(server: EmbeddedTiled) -> str:
    return f"{server.uri}?api_key={server.api_key}"


def analyses(server: EmbeddedTiled, path: str) -> list[PublishedAnalysis]:
    """Return what is published in a container, oldest first; empty if there is none."""
    client = server.client()
    try:
        runs = client[path].values() if path in client else ()
        found = [read_analysis(run.metadata) for run in runs]
        return sorted((a for a in found if a is not None), key=lambda a: a.time)
    finally:
        client.context.close()

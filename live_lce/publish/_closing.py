"""The stop document of a run whose writer was killed, from what it left."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from live_lce.contract import PREDICTIONS_STREAM
from live_lce.publish._documents import Document, validate

KILLED = "The writer was killed before the run's end: closed by `live-lce republish`."


def closing_stop(documents: Sequence[Document]) -> Document:
    """Return a stop document with ``exit_status: abort``.

    Parameters
    ----------
    documents : sequence of (name, document)
        What is there of the run: start, descriptors, events.

    Raises
    ------
    ValueError
        If there is no start document.
    """
    if not documents or documents[0][0] != "start":
        raise ValueError("a run without a start document cannot be closed")
    start = documents[0][1]
    streams = _streams(documents)
    events = [doc for name, doc in documents if name == "event"]
    rows = [e["data"] for e in events if streams[e["descriptor"]] == PREDICTIONS_STREAM]
    stop = {
        "uid": str(uuid.uuid5(uuid.UUID(start["uid"]), "stop")),
        "time": max([start["time"], *(event["time"] for event in events)]),
        "run_start": start["uid"],
        "exit_status": "abort",
        "reason": KILLED,
        "num_events": _numbers(documents),
        "live_lce": _summary(rows),
    }
    validate("stop", stop)
    return "stop", stop


def recounted_stop(documents: Sequence[Document]) -> Document:
    """Return the stop document of a run, with the number of events that are there.

    A full spool leaves partial predictions out.

    Parameters
    ----------
    documents : sequence of (name, document)
        The run; its last document is the stop.
    """
    return "stop", {**documents[-1][1], "num_events": _numbers(documents)}


def _streams(documents: Sequence[Document]) -> dict[str, str]:
    return {doc["uid"]: doc["name"] for name, doc in documents if name == "descriptor"}


def _numbers(documents: Sequence[Document]) -> dict[str, int]:
    streams = _streams(documents)
    counted = Counter(streams[doc["descriptor"]] for name, doc in documents if name == "event")
    return dict(counted)


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    finals = [row for row in rows if row["final"]]
    last = (finals or rows or [{}])[-1]
    reasons = dict.fromkeys(code for row in finals for code in row["reason"].split(";") if code)
    return {
        "label": last.get("label", ""),
        "confidence": last.get("confidence", 0.0),
        "status": last.get("status", ""),
        "absorber": last.get("absorber", ""),
        "n_final": len(finals),
        "reason": ";".join(reasons),
        "probabilities": _by_class(last, "p_"),
        "spread": _by_class(last, "spread_"),
        "label_set": [name for name in last.get("label_set", "").split(",") if name],
    }


def _by_class(row: dict[str, Any], prefix: str) -> dict[str, float]:
    found = {name.removeprefix(prefix): row[name] for name in row if name.startswith(prefix)}
    return {name: value for name, value in found.items() if not math.isnan(value)}

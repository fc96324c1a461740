"""Send spooled runs to Tiled: by command, or again when a later run ends."""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_lce.contract import PREDICTIONS_STREAM
from live_lce.publish._documents import Document, validate
from live_lce.publish._spool import SpooledRun, locked, read_spooled, waiting
from live_lce.tiled import explain
from live_lce.tiled._connection import is_away
from live_lce.tiled._run import TiledRunWriter


@dataclass
class Report:
    """What became of the files of a spool.

    Attributes
    ----------
    published, skipped, rewritten, closed : int
        Runs written; complete in Tiled already; among the written, those that
        replaced a half-written one, and those that got an ``abort`` stop.
    in_use : int
        Files of runs that are being written now.
    failed : dict of str
        File name and why it stays on disk.
    """

    published: int = 0
    skipped: int = 0
    rewritten: int = 0
    closed: int = 0
    in_use: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def republish(spool: Path, container: Any) -> Report:
    """Send each spooled run to `container`, in order of start time.

    A file is removed when Tiled has its run.  A run without a stop document
    (its writer was killed) gets one with ``exit_status: abort``.

    Parameters
    ----------
    spool : Path
        Folder of the spool files.
    container : tiled container
        Where the runs go.

    Returns
    -------
    Report
        Counts, and the reason for each file that stays.
    """
    report = Report()
    runs = sorted(_readable(spool, report), key=lambda run: float(run.start["time"]))
    for position, run in enumerate(runs):
        try:
            send_file(run.path, container, report)
        except Exception as error:
            report.failed[run.path.name] = explain(error)
            if is_away(error):
                for other in runs[position + 1 :]:
                    report.failed[other.path.name] = "Not tried: Tiled does not answer."
                break
    return report


def _readable(spool: Path, report: Report) -> Iterator[SpooledRun]:
    for path in waiting(spool):
        try:
            run = read_spooled(path)
        except Exception as error:  # one file must not keep the others back
            report.failed[path.name] = f"Cannot be read: {type(error).__name__}: {error}"
            continue
        if not run.documents:
            report.failed[path.name] = "Holds no start document: nothing can be made of it."
        elif run.start.get("purpose") != "live_lce":
            report.failed[path.name] = "Is no analysis run of live_lce: left alone."
        elif not _can_be_sent(run.start):
            report.failed[path.name] = "Its start document has no uid or no time: left alone."
        else:
            yield run


def _can_be_sent(start: Mapping[str, Any]) -> bool:
    uid, time = start.get("uid"), start.get("time")
    number = isinstance(time, (int, float)) and not isinstance(time, bool) and math.isfinite(time)
    return isinstance(uid, str) and bool(uid) and number


def send_file(path: Path, container: Any, report: Report) -> None:
    """Send one spooled run, and remove its file.

    Parameters
    ----------
    path : Path
        The spool file; left alone while its writer lives.
    container : tiled container
        Where the run goes.
    report : Report
        Counts what was done.

    Raises
    ------
    Exception
        Whatever Tiled's client or the disk raises; the file then stays.
    """
    with locked(path) as free:
        if not free:
            report.in_use += 1
            return
        if not path.exists():  # its writer finished in the meantime
            return
        run = read_spooled(path)  # as it is now, under the lock
        documents: list[Document] = list(run.documents)
        if run.complete:
            documents[-1] = recounted_stop(documents)
        else:
            documents.append(closing_stop(documents))
        finished = documents[-1][1]["exit_status"] == "success"
        writer = TiledRunWriter(
            container, run.start, batch_size=10_000, replace=finished, again=run.again, late=True
        )
        if writer.skipped:
            report.skipped += 1
        else:
            for name, doc in documents[1:]:
                writer.write(name, doc)
            report.published += 1
            report.rewritten += writer.rewritten
            report.closed += not run.complete
        path.unlink()


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


logger = logging.getLogger(__name__)

ATTEMPTS = 6


@dataclass
class _Delay:
    attempts: int = 0
    not_before: float = -float("inf")


class Resending:
    """The runs that one publisher could not send, in the order in which they ended.

    Parameters
    ----------
    container : callable
        Returns the container of the runs, or raises.
    gone : callable
        Called with an error that means that the server does not answer.
    pause : float
        After a first failure of a run (s); doubled after each further one.
    clock : callable
        Returns a monotonic time (s).
    """

    def __init__(
        self,
        container: Callable[[], Any],
        gone: Callable[[Exception], None],
        *,
        pause: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._container, self._gone = container, gone
        self._pause, self._clock = pause, clock
        self._runs: dict[Path, _Delay] = {}

    def __bool__(self) -> bool:
        return bool(self._runs)

    def add(self, path: Path) -> None:
        """Take in the file of a run that failed."""
        self._runs[path] = _Delay()

    def send(self, *, at_once: bool = False) -> int:
        """Send what is due; return how many runs Tiled took.

        A run that failed too often is left to ``live-lce republish``.  When the server
        does not answer, the others wait, and none of it counts as an attempt.

        Parameters
        ----------
        at_once : bool
            Pauses do not matter: this is the last occasion.
        """
        sent = 0
        for path, run in list(self._runs.items()):
            if not at_once and self._clock() < run.not_before:
                continue
            try:
                send_file(path, self._container(), Report())
            except Exception as error:
                logger.debug("Run %s failed again:", path.stem, exc_info=error)
                if is_away(error):
                    self._gone(error)
                    break
                run.attempts += 1
                run.not_before = self._clock() + self._pause * 2 ** (run.attempts - 1)
                if run.attempts >= ATTEMPTS:
                    del self._runs[path]
            else:
                del self._runs[path]
                sent += 1
        return sent

"""Send spooled runs to Tiled, each once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_lce.publish._closing import closing_stop, recounted_stop
from live_lce.publish._documents import Document
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

"""Describe what became of one run in a replay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """What became of a run; those that were left alone have the values of `Action`."""

    PUBLISHED = "published"
    PREDICTED = "predicted"
    KEPT = "kept"
    THERE = "there"
    OLDER = "older"
    NO_SPECTRUM = "no_spectrum"
    RUNNING = "running"
    FAILED = "failed"


STATUS_WORDS = {
    RunStatus.PUBLISHED: "published",
    RunStatus.PREDICTED: "analysed",
    RunStatus.KEPT: "kept on disk (send them with `live-lce republish`)",
    RunStatus.THERE: "in Tiled already",
    RunStatus.OLDER: "in Tiled by another model or other settings (--force renews them)",
    RunStatus.NO_SPECTRUM: "without a spectrum",
    RunStatus.RUNNING: "still running",
    RunStatus.FAILED: "failed",
}
"""Said after a number of runs."""


@dataclass(frozen=True)
class Outcome:
    """One run, done; can be pickled.

    Parameters
    ----------
    uid, where, scan : str
        The raw run, where it is archived, and its scan id (empty if it has none).
    status : RunStatus
        What became of it.
    rows : tuple of dict
        Its predictions, see :func:`live_lce.records.replay_row`.
    problem : str
        One line on what went wrong, else empty.
    malformed : int
        Documents that the engine could not use.
    errors : tuple of str
        What went wrong with documents and spectra, each once and the first ones only.
    ended : bool
        Whether its stop document was there: what was found stays so.
    """

    uid: str
    where: str
    status: RunStatus
    scan: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    problem: str = ""
    malformed: int = 0
    errors: tuple[str, ...] = ()
    ended: bool = True

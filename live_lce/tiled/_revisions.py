"""As which attempt an analysis is written, where earlier ones are there: no I/O."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from live_lce.contract import attempt_uid
from live_lce.tiled._analyses import PublishedAnalysis

ATTEMPTS = 20
"""So many attempts at one analysis are looked for."""


class Again(StrEnum):
    """What happens where a raw run is analysed already."""

    NO = "no"
    """A complete analysis with the same model and settings is the last word."""
    FORCE = "force"
    """That, unless another counts or it lacks points; those with other models and settings are
    superseded."""
    ANEW = "anew"
    """A further attempt is written, and supersedes every earlier analysis."""


@dataclass(frozen=True)
class Attempt:
    """As what an analysis is written.

    Parameters
    ----------
    uid : str
        Uid of the run in Tiled.
    number : int
        Counts the attempts at one analysis from 1.
    supersedes : tuple of str
        Uids of the older analyses of the same raw run, stream and absorber that this one
        replaces.
    """

    uid: str
    number: int = 1
    supersedes: tuple[str, ...] = ()

    def document(self, name: str, doc: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document of the analysis, composed as the first attempt, as of this one."""
        changed = dict(doc)
        if name == "start":
            ours = {"attempt": self.number, "supersedes": list(self.supersedes)}
            return changed | {"uid": self.uid, "live_lce": {**doc["live_lce"], **ours}}
        if self.number == 1:
            return changed
        changed["uid"] = self._child(doc["uid"])
        if "run_start" in doc:
            changed["run_start"] = self.uid
        if "descriptor" in doc:
            changed["descriptor"] = self._child(doc["descriptor"])
        return changed

    def _child(self, uid: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.uid), uid))


def attempt_uids(analysis: str) -> list[str]:
    """Return the uids that the attempts at an analysis can have, the first one first."""
    return [attempt_uid(analysis, number) for number in range(1, ATTEMPTS + 1)]


def is_settled(
    start: Mapping[str, Any],
    own: Iterable[PublishedAnalysis],
    again: Again,
    *,
    replace: bool = True,
    stopped: bool = True,
) -> bool:
    """Whether nothing is to be written, because an earlier attempt is the last word.

    Parameters
    ----------
    start : mapping
        Start document of the analysis.
    own : iterable of PublishedAnalysis
        The attempts at it that are in Tiled, see :func:`live_lce.tiled._analyses.resolved`.
    again : Again
        What is wanted.
    replace : bool
        Whether an attempt that was ended as aborted is replaced.
    stopped : bool
        Whether the raw run is known to have a stop document, or may get one.  Without one,
        there is no more to say than an attempt that was ended for want of it.
    """
    ended = [
        a for a in own if a.complete or (a.ended and not replace) or (a.unstopped and not stopped)
    ]
    if any(a.time == start["time"] for a in ended):
        return True  # this very run was sent, and its file is left of a crash
    if again is Again.NO:
        return bool(ended)
    return again is Again.FORCE and any(not (a.superseded_by or a.lacking) for a in ended)


def next_attempt(
    analysis: str,
    present: Collection[str],
    others: Sequence[PublishedAnalysis] = (),
    *,
    before: float = math.inf,
) -> Attempt | None:
    """Return the next attempt; None if there were too many.

    Parameters
    ----------
    analysis : str
        Uid of the analysis (its first attempt).
    present : collection of str
        Uids of the attempts at it that stay in Tiled; they are superseded.
    others : sequence of PublishedAnalysis
        Analyses that are superseded too, if they began before the time `before` (s).
    """
    for number, uid in enumerate(attempt_uids(analysis), start=1):
        if uid not in present:
            older = [a.uid for a in others if a.time < before]
            return Attempt(uid, number, tuple(dict.fromkeys([*older, *present])))
    return None

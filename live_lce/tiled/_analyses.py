"""Find the analyses of raw runs in Tiled, which of them count, and which revision comes next."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from live_lce.contract import Reason, attempt_uid, utf8

NOT_STOPPED = "The raw run sent no stop document: closed with what had arrived."
"""Reason in the stop document of an analysis of such a run."""
LACKING = frozenset({Reason.EXTERNAL_DATA.value, Reason.ROWS_MISSING.value})
"""Reasons of analyses that rest on less than the documents announced."""
BATCH = 100
"""Raw uids in one query: its address stays below 8 kB, which proxies let through."""


@dataclass(frozen=True)
class PublishedAnalysis:
    """One analysis run in Tiled.

    Parameters
    ----------
    uid, raw_uid : str
        Uids of the analysis run, and of the raw run.
    complete : bool
        It was ended by its own analysis; False while it is written, or where its writer died.
    time : float
        Of its start document (s).
    model_sha256, settings_hash : str
        What it was made with; no model gives an empty sha256.
    attempt : int
        Counts the attempts at this analysis, from 1.
    superseded_by : str
        Uid of the analysis that counts instead; empty if this one counts.
    stream, absorber : str
        What was analysed; with the raw uid, what there is one counting analysis of.
    supersedes : tuple of str
        Uids of the analyses that it says to replace.
    ended : bool
        It has a stop document, also where it was cut off (``exit_status: abort``).
    unstopped : bool
        It is all there is of a raw run that sent no stop document, or not yet.
    lacking : bool
        It rests on fewer points than the documents announced, because files were not whole or
        could not be read: the same model and settings may say something else another time.
    """

    uid: str
    raw_uid: str
    complete: bool
    time: float
    model_sha256: str
    settings_hash: str
    attempt: int
    superseded_by: str
    stream: str
    absorber: str
    supersedes: tuple[str, ...] = ()
    ended: bool = False
    unstopped: bool = False
    lacking: bool = False

    @property
    def subject(self) -> tuple[str, str, str]:
        """Raw uid, stream and absorber."""
        return (self.raw_uid, self.stream, self.absorber)


def read_analysis(metadata: Mapping[str, Any]) -> PublishedAnalysis | None:
    """Return the analysis whose metadata these are; None for a run that is not ours.

    Parameters
    ----------
    metadata : mapping
        ``start`` and, if it ended, ``stop``: the metadata of a run in Tiled.
        `superseded_by` is left empty, see :func:`resolved`.
    """
    start, stop = metadata.get("start") or {}, metadata.get("stop") or {}
    ours = start.get("live_lce")
    if start.get("purpose") != "live_lce" or not isinstance(ours, Mapping):
        return None
    said = stop.get("live_lce") or {}
    return PublishedAnalysis(
        uid=str(start["uid"]),
        raw_uid=str(start.get("original_run_uid", "")),
        complete=stop.get("exit_status") == "success",
        time=float(start["time"]),
        model_sha256=str((ours.get("model") or {}).get("sha256", "")),
        settings_hash=str(ours.get("settings_hash", "")),
        attempt=int(ours.get("attempt", 1)),  # absent before contract 1.2
        superseded_by="",
        stream=str(start.get("raw_stream", "")),
        absorber=str(ours.get("absorber", "")),
        supersedes=tuple(ours.get("supersedes", ())),
        ended=bool(stop),
        unstopped=stop.get("reason") == NOT_STOPPED,
        lacking=not LACKING.isdisjoint(str(said.get("reason", "")).split(";")),
    )


def analyses_of(container: Any, raw_uids: Sequence[str]) -> dict[str, list[PublishedAnalysis]]:
    """Return what is published of raw runs, found by the server in few queries.

    Parameters
    ----------
    container : tiled container
        Where the analysis runs are.
    raw_uids : sequence of str
        Full uids of raw runs.

    Returns
    -------
    dict of list of PublishedAnalysis
        For each raw uid asked for, oldest first, with `superseded_by` set; empty lists
        for runs without an analysis.

    Raises
    ------
    Exception
        Whatever Tiled's client raises.
    """
    found: dict[str, list[PublishedAnalysis]] = {uid: [] for uid in raw_uids}
    from tiled.queries import In

    asked = {utf8(uid): uid for uid in found}  # as they are published
    uids = list(asked)
    for first in range(0, len(uids), BATCH):
        query = In("start.original_run_uid", uids[first : first + BATCH])
        for analysis in resolved(_search(container, query)):
            found[asked[analysis.raw_uid]].append(analysis)
    return found


def by_uid(container: Any, uids: Sequence[str]) -> list[PublishedAnalysis]:
    """Return those of some analyses that are there, found by the server in one query.

    Parameters
    ----------
    container : tiled container
        Where the analysis runs are.
    uids : sequence of str
        Full uids of analysis runs, a hundred at most.

    Raises
    ------
    Exception
        Whatever Tiled's client raises.
    """
    from tiled.queries import KeysFilter

    return list(_search(container, KeysFilter(list(uids))))


def _search(container: Any, query: Any) -> Iterator[PublishedAnalysis]:
    for run in container.search(query).values():
        analysis = read_analysis(run.metadata)
        if analysis is not None:
            yield analysis


def resolved(analyses: Iterable[PublishedAnalysis]) -> list[PublishedAnalysis]:
    """Return the analyses with `superseded_by` set, by raw run and age.

    Of each raw run, stream and absorber one counts: among those that no other says to replace,
    the last complete one, else the last.  An analysis that is not complete replaces no
    complete one: the old counts until the new is there.  One that only says that the run's
    start was missed (it names no stream) gives way to any complete one of the run.

    Parameters
    ----------
    analyses : iterable of PublishedAnalysis
        All that there are of their raw runs.
    """
    done: list[PublishedAnalysis] = []
    ordered = sorted(analyses, key=lambda a: (a.subject, a.time, a.attempt))
    for _, group in groupby(ordered, key=lambda a: a.subject):
        same = list(group)
        winner = _winner(same)
        done += [replace(a, superseded_by="" if a is winner else winner.uid) for a in same]
    seen = {a.raw_uid: a.uid for a in done if a.stream and a.complete and not a.superseded_by}
    done = [
        a if a.stream or a.superseded_by else replace(a, superseded_by=seen.get(a.raw_uid, ""))
        for a in done
    ]
    return sorted(done, key=lambda a: (a.raw_uid, a.time, a.attempt))


def _winner(same: Sequence[PublishedAnalysis]) -> PublishedAnalysis:
    replaced = {
        old.uid
        for new in same
        for old in same
        if old.uid in new.supersedes and (new.complete or not old.complete)
    }
    left = [a for a in same if a.uid not in replaced] or list(same)
    return max(left, key=lambda a: (a.complete, a.time, a.attempt))


def counting(analyses: Iterable[PublishedAnalysis]) -> list[PublishedAnalysis]:
    """Return those analyses that count: one of each raw run, stream and absorber.

    Parameters
    ----------
    analyses : iterable of PublishedAnalysis
        All that there are of their raw runs; `superseded_by` is worked out anew.
    """
    return [a for a in resolved(analyses) if not a.superseded_by]


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

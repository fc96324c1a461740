"""Decide what to do with an archived run, from what Tiled already has of it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from live_lce.tiled import PublishedAnalysis


class Action(StrEnum):
    """What is to be done with a run."""

    ANALYSE = "analyse"
    FINISH = "finish"
    RENEW = "renew"
    LEAVE_PUBLISHED = "there"
    LEAVE_OLDER = "older"
    LEAVE_EMPTY = "no_spectrum"

    @property
    def analyses(self) -> bool:
        """Whether the run goes through the engine."""
        return self in (Action.ANALYSE, Action.FINISH, Action.RENEW)


ACTION_WORDS = {
    Action.ANALYSE: "is analysed",
    Action.FINISH: "is analysed: in Tiled it is half-written",
    Action.RENEW: "is analysed anew, which supersedes what is in Tiled",
    Action.LEAVE_PUBLISHED: "is left: in Tiled already",
    Action.LEAVE_OLDER: "is left: in Tiled by another model or other settings (--force renews it)",
    Action.LEAVE_EMPTY: "is left: an earlier replay found no spectrum in it",
}
"""What people are told about each action, after the run's name."""


@dataclass(frozen=True)
class Today:
    """What an analysis carries that is made now.

    Parameters
    ----------
    settings_hash : str
        Digest of the analysis settings.
    models : frozenset of str
        The sha256 of every model of the family in use.
    """

    settings_hash: str
    models: frozenset[str]

    def made(self, analysis: PublishedAnalysis, *, force: bool = False) -> bool:
        """Whether `analysis` has today's settings and one of today's models.

        Unless forced, one counts too that was refused before a model was asked, for which there
        may be a model now, and one that lacks points, which may be there now.
        """
        if analysis.settings_hash != self.settings_hash or (force and analysis.lacking):
            return False
        return analysis.model_sha256 in self.models or not (analysis.model_sha256 or force)


def decide(
    analyses: Iterable[PublishedAnalysis], today: Today, *, force: bool = False, empty: bool = False
) -> Action:
    """Return what to do with a raw run.

    Parameters
    ----------
    analyses : iterable of PublishedAnalysis
        All that Tiled has of this raw run, from
        :func:`live_lce.tiled._analyses.analyses_of`.
    today : Today
        What an analysis made now would carry.
    force : bool
        Analyse anew what another model or other settings have analysed.
    empty : bool
        An earlier replay with the same models and settings found no spectrum in it.

    Returns
    -------
    Action
        A half-written analysis comes first: it hides what is there.
    """
    # One without a stream says that the start was missed: it asks for this replay.
    counting = [a for a in analyses if a.stream and not a.superseded_by]
    if not counting:
        return Action.LEAVE_EMPTY if empty and not force else Action.ANALYSE
    if not all(analysis.complete for analysis in counting):
        return Action.FINISH
    if all(today.made(analysis, force=force) for analysis in counting):
        return Action.LEAVE_PUBLISHED
    return Action.RENEW if force else Action.LEAVE_OLDER

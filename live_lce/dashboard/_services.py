"""What all viewers share."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from live_lce.dashboard._archive import PastRuns
from live_lce.dashboard._board import Board
from live_lce.dashboard._feed import Feed
from live_lce.dashboard._models import Models
from live_lce.dashboard._signals import SignalTable
from live_lce.dashboard._trends import Trends


@dataclass(frozen=True)
class Services:
    """What all viewers share.

    Parameters
    ----------
    board : Board
        What is known.
    feed : Feed
        Fills the board.
    signals : SignalTable
        Recorded signals of the raw runs.
    archive : PastRuns
        Searches and exports, for viewers that ask.
    models : Models
        The installed models.
    pool : Executor
        For what waits for Tiled.
    raw_link : str
        Address of a raw run without its uid, for links; empty where there is none to show.
    trends : Trends
        What viewers look at under Trend.
    """

    board: Board
    feed: Feed
    signals: SignalTable
    archive: PastRuns
    models: Models
    pool: Executor
    raw_link: str
    trends: Trends

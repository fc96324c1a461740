"""Ask Tiled for analysis runs and their contents."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from live_lce.dashboard._board import Begun, Board
from live_lce.query import RunQuery
from live_lce.results import PublishedRun, measured_points
from live_lce.results._catalog import read_run, sample_name
from live_lce.results._points import newest_points
from live_lce.results._spectra import spectra_of
from live_lce.results._tables import rows_of
from live_lce.results._trend import point_of_stop
from live_lce.tiled import Connection
from live_lce.tiled._connection import find_child, is_away
from live_lce.tiled._query import BATCH, analysis_searches

logger = logging.getLogger(__name__)

LAST, REMEMBERED = 20, 10_000
"""So many uids are asked for of the runs stored last, and so many are known to have been seen.
What is new is told by the order in which Tiled stored it, and by no clock: those of the computers
that write differ from each other and from this one."""
WATCHED = 8
"""Open runs whose rows are asked for; more were left behind by writers that died."""
AT_ONCE = 10
"""Runs read in one go before anything else has its turn."""
RUNNING_WITHIN = 6 * 3600.0
"""A raw run that began longer ago and has no stop document is not being measured (s)."""


class Reader:
    """One connection to Tiled, used by one thread.

    Parameters
    ----------
    uri, api_key, path
        See :class:`~live_lce.tiled._connection.Connection`.
    raw_path : str
        Container of the raw runs below `uri`; need not be there.
    window : float
        How far back runs are kept in view (s).
    """

    def __init__(
        self, uri: str, api_key: str | None, path: str, raw_path: str, window: float
    ) -> None:
        self._connection = Connection(uri, api_key=api_key, backoff=0.0)
        self._path, self._raw_path, self._window = path, raw_path, window
        self._seen: dict[str, None] = {}  # uids of runs that were stored, the last one last
        self._looked = False
        self._begun: dict[str, float] | None = (
            None  # raw runs without an end: since when (s since 1970)
        )
        self._filled: set[str] = set()
        self._root: Any = None
        self._nodes: dict[str, Any] = {}

    def container(self) -> Any | None:
        """Return the container of the analysis runs; None where nothing was published yet."""
        return self._child(self._path)

    def raw(self) -> Any | None:
        """Return the container of the raw runs; None where there is none."""
        return self._child(self._raw_path)

    def drop(self) -> None:
        """Forget the connection after a failure."""
        self._connection.drop()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def refresh(self, board: Board) -> bool:
        """Bring a board up to date; tell whether anything was new.

        Costs one request; one more while there are new runs, one while runs are open, and one for
        each of the newest of these.
        """
        from tiled.queries import In, Key

        container = self.container()
        if container is None:
            return False
        unseen, all_ = self._unseen(container)
        found: list[tuple[PublishedRun, Mapping[str, Any]]] = []
        if all_:  # what was stored before is in view by its time
            found += _runs(container, [Key("start.time") >= board.clock() - self._window])
            new = bool(board.merge(found))
        else:
            for i in range(0, len(unseen), BATCH):
                found += _runs(container, [In("start.uid", unseen[i : i + BATCH])])
            new = bool(board.merge(found, arrived=board.clock()))
        open_ = board.unended()[-BATCH:]
        if open_:
            ended = list(_runs(container, [In("start.uid", open_)]))
            board.merge(ended)
            found += ended
        self._looked = True
        self._remember(unseen)
        watched = [run for run in board.counting() if not run.analysis.ended][:WATCHED]
        just_ended = [run for run, _ in found if run.analysis.ended and run.analysis.uid in open_]
        for run in {run.analysis.uid: run for run in (*watched, *just_ended)}.values():
            if self._read_rows(container, board, run):
                new = True
                self._read_newest(container, board, run.analysis.uid)
        board.prune(board.clock() - self._window)
        return new

    def knows(self, uid: str) -> bool:
        """Whether a run was stored before it was last asked what is new."""
        return uid in self._seen

    def _unseen(self, container: Any) -> tuple[list[str], bool]:
        """Return the uids of runs that were stored last and not seen, and whether none was."""
        from tiled.queries import Key

        ours = container.search(Key("start.purpose") == "live_lce")
        for n in (LAST, 5 * LAST, 25 * LAST) if self._looked else (BATCH,):
            last = list(ours.keys().tail(n))
            unseen = [uid for uid in last if uid not in self._seen]
            if self._looked and (len(unseen) < len(last) or len(last) < n):
                return unseen, False
        return unseen, True  # the first time, or another server is there now

    def _remember(self, uids: Iterable[str]) -> None:
        self._seen |= dict.fromkeys(uids)
        for old in list(self._seen)[:-REMEMBERED]:
            del self._seen[old]

    def _read_newest(self, container: Any, board: Board, uid: str) -> None:
        """Read the points of the newest prediction, where the rows were not told by a stream."""
        try:
            points = newest_points(container, uid)
        except Exception as error:
            let_pass(error, uid)
        else:
            board.add_points(uid, [] if points is None else [points])

    def read(self, board: Board, uid: str) -> None:
        """Read all that there is of a run; one that is not there is left alone."""
        container = self.container()
        if container is None:
            return
        if board.get(uid) is None:
            for conditions in analysis_searches(RunQuery(uids=(uid,))):
                board.merge(_runs(container, conditions))
        data = board.get(uid)
        if data is None:
            return
        ended = data.run.analysis.ended
        self._read_rows(container, board, data.run)
        try:
            board.add_points(uid, measured_points(container, uid))
            board.add_spectra(uid, spectra_of(container, data.run), complete=ended)
        except Exception as error:  # torn: what could be read is there
            let_pass(error, uid)
            board.add_spectra(uid, [], complete=ended)

    def fill_in(self, board: Board) -> bool:
        """Read rows that the trend needs and stop documents do not tell; whether there are more."""
        missing = []
        for run in board.counting():
            if run.analysis.ended and run.analysis.uid not in self._filled:
                if run.n_final and point_of_stop(run) is None:
                    missing.append(run)
                else:  # asked of ten thousand runs with each new prediction, it would take a core
                    self._filled.add(run.analysis.uid)
        container = self.container() if missing else None
        if container is None:
            return False
        for run in missing[:AT_ONCE]:
            self._read_rows(container, board, run)
            self._filled.add(run.analysis.uid)
        return len(missing) > AT_ONCE

    def begun(self) -> list[Begun]:
        """Return raw runs that are being measured, newest first; costs one request."""
        raw = self.raw()
        if raw is None:
            return []
        # Those stored last, whatever the time on the computer that wrote them.
        now, found, known = time.time(), [], self._begun
        self._begun = {}
        for node in raw.values().tail(5):
            start, stop = node.metadata["start"], node.metadata.get("stop")
            uid = start["uid"]
            begun = float(start["time"])
            self._begun[uid] = begun if known is None else known.get(uid, now)
            if not stop and now - self._begun[uid] <= RUNNING_WITHIN:
                sample, scan = sample_name(start.get("sample")), start.get("scan_id")
                found.append(Begun(uid, sample, scan, min(begun, now)))
        return sorted(found, key=lambda one: -one.time)

    def _read_rows(self, container: Any, board: Board, run: PublishedRun) -> bool:
        """Read the rows of a run, one request; tell whether any were new."""
        uid = run.analysis.uid
        try:
            rows = rows_of(container, run)
        except Exception as error:
            let_pass(error, uid)
            return False
        known = board.get(uid)
        # What is there when a run is first looked at may have been there for long.
        first = known is not None and not known.rows
        heard = min(board.clock(), rows[-1]["time"]) if first and rows else board.clock()
        return bool(board.add_rows(uid, rows, heard=heard))

    def _child(self, path: str) -> Any | None:
        root = self._connection.container()
        if root is not self._root:
            self._root, self._nodes = root, {}
        node = self._nodes.get(path)
        if node is None:
            node = root
            for key in filter(None, path.split("/")):
                node = None if node is None else find_child(node, key)
            if node is not None:  # an empty container is false
                self._nodes[path] = node
        return node


def _runs(
    container: Any, conditions: list[Any]
) -> Iterator[tuple[PublishedRun, Mapping[str, Any]]]:
    from tiled.queries import Key

    found = container.search(Key("start.purpose") == "live_lce")
    for condition in conditions:
        found = found.search(condition)
    for node in found.values():
        try:
            run = read_run(node.metadata, node.item["links"]["full"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            let_pass(error, str(node.item["id"]))
            continue
        if run is not None:
            yield run, node.metadata["start"]


def let_pass(error: Exception, uid: str) -> None:
    """Go on where one run cannot be read, so that it does not hide the others.

    Parameters
    ----------
    error : Exception
        What reading it raised.
    uid : str
        Of the run.

    Raises
    ------
    Exception
        `error`, if the server has the trouble and not the run.
    """
    if is_away(error.__cause__ or error) or is_away(error):
        raise error
    logger.info("Run %s cannot be read: %s", uid, error)

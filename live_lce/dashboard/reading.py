"""Asks Tiled for analysis runs and what is in them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from live_lce.dashboard.board import Begun, Board
from live_lce.publish.connection import Connection, find_child, is_away
from live_lce.results.catalog import PublishedRun, read_run, sample_name
from live_lce.results.points import measured_points, newest_points
from live_lce.results.query import BATCH, ResultQuery
from live_lce.results.spectra import spectra_of
from live_lce.results.tables import rows_of
from live_lce.results.trend import point_of_stop

logger = logging.getLogger(__name__)

OVERLAP = 30.0
"""Runs that began so long before the newest one are asked for again (s): clocks differ."""
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
        See :class:`~live_lce.publish.connection.Connection`.
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
        self._newest: float | None = None
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

        Costs one request; while runs are open one more, and one for each of the newest of them.
        """
        from tiled.queries import In, Key

        container = self.container()
        if container is None:
            return False
        since = board.clock() - self._window if self._newest is None else self._newest - OVERLAP
        found = list(_runs(container, [Key("start.time") >= since]))
        open_ = board.unended()[-BATCH:]
        if open_:
            found += _runs(container, [In("start.uid", open_)])
        new = bool(board.merge(found))
        times = [run.analysis.time for run, _ in found]
        self._newest = max([*times, self._newest or since])
        watched = [run for run in board.counting() if not run.analysis.ended][:WATCHED]
        just_ended = [run for run, _ in found if run.analysis.ended and run.analysis.uid in open_]
        for run in {run.analysis.uid: run for run in (*watched, *just_ended)}.values():
            if self._read_rows(container, board, run):
                new = True
                self._read_newest(container, board, run.analysis.uid)
        board.prune(board.clock() - self._window)
        return new

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
            for conditions in ResultQuery(uids=(uid,)).searches():
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
        from tiled.queries import Key

        raw = self.raw()
        if raw is None:
            return []
        recent = raw.search(Key("start.time") >= time.time() - RUNNING_WITHIN)
        found = []
        for node in recent.values().tail(5):
            start, stop = node.metadata["start"], node.metadata.get("stop")
            if not stop:
                sample, scan = sample_name(start.get("sample")), start.get("scan_id")
                found.append(Begun(start["uid"], sample, scan, float(start["time"])))
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

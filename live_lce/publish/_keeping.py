"""Keep analysis runs on disk, within a limit, on a disk that may be full."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from live_lce._support.private_files import PRIVATE, Access
from live_lce.publish._spool import SpoolFile
from live_lce.tiled._analyses import Again

logger = logging.getLogger(__name__)

SPOOL_LIMIT = 2_000_000_000
"""Bytes on disk, by default."""
FINALS_ONLY = 0.9
"""From this share of the limit on, partial predictions are not kept."""


class KeptRun:
    """One run on disk, as far as the disk takes it; never raises.

    Parameters
    ----------
    spool : Spool
        Where it is.
    file : SpoolFile, optional
        None where the run could not be begun.

    Attributes
    ----------
    whole : bool
        Everything but partial predictions is on disk.
    """

    def __init__(self, spool: Spool, file: SpoolFile | None) -> None:
        self._spool, self._file = spool, file
        self._size = 0
        self.whole = file is not None

    @property
    def path(self) -> Path | None:
        """The file; None if there is none."""
        return self._file.path if self._file is not None else None

    @property
    def shared(self) -> bool:
        """Whether another living process writes the same run."""
        return self._file is not None and self._file.shared

    def takes_partial(self) -> bool:
        """Whether there is room for a partial prediction, and its points; counted if not."""
        if self._file is None or not self.whole or self._spool.room.has(FINALS_ONLY):
            return True
        self._spool.left_out()
        return False

    def append(self, name: str, doc: dict[str, Any]) -> None:
        """Keep one document.

        Parameters
        ----------
        name : str
            The document's name.
        doc : dict
            The document.
        """
        if self._file is None or not self.whole:
            return
        more = {"again": self._spool.again.value} if name == "start" else {}
        if more.get("again") == Again.NO:
            more = {}
        try:
            written = self._file.append(name, doc, **more)
        except OSError as error:
            self.whole = False
            self._spool.failed(error)
        else:
            self._size += written
            self._spool.room.add(written)

    def close(self) -> None:
        """Keep the file and unlock it."""
        if self._file is not None:
            self._file.close()

    def remove(self) -> None:
        """Delete the file: its run is safe elsewhere."""
        if self._file is not None:
            self._file.remove()
            self._spool.room.add(-self._size)


class Spool:
    """The folder of the runs that Tiled does not have yet.

    When 90 % of `limit` are taken, partial predictions are not kept; when all is taken,
    new runs are not kept.  A disk that is full or broken is the same as a spool that is.
    Runs that are not kept still go to Tiled.

    Parameters
    ----------
    folder : Path
        Made if missing.
    limit : int
        Bytes allowed in it.
    counters : dict of int
        Of the publisher: ``partials_not_kept``, ``runs_not_kept`` and ``errors`` are counted.
    again : Again
        Kept with each run.
    access : Access
        Who may read it.
    """

    def __init__(
        self,
        folder: Path,
        limit: int,
        counters: dict[str, int],
        again: Again,
        access: Access = PRIVATE,
    ) -> None:
        self.room = Room(Path(folder), limit)
        self.again = again
        self._access = access
        self._counters = counters
        self._troubled = False

    def open(self, uid: str) -> KeptRun:
        """Begin a run; it holds no file where that cannot be."""
        if not self.room.has():
            self._counters["runs_not_kept"] += 1
            self._say(
                f"The spool is full ({self.room.used / 1e6:.0f} of {self.room.limit / 1e6:.0f} MB)"
            )
            return KeptRun(self, None)
        try:
            kept = KeptRun(self, SpoolFile(self.room.folder, uid, self._access))
        except OSError as error:
            self.failed(error)
            return KeptRun(self, None)
        return kept

    def fine(self) -> None:
        """Note that a run was kept whole: the next trouble is worth a line in the log."""
        self._troubled = False

    def left_out(self) -> None:
        """Count a partial prediction that is not kept."""
        self._counters["partials_not_kept"] += 1

    def failed(self, error: OSError) -> None:
        """Count a run that the disk does not take."""
        self._counters["errors"] += 1
        self._counters["runs_not_kept"] += 1
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self._say("The disk is full" if full else f"Runs cannot be kept on disk ({error})")

    def _say(self, what: str) -> None:
        level = logging.DEBUG if self._troubled else logging.ERROR
        self._troubled = True
        logger.log(
            level,
            "%s: runs go to Tiled only, and are LOST if it fails, until there is room again. "
            "Send what waits with `live-lce republish`, make room in %s, or set `publish.spool` "
            "or `publish.spool_limit`. Further ones are only counted.",
            what,
            self.room.folder,
        )  # fmt: skip


RECOUNT = 30.0
"""Seconds after which a folder is counted anew: other processes use it too."""


class Room:
    """A folder with a limit on the bytes in it.

    Parameters
    ----------
    folder : Path
        The folder; its files are counted, without subfolders.
    limit : int
        Bytes allowed.
    clock : callable
        Returns a monotonic time (s).
    """

    def __init__(
        self, folder: Path, limit: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.limit = folder, limit
        self._clock = clock
        self._used = 0
        self._counted = -float("inf")

    @property
    def used(self) -> int:
        """Bytes in the folder, as counted a short while ago plus what was added since."""
        if self._clock() - self._counted > RECOUNT:
            self._used, self._counted = _size(self.folder), self._clock()
        return self._used

    def add(self, number: int) -> None:
        """Account for bytes written, or removed if negative."""
        self._used = max(0, self._used + number)

    def has(self, share: float = 1.0) -> bool:
        """Whether less than this share of the limit is taken."""
        return self.used < share * self.limit


def _size(folder: Path) -> int:
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    total += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:  # sent and removed in this moment
                    continue
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return total

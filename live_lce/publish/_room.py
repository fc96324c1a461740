"""How much of a folder's allowance is taken."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

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

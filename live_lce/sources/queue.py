"""A queue that neither blocks nor drops: what does not fit in memory waits on disk."""

from __future__ import annotations

import logging
import pickle
import tempfile
import threading
from collections import deque
from typing import IO, Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SpillQueue(Generic[T]):
    """First in, first out; bounded in memory, the rest in a temporary file.

    Parameters
    ----------
    max_items : int
        So many items are kept in memory; later ones are pickled to an unnamed temporary
        file, which only this process can read.  What cannot be pickled, or does not fit on
        the disk, stays in memory: nothing is ever dropped.
    """

    def __init__(self, max_items: int = 10_000) -> None:
        self._max_items = max_items
        self._memory: deque[T] = deque()
        # One entry per item behind `_memory`: None if it is the file's next record.
        self._behind: deque[tuple[T] | None] = deque()
        self._file: IO[bytes] | None = None
        self._read_at = 0
        self._write_at = 0
        self._changed = threading.Condition()
        self.spilled = 0
        """Items that went through the file so far."""

    def __len__(self) -> int:
        return len(self._memory) + len(self._behind)

    @property
    def file_size(self) -> int:
        """Bytes in the temporary file."""
        return self._write_at

    def put(self, item: T) -> None:
        """Append an item, in microseconds (tens of them where it goes to disk)."""
        with self._changed:
            if not self._behind and len(self._memory) < self._max_items:
                self._memory.append(item)
            else:
                self._behind.append(None if self._write(item) else (item,))
            self._changed.notify()

    def get(self) -> T:
        """Return the oldest item; wait for one if there is none."""
        with self._changed:
            while not self._memory and not self._behind:
                self._changed.wait()
            if self._memory:
                return self._memory.popleft()
            entry = self._behind.popleft()
            return self._read() if entry is None else entry[0]

    def close(self) -> None:
        """Delete the temporary file."""
        with self._changed:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, item: T) -> bool:
        try:
            record = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="live_lce-")  # noqa: SIM115
            self._file.seek(self._write_at)
            self._file.write(record)
            self._file.flush()
        except Exception as error:  # a full disk, an exotic document: memory is left
            if not any(self._behind):
                logger.warning("Documents cannot be spilled to disk and stay in memory: %s", error)
            return False
        self._write_at += len(record)
        self.spilled += 1
        return True

    def _read(self) -> T:
        assert self._file is not None  # noqa: S101 (an entry says that there is a record)
        self._file.seek(self._read_at)
        item: T = pickle.load(self._file)  # our own file, without a name
        self._read_at = self._file.tell()
        if not any(entry is None for entry in self._behind):
            self._file.truncate(0)
            self._read_at = self._write_at = 0
        return item

"""Queue items without blocking or dropping: what does not fit in memory waits on disk."""

from __future__ import annotations

import logging
import pickle
import tempfile
import threading
from collections import deque
from contextlib import suppress
from io import FileIO
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class LostItemError(Exception):
    """An item that waited on disk cannot be read back; the others can."""


class SpillQueue(Generic[T]):
    """First in, first out; bounded in memory, the rest in a temporary file.

    Parameters
    ----------
    max_items : int
        So many items are kept in memory; later ones are pickled to an unnamed temporary
        file, which only this process can read.  What cannot be pickled, or does not fit on
        the disk, stays in memory: nothing is dropped.
    """

    def __init__(self, max_items: int = 10_000) -> None:
        self._max_items = max_items
        self._memory: deque[T] = deque()
        # One entry per item behind `_memory`: its length (bytes) if it is the file's next record.
        self._behind: deque[tuple[T] | int] = deque()
        self._on_disk = 0  # records in the file that were not read yet
        self._file: FileIO | None = None
        self._read_at = 0
        self._write_at = 0
        self._refused = False  # an item had to stay in memory, which was said
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
                length = self._write(item)
                self._behind.append(length if length else (item,))
            self._changed.notify()

    def get(self) -> T:
        """Return the oldest item; wait for one if there is none.

        Raises
        ------
        LostItemError
            If it cannot be read back from the disk; it is out of the queue then.
        """
        with self._changed:
            while not self._memory and not self._behind:
                self._changed.wait()
            if self._memory:
                return self._memory.popleft()
            entry = self._behind.popleft()
            return self._read(entry) if isinstance(entry, int) else entry[0]

    def close(self) -> None:
        """Delete the temporary file."""
        with self._changed:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, item: T) -> int:
        """Append a record to the file; return its length, 0 if it cannot be there."""
        try:
            record = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
            if self._file is None:
                # Unbuffered: what a full disk refuses must not stay in a buffer.
                self._file = tempfile.TemporaryFile(prefix="live_lce-", buffering=0)  # noqa: SIM115
            self._file.seek(self._write_at)
            rest = memoryview(record)
            while rest:
                rest = rest[self._file.write(rest) :]
        except Exception as error:  # a full disk, an exotic document: memory is left
            if not self._refused:
                self._refused = True
                logger.warning("Documents cannot be spilled to disk and stay in memory: %s", error)
            return 0
        self._write_at += len(record)
        self._on_disk += 1
        self.spilled += 1
        return len(record)

    def _read(self, length: int) -> T:
        begin, self._read_at = self._read_at, self._read_at + length
        self._on_disk -= 1
        try:
            if self._file is None:
                raise OSError("the temporary file is closed")
            self._file.seek(begin)
            record = bytearray()
            while len(record) < length and (part := self._file.read(length - len(record))):
                record += part
            item: T = pickle.loads(record)  # our own file, without a name
        except Exception as error:  # a broken disk; a document that cannot be made again
            raise LostItemError(f"{type(error).__name__}: {error}") from error
        finally:
            if not self._on_disk:
                self._read_at = self._write_at = 0
                with suppress(OSError):
                    if self._file is not None:
                        self._file.truncate(0)
        return item

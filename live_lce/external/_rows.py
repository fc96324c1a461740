"""Read rows of HDF5 files, in a process: ``python -m live_lce.external._rows [ROOT ...]``.

A line of JSON in, ``{"path", "dataset", "start", "stop", "shape", "swmr", "fresh"}`` or
``{"close": path}``; a line of JSON out, ``{"rows"}`` or ``{"error"}``.  Apart from the program that
asks, because the HDF5 library can keep it from running: opened for SWMR, a truncated file may
make it read without end, a dead network disk does so anyway, both with Python's lock held, which
would stop the RunEngine too.  And a file that this program writes itself could only be opened with
the writer's own settings.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from live_lce.external._places import PlaceError, Places

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SWMR_WRITER = 0x04
"""In the flags of a superblock of version 3: a writer has the file open for SWMR."""


MOST_ROW = 100_000
"""Values of a row."""


class Unreadable(Exception):  # noqa: N818
    """Why there are no rows, for people."""


class RowReader:
    """Keeps files open between questions."""

    def __init__(self, roots: list[str] | None = None) -> None:
        self._files: dict[str, h5py.File] = {}
        self._places = Places(roots or [])

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer a question.  Never raises."""
        try:
            if "close" in question:
                self.close(question["close"])
                return {"rows": []}
            return {"rows": self.rows(**question)}
        except Unreadable as error:
            return {"error": str(error)}
        except Exception as error:  # h5py raises whatever the file's fault suggests
            self.close(question.get("path", ""))
            text = " ".join(str(error).split())
            return {"error": f"{question.get('path')}: {type(error).__name__}: {text}"}

    def close(self, path: str) -> None:
        """Close a file, if it is open."""
        file = self._files.pop(path, None)
        if file is not None:
            with contextlib.suppress(Exception):
                file.close()

    def rows(
        self,
        path: str,
        dataset: str,
        start: int,
        stop: int,
        shape: list[int],
        swmr: bool,
        fresh: bool,
    ) -> list[Any]:
        """Return rows from `start` on, at most up to `stop`: those that are there.

        Parameters
        ----------
        path, dataset : str
            Where.
        start, stop : int
            Which rows.
        shape : list of int
            Of a row; a file may hold them one after the other without a dimension of their own.
        swmr : bool
            Whether the file may be opened for single-writer-multiple-readers.
        fresh : bool
            Open the file anew.

        Raises
        ------
        Unreadable
            If the dataset is missing or of another kind.
        """
        if fresh:
            self.close(path)
        was_open = path in self._files
        found = self._slice(path, dataset, start, stop, shape, swmr)
        if len(found) < stop - start and was_open:
            # A file that is not written for SWMR shows new rows only when it is opened again.
            self.close(path)
            found = self._slice(path, dataset, start, stop, shape, swmr)
        values: list[Any] = found.tolist()
        return values

    def _slice(
        self, path: str, name: str, start: int, stop: int, shape: list[int], swmr: bool
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        try:
            folders = self._places.allowed(path)
            data = self._places.dataset(self._open(path, swmr), name, folders)
        except PlaceError as error:
            raise Unreadable(str(error)) from None
        if data.dtype.kind not in "iufb" or not data.shape:
            raise Unreadable(f"{name} in {path} is no array of numbers")
        with contextlib.suppress(Exception):
            data.refresh()
        size = math.prod(shape)  # values of a row
        together = size == 1 or data.ndim > len(shape)  # else rows one after the other
        step = 1 if together else shape[0]
        last = min(stop, len(data) // step) if step > 0 else start
        if size > MOST_ROW:
            raise Unreadable(
                f"{name} in {path} has rows of {size} values, more than {MOST_ROW}: record a sum "
                "or a region of interest instead"
            )
        stored = math.prod(data.shape[1:]) * step  # values of a row as the file has it
        if size <= 0 or step <= 0 or (stored != size and last > start):
            raise Unreadable(f"{name} in {path} has rows of another shape than {tuple(shape)}")
        values = np.asarray(data[start * step : last * step], dtype=np.float64)
        if size <= 0 or step <= 0 or values.size != max(last - start, 0) * size:
            raise Unreadable(f"{name} in {path} has rows of another shape than {tuple(shape)}")
        return values.ravel() if size == 1 else values.reshape(-1, size)

    def _open(self, path: str, swmr: bool) -> h5py.File:
        if path not in self._files:
            if not Path(path).exists():
                raise Unreadable(f"{path} is not there")
            if not Path(path).is_file():
                raise Unreadable(f"{path} is no file")
            # Only where a writer has it open: elsewhere HDF5 then would not notice that a file
            # is truncated, and give zeros.  Without a lock a writer is never in our way, nor we
            # in its.
            growing = swmr and _has_swmr_writer(path)
            self._files[path] = h5py.File(path, "r", swmr=growing, locking=False)
        return self._files[path]


def _has_swmr_writer(path: str) -> bool:
    with Path(path).open("rb") as file:
        head = file.read(12)
    return (
        head[:8] == _SIGNATURE
        and len(head) == 12
        and head[8] == 3
        and bool(head[11] & _SWMR_WRITER)
    )


def main() -> None:
    """Answer questions until there are no more."""
    # Filters of detectors, where they are installed.
    with contextlib.suppress(Exception):
        import hdf5plugin  # noqa: F401
    reader = RowReader(sys.argv[1:])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(reader.answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

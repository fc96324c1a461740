"""The file that the simulated ion chambers write: rows that can be read while it grows."""

from __future__ import annotations

from collections.abc import Sequence

import h5py

COLUMNS = ("energy", "I0", "It", "Ir")
DATASET = "/entry/{}"
CHUNK = 1024


class RowFile:
    """An HDF5 file with one dataset a column, for one writer and many readers (SWMR).

    Parameters
    ----------
    path : str
        Must not exist.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, path: str) -> None:
        self._file = h5py.File(path, "x", libver="latest")
        self._columns = [
            self._file.create_dataset(
                DATASET.format(name), shape=(0,), maxshape=(None,), chunks=(CHUNK,), dtype="<f8"
            )
            for name in COLUMNS
        ]
        self._file.swmr_mode = True
        self.n_rows = 0

    def append(self, values: Sequence[float]) -> None:
        """Write a row, of a value a column, so that a reader sees it."""
        for column, value in zip(self._columns, values, strict=True):
            column.resize(self.n_rows + 1, axis=0)
            column[self.n_rows] = value
            column.flush()
        self.n_rows += 1

    def close(self) -> None:
        """Close it."""
        self._file.close()

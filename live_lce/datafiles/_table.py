"""Hold the tables of a data file, with names and header, before their meaning is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from live_lce.contract import Finding, Reason
from live_lce.spectra import Array

MAX_BYTES = 64_000_000
"""Larger files, also when unpacked, are refused: no spectrum is that large."""


class FileProblemError(ValueError):
    """A file holds no spectrum that can be read; `finding` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.finding = Finding(reason, detail)
        super().__init__(self.finding.sentence)


@dataclass(frozen=True)
class Table:
    """One scan of a file.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The numbers; NaN where a cell is empty or no number.
    labels : tuple of str
        A name for each column; empty if the file has no names.  Two may be equal.
    units : tuple of str
        Units of the columns, empty strings where not stated; empty if there are no names.
    header : mapping
        What the header states, keys as :func:`live_lce.datafiles._header.pairs` writes them.
    text : str
        The header as it stands.
    name : str
        Of the scan, within its file; empty if it is the only one.
    format : str
        Name of the format, for people.
    left_out : tuple of str
        Rows that could not be used, each in words.
    remark : str
        What people must know of it besides.
    suggested : mapping
        Positions (from 0) of ``energy``, ``mu``, ``i0``, ``it`` and ``if`` by the conventions of
        the format, for columns whose names do not tell; empty if there is none.
    """

    values: Array
    labels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    name: str = ""
    format: str = "columns of numbers"
    left_out: tuple[str, ...] = ()
    remark: str = ""
    suggested: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """A name of its own for each column: ``I0``, ``column 3``, ``mu (column 4)``."""
        labels = self.labels or ("",) * self.values.shape[1]
        return tuple(
            f"column {n}"
            if not label
            else label
            if label not in labels[: n - 1]
            else f"{label} (column {n})"
            for n, label in enumerate(labels, start=1)
        )

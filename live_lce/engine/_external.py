"""Define what the engine asks of a reader of external files.

The engine does no I/O: :class:`Files` is handed to it, see ``live_lce/external/_files.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MOST_ROWS = 10_000_000
"""A `stream_datum` that announces more rows is malformed."""


class UnreadableError(Exception):
    """Rows cannot be read; the text says why, for people."""


@dataclass(frozen=True)
class Source:
    """Where the rows of a data key are, as a `stream_resource` tells it.

    Parameters
    ----------
    data_key : str
        Which signal.
    uri, mimetype : str
        Of the file.
    parameters : mapping
        How to find the rows in it.
    shape : tuple of int
        Of one row, as the descriptor tells it; empty or (1,) for a number.
    """

    data_key: str
    uri: str
    mimetype: str
    parameters: Mapping[str, Any]
    shape: tuple[int, ...] = ()


class Files(Protocol):
    """Reads rows of files; whatever it does takes a bounded time."""

    def rows(self, source: Source, start: int, stop: int, *, last: bool) -> Sequence[Any]:
        """Return rows `start` to `stop`, from the first on as many as there are.

        Parameters
        ----------
        source : Source
            Where they are.
        start, stop : int
            Which, as in a slice.
        last : bool
            The run has ended: rows that are not there yet may be waited for, and what was
            read before is read anew.

        Returns
        -------
        sequence of (float or list of float)
            One a row.

        Raises
        ------
        UnreadableError
            If there are none to be had.
        """

    def close(self, uris: Iterable[str]) -> None:
        """Forget files: the run that needed them is over."""


class NoFiles:
    """For an engine that may not read files."""

    def rows(self, source: Source, start: int, stop: int, *, last: bool) -> Sequence[Any]:
        """Raise: there are none.

        Raises
        ------
        UnreadableError
            Always.
        """
        raise UnreadableError("files are not read here")

    def close(self, uris: Iterable[str]) -> None:
        """Do nothing."""


@dataclass
class Range:
    """Rows `first` to `stop` of a source, for the `seq_num` from `seq_num` on."""

    descriptor: str
    source: Source
    seq_num: int
    first: int
    stop: int


def row_shape(data_key: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of one row, as a descriptor's data key tells it; -1 where it varies."""
    return tuple(n if isinstance(n, int) else -1 for n in data_key.get("shape") or ())


def read_range(
    datum: Mapping[str, Any], resource: Mapping[str, Any], shape: tuple[int, ...]
) -> Range:
    """Return what a `stream_datum` announces.

    Raises
    ------
    KeyError, TypeError, ValueError
        If one of the documents is malformed.
    """
    first, stop = int(datum["indices"]["start"]), int(datum["indices"]["stop"])
    numbers = datum.get("seq_nums") or {}
    seq_num, end = int(numbers.get("start", 0)), int(numbers.get("stop", 0))
    if seq_num == end:  # not filled in, as outside a RunEngine
        seq_num, end = first + 1, stop + 1
    if not (0 <= first <= stop <= first + MOST_ROWS and end - seq_num == stop - first):
        raise ValueError(f"a stream_datum with indices {first}:{stop}, seq_nums {seq_num}:{end}")
    parameters = resource.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise TypeError("the parameters of a stream_resource are no mapping")
    source = Source(
        str(resource["data_key"]),
        str(resource["uri"]),
        str(resource.get("mimetype") or ""),
        parameters,
        shape,
    )
    return Range(str(datum["descriptor"]), source, seq_num, first, stop)

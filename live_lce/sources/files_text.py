"""Columns of numbers with a header of comments: XDI and everything that looks like it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.spectra.types import Array

_COMMENT = re.compile(r"^[\s#%;!*/\"'=-]+")
_COMMENT_STARTS = tuple("#%;!*/")
_PAIR = re.compile(r"^([A-Za-z][\w .&/-]*?)\s*:\s*(.*)$")
_COLUMN = re.compile(r"^column\.(\d+)$")


class FileProblemError(ValueError):
    """A file holds no spectrum that can be read; `finding` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.finding = Finding(reason, detail)
        super().__init__(self.finding.sentence)


@dataclass(frozen=True)
class Table:
    """A text file's header and numbers.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The numbers; NaN where a cell is empty.
    labels : tuple of str
        Column names as the file has them; empty if it names none.
    units : tuple of str
        Units of the columns, empty where not stated.
    header : mapping
        ``key: value`` pairs of the comments, keys in lower case; the first of each.
    """

    values: Array
    labels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)


def read_table(text: str) -> Table:
    """Read columns of numbers.

    Comments start with one of ``# % ; ! * /``; other lines before the first row of numbers
    are taken as header too.  Columns are separated by blanks, tabs, commas or semicolons
    (with semicolons, a comma is a decimal point where there is no other).

    Raises
    ------
    FileProblemError
        `unreadable_file` or `unequal_lengths`, with the line's number.
    """
    comments: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped:
            continue
        if stripped.startswith(_COMMENT_STARTS):
            if not rows:
                comments.append(stripped)
            continue
        row = _numbers(stripped, len(rows[0]) if rows else 0)
        if row is None:
            if rows:
                shown = stripped[:40]
                raise FileProblemError(
                    Reason.UNREADABLE_FILE, f"line {number} is no row of numbers: {shown!r}"
                )
            comments.append(stripped)
            continue
        if rows and len(row) != len(rows[0]):
            raise FileProblemError(
                Reason.UNEQUAL_LENGTHS,
                f"line {number} has {len(row)} columns, the first row {len(rows[0])}",
            )
        rows.append(row)
    return _table(comments, rows)


def _table(comments: list[str], rows: list[list[float]]) -> Table:
    bare = [_COMMENT.sub("", line).strip() for line in comments]
    header: dict[str, str] = {}
    for line in bare:
        for key, value in _pairs(line):
            header.setdefault(key, value)
    stated = _stated_columns(header)
    if not rows and not stated:
        raise FileProblemError(Reason.UNREADABLE_FILE, "no rows of numbers")
    n_columns = len(rows[0]) if rows else len(stated)
    values = np.array(rows, dtype=float).reshape(-1, n_columns)
    if len(stated) == n_columns:
        labels, units = zip(*stated, strict=True)
        return Table(values, tuple(labels), tuple(units), header)
    labels = next((found for line in reversed(bare) if (found := _labels(line, n_columns))), ())
    return Table(values, labels, ("",) * len(labels), header)


def _numbers(line: str, n_columns: int) -> list[float] | None:
    if ";" in line:
        cells = line.split(";")
        if "." not in line:
            line, cells = line.replace(",", "."), [cell.replace(",", ".") for cell in cells]
    elif "," in line:
        cells = line.split(",")
    else:
        cells = line.split()
    # A delimiter may end the line; but where a column is due, its cell is empty.
    if len(cells) > 1 and not cells[-1].strip() and len(cells) != n_columns:
        cells = cells[:-1]
    try:
        row = [_number(cell) for cell in cells]
    except ValueError:
        return None
    return row if any(np.isfinite(row)) or len(row) > 1 else None


def _number(cell: str) -> float:
    stripped = cell.strip()
    if not stripped:
        return float("nan")
    # Fortran writes exponents with D; underscores are Python's, not a number's.
    if "_" in stripped:
        raise ValueError(stripped)
    return float(stripped.replace("D", "E").replace("d", "e"))


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Yield ``key: value``; of two on a line (``element: Fe  edge: K``) both."""
    match = _PAIR.match(line)
    if not match:
        return
    key, value = match[1].strip().lower(), match[2].strip()
    parts = re.split(r"\s{2,}(?=[A-Za-z]\w*:\s)|\s+(?=edge:\s)", value)
    yield key, parts[0].strip()
    for part in parts[1:]:
        yield from _pairs(part)


def _stated_columns(header: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return name and units of the columns that XDI's ``Column.N`` names, if without gaps."""
    found: dict[int, tuple[str, str]] = {}
    for key, value in header.items():
        if match := _COLUMN.match(key):
            words = value.split("||")[0].split()
            found[int(match[1])] = (words[0] if words else "", " ".join(words[1:]))
    return [found[n] for n in sorted(found)] if sorted(found) == [*range(1, len(found) + 1)] else []


def _labels(line: str, n_columns: int) -> tuple[str, ...]:
    """Return the line's words if there is one per column and none is a number."""
    for cells in (re.split(r"[,;\t]+", line), re.split(r"[\s,;]+", line)):
        words = tuple(word.strip(" \"'") for word in cells if word.strip(" \"'"))
        if len(words) == n_columns and not any(map(_is_no_label, words)):
            return words
    return ()


def _is_no_label(word: str) -> bool:
    if word.endswith((":", ".")):  # prose
        return True
    try:
        float(word)
    except ValueError:
        return False
    return True

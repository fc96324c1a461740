"""Read tables of numbers from text, whatever stands above, between and below them.

Cells are separated by blanks, tabs, commas or semicolons; decimals may be commas where those
separate nothing, exponents D; cells may be quoted, empty, or hold no number (dates, flags).
What is no row of numbers is header.  Every pattern here takes time in proportion to a line.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from live_lce.contract import Reason
from live_lce.datafiles._header import pairs
from live_lce.datafiles._table import FileProblemError, Table
from live_lce.spectra import _names as names

_COMMENTS = tuple("#%;!*/")
_DECORATION = " \t#%;!*/=-\"'"
_MISSING = {"", "-", "--", "---", "na", "n/a", "none", "null"}
_LEAST_ROWS = 3
"""A block of fewer rows, beside a larger one, is a part of the header."""
_MOST_HEAD, _MOST_LINE = 2000, 4000
"""Lines of a header, and characters of each, that are looked at."""
_MOST_STRAY = 0.1
"""A table with more rows than this part left out is refused."""

_Row = tuple[list[float], int]
"""The numbers of a row, and how many of its cells are text."""


@dataclass
class _Block:
    """Rows of one length, and the lines above them."""

    rows: list[list[float]]
    line: int
    first: str
    head: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        return len(self.rows[0])


def read_text(text: str) -> list[Table]:
    """Read the tables of a text.

    Raises
    ------
    FileProblemError
        `unreadable_file` if there is none, or too much of it is no table, with the line.
    """
    runs, tail = _runs(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    blocks = _joined([block for run in runs for block in run])
    whole = [line for block in blocks for line in block.head] + ([] if blocks else tail)
    if not blocks:
        stated = _numbered([_bare(line) for line in whole])
        if not stated:
            raise FileProblemError(Reason.UNREADABLE_FILE, "text without a table of numbers")
        labels, units = _split_units(stated, xdi=True)
        empty = np.empty((0, len(labels)))
        return [Table(empty, labels, units, pairs(whole), "\n".join(whole))]
    found = [_table(block, blocks[0].head) for block in blocks]
    return _named(found)


def _runs(lines: Sequence[str]) -> tuple[list[list[_Block]], list[str]]:
    """Return the blocks of each run of rows that no other line interrupts, and the last lines."""
    runs: list[list[_Block]] = []
    head: list[str] = []
    rows: list[tuple[_Row, int, str]] = []
    inside_mca = False
    for number, line in enumerate((*lines, "end"), start=1):
        stripped = line.strip()
        if inside_mca or stripped.startswith("@"):  # @A: spectra of an MCA in SPEC files
            inside_mca = stripped.endswith("\\")
            continue
        if not stripped:
            continue
        width = len(rows[-1][0][0]) if rows else 0
        row = None if stripped.startswith(_COMMENTS) else _row(stripped, width)
        if row is not None:
            rows.append((row, number, line))
            continue
        if rows:
            runs.append(_blocks(rows, head))
            rows, head = [], []
        if len(head) < _MOST_HEAD:
            head.append(line[:_MOST_LINE])
    return runs, head


def _blocks(rows: list[tuple[_Row, int, str]], head: list[str]) -> list[_Block]:
    """Return rows that follow each other as blocks of one length; wrapped rows are joined."""
    widths = [len(row[0]) for row, _, _ in rows]
    period = _period(widths)
    if period > 1:
        joined = []
        for first in range(0, len(rows) - period + 1, period):
            parts = rows[first : first + period]
            cells = [cell for row, _, _ in parts for cell in row[0]]
            joined.append(((cells, sum(row[1] for row, _, _ in parts)), *parts[0][1:]))
        rows = joined
    usual = Counter(row[1] for row, _, _ in rows).most_common(1)[0][0]
    found: list[_Block] = []
    for (cells, texts), number, line in rows:
        block = found[-1] if found else None
        if block is not None and block.width == len(cells):
            block.rows.append(cells)
        elif not found and texts != usual:  # a line of the header that has numbers in it
            head = [*head, line]
        else:
            found.append(_Block([cells], number, line))
    if found:
        found[0].head = head
    return found


def _period(widths: list[int]) -> int:
    """Return over how many lines a row is wrapped; 1 where it is not."""
    if len(set(widths)) == 1:
        return 1
    for period in range(2, min(60, len(widths) // 5) + 1):
        if all(a == b for a, b in zip(widths, widths[period:], strict=False)):
            return period
    return 1


def _joined(blocks: list[_Block]) -> list[_Block]:
    """Return the blocks that are tables; small ones are header, or rows that were torn."""
    largest = max((len(block.rows) for block in blocks), default=0)
    found: list[_Block] = []
    head: list[str] = []
    for block in blocks:
        head += block.head
        small = len(block.rows) < min(_LEAST_ROWS, largest)
        last = found[-1] if found else None
        if last and not _begins(head, block.width):
            words = [line for line in head if not line.strip().startswith(_COMMENTS)]
            last.stray += words
            head = []
            if block.width == last.width:
                last.rows += block.rows
                continue
            if small:
                last.stray.append(block.first)
                continue
        elif small:
            head.append(block.first)
            continue
        found.append(replace(block, head=head, stray=[]))
        head = []
    return found


def _begins(head: Sequence[str], width: int) -> bool:
    """Whether the lines between two blocks begin a table: a scan's heading, or names."""
    if any(line.startswith("#S ") for line in head):
        return True
    labels = _labels(head, width, "")[0] if head else ()
    return any(names.rank(role, label) is not None for label in labels for role in _AXES)


def _table(block: _Block, first_head: list[str]) -> Table:
    if len(block.stray) > max(3, _MOST_STRAY * len(block.rows)):
        shown = block.stray[0].strip()[:40]
        detail = f"{len(block.stray)} lines are no rows of {block.width} numbers, first {shown!r}"
        raise FileProblemError(Reason.UNREADABLE_FILE, detail)
    lines = block.head if block.head is first_head else [*first_head, *block.head]
    labels, units = _labels(block.head, block.width, block.first)
    if not labels and block.head is not first_head:
        labels, units = _labels(first_head, block.width, block.first)
    spec = any(line.startswith(("#S ", "#L ")) for line in lines)
    xdi = any(line.lstrip("# ").startswith("XDI/") for line in lines[:2])
    return Table(
        values=np.array(block.rows, dtype=float),
        labels=labels,
        units=units,
        header=pairs([*block.head, *first_head]),
        text="\n".join(lines),
        name=next((line[3:].strip() for line in reversed(block.head) if line[:3] == "#S "), ""),
        format="SPEC" if spec else "XDI" if xdi else "columns of numbers",
        left_out=tuple(f"{line.strip()[:40]!r}" for line in block.stray),
    )


def _named(tables: list[Table]) -> list[Table]:
    """Give each of several tables a name of its own: the scan's number in SPEC, else a number."""
    if len(tables) == 1:
        return [replace(tables[0], name="")]
    numbers = [(table.name.split() or [str(n)])[0] for n, table in enumerate(tables, start=1)]
    orders = [numbers[: n + 1].count(number) for n, number in enumerate(numbers)]
    return [
        replace(table, name=f"{number}.{order}" if numbers.count(number) > 1 else number)
        for table, number, order in zip(tables, numbers, orders, strict=True)
    ]


def _row(line: str, width: int) -> _Row | None:
    """Return the numbers of a line; None if it is no row of them."""
    if "_" not in line:
        try:
            return [float(cell) for cell in line.split()], 0
        except ValueError:
            pass
    best: _Row | None = None
    for separator in (";", "\t", ",", None):
        if separator is not None and separator not in line:
            continue
        cells = [cell.strip(" \"'") for cell in line.split(separator)]
        # A separator may end the line; but where a column is due, its cell is empty.
        if len(cells) > 1 and not cells[-1] and len(cells) != width:
            cells = cells[:-1]
        values = [_number(cell, decimal_comma=separator != ",") for cell in cells]
        texts = values.count(None)
        numbers = sum(1 for value in values if value is not None and not math.isnan(value))
        row = [math.nan if value is None else value for value in values], texts
        if not texts and (numbers or len(values) > 1):
            return row
        heading = any(cell.endswith((":", "=")) for cell in cells)
        if best is None and numbers >= max(2, texts) and not heading:
            best = row
    return best


def _number(cell: str, *, decimal_comma: bool) -> float | None:
    """Return a cell's number, NaN if it is empty; None for other text."""
    if cell.lower() in _MISSING:
        return math.nan
    if decimal_comma and "." not in cell:
        cell = cell.replace(",", ".", 1)
    # Fortran writes exponents with D; underscores are Python's, not a number's.
    if "_" in cell or len(cell) > 60:
        return None
    try:
        return float(cell.replace("D", "E").replace("d", "e"))
    except ValueError:
        return None


def _bare(line: str) -> str:
    return line.strip(" \t").lstrip(_DECORATION).rstrip()


Names = tuple[tuple[str, ...], tuple[str, ...]]


def _labels(head: Sequence[str], width: int, first: str) -> Names:
    """Return names and units of a table's columns; both empty if the lines above name none."""
    lines = [line for line in head[-_MOST_HEAD:] if line.strip()]
    bare = [_bare(line) for line in lines]
    stated = _numbered(bare)
    if len(stated) == width:
        return _split_units(stated, xdi=True)
    below = next((n for n, line in enumerate(bare) if line.lower() == "data:"), len(bare))
    if len(bare) - below - 1 == width:
        return _split_units(bare[below + 1 :])
    units: tuple[str, ...] = ()
    named: Names = ((), ())
    for line in reversed(lines):
        words = next(_words(line, width, first), ())
        if not words:
            continue
        if not units and all(names.kind_of(word) not in {"", "none"} for word in words):
            units = words
            continue
        labels, own = _split_units([_legend(bare).get(word, word) for word in words])
        found = labels, (units if units and not any(own) else own)
        if any(names.rank(role, label) is not None for label in labels for role in _AXES):
            return found
        named = named if named[0] else found
    return named if named[0] else _split_units(units)


_AXES = ("energy", "bragg", "angle")


def _numbered(bare: Sequence[str]) -> list[str]:
    """Return the names of lines such as ``Column.1: energy eV`` or ``Col 1 energy``, from 1 on."""
    found: dict[int, str] = {}
    for line in bare:
        match = re.match(r"col(?:umn)?[ ._#]?(\d{1,4})(?=\D)\s?[:=.)]?\s?(?=\S)", line, re.I)
        if match:
            found.setdefault(int(match[1]), line[match.end() :].split("||")[0].strip())
    return [found[n] for n in sorted(found)] if sorted(found) == [*range(1, len(found) + 1)] else []


def _legend(bare: Sequence[str]) -> dict[str, str]:
    """Return what EPICS scans say of their columns: ``P1 = {Energy} --> PV``."""
    matches = (re.match(r"([A-Z]\d{1,3}) ?= ?\{([^}]*)\}", line) for line in bare)
    return {match[1]: match[2].strip() for match in matches if match and match[2].strip()}


def _words(line: str, width: int, first: str) -> Iterator[tuple[str, ...]]:
    """Yield the ways in which a line is a name for each column."""
    spec = re.match(r"#L[ \t]+", line)
    text = line[spec.end() :] if spec else _bare(line)
    marks = re.findall(r"(?:^|[\s(#])(\d{1,4})[_:)](?=\S)", text)
    if marks == [str(n) for n in range(1, width + 1)]:  # 1_Energy (keV) 2_sec
        yield tuple(part.strip() for part in re.split(r"(?:^|[\s(#])\d{1,4}[_:)](?=\S)", text)[1:])
    ways = [re.split(r"[,;\t]", text), re.split(r"(?<!\s)\s{2,}", text), text.split()]
    ends = [match.end() for match in re.finditer(r"\S+", first)]
    if len(ends) == width > 1 and not spec:
        for start in (0, 1):  # with and without the comment sign
            whole = line[start:].rstrip()
            whole_words = all(not whole[at - 1 : at + 1].strip()[1:] for at in ends[:-1])
            if whole_words and len(whole) <= ends[-1]:
                cuts = [0, *ends[:-1], None]
                ways.append([whole[a:b] for a, b in pairwise(cuts)])
    for cells in ways:
        words = tuple(w for cell in cells if (w := cell.strip(" \t\"'#*")))
        if len(words) == width and not any(map(_is_no_label, words)):
            yield words


def _is_no_label(word: str) -> bool:
    abbreviated = re.search(r"(^|\W)(n[or]|a\.? ?u|arb|abs|norm|trans|fluor?)\.$", word, re.I)
    prose = word.endswith(":") or (word.endswith(".") and not abbreviated)
    prose = prose or ": " in word or "=" in word or len(word) > 80
    return prose or _number(word, decimal_comma=True) is not None


def _split_units(labels: Sequence[str], *, xdi: bool = False) -> Names:
    """Return names, and units that stand in brackets, behind a slash, or (XDI) behind a blank."""
    found = []
    for label in labels:
        name, units = label.strip(" \"'"), ""
        match = re.match(r"([^()\[\]{}]*[^()\[\]{}\s])\s?[(\[{]([^()\[\]{}]*)[)\]}]$", name)
        slash = name.rpartition("/")
        if xdi and " " in name:
            name, _, units = name.partition(" ")
        elif match and names.kind_of(match[2]) not in {"", "none"}:
            name, units = match[1], match[2]
        elif slash[0] and names.kind_of(slash[2]) in {"energy", "angle"}:
            name, units = slash[0], slash[2]
        found.append((name, units.strip()))
    return tuple(name for name, _ in found), tuple(units for _, units in found)

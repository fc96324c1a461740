"""Show the demo's predictions: a live table, or plain lines for a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Protocol

from live_lce.contract import Reason
from live_lce.sim._scoring import Score
from live_lce.sim.experiment import Done, Scan
from live_lce.sim.watch import Row

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

_SAID_ALREADY = frozenset({Reason.SCAN_RUNNING.value, Reason.POST_EDGE_SHORT.value})
"""Reasons that the column ``at`` says as well; Tiled has them all."""

_SHARES = ("T4", "S5", "O6")
_WIDE = 100


class View(Protocol):
    """Shows scans and predictions as they come; called from several threads."""

    def scan(self, number: int, uid: str, scan: Scan) -> None:
        """Show that a scan has started."""

    def row(self, row: Row) -> None:
        """Show a prediction."""

    def close(self) -> None:
        """End."""


def truth_words(scan: Scan) -> str:
    """Return the truth of a scan, in rounded percent: ``T4`` or ``T4 62 O6 38``."""
    parts = sorted(scan.sample.truth.items(), key=lambda item: -item[1])
    if round(100 * parts[0][1]) == 100:
        return parts[0][0]
    return " ".join(f"{label} {100 * part:.0f}" for label, part in parts)


def answer_words(row: Row) -> str:
    """Return label and confidence, e.g. ``O6 98 %``; the status where nothing was answered."""
    v = row.values
    return f"{v['label']} {100 * v['confidence']:.0f} %" if v["answered"] else str(v["status"])


def notes(row: Row) -> tuple[str, ...]:
    """Return the reasons of a prediction that `at` does not say."""
    codes = row.values["reason"].split(";")
    return tuple(code for code in codes if code and code not in _SAID_ALREADY)


def judgement(row: Row, scan: Scan) -> str:
    """Return right, WRONG or miss (no answer): the last prediction of a scan with a true class."""
    codes = row.values["reason"].split(";")
    interrupted = Reason.SCAN_ABORTED.value in codes and scan.remark != "aborted"
    if not row.final or not scan.true_class or interrupted:
        return ""
    if not row.values["answered"]:
        return "miss"
    return "right" if row.values["label"] == scan.true_class else "WRONG"


def reach(row: Row, points: Sequence[float]) -> str:
    """Return how far a prediction's spectrum reaches past the tabulated edge, or ``end``."""
    if row.final:
        return "end"
    return f"{points[min(int(row.values['raw_seq_num_last']), len(points)) - 1]:+.0f} eV"


class Lines:
    """Plain lines; a partial prediction only if it says something new.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    points : sequence of float
        Energies of a scan from the tabulated edge (eV), in scan order.
    """

    def __init__(self, console: Console, points: Sequence[float]) -> None:
        self._console = console
        self._points = points
        self._scans: dict[str, tuple[int, Scan]] = {}
        self._said: dict[str, tuple[object, ...]] = {}

    def scan(self, number: int, uid: str, scan: Scan) -> None:
        """Print a line for the scan."""
        self._scans[uid] = (number, scan)
        remark = f" [{scan.remark}]" if scan.remark else ""
        self._print(f"scan {number:2d}  {scan.name}{remark}: truth {truth_words(scan)}")

    def row(self, row: Row) -> None:
        """Print a line for the prediction."""
        number, scan = self._scans[row.raw_uid]
        codes = notes(row)
        news = (row.values["status"], row.values["label"], frozenset(codes))
        if not row.final and self._said.get(row.raw_uid) == news:
            return
        self._said[row.raw_uid] = news
        line = (
            f"  {number:2d} {'final  ' if row.final else 'partial'} {reach(row, self._points):>7}"
            f"  {answer_words(row):<8}  {judgement(row, scan):<5}  {', '.join(codes)}"
        )
        self._print(line.rstrip())

    def close(self) -> None:
        """Do nothing."""

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveTable:
    """A table on the screen, one line a scan.

    Parameters
    ----------
    console, points
        As of `Lines`.
    """

    def __init__(self, console: Console, points: Sequence[float]) -> None:
        from rich.live import Live

        self.board = FittedTable(points)
        # Screen and table change in different threads: redrawn only here, on demand.
        self._live = Live(self.board, console=console, auto_refresh=False, redirect_stdout=False)
        self._live.start()

    def scan(self, number: int, uid: str, scan: Scan) -> None:
        """Add a line for the scan."""
        self.board.scans = {**self.board.scans, uid: (number, scan)}
        self._live.refresh()

    def row(self, row: Row) -> None:
        """Change the line of its scan."""
        self.board.last = {**self.board.last, row.raw_uid: row}
        self._live.refresh()

    def close(self) -> None:
        """Leave the whole table, also what the screen was too low for."""
        self.board.whole = True
        self._live.vertical_overflow = "visible"
        self._live.stop()


class FittedTable:
    """What `LiveTable` shows, fitted to the console at each drawing.

    Parameters
    ----------
    points : sequence of float
        As of `Lines`.
    """

    def __init__(self, points: Sequence[float]) -> None:
        self.points = points
        self.scans: Mapping[str, tuple[int, Scan]] = {}
        self.last: Mapping[str, Row] = {}
        self.whole = False

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Sequence[RenderableType]:
        """Draw; on a low screen only the latest scans."""
        scans = list(self.scans.items())
        if not self.whole:
            scans = scans[-max(1, console.height - 4) :]
        return [self.table(scans, options.max_width)]

    def table(self, scans: Sequence[tuple[str, tuple[int, Scan]]], width: int) -> Table:
        """Return the table; the columns' widths depend on nothing but `width`."""
        from rich import box
        from rich.table import Table

        wide = width >= _WIDE
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1 if wide else 0, 0, 0))
        for name, size in (("", 2), ("sample", 20), ("truth %", 11)):
            table.add_column(name, width=size, no_wrap=True)
        table.add_column("at", width=7, no_wrap=True, justify="right")
        table.add_column("answer", width=8, no_wrap=True)
        if wide:
            table.add_column(" T4  S5  O6", width=11, no_wrap=True)
        table.add_column("", width=5, no_wrap=True)
        rest = width - sum((column.width or 0) + wide + 1 for column in table.columns) - 1
        table.add_column("notes", width=min(40, max(5, rest - wide)), no_wrap=True)
        for uid, (number, scan) in scans:
            row = self.last.get(uid)
            start = (str(number), scan.name, truth_words(scan))
            table.add_row(*start, *self._cells(row, scan, wide))
        return table

    def _cells(self, row: Row | None, scan: Scan, wide: bool) -> list[str]:
        if row is None:
            return ["", "[dim]waiting[/]", *([""] if wide else []), "", scan.remark]
        values = row.values
        colour = {"right": "green", "WRONG": "red", "miss": "yellow"}.get(judgement(row, scan), "")
        if not row.final:
            colour = "cyan" if values["answered"] else "dim"
        style = f"[{colour}]" if colour else "[default]"
        cells = [reach(row, self.points), f"{style}{answer_words(row)}[/]"]
        if wide:
            shares = [100 * float(values.get(f"p_{name}", float("nan"))) for name in _SHARES]
            known = not any(map(isnan, shares))  # not computed yet
            cells.append(" ".join(f"{share:3.0f}" for share in shares) if known else "")
        cells.append(f"{style}{judgement(row, scan)}[/]")
        said = [code for code in notes(row) if scan.remark != "aborted" or "abort" not in code]
        cells.append(", ".join([scan.remark, *said] if scan.remark else said))
        return cells


def score_lines(score: Score, done: Sequence[Done]) -> list[str]:
    """Return the score, and what was wrong, for people."""
    lines = [
        f"{score.right} of {score.scored} scored scans right ({100 * score.fraction:.0f} %); "
        f"not scored: {score.mixtures} mixtures"
    ]
    for scan, label in score.wrong:
        lines.append(f"  not right: {scan.name}: {label or 'no answer'}, truth {truth_words(scan)}")
    return lines

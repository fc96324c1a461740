"""How the demo shows its predictions: a live table, or plain lines for a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from live_lce.sim.experiment import Done, Scan, Score
from live_lce.sim.watch import Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class View(Protocol):
    """Shows scans and predictions as they come; called from several threads."""

    def scan(self, number: int, uid: str, scan: Scan) -> None:
        """Show that a scan has started."""

    def row(self, row: Row) -> None:
        """Show a prediction."""

    def close(self) -> None:
        """End."""


def truth_words(scan: Scan) -> str:
    """Return the truth of a scan, e.g. ``T4`` or ``T4 62 % O6 38 %``."""
    parts = sorted(scan.sample.truth.items(), key=lambda item: -item[1])
    if len(parts) == 1:
        return parts[0][0]
    return " ".join(f"{label} {100 * part:.3g} %" for label, part in parts)


def past_edge(row: Row, scan: Scan, points: Sequence[float]) -> float:
    """Return how far (eV) the spectrum of a prediction reaches past the tabulated edge."""
    return float(points[min(int(row.values["raw_seq_num_last"]), len(points)) - 1])


class Lines:
    """Plain lines, one a prediction.

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

    def scan(self, number: int, uid: str, scan: Scan) -> None:
        """Print a line for the scan."""
        self._scans[uid] = (number, scan)
        remark = f" [{scan.remark}]" if scan.remark else ""
        self._print(f"scan {number:2d}  {scan.name}: truth {truth_words(scan)}{remark}")

    def row(self, row: Row) -> None:
        """Print a line for the prediction."""
        number, scan = self._scans[row.raw_uid]
        v = row.values
        label = f"{v['label']} {100 * v['confidence']:3.0f} %" if v["answered"] else "-"
        verdict = ""
        if row.final and scan.true_class:
            verdict = "  RIGHT" if v["label"] == scan.true_class else "  WRONG"
        self._print(
            f"  {number:2d} {'final  ' if row.final else 'partial'} "
            f"{past_edge(row, scan, self._points):+6.1f} eV  {label:<8} "
            f"{v['status']:<8} {v['reason']:<24} truth {truth_words(scan)}{verdict}"
        )

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

        self._points = points
        self._scans: dict[str, tuple[int, Scan]] = {}
        self._last: dict[str, Row] = {}
        # Screen and table change in different threads: redrawn only here, on demand.
        self._live = Live(self._table(), console=console, auto_refresh=False, redirect_stdout=False)
        self._live.start()

    def scan(self, number: int, uid: str, scan: Scan) -> None:
        """Add a line for the scan."""
        self._scans = {**self._scans, uid: (number, scan)}
        self._live.update(self._table(), refresh=True)

    def row(self, row: Row) -> None:
        """Change the line of its scan."""
        self._last = {**self._last, row.raw_uid: row}
        self._live.update(self._table(), refresh=True)

    def close(self) -> None:
        """Leave the table as it is."""
        self._live.stop()

    def _table(self) -> Table:
        from rich.table import Table

        table = Table(title="live_lce: coordination environments while the scans run")
        for column in ("", "sample", "truth", "at", "prediction", "T4 S5 O6", "status", "why"):
            table.add_column(column, no_wrap=column != "why")
        scans, last = self._scans, self._last
        for uid, (number, scan) in scans.items():
            remark = f" [dim]{scan.remark}[/]" if scan.remark else ""
            start = (str(number), scan.name + remark, truth_words(scan))
            row = last.get(uid)
            if row is None:
                table.add_row(*start, "", "[dim]measuring[/]", "", "", "")
                continue
            v = row.values
            shares = " ".join(f"{100 * v.get(f'p_{c}', 0.0):3.0f}" for c in ("T4", "S5", "O6"))
            prediction = f"{v['label']} {100 * v['confidence']:.0f} %" if v["answered"] else "-"
            if row.final and scan.true_class:
                colour = "green" if v["label"] == scan.true_class else "red"
                prediction = f"[{colour}]{prediction}[/]"
            elif not row.final:
                prediction = f"[yellow]{prediction}[/]"
            at = "end" if row.final else f"{past_edge(row, scan, self._points):+.0f} eV"
            table.add_row(*start, at, prediction, shares, v["status"], v["reason"])
        return table


def score_lines(score: Score, done: Sequence[Done]) -> list[str]:
    """Return the score, and what was wrong, for people."""
    lines = [
        f"{score.right} of {score.scored} scored scans right "
        f"({100 * score.fraction:.0f} %; {len(done)} scans, {score.mixtures} of them mixtures "
        "without a class of 70 % or more: not scored)"
    ]
    for scan, label in score.wrong:
        lines.append(f"  wrong: {scan.name}: {label or 'no answer'}, truth {truth_words(scan)}")
    return lines

"""The demo's table and lines, from rows as the subscription brings them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from live_lce.sim._view import Lines, LiveTable
from live_lce.sim.experiment import Scan, insitu_experiment
from live_lce.sim.watch import Row

POINTS = [float(e) for e in range(-50, 150)]


def row(scan: int, **changes: Any) -> Row:
    values = {
        "raw_seq_num_last": 91,
        "final": 1,
        "answered": 1,
        "status": "ok",
        "label": "O6",
        "confidence": 0.98,
        "reason": "",
        "p_T4": 0.0,
        "p_S5": 0.02,
        "p_O6": 0.98,
    }
    return Row(str(scan), values | changes, 0.0)


RUNNING = {"final": 0, "status": "partial", "reason": "scan_running;post_edge_short"}
EARLY = {
    "final": 0,
    "answered": 0,
    "status": "abstain",
    "label": "",
    "reason": "window_not_covered;post_edge_short;scan_running",
    "p_T4": float("nan"),
}


def drawn(rows: list[Row], width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    table = LiveTable(console, POINTS)
    for number, scan in enumerate(insitu_experiment()):
        table.scan(number + 1, str(number), scan)
    for found in rows:
        table.row(found)
    table.close()
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_table_fits_and_keeps_every_word(width: int) -> None:
    rows = [row(i) for i in range(13)]
    rows.append(row(13, **EARLY))
    rows.append(row(14, answered=0, status="abstain", label="", reason="out_of_distribution"))
    lines = drawn(rows, width, 24)
    assert len(lines) <= 18, "all scans and the heading on a low screen"
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines) and "nan" not in "".join(lines)
    text = "\n".join(lines)
    for words in ("O6 98 %", "right", "WRONG", "miss", "+40 eV", "out_of_distribution"):
        assert words in text, words
    assert "post_edge_short" not in text, "the column `at` says so"


def test_a_low_screen_gets_all_scans_at_the_end() -> None:
    lines = drawn([row(0)], 80, 10)
    assert any(line.startswith("1 ") for line in lines)
    assert any(line.startswith("15 ") for line in lines)


def lines_of(scan: Scan, *rows: Row) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    lines = Lines(console, POINTS)
    lines.scan(1, "0", scan)
    for found in rows:
        lines.row(found)
    return console.file.getvalue().splitlines()[1:]  # type: ignore[attr-defined]


def test_lines_say_only_what_is_new() -> None:
    scan = insitu_experiment()[0]
    said = lines_of(scan, row(0, **EARLY), row(0, **EARLY), row(0, **RUNNING), row(0, **RUNNING))
    assert [line.split()[1] for line in said] == ["partial", "partial"]
    changed = lines_of(scan, row(0, **RUNNING), row(0, **RUNNING | {"label": "S5"}), row(0))
    assert len(changed) == 3 and changed[-1].endswith("right")


def test_an_interrupted_scan_has_no_decision() -> None:
    scans = insitu_experiment()
    aborted = next(s for s in scans if s.remark == "aborted")
    cut = row(0, status="partial", reason="scan_aborted", label="T4")
    assert "right" in lines_of(aborted, cut)[-1]
    assert "right" not in lines_of(scans[-1], cut)[-1]

"""docs/explanations/faults.md: its tests exist, and its words are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/explanations/faults.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and "::" in line
]


def flat(text: str) -> str:
    """Return source code with string literals of several lines joined, without line ends."""
    return re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*f?"', "", text))


@pytest.fixture(scope="module")
def source() -> str:
    return " ".join(flat(path.read_text("utf-8")) for path in (ROOT / "live_lce").rglob("*.py"))


def test_there_are_rows() -> None:
    assert len(ROWS) > 20
    assert {len(row) for row in ROWS} == {5}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_tests_of_a_fault_exist(row: list[str]) -> None:
    named = re.findall(r"`([\w/]+/test_\w+\.py)::(test_\w+)`", row[4])
    assert named and len(named) == row[4].count("`") / 2
    for file, name in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}::{name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_seen_is_said_by_the_code(row: list[str], source: str) -> None:
    for words in re.findall(r"`([^`]+)`", row[1]):
        for part in words.removeprefix("live-lce ").split("…"):
            assert part.strip() in source, words

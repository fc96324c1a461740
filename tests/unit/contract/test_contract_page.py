"""The committed contract page is the one that the code gives."""

from __future__ import annotations

from pathlib import Path

from live_lce import contract
from tools.contract_page import reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "contract.md"


def test_the_committed_page_is_fresh() -> None:
    again = "python -m tools.contract_page > docs/reference/contract.md"
    assert PAGE.read_text(encoding="utf-8") == reference_page(), f"stale: {again}"


def test_it_names_everything() -> None:
    page = reference_page()
    columns = (*contract.prediction_columns(contract.DEFAULT_CLASSES), *contract.SPECTRA_COLUMNS)
    for word in (
        *(c.name for c in columns), *contract.START_KEYS, *contract.STOP_KEYS,
        *contract.Status, *contract.Reason,
    ):  # fmt: skip
        assert f"| `{word}` |" in page, word

"""Summarize the reasons that the predictions of many runs gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from live_lce.contract import REASON_WORDS, Reason

MOST_DETAILS = 3
"""So many different particulars of one reason are told."""


class Reasons:
    """The reasons that predictions gave, each with its sentence and particulars; bounded."""

    def __init__(self) -> None:
        self._details: dict[str, dict[str, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._details)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in the `reason` and the `messages` of a prediction."""
        codes = (code for code in row["reason"].split(";") if code)
        for code in codes:
            if code == Reason.SCAN_RUNNING.value:
                continue
            known = self._details.setdefault(code, {})
            words = REASON_WORDS[Reason(code)]
            for message in row["messages"]:
                detail = message.removeprefix(words).strip()
                if message.startswith(words) and detail and len(known) <= MOST_DETAILS:
                    known[detail] = None

    def lines(self) -> list[str]:
        """Return a line for each reason, in the order of their appearance."""
        lines = []
        for code, details in self._details.items():
            shown = [] if len(details) > MOST_DETAILS else details
            lines.append(" ".join([f"  {code}: {REASON_WORDS[Reason(code)]}", *shown]))
        return lines

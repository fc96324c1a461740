"""Points of a trend as they are read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from results_parts import (
    T0,
)

from live_lce.results import (
    TrendPoint,
)


def a_point(number: int, **changes: Any) -> TrendPoint:
    t4 = 0.1 * number
    point = TrendPoint(
        f"a{number}", f"r{number}", 0, "rust", number, "Fe", "K", T0 + 60 * number, "ok", "", True,
        "O6", 1 - t4, {"O6": 1 - t4, "T4": t4}, {"O6": 0.02, "T4": 0.01},
    )  # fmt: skip
    return replace(point, **changes)


NOT = {"answered": False, "label": "", "status": "abstain", "confidence": 0.0}

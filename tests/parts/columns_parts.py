"""Points of a trend for the tests of its columns and groups."""

from __future__ import annotations

from live_lce.results import TrendPoint

CLASSES = ("T4", "S5", "O6")


def point(
    number: int, o6: float = 0.7, *, answered: bool = True, spread: bool = True
) -> TrendPoint:
    known = dict(zip(CLASSES, (0.9 - o6, 0.1, o6), strict=True))
    return TrendPoint(
        f"a{number}", f"r{number}", 0, "s", number, "Fe", "K", float(number), "ok", "",
        answered, "O6" if answered else "", o6, known, dict.fromkeys(CLASSES, 0.05 * spread),
    )  # fmt: skip

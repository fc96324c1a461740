"""What is said of a column of the trend to who points at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from live_lce.dashboard._words import percent
from live_lce.results import TrendPoint

SILENT = "no answer"


def hint(points: Sequence[TrendPoint]) -> tuple[str, str, str]:
    """Return what they are, which scans, and why there is no answer.

    Parameters
    ----------
    points : sequence of TrendPoint
        Of one column; at least one.
    """
    if len(points) == 1:
        why = points[0].reason.replace(";", ", ").replace("_", " ")
        return _said(points[0]), _scan(points[0]), why
    counts = Counter(point.label if point.answered else SILENT for point in points)
    labels = ", ".join(f"{number} {label}" for label, number in counts.most_common())
    return f"{len(points)} spectra: {labels}", _scans(points), "zoom in to see each"


def _said(point: TrendPoint) -> str:
    return f"{point.label}, {percent(point.confidence)}" if point.answered else SILENT


def _scan(point: TrendPoint) -> str:
    number = "" if point.scan_id is None else f"scan {point.scan_id}"
    return ", ".join(filter(None, (point.sample, number)))


def _scans(points: Sequence[TrendPoint]) -> str:
    samples = {point.sample for point in points}
    numbers = [point.scan_id for point in points if point.scan_id is not None]
    name = next(iter(samples)) if len(samples) == 1 else f"{len(samples)} samples"
    low, high = min(numbers, default=None), max(numbers, default=None)
    scans = "" if low is None else f"scan {low}" if low == high else f"scans {low} to {high}"
    return ", ".join(filter(None, (name, scans)))

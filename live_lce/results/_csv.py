"""Write spectra and trends as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from live_lce._support.text import csv_cell, csv_comment
from live_lce.results._spectra import PublishedSpectrum
from live_lce.results._trend import TrendPoint, classes_of


def spectrum_csv(spectrum: PublishedSpectrum) -> str:
    """Return a spectrum as CSV; the first lines, which begin with ``#``, say where it is from.

    ``numpy.loadtxt(file, delimiter=",", skiprows=N)`` reads it, N being in the first line.

    Parameters
    ----------
    spectrum : PublishedSpectrum
        Its numbers are written so that reading them gives the same ones.
    """
    said = [f"{name}: {' '.join(text.split())}" for name, text in spectrum.provenance().items()]
    units = "energy: photon energy (eV), with energy_shift added; norm: normalized mu (no unit)"
    head = [f"{len(said) + 3} lines before the numbers, the last of them names the columns"]
    lines = [f"# {csv_comment(line)}" for line in (*head, *said, units)]
    lines.append("energy,norm")
    lines += [f"{e!r},{n!r}" for e, n in zip(*_columns(spectrum), strict=True)]
    return "\n".join(lines) + "\n"


def _columns(spectrum: PublishedSpectrum) -> tuple[list[float], list[float]]:
    return spectrum.energy.tolist(), spectrum.norm.tolist()


def trend_csv(points: Sequence[TrendPoint]) -> str:
    """Return points as CSV; the first lines, which begin with ``#``, say what the columns are.

    ``pandas.read_csv(file, skiprows=6)`` reads it.

    Parameters
    ----------
    points : sequence of TrendPoint
        Written in this order.
    """
    classes = classes_of(points)
    names = (*_CSV, *(f"p_{c}" for c in classes), *(f"spread_{c}" for c in classes))
    written = io.StringIO()
    for line in _CSV_HEAD:
        written.write(f"# {line}\n")
    table = csv.writer(written, lineterminator="\n")
    table.writerow(map(csv_cell, names))
    for point in points:
        cells: list[Any] = [_iso(point.time), point.time, *(getattr(point, n) for n in _CSV[2:])]
        cells += [point.probabilities.get(c, math.nan) for c in classes]
        cells += [point.spread.get(c, math.nan) for c in classes]
        table.writerow([_cell(value) for value in cells])
    return written.getvalue()


_CSV = (
    *("time_utc", "time", "scan_id", "sample", "absorber", "edge", "status", "answered"),
    *("label", "confidence", "reason", "raw_uid", "analysis_uid", "spectrum_index"),
)
_CSV_HEAD = (
    "These 6 lines say what the columns are; one line a final spectrum, empty where unknown",
    "time_utc (ISO 8601) and time (s since 1970): start of the raw run; with several spectra in a"
    " run, last event of each",
    "confidence, p_<class> (0 to 1, no unit): probability of the label, and of each class",
    "spread_<class> (0 to 1, no unit): standard deviation of p_<class> among the model's members",
    "answered: 1 where label is an answer; reason: codes of docs/reference/contract.md",
    "raw_uid, analysis_uid, spectrum_index: the raw run, the analysis run, the spectrum in it",
)


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return int(value)
    return csv_cell(value)


def _iso(seconds: float) -> str:
    if not math.isfinite(seconds):
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

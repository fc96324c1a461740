"""How an unfinished scan's edge reference compares with the finished one's, on real spectra."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from live_lce.contract import Reason
from live_lce.datasets import Labelled, read_standards
from live_lce.datasets._standards import normalized_or_reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import NormalizedSpectrum

CUTS = (*(half / 2 for half in range(-20, 41)), 25.0, 30.0, 40.0)
"""Where scans are cut, in eV from the finished scan's edge reference."""
SHOWN = (-10.0, -5.0, 0.0, 5.0, 8.0, 9.0, *range(10, 17), 20.0, 25.0, 30.0, 40.0)
"""Cuts that have a line in the table."""
NEAR = 1.0
"""A reference nearer than this (eV) to the finished one is the same."""
ON_PEAK = 4.0
"""One further below the finished one than this (eV) is on a pre-edge peak, or on noise."""
COLUMNS = (
    "rejected",
    "no reference yet",
    "same",
    "other",
    "on the peak",
    "metal missed",
    "metal at first",
)


@dataclass(frozen=True)
class Cut:
    """What became of one cut spectrum.

    Parameters
    ----------
    name : str
        Of the spectrum.
    at : float
        Where it was cut (eV from the finished scan's edge reference).
    outcome : str
        One of the first five of :data:`COLUMNS`.
    off : float
        Its reference less the finished one's (eV); NaN if there is none.
    metal : str
        One of the last two of :data:`COLUMNS`: it does not look like a metal, but the finished
        scan does; or the other way round.  Empty where they agree.
    """

    name: str
    at: float
    outcome: str
    off: float = float("nan")
    metal: str = ""


def cut_standards(folder: Path, settings: AnalysisSettings) -> Iterator[Cut]:
    """Yield every standard cut everywhere, each normalized anew."""
    for given in read_standards(folder):
        # As at a beamline, where nobody declares an unfinished scan normalized.
        one = replace(given, spectrum=replace(given.spectrum, normalized=None))
        full = normalized_or_reason(one, settings)
        if isinstance(full, str) or not np.isfinite(full.edge_reference):
            continue
        for at in CUTS:
            keep = one.spectrum.energy <= full.edge_reference + at
            if keep.all():
                break
            yield _cut(one, full, at, settings)


def _cut(one: Labelled, full: NormalizedSpectrum, at: float, settings: AnalysisSettings) -> Cut:
    whole = one.spectrum
    keep = whole.energy <= full.edge_reference + at
    part = replace(whole, energy=whole.energy[keep], mu=whole.mu[keep])
    found = normalized_or_reason(replace(one, spectrum=part), settings)
    if isinstance(found, str):
        return Cut(one.id, at, "rejected")
    if not np.isfinite(found.edge_reference):
        return Cut(one.id, at, "no reference yet")
    off = found.edge_reference - full.edge_reference
    outcome = "on the peak" if off < -ON_PEAK else "same" if abs(off) <= NEAR else "other"
    now, finally_ = _metal(found), _metal(full)
    metal = "" if now == finally_ else COLUMNS[-1] if now else COLUMNS[-2]
    return Cut(one.id, at, outcome, off, metal)


def _metal(spectrum: NormalizedSpectrum) -> bool:
    return any(f.reason is Reason.METAL_LIKE for f in spectrum.findings)


def table(cuts: Sequence[Cut]) -> str:
    """Return the numbers as Markdown, and what is off by more than NEAR."""
    seen = Counter((one.at, one.outcome) for one in cuts)
    seen.update((one.at, one.metal) for one in cuts)
    names = (*COLUMNS, "median off / eV", "95 % within / eV")
    lines = [f"| cut at / eV | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for at in SHOWN:
        off = np.array([one.off for one in cuts if one.at == at and np.isfinite(one.off)])
        cells = [str(seen[at, name]) for name in COLUMNS]
        numbers = (np.median(off), np.quantile(np.abs(off), 0.95)) if off.size else ()
        cells += [f"{value:.2f}" for value in numbers] or ["", ""]
        lines.append(f"| {at:+g} | {' | '.join(cells)} |")
    lines += ["", f"Off by more than {NEAR:g} eV, of all {len(cuts)} cuts:", ""]
    wrong: dict[str, list[Cut]] = {}
    for one in cuts:
        if one.outcome in ("other", "on the peak"):
            wrong.setdefault(one.name, []).append(one)
    for name, found in wrong.items():
        where = ", ".join(f"{one.off:+.1f} at {one.at:+g}" for one in found)
        lines.append(f"- {name}: {where}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Cut every standard, normalize what is left anew, and print the numbers."""
    parser = argparse.ArgumentParser(prog="research.checks.partial_scans")
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    options = parser.parse_args(argv)
    cuts = list(cut_standards(options.folder, AnalysisSettings()))
    sys.stdout.write(f"{len({one.name for one in cuts})} spectra\n\n{table(cuts)}\n")


if __name__ == "__main__":
    main()

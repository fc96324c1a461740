"""How an unfinished scan's edge reference compares with the finished one's, on real spectra."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from live_lce.datasets.standards import normalized_or_reason, read_standards
from live_lce.settings import AnalysisSettings

CUTS = range(-10, 60, 5)
"""Where scans are cut, in eV from the finished scan's edge reference."""
NEAR = 1.0
"""A reference nearer than this (eV) to the finished one is the same."""


def main(argv: Sequence[str] | None = None) -> None:
    """Cut every standard, normalize what is left anew, and print a table."""
    parser = argparse.ArgumentParser(prog="live_lce.training.partial_check")
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    options = parser.parse_args(argv)
    settings, spectra = AnalysisSettings(), 0
    seen: Counter[tuple[int, str]] = Counter()
    for standard in read_standards(options.folder):
        # As at a beamline, where nobody declares an unfinished scan normalized.
        standard = replace(standard, spectrum=replace(standard.spectrum, normalized=None))  # noqa: PLW2901
        full = normalized_or_reason(standard, settings)
        if isinstance(full, str) or not np.isfinite(full.edge_reference):
            continue
        spectra += 1
        whole = standard.spectrum
        for cut in CUTS:
            keep = whole.energy <= full.edge_reference + cut
            if keep.all():
                break
            part = replace(whole, energy=whole.energy[keep], mu=whole.mu[keep])
            found = normalized_or_reason(replace(standard, spectrum=part), settings)
            if isinstance(found, str):
                seen[cut, "rejected"] += 1
            elif not np.isfinite(found.edge_reference):
                seen[cut, "no reference yet"] += 1
            else:
                off = abs(found.edge_reference - full.edge_reference)
                seen[cut, "same" if off <= NEAR else "other"] += 1
    names = ("rejected", "no reference yet", "same", "other")
    sys.stdout.write(
        f"{spectra} spectra\n\n| cut at / eV | {' | '.join(names)} |\n|---|---|---|---|---|\n"
    )
    for cut in CUTS:
        cells = " | ".join(str(seen[cut, name]) for name in names)
        sys.stdout.write(f"| {cut:+d} | {cells} |\n")


if __name__ == "__main__":
    main()

"""How often the metal check of quality control is right, on measured standards."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from live_lce.contract import Reason
from live_lce.datasets import read_standards
from live_lce.datasets._rows import FINE, read_rows
from live_lce.datasets._standards import normalized_or_reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra._quality import rises_like_a_metal

BROADENING = 0.8
"""Standard deviation (eV) given to computed spectra."""
KINDS = ("metal", "other compound", "oxide")


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table, and the oxides that are taken for metals."""
    parser = argparse.ArgumentParser(prog="research.checks.metals")
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    parser.add_argument("--computed", type=Path, help="folder of computed oxides, to count too")
    options = parser.parse_args(argv)
    seen: Counter[tuple[str, str]] = Counter()
    flagged: Counter[tuple[str, str]] = Counter()
    wrong = []
    for standard in read_standards(options.folder):
        absorber, compound = standard.spectrum.absorber, standard.compound.lower()
        normalized = normalized_or_reason(standard, AnalysisSettings())
        if isinstance(normalized, str):
            continue
        kind = "oxide"
        if standard.label == "other":
            is_metal = compound.endswith(" metal") or "steel" in compound
            kind = "metal" if is_metal else "other compound"
        seen[absorber, kind] += 1
        if any(f.reason is Reason.METAL_LIKE for f in normalized.findings):
            flagged[absorber, kind] += 1
            if kind == "oxide":
                wrong.append(f"{standard.id} ({standard.compound}, {standard.label})")
    sys.stdout.write(f"| absorber | {' | '.join(KINDS)} |\n|---|---|---|---|\n")
    for absorber in sorted({absorber for absorber, _ in seen}):
        cells = [f"{flagged[absorber, kind]} of {seen[absorber, kind]}" for kind in KINDS]
        sys.stdout.write(f"| {absorber} | {' | '.join(cells)} |\n")
    totals = [
        f"{sum(n for (_, k), n in flagged.items() if k == kind)} of "
        f"{sum(n for (_, k), n in seen.items() if k == kind)}"
        for kind in KINDS
    ]
    sys.stdout.write(f"| all | {' | '.join(totals)} |\n\nOxides taken for metals: ")
    sys.stdout.write("; ".join(wrong) + "\n")
    if options.computed is not None:
        sys.stdout.write("Computed oxides taken for metals: " + _computed(options.computed) + "\n")


def _computed(folder: Path) -> str:
    """Return the part of the computed spectra that the rule takes for metals, per absorber."""
    from scipy.ndimage import gaussian_filter1d

    shares = []
    for absorber, rows in read_rows(folder).items():
        # A typical resolution, which computed spectra lack.
        broadened = gaussian_filter1d(rows.norm, BROADENING / (FINE[1] - FINE[0]), axis=1)
        hits = sum(rises_like_a_metal(FINE, norm, 0.0) for norm in broadened)
        shares.append(f"{absorber} {hits} of {len(rows)}")
    return ", ".join(shares)


if __name__ == "__main__":
    main()

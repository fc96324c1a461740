"""Compare three origins of the energy grid on measured standards.

``python -m research.checks.edge_reference ../shared/data/experimental``
prints, as Markdown: for each absorber the spread (eV) between measurements of one compound,
and how often the origin of tetrahedral Ti, V and Cr lies on the pre-edge peak (more than
5 eV below where the main edge reaches half the level behind it, the rule used here).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from live_lce.datasets import Labelled, read_standards
from live_lce.datasets._standards import normalized_or_reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array, NormalizedSpectrum

METHODS = ("derivative maximum", "last 0.5 of the edge step", "half of the level (used)")
MISCALIBRATED = 4.0
"""A spectrum whose three origins all lie so far (eV) from its group's median is off in energy."""


def origins(spectrum: NormalizedSpectrum) -> Array:
    """Return the three origins (eV), of shape (3,)."""
    return np.array([spectrum.e0, half_step(spectrum), spectrum.edge_reference])


def half_step(spectrum: NormalizedSpectrum) -> float:
    """Return the last upward crossing of 0.5 in the normalized spectrum near e0."""
    e, y = spectrum.energy, spectrum.norm
    near = np.flatnonzero((e > spectrum.e0 - 20) & (e < spectrum.e0 + 25))
    rises = [i for i in near[:-1] if y[i] < 0.5 <= y[i + 1]]
    if not rises:
        return float("nan")
    i = rises[-1]
    return float(e[i] + (0.5 - y[i]) / (y[i + 1] - y[i]) * (e[i + 1] - e[i]))


def truncated_change(spectrum: NormalizedSpectrum, upto: float) -> float:
    """Return how far the used origin moves (eV) if the scan ended `upto` eV behind it."""
    from live_lce.spectra import edge_references

    kept = spectrum.energy <= spectrum.edge_reference + upto
    biased = 0.8 * spectrum.norm[kept]  # the edge step of such a scan is off by as much
    return float(
        edge_references(spectrum.energy[kept], biased[None], spectrum.e0)[0]
        - spectrum.edge_reference
    )


def table(standards: list[tuple[Labelled, NormalizedSpectrum]]) -> str:
    """Return the Markdown table."""
    by_absorber: dict[str, list[tuple[Labelled, NormalizedSpectrum]]] = defaultdict(list)
    for pair in standards:
        by_absorber[pair[0].spectrum.absorber].append(pair)
    head = "| absorber | spectra | repeated compounds |" + "".join(f" {m} |" for m in METHODS)
    lines = [head + " T4 on the pre-edge: the same three | moved by truncation at +17 eV |"]
    lines.append("|---" * 8 + "|")
    for absorber, pairs in sorted(by_absorber.items()):
        n_groups, spread = _spread(pairs)
        t4 = np.array([origins(s) for d, s in pairs if d.label == "T4"]).reshape(-1, 3)
        on_peak = (t4 < t4[:, 2:] - 5).sum(axis=0)
        moved = np.array([truncated_change(s, 17.0) for _, s in pairs])
        cells = "".join(f" {value:.2f} |" for value in spread)
        jumps = " / ".join(str(n) for n in on_peak) + f" of {len(t4)}" if len(t4) else ""
        worst = f"{np.nanmax(np.abs(moved)):.2f} eV, lost {np.isnan(moved).sum()}"
        lines.append(
            f"| {absorber} | {len(pairs)} | {n_groups} |{cells} {jumps} | at most {worst} |"
        )
    return "\n".join(lines)


def _spread(pairs: list[tuple[Labelled, NormalizedSpectrum]]) -> tuple[int, Array]:
    """Return the number of compounds measured repeatedly, and the pooled deviation (eV)."""
    groups: dict[str, list[Array]] = defaultdict(list)
    for standard, spectrum in pairs:
        groups[standard.group].append(origins(spectrum))
    deviations = []
    n_groups = 0
    for members in groups.values():
        found = np.array(members)
        found = found[np.isfinite(found).all(axis=1)]
        off = (np.abs(found - np.median(found, axis=0)) > MISCALIBRATED).all(axis=1)
        found = found[~off]
        if len(found) > 1:
            n_groups += 1
            deviations.append(found - np.median(found, axis=0))
    if not deviations:
        return 0, np.full(3, np.nan)
    rms: Array = np.sqrt((np.concatenate(deviations) ** 2).mean(axis=0))
    return n_groups, rms


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="research.checks.edge_reference")
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    options = parser.parse_args(argv)
    wanted = {"Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"}
    standards = []
    for standard in read_standards(options.folder):
        if standard.spectrum.absorber in wanted and standard.quality != "bad":
            normalized = normalized_or_reason(standard, AnalysisSettings())
            if not isinstance(normalized, str) and np.isfinite(normalized.edge_reference):
                standards.append((standard, normalized))
    sys.stdout.write(table(standards) + "\n")


if __name__ == "__main__":
    main()

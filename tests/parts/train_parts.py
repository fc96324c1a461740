"""Parts for the tests of training: labelled scans of compounds, as a folder and as a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from live_lce.testing import xanes_energy, xanes_mu

WHITE_LINES = {"T4": (-0.3, -0.12, 0.06), "O6": (0.4, 0.65, 0.95, 1.35)}
"""Heights of the white lines of each class's compounds."""
REPEATS = 2


def compounds(lines: dict[str, tuple[float, ...]] | None = None):
    """Yield name, compound, label, energy and raw mu of each scan."""
    energy, number = xanes_energy(), 0
    for label, heights in (lines or WHITE_LINES).items():
        for i, height in enumerate(heights):
            for repeat in range(REPEATS):
                number += 1
                mu = xanes_mu(energy, white_line=height, noise=0.004, seed=number)
                yield f"{label}-{i}-{repeat}", f"{label}-{i}", label, energy, mu


def write_folder(folder: Path, lines: dict[str, tuple[float, ...]] | None = None) -> Path:
    """Write XDI files with raw intensities, and the index: the absorber is only in the files."""
    folder.mkdir()
    header = "# XDI/1.0 test\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n"
    header += "# Element.symbol: Fe\n# Element.edge: K\n# ---\n"
    index = []
    for name, compound, label, energy, mu in compounds(lines):
        i0 = 1e5 * (1 + 1e-4 * np.sin(energy))
        columns = zip(energy, i0, i0 * np.exp(-mu), strict=True)
        rows = (f"{e:.3f} {a:.6f} {b:.6f}\n" for e, a, b in columns)
        (folder / f"{name}.xdi").write_text(header + "".join(rows))
        index.append({"file": f"{name}.xdi", "label": label, "compound": compound})
    pd.DataFrame(index).to_csv(folder / "index.csv", index=False)
    return folder


def write_table(path: Path, lines: dict[str, tuple[float, ...]] | None = None) -> Path:
    """Write the same scans as a Parquet file."""
    rows = [
        {"id": name, "absorber": "Fe", "label": label, "duplicate_group": compound}
        | {"energy": energy, "mu": mu, "theory": ""}
        for name, compound, label, energy, mu in compounds(lines)
    ]
    pd.DataFrame(rows).to_parquet(path)
    return path

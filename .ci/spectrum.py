"""Write an XDI file with a synthetic Fe K transmission scan: something to classify."""

import sys
from pathlib import Path

import numpy as np

energy = np.concatenate(
    [np.arange(6960, 7095, 5.0), np.arange(7095, 7160, 0.5), np.arange(7160, 7400, 3.0)]
)
edge = 0.5 + np.arctan((energy - 7120.0) / 1.6) / np.pi
white_line = 0.45 * np.exp(-(((energy - 7129.0) / 4.0) ** 2))
pre_peak = 0.04 * np.exp(-(((energy - 7113.5) / 1.2) ** 2))
wiggles = (
    0.06 * np.sin((energy - 7120.0) / 9.0) * np.exp(-((energy - 7120.0) / 90.0)) * (energy > 7122)
)
mu = 0.4 - 2e-4 * (energy - 7100) + 0.9 * (edge + white_line + pre_peak + wiggles)
i0 = np.full_like(energy, 1e6) * (1 + 1e-4 * np.random.default_rng(1).standard_normal(energy.size))
lines = [
    "# XDI/1.0 live_lce",
    "# Column.1: energy eV",
    "# Column.2: i0",
    "# Column.3: itrans",
    "# Element.symbol: Fe",
    "# Element.edge: K",
    "# ///",
    "# -------------",
    "# energy i0 itrans",
]
rows = zip(energy, i0, i0 * np.exp(-mu), strict=True)
lines += [f"{e:.3f} {a:.3f} {b:.6f}" for e, a, b in rows]
Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")

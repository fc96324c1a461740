"""What Carbone et al., Phys. Rev. Materials 3, 033604 (2019), report: published numbers."""

from __future__ import annotations

TABLE_I: dict[str, tuple[int, int, int]] = {
    "Ti": (271, 359, 1562),
    "V": (948, 412, 2006),
    "Cr": (396, 121, 902),
    "Mn": (502, 657, 2334),
    "Fe": (797, 319, 1874),
    "Co": (583, 227, 1428),
    "Ni": (246, 163, 1238),
    "Cu": (290, 183, 366),
}
"""Spectra per class (T4, S5, O6)."""

TABLE_II: dict[str, tuple[str, str, str, str]] = {
    "Ti": ("0.83(2)", "0.84(2)", "0.73(4)", "0.78(3)"),
    "V": ("0.86(1)", "0.86(2)", "0.77(2)", "0.79(3)"),
    "Cr": ("0.87(2)", "0.87(3)", "0.72(4)", "0.75(4)"),
    "Mn": ("0.83(2)", "0.85(2)", "0.62(4)", "0.68(3)"),
    "Fe": ("0.85(2)", "0.86(3)", "0.57(2)", "0.63(3)"),
    "Co": ("0.85(3)", "0.87(2)", "0.59(3)", "0.64(3)"),
    "Ni": ("0.87(1)", "0.88(3)", "0.61(5)", "0.66(4)"),
    "Cu": ("0.86(2)", "0.86(2)", "0.50(4)", "0.64(7)"),
}
"""Macro F1 with its standard deviation over ten folds in the last digit."""
TABLE_II_AVERAGE = ("0.85(1)", "0.86(1)", "0.64(1)", "0.70(1)")

EARLY, LATE = ("Ti", "V", "Cr", "Mn"), ("Fe", "Co", "Ni", "Cu")
TABLE_III: dict[str, dict[str, tuple[str, str, str]]] = {
    "early": {
        "MLP": ("0.09(3)", "0.30(5)", "0.03(1)"),
        "CNN": ("0.07(3)", "0.22(5)", "0.03(1)"),
    },
    "late": {
        "MLP": ("0.21(4)", "0.57(5)", "0.10(1)"),
        "CNN": ("0.16(3)", "0.44(7)", "0.08(1)"),
    },
}
"""F1 per class (T4, S5, O6) of the full spectrum less that of the pre-edge."""

CLASS_F1: dict[str, tuple[float, float, float]] = {
    "MLP": (0.92, 0.68, 0.95),
    "CNN": (0.92, 0.71, 0.96),
}
"""F1 per class, averaged over absorbers (text of section III C; the bars of Fig. 3)."""

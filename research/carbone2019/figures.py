"""Figures beside those of Carbone et al. (2019)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array
from live_lce.training._distance import standardized
from research.carbone2019.paper import TABLE_I
from research.carbone2019.protocol import NOISES, Outcome, Variant
from research.carbone2019.spectra import SHIFTS, Spectra
from research.carbone2019.tables import Results

COLOURS = ("tab:blue", "tab:green", "tab:red")
"""Of T4, S5 and O6, as in the paper."""
LIGHTER = ("paleturquoise", "lightgreen", "lightpink")
DPI, PALETTE = 75, 64


def principal_components(spectra: Spectra) -> tuple[Array, Array]:
    """Return the coordinates of Eq. 1 (full) and Eq. 2 (pre-edge), each (n_rows, 2).

    The axes of the second are those of the first, cut at the dashed line.
    """
    x = standardized(spectra.base())
    axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:2].T
    full, pre = x @ axes, x[:, : spectra.n_pre] @ axes[: spectra.n_pre]
    return full / np.abs(full).max(axis=0), pre / np.abs(pre).max(axis=0)


def figure_2(spectra: Mapping[str, Spectra], path: Path) -> None:
    """Draw spectra and both principal component plots of each absorber."""
    plt = _pyplot()
    figure, axes = plt.subplots(4, 6, figsize=(15, 11), width_ratios=(2.2, 1, 1) * 2)
    for panels, (absorber, one) in zip(axes.reshape(8, 3), spectra.items(), strict=True):
        fewest = min(one.per_class())
        for label in (2, 1, 0):
            of_class = one.label == label
            alpha = max(0.04, min(0.5, 0.35 * fewest / max(1, of_class.sum())))
            lines = one.base()[of_class].T
            panels[0].plot(one.energies, lines, color=COLOURS[label], lw=0.5, alpha=alpha)
        panels[0].axvline(one.energies[one.n_pre], color="k", ls="--", lw=0.8)
        panels[0].set_title(f"{absorber}, {sum(one.per_class())} (paper {sum(TABLE_I[absorber])})")
        panels[0].set_xlabel("E - edge reference / eV")
        for axis, points, title in zip(
            panels[1:], principal_components(one), ("PCA full", "PCA pre-edge"), strict=True
        ):
            for label in (2, 1, 0):
                chosen = points[one.label == label]
                axis.scatter(*chosen.T, s=2, color=COLOURS[label], alpha=0.6, lw=0)
            axis.set(title=title, xticks=(), yticks=())
    handles = [plt.Line2D([], [], color=c) for c in COLOURS]
    figure.legend(handles, CLASSES, loc="outside upper center", ncols=3)
    _save(figure, path)


def figure_3(results: Results, path: Path) -> None:
    """Draw F1 per class and absorber, with the pre-edge models' in grey on top."""
    plt = _pyplot()
    figure, axes = plt.subplots(3, 1, figsize=(9, 8), sharex=True, sharey=True)
    for label, axis in enumerate(axes):
        for side, (network, colours) in enumerate((("CNN", COLOURS), ("MLP", LIGHTER))):
            for at, absorber in enumerate(TABLE_I):
                x = at + 0.4 * side - 0.2
                for region, colour, width in (("full", colours[label], 0.36), ("pre", "0.6", 0.2)):
                    found = results.of(absorber, Variant(network, region))
                    if found is not None:
                        mean, deviation = (part[label] for part in found.per_class())
                        options: dict[str, Any] = {"capsize": 4 if region == "full" else 2}
                        axis.bar(x, mean, width, yerr=deviation, color=colour, **options)
        axis.set_ylabel(f"F1 of {CLASSES[label]}")
    axes[0].set_title("left CNN, right MLP; grey: pre-edge only")
    axes[-1].set_xticks(range(len(TABLE_I)), TABLE_I)
    axes[0].set_ylim(0, 1.1)
    _save(figure, path)


def figure_5(results: Results, path: Path) -> None:
    """Draw macro F1 against a shift of the held-out spectra."""
    _curves(results, path, SHIFTS, "shift_curve", "shifts", "energy shift / eV")


def figure_6(results: Results, path: Path) -> None:
    """Draw macro F1 against the noise of the held-out spectra."""
    _curves(results, path, NOISES, "noise_curve", "noise", "standard deviation of noise")


def curve(outcome: Outcome, name: str) -> Array:
    """Return the mean over folds of one of an outcome's curves."""
    mean: Array = np.array(getattr(outcome, name)).mean(axis=1)
    return mean


def _curves(
    results: Results, path: Path, x: Array, name: str, augmentation: str, label: str
) -> None:
    plt = _pyplot()
    figure, axes = plt.subplots(2, 2, figsize=(9, 7), sharex=True, sharey=True)
    for row, network in zip(axes, ("CNN", "MLP"), strict=True):
        for axis, how in zip(row, (augmentation, "none"), strict=True):
            for absorber in TABLE_I:
                found = results.of(absorber, Variant(network, "full", how))
                if found is not None:
                    axis.plot(x, curve(found, name), ".-", label=absorber, lw=1)
            words = "not augmented" if how == "none" else f"augmented with {how}"
            axis.set_title(f"{network}, {words}")
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylim(0, 1)
    legend = {
        n: h for axis in axes.flat for h, n in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    if legend:
        figure.legend(legend.values(), legend.keys(), loc="outside right upper")
    figure.supxlabel(label)
    figure.supylabel("macro F1")
    _save(figure, path)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"figure.constrained_layout.use": True, "font.size": 9})
    return plt


def _save(figure: Any, path: Path) -> None:
    """Write a PNG file of few colours, without time or version in it."""
    from matplotlib import pyplot as plt
    from PIL import Image

    content = io.BytesIO()
    figure.savefig(content, dpi=DPI)
    plt.close(figure)
    Image.open(content).convert("RGB").quantize(PALETTE).save(path, optimize=True)

"""The figures of the report on Zheng et al."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from research.zheng2020.robustness import NOISE, SIGMAS
from research.zheng2020.study import BY_SPECTRUM, GROUPED, UNCOPIED, Study

DPI = 110


def accuracy_figure(studies: Sequence[Study], path: Path) -> None:
    """Draw accuracy by way of splitting beside the commonest label (as the paper's Fig. 3).

    Parameters
    ----------
    studies : sequence of Study
        One per absorber.
    path : Path
        PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    at = np.arange(len(studies))
    bars = [("commonest label", [s.majority for s in studies], "0.75")]
    colours = ("tab:orange", "tab:olive", "tab:blue")
    for name, colour in zip((BY_SPECTRUM, UNCOPIED, GROUPED), colours, strict=True):
        bars.append((name, [s.protocols[name].top for s in studies], colour))
    for i, (name, heights, colour) in enumerate(bars):
        axes.bar(at + 0.2 * (i - 1.5), heights, 0.19, label=name, color=colour)
    axes.axhline(0.854, color="black", lw=0.8, ls="--", label="published, 33 cations")
    axes.set_xticks(at, [f"{s.absorber}\nn = {s.protocols[GROUPED].n}" for s in studies])
    axes.set_ylabel("top-1 accuracy of the forests")
    axes.set_ylim(0, 1)
    figure.legend(fontsize=7, ncols=5, loc="outside upper center")
    _write(figure, path)


def robustness_figure(studies: Sequence[Study], path: Path) -> None:
    """Draw accuracy against broadening and against noise (the paper's Fig. S8).

    Parameters
    ----------
    studies : sequence of Study
        One per absorber.
    path : Path
        PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for s in studies:
        start = s.protocols[GROUPED].top
        left.plot([0, *SIGMAS], [start, *(s.broadened[x] for x in SIGMAS)], ".-", label=s.absorber)
        right.plot([0, *NOISE], [start, *(s.noisy[x] for x in NOISE)], ".-")
    left.set_xlabel("Gaussian broadening, σ (eV)")
    right.set_xlabel("noise, σ (of the maximum)")
    left.set_ylabel("top-1 accuracy by group")
    left.set_ylim(0, 1)
    left.legend(fontsize=7, ncols=3)
    _write(figure, path)


def _write(figure: object, path: Path) -> None:
    figure.savefig(path, dpi=DPI, metadata={"Software": None})  # type: ignore[attr-defined]

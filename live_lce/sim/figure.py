"""The figure of a series: true and predicted fractions against time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live_lce.contract import DEFAULT_CLASSES
from live_lce.results.colours import LOOKS
from live_lce.sim.score import Judged, fraction_score


def draw_series(judged: Sequence[Judged], path: Path, title: str = "") -> None:
    """Draw truth (lines) and prediction (markers, open where not answered) of each scan.

    Parameters
    ----------
    judged : sequence of Judged
        In order.
    path : Path
        PNG, SVG or PDF, by its ending.
    title : str
        Above the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.0), dpi=130, layout="constrained")
    axes: Any = figure.add_subplot()
    minutes = [one.minutes for one in judged]
    for label in DEFAULT_CLASSES:
        look = LOOKS[label]
        colour, dash = look.colour, (0, look.dash) if look.dash else "-"
        truth = [one.truth.get(label, 0.0) for one in judged]
        axes.plot(minutes, truth, color=colour, ls=dash, lw=1.8, label=f"{label}, true")
        for answered, face in ((True, colour), (False, "white")):
            points = [(o.minutes, o.predicted[label]) for o in judged
                      if o.answered == answered and label in o.predicted]  # fmt: skip
            if points:
                said = "predicted" if answered else "not answered"
                axes.plot(*zip(*points, strict=True), look.marker, ms=6, mec=colour, mfc=face,
                          clip_on=False, zorder=3, label=f"{label}, {said}")  # fmt: skip
    axes.set(xlabel="beam time / min", ylabel="fraction of the absorbing atoms", ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("\n".join(filter(None, (title, str(fraction_score(judged))))), fontsize=9)
    _temperatures(axes, judged)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path)


def _temperatures(axes: Any, judged: Sequence[Judged]) -> None:
    """Say the temperatures on top, if they change."""
    if len({one.temperature for one in judged if math.isfinite(one.temperature)}) < 2:
        return
    top = axes.secondary_xaxis("top")
    some = judged[:: max(1, len(judged) // 6)]
    top.set_xticks([one.minutes for one in some], [f"{one.temperature:.0f}" for one in some])
    top.set_xlabel("temperature / °C")

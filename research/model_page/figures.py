"""Figures of a family's page: one a topic, a small panel an absorber."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._arrays import NONE, Judgements, judgements
from live_lce.evaluation._curves import risk_coverage
from live_lce.evaluation._metrics import BINS
from research.model_page.cards import COMPUTED, EXPERIMENTAL
from research.model_page.compare import Curves
from research.model_page.study import Study

COLOURS = {"T4": "#0072B2", "S5": "#E69F00", "O6": "#009E73", "other": "#CC79A7"}
RIGHT, WRONG, SILENT = "#0072B2", "#D55E00", "0.8"
SETS = {COMPUTED: ("#56B4E9", "-", "."), EXPERIMENTAL: ("#D55E00", "--", "o")}
"""Colours that colour-blind readers can tell apart (Okabe and Ito, 2008)."""
FEW = 5
"""A bin of fewer spectra is left out of the reliability diagram."""
DPI, PALETTE = 75, 64
ALL = "all"


def draw_classes(found: Study, path: Path) -> None:
    """Draw F1 per class on computed spectra, and what became of the measured ones."""
    plt = pyplot()
    figure, (above, below) = plt.subplots(2, 1, figsize=(10, 6.5))
    names = sorted(found.cards)
    width = 0.26
    for at, label in enumerate(CLASSES):
        x = np.arange(len(names)) + (at - 1) * width
        if COMPUTED in found.sets:
            of = found.sets[COMPUTED].by_absorber[found.family]
            f1 = [of[n].f1[label] if n in of else None for n in names]
            heights = [0.0 if one is None else one for one in f1]
            above.bar(x, heights, width * 0.9, color=COLOURS[label], label=label)
            pairs = [of[n].intervals[f"f1.{label}"] if n in of else None for n in names]
            for place, pair in zip(x, pairs, strict=True):
                if pair is not None:
                    above.plot([place, place], pair, color="k", lw=1)
        if EXPERIMENTAL in found.sets:
            rows = scored(found, EXPERIMENTAL)
            for place, name in zip(x, names, strict=True):
                of_it = (rows.absorber == name) & (rows.truth == CLASSES.index(label))
                right = int((rows.answer == rows.truth)[of_it].sum())
                silent = int((rows.answer == NONE)[of_it].sum())
                parts = (right, int(of_it.sum()) - right - silent, silent)
                start = 0
                for n, colour in zip(parts, (RIGHT, WRONG, SILENT), strict=True):
                    below.bar(place, n, width * 0.9, bottom=start, color=colour)
                    start += n
                if start:
                    below.text(place, start, label, ha="center", va="bottom", fontsize=7)
    above.set(title="computed spectra, by members that did not see them", ylabel="F1", ylim=(0, 1))
    above.legend(loc="lower right", ncols=3)
    below.set(title="measured spectra", ylabel="spectra")
    handles = [plt.Rectangle((0, 0), 1, 1, color=c) for c in (RIGHT, WRONG, SILENT)]
    below.legend(handles, ("right", "wrong", "not answered"))
    for axis in (above, below):
        axis.set_xticks(range(len(names)), names)
    save(figure, path)


def draw_reliability(found: Study, path: Path) -> None:
    """Draw the share of right ones against the top probability."""
    figure, axes = _panels(found)
    for name, axis in axes.items():
        axis.plot([0, 1], [0, 1], color="0.7", lw=0.8)
        for which, rows in _of(found, name):
            colour, line, marker = SETS[which]
            known = np.isfinite(rows.top)
            number = np.minimum((rows.top[known] * BINS).astype(int), BINS - 1)
            right = (rows.forced == rows.truth)[known]
            bins = [i for i in range(BINS) if (number == i).sum() >= FEW]
            x = [rows.top[known][number == i].mean() for i in bins]
            y = [right[number == i].mean() for i in bins]
            axis.plot(x, y, line, color=colour, marker=marker, ms=4, label=which)
        axis.set(title=name, xlim=(0.25, 1.02), ylim=(0, 1.05))
    _finish(figure, axes, "top probability", "share of right ones", path)


def draw_risk(found: Study, path: Path) -> None:
    """Draw risk against coverage."""
    figure, axes = _panels(found)
    for name, axis in axes.items():
        for which, rows in _of(found, name):
            colour, line, _ = SETS[which]
            curve = risk_coverage(rows)
            axis.step(curve.coverage, curve.risk, line, color=colour, where="post", label=which)
        axis.set(title=name, xlim=(0, 1), ylim=(0, 0.5))
    _finish(figure, axes, "coverage: answered share", "risk: wrong share of them", path)


def draw_worse(found: Mapping[str, Curves], path: Path) -> None:
    """Draw what becomes of answers where scans end early, and with noise."""
    plt = pyplot()
    figure, axes = plt.subplots(len(found), 2, figsize=(10, 3.4 * len(found)), squeeze=False)
    for row, (name, curves) in zip(axes, found.items(), strict=True):
        for axis, points, whole, label in (
            (row[0], curves.last_energy, None, "scan ends at / eV past the edge"),
            (row[1], curves.noise, 0.0, "noise of a point / edge steps"),
        ):
            x = [point.value for point in points]
            lines = {
                "answered": [p.n_answered / max(p.n, 1) for p in points],
                "right of answered": [p.accuracy_answered for p in points],
                "same as full": [p.same_as_full for p in points],
                "macro F1 of all": [p.forced_macro_f1 for p in points],
            }
            full = curves.whole
            last = {
                "answered": full.n_answered / max(full.n, 1),
                "right of answered": full.accuracy_answered,
                "macro F1 of all": full.forced["macro_f1"],
            }
            styles = zip(lines.items(), ("0.4", RIGHT, "#E69F00", "#009E73"), "so^D", strict=True)
            for (what, values), colour, marker in styles:
                axis.plot(x, values, color=colour, marker=marker, ms=4, label=what)
                height = last.get(what)
                if height is not None:
                    style = {"color": colour, "ls": ":", "lw": 1}
                    axis.axhline(height, **style) if whole is None else axis.plot(
                        [whole, x[0]], [height, values[0]], marker=marker, ms=4, **style
                    )
            axis.set(title=name, xlabel=label, ylim=(0, 1.03))
    axes[0, 0].legend(fontsize=8)
    figure.suptitle("dotted: as it is", fontsize=9)
    save(figure, path)


def scored(found: Study, which: str) -> Judgements:
    """Return the scored rows of a set."""
    rows = judgements(found.sets[which].found.judged)
    return rows.take(rows.scored)


def pyplot() -> Any:
    """Return matplotlib's interface, without a screen."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"figure.constrained_layout.use": True, "font.size": 9})
    return plt


def save(figure: Any, path: Path) -> None:
    """Write a PNG file of few colours, without time or version in it."""
    from matplotlib import pyplot as plt
    from PIL import Image

    content = io.BytesIO()
    figure.savefig(content, dpi=DPI)
    plt.close(figure)
    Image.open(content).convert("RGB").quantize(PALETTE).save(path, optimize=True)


def _panels(found: Study) -> tuple[Any, dict[str, Any]]:
    plt = pyplot()
    names = [ALL, *sorted(found.cards)]
    columns = min(5, len(names))
    n_rows = -(-len(names) // columns)
    size = (2.2 * columns + 0.4, 2.2 * n_rows + 0.5)
    figure, axes = plt.subplots(n_rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    return figure, dict(zip(names, axes.flat, strict=False))


def _of(found: Study, absorber: str) -> Iterator[tuple[str, Judgements]]:
    for which in SETS:
        if which in found.sets:
            rows = scored(found, which)
            rows = rows if absorber == ALL else rows.take(rows.absorber == absorber)
            if len(rows) >= FEW:
                yield which, rows


def _finish(figure: Any, axes: dict[str, Any], x: str, y: str, path: Path) -> None:
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    axes[ALL].legend(fontsize=7)
    save(figure, path)

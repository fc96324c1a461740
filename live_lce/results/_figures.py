"""Draw published results as PNG or SVG; the same input gives the same bytes."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.results._presentation import (
    HATCH_NOT_ANSWERED,
    NOT_ANSWERED,
    Look,
    decision_words,
    looks,
    printable,
)
from live_lce.results._spectra import PublishedSpectrum
from live_lce.results._stacked import Stacked, cells, stacked, times
from live_lce.results._trend import TrendPoint, classes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Kind = Literal["svg", "png"]
KINDS: tuple[Kind, ...] = ("svg", "png")
INK, PAPER = "#1b1f24", "#ffffff"
DPI = 150
MANY, VERY_MANY = 200, 500
"""More points than this are drawn without markers; and as an image, also in SVG."""

_drawing = threading.RLock()  # matplotlib's settings, and Python's filter of warnings, are global


def spectrum_figure(
    spectrum: PublishedSpectrum,
    kind: Kind = "svg",
    *,
    window: tuple[float, float] | None = None,
    ink: str = INK,
    paper: str = PAPER,
) -> bytes:
    """Draw a normalized spectrum with its edge energy and what was said of it.

    Parameters
    ----------
    spectrum : PublishedSpectrum
        What to draw.
    kind : {"svg", "png"}
        Format.
    window : tuple of float, optional
        What the model reads (eV from the edge reference), to be shaded.
    ink, paper : str
        Colours of lines and text, and of the background (``none``: transparent).

    Raises
    ------
    ValueError
        If `kind` is neither.
    """
    row, run = spectrum.row, spectrum.run
    name = run.sample or f"run {run.analysis.raw_uid[:8]}"
    scan = "" if run.scan_id is None else f", scan {run.scan_id}"
    label_set = tuple(filter(None, row["label_set"].split(",")))
    said = decision_words(row["label"], row["confidence"], row["status"], row["reason"], label_set)
    look = looks([row["label"]])[row["label"]] if row["label"] else None
    colour, marker = (look.colour, look.marker) if look else (NOT_ANSWERED, "x")
    with _style(kind, ink, spectrum.name):
        figure = _figure((6.4, 4.4))
        axes: Axes = figure.add_subplot()
        if window is not None:
            begin, end = (row["edge_reference"] + limit for limit in window)
            axes.axvspan(begin, end, color="#56B4E9", alpha=0.18, lw=0, label="model's window")
        axes.plot(spectrum.energy, spectrum.norm, color=ink, lw=1.4)
        if math.isfinite(row["e0"]):
            e0 = f"E0 {row['e0']:.1f} eV"
            axes.axvline(row["e0"], color="#D55E00", lw=1, ls=(0, (4, 3)), label=e0)
        axes.set(xlabel="energy / eV", ylabel="normalized absorption")
        axes.set_title(_line(said), loc="left", fontsize=10)
        figure.suptitle(
            _line(f"{name}{scan}: {row['absorber']} {row['edge']} edge", 70), fontweight="bold"
        )
        axes.plot([], [], color=colour, marker=marker, ls="", label=row["label"] or "not answered")
        axes.legend(loc="lower right")
        figure.supxlabel(_line(provenance_line(spectrum), 200), fontsize=5.5)
        return _bytes(figure, kind, paper)


def trend_figure(
    points: Sequence[TrendPoint],
    kind: Kind = "svg",
    *,
    x: ArrayLike | None = None,
    x_label: str = "",
    title: str = "",
    look: Mapping[str, Look] | None = None,
    ink: str = INK,
    paper: str = PAPER,
) -> bytes:
    """Draw stacked fractions, and below them each probability with its spread; gaps are hatched.

    Parameters
    ----------
    points : sequence of TrendPoint
        Of one sample and absorber.
    kind : {"svg", "png"}
        Format.
    x : array_like of shape (n_points,), optional
        Where to draw each point, see ``stacked``; its time by
        default, in UTC.
    x_label : str
        What `x` is, with its unit.
    title : str
        Above the figure.
    look : mapping of str to Look, optional
        How each class is drawn; by default :func:`live_lce.results.looks`.
    ink, paper : str
        Colours of lines and text, and of the background (``none``: transparent).

    Raises
    ------
    ValueError
        If `kind` is neither, or `x` is not one number a point.
    """
    of_time = x is None
    classes = classes_of(points)
    data = stacked(points, classes, times(points) if x is None else x)
    left, right = cells(data.x, alone=60.0 if of_time else 1.0)
    if of_time:  # matplotlib counts days
        left, right, where = left / 86400, right / 86400, data.x / 86400
    else:
        where = data.x
    look = looks(classes) if look is None else look
    with _style(kind, ink, title or "trend"):
        figure = _figure((7.2, 5.2))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
        _areas(above, data, left, right, look)
        _lines(below, data, where, _apart(left, right), look)
        _gaps((above, below), data, left, right)
        above.set_ylabel("fraction (probability)")
        below.set_ylabel("probability ± spread")
        below.set_xlabel("time (UTC)" if of_time else _line(x_label))
        if of_time and len(where):
            from matplotlib import dates

            locator = dates.AutoDateLocator()
            below.xaxis.set_major_locator(locator)
            below.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        for axes in (above, below):
            axes.set_ylim((0, 1) if axes is above else (-0.03, 1.03))
            axes.set_xlim(*((left.min(), right.max()) if len(left) else (0, 1)))
        if title:
            figure.suptitle(_line(title), fontweight="bold")
        if len(where):
            handles, names = above.get_legend_handles_labels()
            figure.legend(handles, names, loc="outside lower center", ncols=len(handles))
        else:
            above.text(0.5, 0.5, "no points", ha="center", transform=above.transAxes)
        return _bytes(figure, kind, paper)


def provenance_line(spectrum: PublishedSpectrum) -> str:
    """Return where a spectrum comes from and who judged it, on one line."""
    known = spectrum.provenance()
    model = " ".join(filter(None, (spectrum.run.model, spectrum.run.model_version)))
    sha256 = spectrum.run.analysis.model_sha256[:12]
    parts = [
        f"raw run {known['raw_uid']}",
        known.get("raw_start", "")[:19].replace("T", " ") + " UTC" if "raw_start" in known else "",
        f"model {model} (sha256 {sha256})" if model else "no model",
        known["exported_by"],
    ]
    return "; ".join(filter(None, parts))


def _areas(
    axes: Axes, data: Stacked, left: NDArray[Any], right: NDArray[Any], look: Mapping[str, Look]
) -> None:
    bottom = np.where(data.answered, 0.0, np.nan)
    for column, label in enumerate(data.classes):
        top = data.tops[:, column]
        x, low, high = _outline(left, right, bottom, top)
        axes.fill_between(
            x, low, high, fc=look[label].colour, ec="#ffffff", lw=0,
            hatch=2 * look[label].hatch, label=label, rasterized=len(data.x) > VERY_MANY,
        )  # fmt: skip
        bottom = top


def _lines(
    axes: Axes,
    data: Stacked,
    where: NDArray[Any],
    apart: NDArray[np.bool_],
    look: Mapping[str, Look],
) -> None:
    few, breaks = len(where) <= MANY, np.flatnonzero(apart) + 1
    where = np.insert(where, breaks, where[breaks])
    for column, label in enumerate(data.classes):
        p = np.insert(data.fractions[:, column], breaks, np.nan)
        s = np.insert(data.spread[:, column], breaks, np.nan)
        one, image = look[label], len(where) > VERY_MANY
        axes.fill_between(where, p - s, p + s, color=one.colour, alpha=0.3, lw=0, rasterized=image)
        axes.plot(
            where, p, color=one.colour, lw=1.3, ls=(0, one.dash) if one.dash else "-",
            marker=one.marker if few else "", ms=4, rasterized=image,
        )  # fmt: skip
        if few:  # the spread of a point without a neighbour would not be seen
            axes.errorbar(where, p, yerr=s, fmt="none", ecolor=one.colour, elinewidth=1)


def _gaps(axes: Sequence[Axes], data: Stacked, left: NDArray[Any], right: NDArray[Any]) -> None:
    if data.answered.all():
        return
    top = np.where(data.answered, np.nan, 1.0)
    x, low, high = _outline(left, right, top - 1.0, top)
    for one in axes:
        one.fill_between(
            x, low, high, fc="none", ec=NOT_ANSWERED, lw=0,
            hatch=3 * HATCH_NOT_ANSWERED, label="not answered",
            rasterized=len(data.x) > VERY_MANY,
        )  # fmt: skip


def _apart(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each cell whether the next one does not touch it."""
    apart = np.zeros(len(left), dtype=bool)
    apart[:-1] = left[1:] > right[:-1] + 1e-6 * (right - left)[:-1]
    return apart


def _outline(
    left: NDArray[Any], right: NDArray[Any], *values: NDArray[Any]
) -> tuple[NDArray[Any], ...]:
    """Return the corners of the cells and the values there; NaN where two cells do not touch."""
    apart = _apart(left, right)
    held = [np.column_stack([v, v, np.where(apart, np.nan, v)]).ravel() for v in values]
    return (np.column_stack([left, right, right]).ravel(), *held)


@contextmanager
def _style(kind: str, ink: str, salt: str) -> Iterator[None]:
    """Set matplotlib up for one figure, whatever the user's settings are."""
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r}: choose of {', '.join(KINDS)}")
    import matplotlib as mpl

    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings: dict[Any, Any] = {
        **dict.fromkeys(inked, ink),
        "text.parse_math": False,  # names of samples may hold dollars
        "text.usetex": False,
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "timezone": "UTC",
    }
    with _drawing, mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _figure(size: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=size, dpi=DPI, layout="constrained")


def _bytes(figure: Figure, kind: Kind, paper: str) -> bytes:
    made = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(
        made,
        format=kind,
        facecolor=paper,
        metadata=nothing if kind == "svg" else {"Software": None},
    )
    return made.getvalue()


def _line(text: str, longest: int = 90) -> str:
    """Return free text as one line that fits and that XML can hold."""
    line = " ".join(printable(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"

"""Draw one figure of a trend: the stacked fractions of one sample and absorber."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.events import RangesUpdate, Reset, Tap
from bokeh.models import ColumnDataSource, HoverTool, NoOverlap, Range1d, Span, Title
from bokeh.plotting import figure

from live_lce.dashboard._style import LOOKS, plain
from live_lce.dashboard._trend_data import Window, columns, cuts, grouped, news, table
from live_lce.dashboard._trends import Figure
from live_lce.dashboard._words import percent
from live_lce.results import NOT_ANSWERED, TrendPoint, looks
from live_lce.results._presentation import HATCH_NOT_ANSWERED

_WORDS = ("said", "scan", "reason")
"""Columns of text, for who points at a column."""
_SETTLED = 150
"""Milliseconds after which who zooms has stopped, and what is in sight is drawn finely."""
_REMEMBERED = 5000


class SentFigure:
    """A figure, and what was sent of it.

    Parameters
    ----------
    name : str
        Of sample and absorber.
    classes : sequence of str
        What is stacked, from below.
    axis : str
        Name of the horizontal axis.
    in_time : bool
        Whether that is a time (ms since 1970).
    clicked : callable
        Called with the point of a column that was clicked.
    """

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        axis: str,
        in_time: bool,
        clicked: Callable[[TrendPoint], None],
    ) -> None:
        self.classes = tuple(classes)
        self._axis, self._clicked = axis, clicked
        self._figure = _nothing(self.classes)
        self._window: Window | None = None  # None: all
        self._waiting = False
        self._hints: dict[tuple[Any, ...], tuple[str, str, str]] = {}
        self._source = ColumnDataSource(self._columns())
        # Not webgl: where the processor draws, it takes ten times as long as the canvas.
        self.plot = figure(
            title=Title(text=plain(name)),
            height=280,
            min_width=280,
            sizing_mode="stretch_width",
            x_axis_type="datetime" if in_time else "linear",
            x_axis_label=None if in_time else plain(axis),
            y_axis_label="fraction",
            y_range=Range1d(0, 1, bounds=(0, 1)),
            tools="xpan,xwheel_zoom,xbox_zoom,reset",
            active_scroll=None,
            toolbar_location="above",
        )
        self._mark = Span(dimension="height", line_width=2, visible=False)
        self._bands: list[Any] = []
        self._build()

    @property
    def n_drawn(self) -> int:
        """Number of points that have a place on the axis."""
        return len(self._figure.stacked.order)

    @property
    def n_together(self) -> int:
        """The most points that share a column."""
        return self._most

    def fits(self, axis: str, classes: Sequence[str]) -> bool:
        """Whether the figure shows these classes against this axis."""
        return axis == self._axis and tuple(classes) == self.classes

    def look(self, name: str) -> None:
        """Take the colours of a theme."""
        self._mark.line_color = LOOKS[name].ink
        for band in self._bands:
            band.glyph.fill_color = LOOKS[name].paper

    def update(self, figure: Figure) -> None:
        """Draw points; only what is new is sent."""
        if figure is not self._figure:
            self._figure = figure
            self._draw()

    def mark(self, chosen: tuple[str, int]) -> None:
        """Mark the spectrum that is shown."""
        row = self._figure.table.row(chosen)
        at = np.flatnonzero(self._figure.stacked.order == (-1 if row is None else row))
        self._mark.visible = at.size > 0
        if at.size:
            found = self._figure.columns
            self._mark.location = float(found["left"][at[0]] + found["right"][at[0]]) / 2

    def _draw(self) -> None:
        new, old = self._columns(), self._source.data
        since = news(old, new)
        if since is None:
            self._source.data = new
            return
        last, n = since
        patches = {
            name: [(last, _plain(values[last]))]
            for name, values in new.items()
            if not _equal(old[name][last], values[last])
        }
        if patches:
            self._source.patch(patches)
        if len(new["x"]) > n:
            self._source.stream({name: values[n:] for name, values in new.items()})

    def _columns(self) -> dict[str, Any]:
        of_all = self._figure.columns
        starts = cuts(of_all["left"], of_all["right"], window=self._window)
        found = grouped(of_all, starts)
        ends = np.append(starts, self.n_drawn)[1:]
        self._most = int(np.max(ends - starts, initial=1))
        words = [self._hint(low, high) for low, high in zip(starts, ends, strict=True)]
        for number, name in enumerate(_WORDS):
            found[name] = np.array([texts[number] for texts in words], dtype=object)
        return found

    def _hint(self, low: int, high: int) -> tuple[str, str, str]:
        points, order = self._figure.table.points, self._figure.stacked.order
        key = (points[order[low]].key, points[order[high - 1]].key, int(high - low))
        found = self._hints.get(key)
        if found is None:
            if len(self._hints) > _REMEMBERED:
                self._hints.clear()
            found = self._hints[key] = hint([points[i] for i in order[low:high]])
        return found

    def _build(self) -> None:
        plot, source = self.plot, self._source
        how = looks(self.classes)
        for name in self.classes:
            plot.quad(
                "left", "middle", f"high_{name}", f"low_{name}", source=source,
                fill_color=how[name].colour, fill_alpha=0.85, line_color=None,
                hatch_pattern=how[name].hatch if name != "O6" else None, hatch_color="#ffffff",
                hatch_alpha=0.35, hatch_scale=14, legend_label=name,
            )  # fmt: skip
        plot.quad(
            "middle", "right", "silent", 0, source=source, fill_color=NOT_ANSWERED, fill_alpha=0.25,
            line_color=None, hatch_pattern=HATCH_NOT_ANSWERED, hatch_color=NOT_ANSWERED,
            hatch_alpha=0.9, legend_label="no answer",
        )  # fmt: skip
        for name in self.classes[:-1]:
            band = plot.quad(
                "left", "middle", f"over_{name}", f"under_{name}", source=source, fill_alpha=0.45,
                line_color=None,
            )  # fmt: skip
            self._bands.append(band)
        hit = plot.quad("left", "right", 1, 0, source=source, fill_alpha=0, line_color=None)
        plot.add_layout(self._mark)
        tooltips = [("", f"@{name}") for name in _WORDS]
        plot.add_tools(
            HoverTool(renderers=[hit], tooltips=tooltips, point_policy="follow_mouse", limit=1)
        )
        plot.add_layout(plot.legend[0], "above")
        plot.legend[0].update(
            orientation="horizontal", location="top_left", margin=0, padding=3, spacing=2,
            glyph_width=14, glyph_height=14, label_standoff=3, label_text_font_size="12px",
        )  # fmt: skip
        plot.xaxis.major_label_policy = NoOverlap()
        plot.xgrid.visible = False
        plot.on_event(Tap, self._tapped)
        plot.on_event(RangesUpdate, self._zoomed)
        plot.on_event(Reset, self._zoomed)

    def _tapped(self, event: Tap) -> None:
        found = self._figure.columns
        if event.x is None or event.y is None or not 0 <= event.y <= 1:
            return
        row = int(np.searchsorted(found["left"], event.x, side="right")) - 1
        if row >= 0 and event.x <= found["right"][row]:
            self._clicked(self._figure.table.points[self._figure.stacked.order[row]])

    def _zoomed(self, event: Any) -> None:
        low, high = getattr(event, "x0", None), getattr(event, "x1", None)
        found = self._figure.columns
        if low is None or high is None or not self.n_drawn:
            self._window = None
        else:
            low, high = sorted((float(low), float(high)))
            everything = low <= found["left"][0] and high >= found["right"][-1]
            self._window = None if everything or low == high else (low, high)
        if not self._waiting and self.plot.document is not None:
            self._waiting = True
            self.plot.document.add_timeout_callback(self._settled, _SETTLED)

    def _settled(self) -> None:
        self._waiting = False
        self._draw()


def _nothing(classes: Sequence[str]) -> Figure:
    nothing = table((), None, tuple(classes))
    stacked = nothing.against(np.empty(0))
    return Figure(nothing, stacked, columns(stacked, 1.0))


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, np.floating) else value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


SILENT = "no answer"


def hint(points: Sequence[TrendPoint]) -> tuple[str, str, str]:
    """Return what they are, which scans, and why there is no answer.

    Parameters
    ----------
    points : sequence of TrendPoint
        Of one column; at least one.
    """
    if len(points) == 1:
        why = points[0].reason.replace(";", ", ").replace("_", " ")
        return _said(points[0]), _scan(points[0]), why
    counts = Counter(point.label if point.answered else SILENT for point in points)
    labels = ", ".join(f"{number} {label}" for label, number in counts.most_common())
    return f"{len(points)} spectra: {labels}", _scans(points), "zoom in to see each"


def _said(point: TrendPoint) -> str:
    return f"{point.label}, {percent(point.confidence)}" if point.answered else SILENT


def _scan(point: TrendPoint) -> str:
    number = "" if point.scan_id is None else f"scan {point.scan_id}"
    return ", ".join(filter(None, (point.sample, number)))


def _scans(points: Sequence[TrendPoint]) -> str:
    samples = {point.sample for point in points}
    numbers = [point.scan_id for point in points if point.scan_id is not None]
    name = next(iter(samples)) if len(samples) == 1 else f"{len(samples)} samples"
    low, high = min(numbers, default=None), max(numbers, default=None)
    scans = "" if low is None else f"scan {low}" if low == high else f"scans {low} to {high}"
    return ", ".join(filter(None, (name, scans)))

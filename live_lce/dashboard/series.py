"""One figure of a trend: the stacked fractions of one sample and absorber."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, NoOverlap, Range1d, Span, TapTool
from bokeh.plotting import figure

from live_lce.dashboard.columns import columns, news
from live_lce.dashboard.style import LOOKS
from live_lce.dashboard.words import percent
from live_lce.results.colours import NOT_ANSWERED, looks
from live_lce.results.stacked import Stacked
from live_lce.results.trend import TrendPoint

_MINUTE = 60_000.0
_WORDS = ("said", "scan", "reason")
"""Columns of text, for who points at a column."""


class Series:
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
        self._alone = _MINUTE if in_time else 1.0
        self._points: Sequence[TrendPoint] = ()
        self._order = np.empty(0, np.intp)
        self._source = ColumnDataSource(_empty(self.classes))
        self.plot = figure(
            title=name,
            height=280,
            min_width=280,
            sizing_mode="stretch_width",
            x_axis_type="datetime" if in_time else "linear",
            x_axis_label=None if in_time else axis,
            y_axis_label="fraction",
            y_range=Range1d(0, 1, bounds=(0, 1)),
            tools="xpan,xwheel_zoom,xbox_zoom,reset",
            active_scroll=None,
            toolbar_location="above",
            output_backend="webgl",
        )
        self._mark = Span(dimension="height", line_width=2, visible=False)
        self._bands: list[Any] = []
        self._build()

    @property
    def n_drawn(self) -> int:
        """Number of points that have a place on the axis."""
        return len(self._order)

    def fits(self, axis: str, classes: Sequence[str]) -> bool:
        """Whether the figure can show these classes against this axis."""
        return axis == self._axis and set(classes) <= set(self.classes)

    def look(self, name: str) -> None:
        """Take the colours of a theme."""
        self._mark.line_color = LOOKS[name].ink
        for band in self._bands:
            band.glyph.fill_color = LOOKS[name].paper

    def update(self, points: Sequence[TrendPoint], stacked: Stacked) -> None:
        """Draw points; only what is new is sent."""
        self._points, self._order = points, stacked.order
        new: dict[str, Any] = dict(columns(stacked, self._alone))
        drawn = [points[i] for i in stacked.order]
        new["said"] = np.array([_said(point) for point in drawn], dtype=object)
        new["scan"] = np.array([_scan(point) for point in drawn], dtype=object)
        new["reason"] = np.array([p.reason.replace(";", ", ") for p in drawn], dtype=object)
        old = self._source.data
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

    def mark(self, chosen: tuple[str, int]) -> None:
        """Mark the spectrum that is shown."""
        at = [i for i, point in enumerate(self._points) if point.key == chosen]
        rows = np.flatnonzero(np.isin(self._order, at))
        self._mark.visible = rows.size > 0
        if rows.size:
            self._mark.location = float(self._source.data["x"][rows[0]])

    def _build(self) -> None:
        plot, source = self.plot, self._source
        how = looks(self.classes)
        for name in self.classes:
            plot.quad(
                "left", "right", f"high_{name}", f"low_{name}", source=source,
                fill_color=how[name].colour, fill_alpha=0.85, line_color=None,
                hatch_pattern=how[name].hatch if name != "O6" else None, hatch_color="#ffffff",
                hatch_alpha=0.35, hatch_scale=14, legend_label=name,
                nonselection_fill_alpha=0.85,
            )  # fmt: skip
        plot.quad(
            "left", "right", "silent", 0, source=source, fill_color=NOT_ANSWERED, fill_alpha=0.25,
            line_color=None, hatch_pattern="/", hatch_color=NOT_ANSWERED, hatch_alpha=0.9,
            nonselection_fill_alpha=0.25, legend_label="no answer",
        )  # fmt: skip
        for name in self.classes[:-1]:
            self._bands.append(
                plot.quad(
                    "left",
                    "right",
                    f"over_{name}",
                    f"under_{name}",
                    source=source,
                    fill_alpha=0.45,
                    line_color=None,
                    nonselection_fill_alpha=0.45,
                )
            )
        hit = plot.quad("left", "right", 1, 0, source=source, fill_alpha=0, line_color=None)
        hit.selection_glyph = hit.nonselection_glyph = None
        plot.add_layout(self._mark)
        plot.add_tools(
            HoverTool(
                renderers=[hit],
                tooltips=[("", "@said"), ("", "@scan"), ("", "@reason")],
                point_policy="follow_mouse",
            ),
            TapTool(renderers=[hit]),
        )
        plot.add_layout(plot.legend[0], "above")
        plot.legend[0].orientation = "horizontal"
        plot.xaxis.major_label_policy = NoOverlap()
        plot.xgrid.visible = False
        source.selected.on_change("indices", self._tapped)

    def _tapped(self, _name: str, _old: Any, rows: list[int]) -> None:
        if rows and rows[0] < len(self._order):
            self._source.selected.indices = []
            self._clicked(self._points[self._order[rows[0]]])


def _empty(classes: Sequence[str]) -> dict[str, Any]:
    nothing = Stacked(
        tuple(classes),
        np.empty(0),
        np.empty((0, len(classes))),
        np.empty((0, len(classes))),
        np.empty(0, np.intp),
    )
    return {**columns(nothing, 1.0), **{name: np.empty(0, object) for name in _WORDS}}


def _said(point: TrendPoint) -> str:
    if not point.answered:
        return "no answer"
    return f"{point.label}, {percent(point.confidence)}"


def _scan(point: TrendPoint) -> str:
    number = "" if point.scan_id is None else f"scan {point.scan_id}"
    return ", ".join(filter(None, (point.sample, number)))


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, np.floating) else value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)

"""The view *Trend*: how the fractions developed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import Column, Div, Select

from live_lce.dashboard.links import trend_links
from live_lce.dashboard.series import Series
from live_lce.dashboard.services import Services
from live_lce.dashboard.style import sheet
from live_lce.results.colours import in_order
from live_lce.results.stacked import scan_ids, stacked, times
from live_lce.results.trend import TrendPoint, classes_of
from live_lce.spectra.types import Array

SERIES = 8
"""Samples shown below each other, the newest ones."""
TIME, SCAN = "time", "scan number"
_SPANS = {"the last hour": 3600.0, "the last 8 hours": 8 * 3600.0, "all in view": np.inf}
_EACH, _TOGETHER = "one for each sample", "all samples of an absorber together"
_SECOND = 1000.0
"""Bokeh counts milliseconds."""

Open = Callable[[str, int, str], None]


class TrendView:
    """Figures of one viewer.

    Parameters
    ----------
    services : Services
        What all viewers share.
    opened : callable
        Shows a spectrum: uid of the analysis run, number of the spectrum, view.
    """

    def __init__(self, services: Services, opened: Open) -> None:
        self._services, self._opened = services, opened
        words, widgets = [sheet("fragments.css")], [sheet("widgets.css")]
        self._axis = Select(
            name="trend_axis",
            title="Against",
            options=[TIME, SCAN],
            value=TIME,
            width=230,
            stylesheets=widgets,
        )
        self._span = Select(
            name="trend_span",
            title="Show",
            options=list(_SPANS),
            value="all in view",
            width=160,
            stylesheets=widgets,
        )
        # Together by default: in a series the name of the sample often tells the temperature.
        self._group = Select(
            name="trend_group",
            title="Figures",
            options=[_TOGETHER, _EACH],
            value=_TOGETHER,
            width=300,
            stylesheets=widgets,
        )
        self._links = Div(name="trend_links", text="", stylesheets=words)
        self._plots = Column(name="trend_plots", children=[], sizing_mode="stretch_width")
        self._series: dict[tuple[str, str], Series] = {}
        self._look = "light"
        self._drawn: tuple[Any, ...] = ()
        for select in (self._axis, self._span, self._group):
            select.on_change("value", lambda _a, _o, _n: self._again())
        self._chosen: tuple[str, int] = ("", 0)

    @property
    def roots(self) -> list[Any]:
        """The models that the page places, each by its name."""
        return [self._axis, self._span, self._group, self._links, self._plots]

    def look(self, name: str) -> None:
        """Take the colours of a theme."""
        self._look = name
        for series in self._series.values():
            series.look(name)

    def update(self, uid: str, index: int) -> None:
        """Draw what is known; what did not change is not sent."""
        self._chosen = (uid, index)
        signals = self._services.signals
        options = [TIME, SCAN, *signals.names]
        if self._axis.options != options:
            self._axis.options = options
        points = self._services.board.trend()
        axis = self._axis.value
        seen = (id(points), len(points), axis, signals.version, self._span.value, self._group.value)
        if seen != self._drawn:
            self._drawn = seen
            self._draw(points, axis)
        for series in self._series.values():
            series.mark(self._chosen)

    def _again(self) -> None:
        if self._axis.value not in (TIME, SCAN):
            self._services.feed.want_signal(self._axis.value)
        self.update(*self._chosen)

    def _draw(self, points: tuple[TrendPoint, ...], axis: str) -> None:
        since = self._services.board.clock() - _SPANS[self._span.value]
        of_series: dict[tuple[str, str], list[TrendPoint]] = {}
        for point in points:
            if point.time >= since or since == -np.inf:
                sample = point.sample if self._group.value == _EACH else ""
                of_series.setdefault((sample, point.absorber), []).append(point)
        newest = sorted(of_series, key=lambda key: of_series[key][-1].time, reverse=True)[:SERIES]
        for key in newest:
            series = self._series.get(key) or self._make(key, of_series[key], axis)
            if not series.fits(axis, classes_of(of_series[key])):
                series = self._make(key, of_series[key], axis)
            x = self._places(of_series[key], axis)
            series.update(of_series[key], stacked(of_series[key], series.classes, x))
        self._series = {key: self._series[key] for key in newest}
        plots = [series.plot for series in self._series.values()]
        if self._plots.children != plots:
            self._plots.children = plots
        self._links.text = self._said(of_series, newest)

    def _make(self, key: tuple[str, str], points: list[TrendPoint], axis: str) -> Series:
        classes = classes_of(points) or in_order(("T4", "S5", "O6"))
        name = ", ".join(filter(None, (key[0] or None, key[1]))) or "unknown absorber"
        series = Series(name, classes, axis, axis == TIME, self._clicked)
        series.look(self._look)
        self._series[key] = series
        return series

    def _clicked(self, point: TrendPoint) -> None:
        self._opened(point.analysis_uid, point.spectrum_index, "now")

    def _places(self, points: list[TrendPoint], axis: str) -> Array:
        if axis == TIME:
            return times(points) * _SECOND
        if axis == SCAN:
            return scan_ids(points)
        values = self._services.signals.values(axis)
        return np.array([values.get(point.raw_uid, np.nan) for point in points])

    def _said(
        self, of_series: dict[tuple[str, str], list[TrendPoint]], newest: list[tuple[str, str]]
    ) -> str:
        if not of_series:
            return '<p class="faint">No spectrum is finished yet.</p>'
        lines = []
        if len(of_series) > len(newest):
            lines.append(
                f"<p>{len(newest)} of {len(of_series)} samples, those measured last; the others"
                " are in Past.</p>"
            )
        known = [series.n_drawn for series in self._series.values()]
        total = sum(len(of_series[key]) for key in newest)
        if sum(known) < total:
            lines.append(f"<p>{sum(known)} of {total} spectra have a {self._axis.value}.</p>")
        lines += [trend_links(key, of_series[key]) for key in newest]
        return f'<div class="trend">{"".join(lines)}</div>'

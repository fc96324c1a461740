"""Draw the view *Trend*: how the fractions developed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from bokeh.models import Column, Select

from live_lce.dashboard._links import trend_links
from live_lce.dashboard._series import SentFigure
from live_lce.dashboard._services import Services
from live_lce.dashboard._style import sheet, words
from live_lce.dashboard._trends import PAUSE, SCAN, SERIES, TIME, Figure, Key, TrendChoice
from live_lce.results import TrendPoint

SAMPLES = 8
"""Samples shown below each other, the newest ones."""
_CURRENT, _ALL = "the current series", "all in view"
_SPANS = {
    **{_CURRENT: SERIES, "the last hour": 3600.0, "the last 8 hours": 8 * 3600.0},
    **{"the last 24 hours": 24 * 3600.0, _ALL: np.inf},
}
_EACH, _TOGETHER = "one for each sample", "all samples of an absorber together"

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
        widgets = [sheet("widgets.css")]
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
            value=_CURRENT,
            width=190,
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
        self._links = words("trend_links")
        self._plots = Column(name="trend_plots", children=[], sizing_mode="stretch_width")
        self._series: dict[Key, SentFigure] = {}
        self._look = "light"
        self._drawn: Mapping[Key, Figure] | None = None
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
        points, clock = self._services.board.trend(), self._services.board.clock
        choice = TrendChoice(self._axis.value, _SPANS[self._span.value], self._each)
        figures = self._services.trends.figures(points, choice, clock())
        if figures is not self._drawn:
            self._drawn = figures
            self._draw(figures, choice.axis)
        for series in self._series.values():
            series.mark(self._chosen)

    def fail(self, text: str) -> None:
        """Say that it cannot be drawn."""
        self._drawn = None
        self._links.text = text

    @property
    def _each(self) -> bool:
        return bool(self._group.value == _EACH)

    def _again(self) -> None:
        if self._axis.value not in (TIME, SCAN):
            self._services.feed.want_signal(self._axis.value)
        self.update(*self._chosen)

    def _draw(self, figures: Mapping[Key, Figure], axis: str) -> None:
        newest = sorted(figures, key=lambda key: _last(figures[key]), reverse=True)[:SAMPLES]
        for key in newest:
            series = self._series.get(key)
            if series is None or not series.fits(axis, figures[key].table.classes):
                series = self._make(key, figures[key], axis)
            series.update(figures[key])
        self._series = {key: self._series[key] for key in newest}
        plots = [series.plot for series in self._series.values()]
        if self._plots.children != plots:
            self._plots.children = plots
        said = self._said(figures, newest)
        if said != self._links.text:
            self._links.text = said

    def _make(self, key: Key, figure: Figure, axis: str) -> SentFigure:
        name = ", ".join(filter(None, (key[0] or None, key[1]))) or "unknown absorber"
        series = SentFigure(name, figure.table.classes, axis, axis == TIME, self._clicked)
        series.look(self._look)
        self._series[key] = series
        return series

    def _clicked(self, point: TrendPoint) -> None:
        self._opened(point.analysis_uid, point.spectrum_index, "now")

    def _said(self, figures: Mapping[Key, Figure], newest: list[Key]) -> str:
        if not figures:
            return '<p class="faint">No spectrum is finished yet.</p>'
        lines = []
        if len(figures) > len(newest):
            lines.append(
                f"<p>{len(newest)} of {len(figures)} samples, those measured last; the others"
                " are in Past.</p>"
            )
        left = sum(figures[key].n_left for key in newest)
        if left:
            lines.append(
                f"<p>{left} spectra of other series are left out (a series ends with a pause of"
                f" {PAUSE / 3600:.0f} h): choose “{_ALL}” to see them.</p>"
            )
        known = [series.n_drawn for series in self._series.values()]
        total = sum(len(figures[key].table.points) for key in newest)
        if sum(known) < total:
            lines.append(f"<p>{sum(known)} of {total} spectra have a {self._axis.value}.</p>")
        together = max(series.n_together for series in self._series.values())
        if together > 1:
            lines.append(
                f"<p>Many spectra: a column is the mean of up to {together}; zoom in to see each."
                "</p>"
            )
        lines += [trend_links(key, figures[key].table.points) for key in newest]
        return f'<div class="trend">{"".join(lines)}</div>'


def _last(figure: Figure) -> float:
    return float(figure.table.times[-1])

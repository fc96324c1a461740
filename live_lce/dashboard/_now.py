"""Draw the view *Now*: the growing spectrum and its prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    Div,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from live_lce.classifiers import Atlas, ModelCard
from live_lce.dashboard import _fragments as fragments
from live_lce.dashboard._board import RunData
from live_lce.dashboard._hysteresis import shown
from live_lce.dashboard._spectrum import Drawn
from live_lce.dashboard._style import LOOKS, Theme, words
from live_lce.spectra import Array, to_grid

BEFORE, BEHIND = -40.0, 80.0
"""The normalized spectrum is drawn so far around the edge (eV)."""


@dataclass(frozen=True)
class Reference:
    """A training spectrum to compare with: energies (eV), normalized mu, and its name."""

    energy: Array
    norm: Array
    name: str


@dataclass(frozen=True)
class Chosen:
    """What a viewer looks at.

    Parameters
    ----------
    data : RunData
        The run.
    index : int
        Number of the spectrum.
    drawn : Drawn
        The spectrum.
    card : ModelCard or None
        Of the model that judged it, if that is installed here.
    atlas : Atlas or None
        References of its model.
    """

    data: RunData
    index: int
    drawn: Drawn
    card: ModelCard | None = None
    atlas: Atlas | None = None

    def reference(self, label: str) -> Reference | None:
        """Return the medoid of a class on the scale of the spectrum; None if there is none."""
        if self.card is None or self.atlas is None or self.drawn.norm.size < 2:
            return None
        found = [medoid for medoid in self.atlas.medoids if medoid.label == label]
        origin = self.drawn.edge_reference
        if not found or not math.isfinite(origin):
            return None
        grid = self.card.grid.energies
        values, _ = to_grid(self.drawn.energy, self.drawn.norm, origin, grid)
        return Reference(origin + grid, found[0].beside(grid, values), found[0].name)


class NowView:
    """Figures and words of one viewer."""

    def __init__(self) -> None:
        self.words, self.bars, self.flags = (
            words(name, sizing_mode="stretch_width")
            for name in ("now_words", "now_bars", "now_flags")
        )
        self._norm = _Spectrum("now_norm", "normalized absorption", 380)
        self._raw = _Raw()
        self._failed = False

    @property
    def roots(self) -> list[Any]:
        """The models that the page places, each by its name."""
        return [self.words, self.bars, self.flags, self._norm.plot, self._raw.plot]

    def look(self, name: str) -> None:
        """Take the colours of a theme."""
        self._norm.look(LOOKS[name])
        self._raw.look(LOOKS[name])

    def clear(self, text: str) -> None:
        """Show that there is nothing to show, and why."""
        self._failed = False
        self.words.text, self.bars.text, self.flags.text = text, "", ""
        self._norm.update(Drawn(), None, "")
        self._raw.update(Drawn())

    def fail(self, text: str) -> None:
        """Say that it cannot be drawn, until something is."""
        self._failed = True
        self.words.text = text

    def say(self, text: str) -> None:
        """Say what is waited for."""
        if not self._failed:
            _set(self.words, text)

    def update(self, chosen: Chosen, now: float) -> None:
        """Show a spectrum; what did not change is not sent."""
        self._failed = False
        self.tick(chosen, now)
        found = shown(chosen.data.rows_of(chosen.index))
        if found is None:
            return
        _set(self.bars, fragments.probabilities(found.latest, chosen.data.run.classes))
        _set(self.flags, fragments.advice(found.latest))
        self._norm.update(chosen.drawn, chosen.reference(found.label), found.label)
        self._raw.update(chosen.drawn)

    def tick(self, chosen: Chosen, now: float) -> None:
        """Let the words say how old they are."""
        found = None if self._failed else shown(chosen.data.rows_of(chosen.index))
        if found is not None:
            _set(self.words, fragments.words(chosen.data, found, chosen.drawn.reach, now))


class _Spectrum:
    """The normalized spectrum with the model's window, E0 and the medoid of the shown class."""

    def __init__(self, name: str, label: str, height: int) -> None:
        self.plot = _plot(name, height, label)
        self._source = ColumnDataSource({"energy": [], "norm": []})
        self._medoid = ColumnDataSource({"energy": [], "norm": []})
        self._window, self._needed = _box(0.10), _box(0.16)
        self._e0 = Span(dimension="height", line_dash="dashed", line_width=1.5)
        for part in (self._window, self._needed, self._e0):
            self.plot.add_layout(part)
        self._reference = self.plot.line(
            "energy", "norm", source=self._medoid, line_width=4, line_alpha=0.75,
            line_dash="dashed", legend_label="reference",
        )  # fmt: skip
        self._line = self.plot.line(
            "energy", "norm", source=self._source, line_width=2, legend_label="this scan"
        )
        self._points = self.plot.scatter("energy", "norm", source=self._source, size=4)
        self._legend = self.plot.legend[0]
        self._legend.location = "bottom_right"
        self.plot.y_range = Range1d(-0.2, 1.8)
        self.plot.x_range = Range1d(0, 1)

    def look(self, look: Theme) -> None:
        self._line.glyph.line_color = look.line
        self._points.glyph.line_color = self._points.glyph.fill_color = look.line
        self._e0.line_color = look.warn
        for box in (self._window, self._needed):
            box.fill_color = look.shade

    def update(self, drawn: Drawn, reference: Reference | None, label: str) -> None:
        _send(self._source, energy=drawn.energy, norm=drawn.norm)
        self._reference.visible = self._legend.items[0].visible = reference is not None
        if reference is not None:
            _send(self._medoid, energy=reference.energy, norm=reference.norm)
            self._reference.glyph.line_color = fragments.colour(label)
            # The compound; where it is from is told with the model.
            name = reference.name.partition(" (")[0]
            self._legend.items[0].label = {"value": f"{label}: {name}, computed"}
        _place(self._window, drawn.covered)
        _place(self._needed, _overlap(drawn.covered, drawn.needed))
        self._e0.visible = math.isfinite(drawn.e0)
        if self._e0.visible:
            self._e0.location = drawn.e0
        origin = drawn.edge_reference if math.isfinite(drawn.edge_reference) else drawn.e0
        if math.isfinite(origin):
            self.plot.x_range.update(start=origin + BEFORE, end=origin + BEHIND)
        if drawn.norm.size:
            near = np.abs(drawn.energy - origin) < BEHIND
            top = float(np.max(drawn.norm[near], initial=1.2))
            self.plot.y_range.end = max(1.6, 1.1 * top)


class _Raw:
    """Mu as measured, with the ranges of the fits and the pre-edge line."""

    def __init__(self) -> None:
        self.plot = _plot("now_raw", 230, "mu, as measured")
        self._source = ColumnDataSource({"energy": [], "mu": []})
        self._below = ColumnDataSource({"energy": [], "mu": []})
        self._fits = [_box(0.18), _box(0.18)]
        self._e0 = Span(dimension="height", line_dash="dashed", line_width=1.5)
        for part in (*self._fits, self._e0):
            self.plot.add_layout(part)
        self._line = self.plot.line("energy", "mu", source=self._source, line_width=1.5)
        self._points = self.plot.scatter("energy", "mu", source=self._source, size=3)
        self._pre = self.plot.line(
            "energy", "mu", source=self._below, line_width=1.5, line_dash="dotted"
        )

    def look(self, look: Theme) -> None:
        self._line.glyph.line_color = look.line
        self._points.glyph.line_color = self._points.glyph.fill_color = look.line
        self._pre.glyph.line_color = self._e0.line_color = look.warn
        for box in self._fits:
            box.fill_color = look.fit

    def update(self, drawn: Drawn) -> None:
        _send(self._source, energy=drawn.raw_energy, mu=drawn.mu)
        before = drawn.energy < drawn.e0 if drawn.pre_edge.size else np.zeros(0, bool)
        energy = drawn.energy[before] if before.size else np.empty(0)
        below = drawn.pre_edge[before] if before.size else np.empty(0)
        _send(self._below, energy=energy, mu=below)
        for number, box in enumerate(self._fits):
            _place(box, drawn.fits[number] if number < len(drawn.fits) else None)
        self._e0.visible = math.isfinite(drawn.e0)
        if self._e0.visible:
            self._e0.location = drawn.e0


def _plot(name: str, height: int, label: str) -> Any:
    return figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        tools="pan,box_zoom,wheel_zoom,reset,hover",
        active_scroll=None,
        toolbar_location="above",
        x_axis_label="photon energy / eV",
        y_axis_label=label,
        tooltips=[("energy", "$x{0.0} eV"), ("", "$y{0.000}")],
        lod_threshold=None,
        min_width=280,
    )


def _box(alpha: float) -> BoxAnnotation:
    return BoxAnnotation(fill_alpha=alpha, line_color=None, visible=False, level="underlay")


def _place(box: BoxAnnotation, pair: tuple[float, float] | None) -> None:
    if pair is None:
        box.visible = False
    else:
        box.update(left=pair[0], right=pair[1], visible=True)


def _overlap(
    one: tuple[float, float] | None, other: tuple[float, float] | None
) -> tuple[float, float] | None:
    if one is None or other is None:
        return None
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low < high else None


def _send(source: ColumnDataSource, **columns: Any) -> None:
    """Give a source new data, if they are new."""
    old = source.data
    if all(np.array_equal(old[name], values, equal_nan=True) for name, values in columns.items()):
        return
    source.data = columns


def _set(div: Div, text: str) -> None:
    if div.text != text:
        div.text = text

"""Draw the view *Why*: what an answer rests on, and where it comes from."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from live_lce.classifiers import Occlusion, occlusion
from live_lce.classifiers._session import Session
from live_lce.dashboard import _fragments as fragments
from live_lce.dashboard._links import spectrum_links
from live_lce.dashboard._now import Chosen
from live_lce.dashboard._style import LOOKS, words
from live_lce.dashboard._words import class_word, headline, subline
from live_lce.results import looks
from live_lce.spectra import to_grid

_REGION_WORDS = {"pre": "pre-edge", "main": "edge and white line", "post": "behind the edge"}


class WhyView:
    """Figures and tables of one viewer."""

    def __init__(self) -> None:
        self.words, self.source, self.card = (
            words(name, sizing_mode="stretch_width")
            for name in ("why_words", "why_source", "why_card")
        )
        self._energies = _Energies()
        self._map = _Map()
        self._done: tuple[Any, ...] = ()

    @property
    def roots(self) -> list[Any]:
        """The models that the page places, each by its name."""
        return [self.words, self.source, self.card, self._energies.plot, self._map.plot]

    def look(self, name: str) -> None:
        """Take the colours of a theme."""
        self._energies.look(name)
        self._map.look(name)

    def clear(self) -> None:
        """Show nothing."""
        self._done = ()
        self.words.text = '<p class="faint">No spectrum is chosen.</p>'
        self.source.text = self.card.text = ""
        self._energies.clear()
        self._map.clear()

    def fail(self, text: str) -> None:
        """Say that it cannot be drawn."""
        self._done = ()
        self.words.text = text

    def update(self, chosen: Chosen, session: Session | None, raw_link: str) -> None:
        """Explain the newest prediction of a spectrum; worked out once for each."""
        row = chosen.data.rows_of(chosen.index)[-1]
        run = chosen.data.run
        done = (run, chosen.index, row["raw_seq_num_last"], row["final"], chosen.drawn.norm.size)
        if done == self._done:
            return
        self._done = done
        link = f"{raw_link}/{run.analysis.raw_uid}" if raw_link else ""
        self.source.text = fragments.provenance(chosen.data, row, link) + spectrum_links(
            run.analysis.uid, chosen.index
        )
        self.card.text = fragments.model_card(run, chosen.card)
        found = _occluded(chosen, session)
        said = [headline(row), subline(row, chosen.drawn.reach)]
        self.words.text = (
            f'<p class="which">{escape(fragments.title(run))}</p>'
            f"<p><b>{escape(', '.join(said))}</b></p>{_rests_on(chosen, found)}"
        )
        self._energies.update(chosen, found)
        self._map.update(chosen)
        self.words.text += self._map.words


class _Energies:
    """The spectrum, and how much the answer rests on each energy."""

    def __init__(self) -> None:
        self.plot = figure(
            name="why_energies",
            height=320,
            min_width=280,
            sizing_mode="stretch_width",
            x_axis_label="energy from the edge reference / eV",
            y_axis_label="normalized absorption",
            tools="pan,box_zoom,reset,hover",
            tooltips=[("energy", "@energy{0.0} eV"), ("rests on it", "@weight{0.00}")],
            toolbar_location="above",
        )
        self._source = ColumnDataSource(_NO_ENERGIES)
        self._bars = self.plot.vbar(
            x="energy", top="height", bottom=0, width="width", source=self._source,
            fill_color="colour", fill_alpha=0.6, line_color=None,
        )  # fmt: skip
        self._line = self.plot.line("energy", "norm", source=self._source, line_width=2)
        self._edge = Span(location=0, dimension="height", line_dash="dashed", line_width=1)
        self.plot.add_layout(self._edge)
        self.plot.x_range, self.plot.y_range = Range1d(-20, 40), Range1d(0, 1.6)

    def look(self, name: str) -> None:
        self._line.glyph.line_color = LOOKS[name].line
        self._edge.line_color = LOOKS[name].warn

    def clear(self) -> None:
        self._source.data = _NO_ENERGIES

    def update(self, chosen: Chosen, found: Occlusion | None) -> None:
        values = _on_grid(chosen)
        if values is None or chosen.card is None:
            self.clear()
            return
        grid = chosen.card.grid.energies
        weight = np.zeros(len(grid)) if found is None else found.importance
        top = max(1.2, float(np.nanmax(values, initial=1.2)))
        most = float(np.nanmax(np.abs(weight), initial=0.0)) or 1.0
        self.plot.y_range.end = 1.15 * top
        self.plot.x_range.update(start=float(grid[0]), end=float(grid[-1]))
        self._source.data = {
            "energy": grid,
            "norm": values,
            "weight": weight,
            "height": np.abs(weight) / most * top,
            "width": np.full(len(grid), grid[1] - grid[0]),
            "colour": np.where(weight >= 0, _FOR, _AGAINST),
        }


_FOR, _AGAINST = "#56b4e9", "#d55e00"
_NO_ENERGIES: dict[str, Any] = {
    **{name: np.empty(0) for name in ("energy", "norm", "weight", "height", "width")},
    "colour": np.empty(0, object),
}


class _Map:
    """Where the spectrum lies among the training spectra."""

    def __init__(self) -> None:
        self.words = ""
        self.plot = figure(
            name="why_map",
            height=360,
            min_width=280,
            sizing_mode="stretch_width",
            tools="pan,box_zoom,wheel_zoom,reset",
            active_scroll=None,
            toolbar_location="above",
            x_axis_label="first discriminant axis",
            y_axis_label="second discriminant axis",
        )
        self._of: Any = None
        self._training: list[Any] = []
        self._here = ColumnDataSource({"x": [], "y": []})
        self._look = "light"
        self._spot = self.plot.scatter(
            "x", "y", source=self._here, marker="star", size=26, line_width=2,
            legend_label="this spectrum", level="overlay",
        )  # fmt: skip
        self.plot.add_layout(self.plot.legend[0], "above")
        self.plot.legend[0].update(click_policy="hide", orientation="horizontal")
        self.plot.x_range, self.plot.y_range = Range1d(-5, 5), Range1d(-5, 5)

    def look(self, name: str) -> None:
        self._look = name
        self._spot.glyph.line_color = LOOKS[name].paper
        self._spot.glyph.fill_color = LOOKS[name].warn

    def clear(self) -> None:
        self.words = ""
        self._here.data = {"x": [], "y": []}

    def update(self, chosen: Chosen) -> None:
        projection = None if chosen.atlas is None else chosen.atlas.projection
        self.plot.visible = projection is not None
        self.clear()
        if projection is None:
            self.words = "<p>The model that judged it carries no map of its training spectra.</p>"
            return
        if self._of is not projection:
            self._of = projection
            self._draw(projection)
        drawn = chosen.drawn
        at = projection.project(drawn.energy, drawn.norm, drawn.edge_reference)
        if at is None:
            self.words = (
                f"<p>The map needs {projection.energies[0]:+g} to {projection.energies[-1]:+g} eV"
                " around the edge: not measured yet.</p>"
            )
            return
        self._here.data = {"x": [at[0]], "y": [at[1]]}
        for range_, place in zip((self.plot.x_range, self.plot.y_range), at, strict=True):
            range_.update(start=min(range_.start, place - 0.5), end=max(range_.end, place + 0.5))
        shares = projection.shares(at)
        said = ", ".join(f"{100 * share:.0f} % {escape(label)}" for label, share in shares.items())
        self.words = f"<p>Training spectra next to it on the map: {said}.</p>"

    def _draw(self, projection: Any) -> None:
        plot = self.plot
        # Away with those of another model; the spectrum itself stays.
        plot.renderers = [r for r in plot.renderers if r not in self._training]
        plot.legend[0].items = [i for i in plot.legend[0].items if self._spot in i.renderers]
        self._training = []
        low, high = projection.points.min(axis=0), projection.points.max(axis=0)
        for range_, start, end in zip((plot.x_range, plot.y_range), low, high, strict=True):
            around = 0.05 * (end - start)
            range_.update(start=float(start - around), end=float(end + around))
        labels = np.array(projection.labels)
        names = tuple(dict.fromkeys(projection.labels))
        for name, look in looks(names).items():
            of = projection.points[labels == name]
            self._training.append(
                plot.scatter(
                    of[:, 0],
                    of[:, 1],
                    marker=look.shape,
                    size=7,
                    fill_color=look.colour,
                    fill_alpha=0.45,
                    line_color=None,
                    legend_label=f"{name}, computed",
                )
            )


def _on_grid(chosen: Chosen) -> Any:
    """Return the spectrum on the model's grid; None where there is none."""
    drawn = chosen.drawn
    if chosen.card is None or drawn.norm.size < 2 or not math.isfinite(drawn.edge_reference):
        return None
    grid = chosen.card.grid.energies
    return to_grid(drawn.energy, drawn.norm, drawn.edge_reference, grid)[0]


def _occluded(chosen: Chosen, session: Session | None) -> Occlusion | None:
    values = _on_grid(chosen)
    row = chosen.data.rows_of(chosen.index)[-1]
    if values is None or session is None or chosen.card is None or float(row["coverage"]) < 1:
        return None
    return occlusion(session, chosen.card, values)


def _rests_on(chosen: Chosen, found: Occlusion | None) -> str:
    if found is None:
        why = (
            "its model is not installed where the dashboard runs"
            if chosen.card is None
            else "the model was not asked, or the spectrum is not here"
        )
        return f"<p>What the answer rests on cannot be told: {why}.</p>"
    shares = ", ".join(
        f"{100 * share:.0f} % {_REGION_WORDS.get(name, name)}"
        for name, share in found.regions.items()
    )
    label = escape(class_word(found.label))
    return (
        f"<p>What speaks for <i>{label}</i>: {shares}. Blue bars: without this stretch the model"
        " would be less sure of it; orange: more.</p>"
    )

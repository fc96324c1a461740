"""Style figures, light and dark, alike on the page and in exported files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Theme:
    """Colours of one theme.

    Parameters
    ----------
    paper, ink, faint, grid : str
        Of the background, of text, of less important text, and of grid lines.
    line : str
        Of the measured spectrum.
    shade : str
        Of the model's window.
    fit : str
        Of the ranges of the fits.
    warn : str
        Of E0 and of warnings.
    """

    paper: str
    ink: str
    faint: str
    grid: str
    line: str
    shade: str
    fit: str
    warn: str


LOOKS = {
    "light": Theme(
        "#ffffff", "#1b1f24", "#5a6470", "#e3e7eb", "#1b1f24", "#56b4e9", "#b8a100", "#b3261e"
    ),
    "dark": Theme(
        "#14181d", "#f0f3f6", "#a6b0bb", "#2c343d", "#f0f3f6", "#56b4e9", "#f0e442", "#ff8a80"
    ),
}


@cache
def theme(name: str) -> Any:
    """Return the Bokeh theme of a look, ``light`` or ``dark``."""
    from bokeh.themes import Theme

    look = LOOKS[name]
    text = {"text_color": look.ink, "text_font": FONT}
    return Theme(
        json={
            "attrs": {
                "Plot": {
                    "background_fill_color": look.paper,
                    "border_fill_color": look.paper,
                    "outline_line_color": look.grid,
                },
                "Grid": {"grid_line_color": look.grid},
                "Axis": {
                    "major_label_text_color": look.ink,
                    "major_label_text_font": FONT,
                    "major_label_text_font_size": "13px",
                    "axis_label_text_color": look.ink,
                    "axis_label_text_font": FONT,
                    "axis_label_text_font_size": "14px",
                    "axis_label_text_font_style": "normal",
                    "axis_line_color": look.faint,
                    "major_tick_line_color": look.faint,
                    "minor_tick_line_color": None,
                },
                "Title": {**text, "text_font_size": "14px", "text_font_style": "bold"},
                "Label": text,
                "Legend": {
                    "background_fill_color": look.paper,
                    "background_fill_alpha": 0.8,
                    "border_line_color": None,
                    "label_text_color": look.ink,
                    "label_text_font": FONT,
                    "label_text_font_size": "13px",
                },
            }
        }
    )


def words(name: str, text: str = "", **options: Any) -> Any:
    """Return a place for words: HTML whose names are escaped, and no formulas.

    Bokeh hands text between dollar signs to MathJax, which runs addresses in it.
    """
    from bokeh.models import Div

    return Div(
        name=name, text=text, disable_math=True, stylesheets=[sheet("fragments.css")], **options
    )


def plain(text: str) -> Any:
    """Return a title or a label that is no formula, whatever is in it."""
    from bokeh.models import PlainText

    return PlainText(text=text)


def sheet(name: str) -> Any:
    """Return a style sheet of this package for Bokeh's models, which the page's does not reach."""
    from bokeh.models import InlineStyleSheet

    return InlineStyleSheet(css=text_of(name))


def text_of(name: str) -> str:
    """Return a file of this package, such as the page's style sheet."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")

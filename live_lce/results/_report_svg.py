"""Embed pictures in an HTML page, in the colours of its text."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from live_lce.contract import GRID_START, GRID_STOP
from live_lce.results._presentation import printable
from live_lce.results._spectra import PublishedSpectrum

INK = "#010203"
"""Draw with this colour what is to have the colour of the page's text."""

_SVG, _LINK = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"
_WIDTH, _HEIGHT, _MARGIN = 180.0, 100.0, 4.0


def inline(svg: bytes, prefix: str, title: str) -> str:
    """Return an SVG file as an element of an HTML page.

    Parameters
    ----------
    svg : bytes
        The file.
    prefix : str
        Letters and digits put before all of its ids, which are unique in a page.
    title : str
        What it shows, for who cannot see it.
    """
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}style":  # it would hold for the whole page
                parent.remove(child)
    for element in root.iter():
        told = dict(element.attrib)
        element.attrib.clear()
        for name, value in told.items():
            element.set("href" if name == _LINK else name, _own(name, value, prefix))
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", printable(title))
    root.set("stroke-linejoin", "round")
    return ElementTree.tostring(root, encoding="unicode")


def _own(name: str, value: str, prefix: str) -> str:
    """Return an attribute with the ids of this picture, in the colour of the page's text."""
    if name == "id":
        return f"{prefix}-{value}"
    if name == _LINK:
        return f"#{prefix}-{value[1:]}" if value.startswith("#") else value
    return value.replace("url(#", f"url(#{prefix}-").replace(INK, "currentColor")


def highest(spectra: Sequence[PublishedSpectrum]) -> float:
    """Return the top of a scale that holds all spectra (edge steps), at least 1.5."""
    tops = [float(s.norm.max()) for s in spectra if s.norm.size]
    return max([1.5, *(top for top in tops if top < 5.0)])


def small(spectrum: PublishedSpectrum, top: float, colour: str) -> str:
    """Return a small picture of a spectrum from -30 to 100 eV around its edge reference.

    Parameters
    ----------
    spectrum : PublishedSpectrum
        What to draw.
    top : float
        Highest value of the scale (edge steps), the same for all pictures beside it.
    colour : str
        Of the line, ``#RRGGBB``.
    """
    reference = float(spectrum.row["edge_reference"])
    across = (_WIDTH - 2 * _MARGIN) / (GRID_STOP - GRID_START)
    up = (_HEIGHT - 2 * _MARGIN) / (top + 0.1)

    def x(energy: float) -> float:
        return _MARGIN + (energy - reference - GRID_START) * across

    def y(norm: float) -> float:
        return _HEIGHT - _MARGIN - (float(np.clip(norm, -0.1, top)) + 0.1) * up

    pairs = zip(spectrum.energy.tolist(), spectrum.norm.tolist(), strict=True)
    line = " ".join(f"{x(e):.1f},{y(n):.1f}" for e, n in pairs)
    right, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN
    marks = [
        f'<path class="axis" d="M{_MARGIN} {_MARGIN}V{bottom}H{right}"/>',
        f'<path class="faint" d="M{_MARGIN} {y(1.0):.1f}H{right}"/>',
    ]
    e0 = x(float(spectrum.row["e0"]))
    if _MARGIN < e0 < right:  # not where it is NaN
        marks.append(f'<path class="e0" d="M{e0:.1f} {_MARGIN}V{bottom}"/>')
    marks.append(f'<polyline points="{line}" stroke="{colour}"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" aria-hidden="true">{"".join(marks)}</svg>'
    )

"""Build addresses of exports relative to the page, valid under any prefix and without keys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from live_lce.results import TrendPoint

SPECTRUM_KINDS, TREND_KINDS = ("csv", "png", "svg"), ("csv", "png", "svg")


def spectrum_links(uid: str, index: int) -> str:
    """Return links to one spectrum as files, and to itself."""
    asked = {"run": uid, "spectrum": index}
    found = [_link(f"export/spectrum.{kind}", asked, kind.upper()) for kind in SPECTRUM_KINDS]
    found.append(_link(".", asked, "link to this scan", download=False))
    return f'<p class="links"><span>This spectrum:</span> {" ".join(found)}</p>'


def trend_links(key: tuple[str, str], points: Sequence[TrendPoint]) -> str:
    """Return links to a series as files and as a report.

    Parameters
    ----------
    key : tuple of str
        Sample and absorber; an empty sample means all.
    points : sequence of TrendPoint
        The series: the span of its raw runs is in the address.
    """
    asked = {"sample": key[0], "absorber": key[1]}
    begun = [point.begun for point in points if math.isfinite(point.begun)]
    if begun:
        asked |= {"since": f"{min(begun) - 1:.0f}", "until": f"{max(begun) + 1:.0f}"}
    return query_links(asked, ", ".join(filter(None, key)) or "All")


def query_links(asked: Mapping[str, Any], name: str) -> str:
    """Return links to what a query finds, as files and as a report."""
    asked = {key: value for key, value in asked.items() if value}
    found = [_link(f"export/trend.{kind}", asked, kind.upper()) for kind in TREND_KINDS]
    found.append(_link("report.html", asked, "report", download=False))
    return f'<p class="links"><span>{escape(name)}:</span> {" ".join(found)}</p>'


def _link(path: str, asked: Mapping[str, Any], text: str, *, download: bool = True) -> str:
    address = escape(f"{path}?{urlencode(asked)}")
    how = " download" if download else ' target="_blank" rel="noopener"'
    return f'<a href="{address}"{how}>{escape(text)}</a>'

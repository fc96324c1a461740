"""HTML by plain functions: text is escaped unless it is HTML already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from live_lce.results._words import printable


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def safe(value: object) -> Html:
    """Return a value as HTML; control characters, which a page must not hold, become spaces."""
    if isinstance(value, Html):
        return value
    return Html(escape(printable(str(value))))


def element(name: str, *content: object, **attributes: object) -> Html:
    """Return an element; attributes ``class_`` and ``for_`` lose their underscore."""
    told = "".join(f' {key.rstrip("_")}="{safe(v)}"' for key, v in attributes.items() if v != "")
    return Html(f"<{name}{told}>{joined(content)}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Return parts one after the other."""
    return Html(between.join(safe(part) for part in parts))


def table(head: Sequence[object], rows: Iterable[Sequence[object]], class_: str = "") -> Html:
    """Return a table that scrolls by itself where the page is narrow."""
    names = element("tr", *(element("th", name, scope="col") for name in head))
    lines = joined(element("tr", *(element("td", cell) for cell in row)) for row in rows)
    inner = element("table", element("thead", names), element("tbody", lines), class_=class_)
    return element("div", inner, class_="wide")

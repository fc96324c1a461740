"""Build the HTML of a report: safe elements, sections, cells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from statistics import median

from live_lce.results._catalog import PublishedRun
from live_lce.results._presentation import Look, printable
from live_lce.results._trend import TrendPoint

Looks = Mapping[str, Look]


def section(title: str, *content: object) -> Html:
    """Return a section with its heading."""
    return element("section", element("h2", title), *content)


def number_in(run: PublishedRun, spectrum_index: int) -> str:
    """Return which spectrum of its run it is, e.g. ``.2``; empty where there is one."""
    return f".{spectrum_index}" if run.n_final > 1 else ""


def chip(label: str, look: Looks) -> Html:
    """Return a class with a spot of its colour before it."""
    mark = Html(f'<span class="chip" style="background:{look[label].colour}"></span>')
    return joined([mark, element("b", label)])


def labels(points: Iterable[TrendPoint], look: Looks) -> Html:
    """Return how often each label was given, the most frequent first."""
    counted = Counter(p.label if p.answered else "" for p in points)
    parts = [joined([chip(c, look), f" {n}×"]) for c, n in counted.most_common() if c]
    if counted[""]:
        parts.append(safe(f"not answered {counted['']}×"))
    return joined(parts, ", ")


def probability(points: Iterable[TrendPoint]) -> str:
    """Return the median probability of the labels, and the lowest."""
    found = sorted(p.confidence for p in points if p.answered)
    if not found:
        return "–"
    middle = f"{median(found):.2f}"
    return middle if len(found) == 1 else f"{middle} (lowest {found[0]:.2f})"


def statuses(points: Iterable[TrendPoint]) -> str:
    """Return how often each status was given, the most frequent first."""
    return ", ".join(f"{s} {n}×" for s, n in Counter(p.status for p in points).most_common())


def count(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def span(points: Iterable[TrendPoint]) -> str:
    """Return the first and the last time (UTC), to the minute; empty where none is known."""
    known = [p.time for p in points if math.isfinite(p.time)]
    if not known:
        return ""
    first, last = moment(min(known))[:16], moment(max(known))[:16]
    if first == last:
        return first
    return f"{first} to {last[11:] if last[:10] == first[:10] else last}"


def moment(seconds: float) -> str:
    """Return a time (s since 1970) in UTC, to the second."""
    if not math.isfinite(seconds):
        return "–"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


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

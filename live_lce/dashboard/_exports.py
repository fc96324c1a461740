"""Send files to viewers over HTTP, read-only: spectra, trends and reports."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from html import escape
from typing import Any

from tornado.web import RequestHandler

from live_lce.dashboard._guard import COME_AGAIN, MOST_EXPORTS, BusyError, RequestLimit
from live_lce.dashboard._links import SPECTRUM_KINDS, TREND_KINDS
from live_lce.dashboard._services import Services
from live_lce.query import RunQuery
from live_lce.results import (
    QueryError,
    ResultsError,
    epoch,
    spectrum_figure,
    trend_csv,
    trend_figure,
)
from live_lce.results._csv import spectrum_csv

logger = logging.getLogger(__name__)

_TYPES = {"csv": "text/csv; charset=utf-8", "png": "image/png", "svg": "image/svg+xml"}
Content = str | bytes
_WORDS = ("sample", "absorber", "label", "status")
_LONGEST = 80
"""Characters of a part of a file name."""


class _Export(RequestHandler):
    """Answers in another thread, with one line where it cannot."""

    def initialize(self, services: Services, turns: RequestLimit) -> None:
        self.services, self.turns, self.left = services, turns, False

    def on_connection_close(self) -> None:
        """Note that nobody waits for it any more."""
        self.left = True

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    async def answer(self, make: Callable[[], Content | None], mime: str, name: str) -> None:
        """Send what `make` returns; None means that there is nothing of it."""
        try:
            async with self.turns.one():
                if self.left:
                    return
                content = await asyncio.to_thread(make)
        except BusyError:
            self.set_header("Retry-After", str(COME_AGAIN))
            self.refuse(503, "many files are being made: ask again in some seconds")
            return
        except (QueryError, ResultsError) as error:
            self.refuse(400 if isinstance(error, QueryError) else 503, str(error))
            return
        if content is None:
            self.refuse(404, "nothing of that was published")
            return
        self.set_header("Content-Type", mime)
        if name:
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        await self.finish(content)

    def refuse(self, status: int, words: str) -> None:
        """Answer with one line that says why there is nothing."""
        # In the page, not in the reason of the status line, where few characters are allowed.
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        line = escape(" ".join(words.split()).rstrip("."))
        self.finish(f"<!DOCTYPE html><title>live_lce</title><p>{line}.</p>")

    def write_error(self, status_code: int, **_: Any) -> None:
        self.refuse(status_code, self._reason)

    def query(self) -> RunQuery:
        """Return the query of an address."""
        words: dict[str, Any] = {key: self.get_query_argument(key, "") for key in _WORDS}
        return RunQuery(
            since=_moment(self.get_query_argument("since", "")),
            until=_moment(self.get_query_argument("until", "")),
            **words,
        )


class SpectrumExport(_Export):
    """``export/spectrum.csv?run=UID&spectrum=N``, also png and svg."""

    async def get(self, kind: str) -> None:
        """Send one spectrum."""
        uid = self.get_query_argument("run", "")
        number = self.get_query_argument("spectrum", "0")

        def make() -> Content | None:
            spectrum = self.services.archive.spectrum(uid, _index(number))
            if spectrum is None:
                return None
            if kind == "csv":
                return spectrum_csv(spectrum)
            return spectrum_figure(spectrum, "png" if kind == "png" else "svg")

        name = f"live_lce_{_safe(uid[:8])}_{_safe(number)}.{kind}"
        await self.answer(make, _TYPES[kind], name)


class TrendExport(_Export):
    """``export/trend.csv?sample=...&absorber=...&since=...``, also png and svg."""

    async def get(self, kind: str) -> None:
        """Send a trend."""

        def make() -> Content | None:
            points = self.services.archive.trend(self.query())
            if not points:
                return None
            if kind == "csv":
                return trend_csv(points)
            return trend_figure(points, "png" if kind == "png" else "svg")

        name = "_".join(filter(None, ("live_lce", self.get_query_argument("sample", ""))))
        await self.answer(make, _TYPES[kind], f"{_safe(name)}.{kind}")


class ReportHandler(_Export):
    """``report.html?sample=...``: one file for a series."""

    async def get(self) -> None:
        """Send a report."""

        def make() -> Content | None:
            return self.services.archive.report(self.query(), self.services.models.cards())

        await self.answer(make, "text/html; charset=utf-8", "")


class Health(_Export):
    """``health``: whether the dashboard and its Tiled server work, for monitoring."""

    async def get(self) -> None:
        """Send how Tiled is reached."""
        link = self.services.board.link
        runs = len(self.services.board.counting())
        self.set_header("Content-Type", "application/json")
        await self.finish({"tiled": link.link.value, "since": link.since, "runs": runs})


def patterns(services: Services) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Return what is served beside the page."""
    given = {"services": services, "turns": RequestLimit(2, MOST_EXPORTS)}
    return [
        (rf"/export/spectrum\.({'|'.join(SPECTRUM_KINDS)})", SpectrumExport, given),
        (rf"/export/trend\.({'|'.join(TREND_KINDS)})", TrendExport, given),
        (r"/report\.html", ReportHandler, given),
        (r"/health", Health, given),
    ]


def _moment(text: str) -> float | None:
    """Return seconds since 1970 from a number or a date; None where nothing is asked."""
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        return epoch(text)
    if not math.isfinite(found):
        raise QueryError(f"{text} is no time: give seconds since 1970, or a date")
    return found


def _index(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise QueryError(f"spectrum {text!r}: give its number, from 0")
    return int(text)


def _safe(text: str) -> str:
    """Return a part of a file name that every system and header takes."""
    plain = (c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in text[:_LONGEST])
    return "".join(plain) or "live_lce"

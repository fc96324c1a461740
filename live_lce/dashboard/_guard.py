"""Guard the web server: allowed names, numbers of requests, and scripts."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bokeh.server.views.doc_handler import DocHandler
from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform, RequestHandler

MOST_WAITING = 64
"""Requests for the page that wait for their turn; more are asked to come again."""
MOST_PAGES = 200
"""Pages that are open; each looks for news ten times a second."""
MOST_EXPORTS = 8
"""Files and reports that are being made or wait for it."""
PAUSE = 0.02
"""Seconds between two pages that are made, at least; as long as the last one took, at most."""
COME_AGAIN = 5
"""Seconds after which who was sent away may ask again."""
EVERYWHERE = ("", "0.0.0.0", "::")

_MATHJAX = re.compile(r"<script[^>]*mathjax[^>]*>\s*</script>", re.IGNORECASE)
_PLACE = secrets.token_urlsafe(24)
"""Stands in the page until it is sent; then there is a number that was never used before."""


class BusyError(Exception):
    """So many wait already that one more is sent away."""


class RequestLimit:
    """Lets few do something at once; others wait, up to a number.

    Parameters
    ----------
    at_once, most : int
        How many at once, and how many with those that wait.
    """

    def __init__(self, at_once: int, most: int) -> None:
        self._turn, self._most, self._n = asyncio.Semaphore(at_once), most, 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn.

        Raises
        ------
        BusyError
            If too many wait.
        """
        if self._n >= self._most:
            raise BusyError
        self._n += 1
        try:
            async with self._turn:
                yield
        finally:
            self._n -= 1


class PageHandler(DocHandler):  # type: ignore[misc]
    """The page, made for one viewer after the other: that blocks the thread that serves all."""

    def initialize(self, *_: Any, turns: RequestLimit, **__: Any) -> None:
        """Take what all requests share."""
        self._turns, self._left = turns, False

    def on_connection_close(self) -> None:
        """Note that nobody waits for it any more."""
        self._left = True

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Send the page."""
        try:
            async with self._turns.one():
                if self._left:
                    return
                if len(self.application_context.sessions) >= MOST_PAGES:
                    raise BusyError
                began = time.monotonic()
                await super().get(*args, **kwargs)
                await self.flush()
                # The others have their turn: pages that are open, monitors, files.
                await asyncio.sleep(max(PAUSE, time.monotonic() - began))
        except BusyError:
            self.set_status(503)
            self.set_header("Retry-After", str(COME_AGAIN))
            self.write(
                f'<!DOCTYPE html><meta http-equiv="refresh" content="{COME_AGAIN}">'
                "<title>live_lce</title><p>Too many ask for this page: it is tried again.</p>"
            )


class _Refused(RequestHandler):
    """Answers requests for a name that this server does not have."""

    def prepare(self) -> None:
        """Say what to do."""
        self.set_status(421)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            "This dashboard does not go by the name in the address: start it with "
            "--origin NAME, or --origin NAME:PORT, to let browsers call it so.\n"
        )


class _Nothing(RequestHandler):
    def prepare(self) -> None:
        self.set_status(404)
        self.finish()


class Headers(OutputTransform):
    """Says of every answer what browsers may do with it."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers, and the number that lets the page's own scripts run."""
        number = secrets.token_urlsafe(24)
        headers["Content-Security-Policy"] = policy(number)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        return status_code, headers, chunk.replace(_PLACE.encode(), number.encode())


def policy(number: str) -> str:
    """Return the content security policy: scripts of this server and of the page itself alone.

    Parameters
    ----------
    number : str
        Written at each script of the page; new in each answer.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{number}'",
            "style-src 'self' 'unsafe-inline'",  # Bokeh's style sheets and attributes
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' ws: wss:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )


def own_scripts(text: str) -> str:
    """Return HTML that Bokeh made, whose scripts may run; without MathJax.

    MathJax makes formulas of text between dollar signs, and runs addresses in them.

    Parameters
    ----------
    text : str
        Scripts, and nothing that comes from metadata.
    """
    return re.sub(r"<script\b", f'<script nonce="{_PLACE}"', _MATHJAX.sub("", text))


def names(host: str, origins: Iterable[str]) -> re.Pattern[str]:
    """Return what the names that a request may call this server by look like.

    Names that are not ours are refused: a page of elsewhere could have its own name point here,
    and would then read what is here with the rights of its viewer.

    Parameters
    ----------
    host : str
        Where it listens.
    origins : iterable of str
        Names, with or without a port, that a user has given; ``*`` stands for any text.
    """
    found = ["localhost", r"127\.0\.0\.1", r"\[::1\]", "::1"]
    if host in EVERYWHERE:  # any address of this machine, and the name that it has itself
        found += [r"\d{1,3}(?:\.\d{1,3}){3}", r"\[?[0-9a-f:.]*:[0-9a-f:.]*\]?"]
        found.append(re.escape(socket.gethostname().lower()))
    else:
        found += [re.escape(host.lower()), rf"\[{re.escape(host.lower())}\]"]
    for origin in origins:
        name = re.sub(r":(\d+|\*)$", "", origin.lower().strip())
        found.append(re.escape(name).replace(r"\*", ".*"))
    return re.compile("|".join(f"(?:{one})" for one in found))


def guard(application: Any, prefix: str, host: str, origins: Sequence[str]) -> None:
    """Let an application be asked by its names alone, and make one page at a time.

    Parameters
    ----------
    application : bokeh.server.tornado.BokehTornado
        With the page at its root.
    prefix : str
        Path before every address; begins with ``/`` or is empty.
    host, origins
        See `names`.
    """
    application.add_transform(Headers)
    # Added handlers come before the others, in this order.
    application.add_handlers(rf"(?!(?:{names(host, origins).pattern})$).*$", [(r".*", _Refused)])
    given = {
        "application_context": application.applications["/"],
        "bokeh_websocket_path": f"{prefix}/ws",
        "turns": RequestLimit(1, MOST_WAITING),
    }
    application.add_handlers(
        r".*",
        [
            (rf"{re.escape(prefix)}/?", PageHandler, given),
            (rf"{re.escape(prefix)}/(?:autoload\.js|metadata)", _Nothing),
        ],
    )

"""Run the dashboard's web server: Bokeh's, with the exports beside the page."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from live_lce.classifiers import Registry
from live_lce.tiled._connection import split_key

logger = logging.getLogger(__name__)

WINDOW = 86_400.0
"""Seconds: runs of the last day are in view, older ones in Past."""
UNUSED = 15_000
"""Milliseconds until a page that nobody looks at any more is let go."""


class DashboardError(RuntimeError):
    """The dashboard cannot be served; one line with what to do."""


@dataclass(frozen=True)
class DashboardSource:
    """Where the results are.

    Parameters
    ----------
    uri : str
        Address of the Tiled server.
    api_key : str or None
        It stays in this process.
    path, raw_path : str
        Containers of the analysis runs and of the raw runs.
    streaming : bool
        Whether to subscribe; False asks every second only.
    """

    uri: str
    api_key: str | None = None
    path: str = "processed"
    raw_path: str = "raw"
    streaming: bool = True


class Dashboard:
    """A dashboard that serves; `close` ends it.

    Parameters
    ----------
    source : DashboardSource
        Where the results are.
    registry : Registry
        The installed models, for what explains an answer.
    host, port : str, int
        Where to listen; port 0 for any.
    prefix : str
        Path before every address, where a proxy hands on a part of its own.
    origins : sequence of str
        Hosts, with ports, that browsers may name it by, beside this one.
    window : float
        How far back runs are kept in view (s).

    Raises
    ------
    DashboardError
        If the port is taken.
    """

    def __init__(
        self,
        source: DashboardSource,
        registry: Registry,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "",
        origins: Sequence[str] = (),
        window: float = WINDOW,
    ) -> None:
        self._given = (source, registry, window)
        self._listen = (host, port, "/" + prefix.strip("/") if prefix.strip("/") else "")
        self._origins = list(origins)
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._server: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="live_lce dashboard page")
        self._thread.daemon = True
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise DashboardError(_why(self._error, port)) from self._error

    @property
    def uri(self) -> str:
        """Address of the page."""
        host, _, prefix = self._listen
        shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
        return f"http://{shown}:{self._server.port}{prefix}/"

    def close(self) -> None:
        """End it."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(15)

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._main())
            loop.run_until_complete(loop.shutdown_default_executor())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()
            # Bokeh leaves the websockets of pages that are still open.
            if self._server is None:
                loop.close()
            else:
                self._server.io_loop.close(all_fds=True)

    async def _main(self) -> None:
        from tornado.ioloop import IOLoop

        services = _services(*self._given)
        try:
            self._server = self._serve(IOLoop.current(), services)
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stop.wait()
            self._server.unlisten()
            self._server.stop()
            await asyncio.sleep(0)  # unlisten closes connections at the loop's next turn
        finally:
            services.pool.shutdown(wait=False, cancel_futures=True)
            services.feed.close()
            services.archive.close()

    def _serve(self, loop: Any, services: Any) -> Any:
        from bokeh.application import Application
        from bokeh.application.handlers.function import FunctionHandler
        from bokeh.core.validation import silence
        from bokeh.core.validation.warnings import EMPTY_LAYOUT
        from bokeh.server.server import Server

        from live_lce.dashboard._exports import patterns
        from live_lce.dashboard._guard import guard
        from live_lce.dashboard._page import make_page

        silence(EMPTY_LAYOUT)  # a trend without a spectrum yet
        host, port, prefix = self._listen
        _check_port(host, port)
        origins = self._origins or [f"{name}:{port}" for name in ("localhost", host)]
        server = Server(
            {"/": Application(FunctionHandler(lambda document: make_page(document, services)))},
            io_loop=loop,
            address=None if host in ("", "0.0.0.0", "::") else host,
            port=port,
            prefix=prefix,
            extra_patterns=patterns(services),
            allow_websocket_origin=origins if port else None,
            use_xheaders=True,
            unused_session_lifetime_milliseconds=UNUSED,
            check_unused_sessions_milliseconds=UNUSED // 3,
            keep_alive_milliseconds=10_000,
            use_index=False,
            # Else the headers and cookies of a proxy's login would be in the page.
            include_headers=[],
            include_cookies=[],
        )
        guard(server._tornado, prefix, host, self._origins)
        server.start()
        return server


def _services(source: DashboardSource, registry: Registry, window: float) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    from live_lce.dashboard._archive import PastRuns
    from live_lce.dashboard._board import Board
    from live_lce.dashboard._feed import Feed
    from live_lce.dashboard._reading import Reader
    from live_lce.dashboard._services import Models, Services
    from live_lce.dashboard._signals import SignalTable
    from live_lce.dashboard._trends import Trends

    def reader() -> Reader:
        return Reader(source.uri, source.api_key, source.path, source.raw_path, window)

    board, signals = Board(address=_without_user(split_key(source.uri)[0])), SignalTable()
    feed = Feed(reader(), board, signals, streaming=source.streaming)
    archive = PastRuns(reader())
    pool = ThreadPoolExecutor(2, "live_lce dashboard archive")
    raw_link = f"{_without_user(split_key(source.uri)[0]).rstrip('/')}/ui/browse/{source.raw_path}"
    return Services(
        board, feed, signals, archive, Models(registry), pool, raw_link, Trends(signals)
    )


def _without_user(address: str) -> str:
    """Return an address for browsers: without the name and password that this process has."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _check_port(host: str, port: int) -> None:
    """Raise OSError if a port is taken: Bokeh would leave its socket open then."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _why(error: BaseException, port: int) -> str:
    if isinstance(error, OSError):
        return f"Port {port} cannot be used ({error.strerror}): choose another one, or 0 for any."
    return f"{type(error).__name__}: {error}"

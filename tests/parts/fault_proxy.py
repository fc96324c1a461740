"""A proxy in front of a Tiled server that misbehaves on demand."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

WRITES = ("POST", "PUT", "PATCH")


class Proxy:
    """Forwards HTTP requests, one a connection, to a real server.

    Attributes
    ----------
    delay : float
        Pause before each write is passed on (s).
    fault : callable
        Given the number of a write (from 1), says what becomes of it: "" is passed on, "error"
        is answered with 500 and not passed on, "cut" is passed on, and half of the answer
        comes back, "lost" is not passed on, and the connection is closed.
    writes : list of (method, path)
        The writes that came in.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.delay = 0.0
        self.fault: Callable[[int], str] = lambda number: ""
        self.writes: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self.up()

    @property
    def uri(self) -> str:
        """Address of the proxy; the same after `down` and `up`."""
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Answer at the address."""
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def down(self) -> None:
        """Refuse connections: nobody listens at the address."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    def begin(self, method: str, path: str) -> str:
        """Account for a request; say what becomes of it."""
        if method not in WRITES:
            return ""
        with self._lock:
            self.writes.append((method, path))
            number = len(self.writes)
        time.sleep(self.delay)
        return self.fault(number)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            """Pass one request on, and its answer back."""
            self.close_connection = True
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.begin(self.command, self.path)
            if fault == "lost":
                return
            if fault == "error":
                self._answer(500, [("Content-Type", "text/plain")], b"injected", cut=False)
                return
            upstream = http.client.HTTPConnection(proxy.upstream.netloc, timeout=30)
            try:
                upstream.request(self.command, self.path, body, dict(self.headers.items()))
                answer = upstream.getresponse()
                content = answer.read()
                self._answer(answer.status, answer.getheaders(), content, cut=fault == "cut")
            finally:
                upstream.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

        def _answer(
            self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool
        ) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(max(1, len(content)) if cut else len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cut else content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Run a proxy for a while."""
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.down()

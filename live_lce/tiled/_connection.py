"""Connect to Tiled: late, with short retries, and with a pause while it is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from live_lce._support.text import hide_keys

PROBE_TIMEOUT = 3.0
ATTEMPTS = 2
ROW = 60.0
"""So long after an attempt, a further one is none in a row (s)."""
_AWAY = (502, 503, 504)
_SHORT_ANSWERS = ("application/json", "application/x-msgpack")


class TiledAwayError(ConnectionError):
    """Tiled does not answer, or did not a moment ago."""


class TiledFailsError(RuntimeError):
    """Tiled answers with internal errors; in `response` is the last one."""

    def __init__(self, uri: str, response: Any, attempts: int) -> None:
        super().__init__(f"{uri} failed {attempts} times in a row")
        self.response = response


def split_key(uri: str) -> tuple[str, str | None]:
    """Return the URI without its query, and the API key from the query."""
    parts = urlsplit(uri)
    key = parse_qs(parts.query).get("api_key", [None])[0]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), key


def explain(error: BaseException, *, to: str = "write") -> str:
    """Return one sentence on what Tiled or the network said, with what to do.

    Parameters
    ----------
    error : BaseException
        What was raised.
    to : {"write", "read"}
        What was tried.
    """
    status = getattr(getattr(error, "response", None), "status_code", None)
    text = hide_keys(" ".join(str(error).split()))[:300]
    if status in (401, 403) and "scopes" in text.lower():
        return f"Tiled refuses to {to} here: give the API key the scopes to {to} ({text})."
    if status == 401:
        return "Tiled does not accept the API key: check `tiled.api_key`."
    if status == 403:
        return f"Tiled refuses to {to} here: give the API key the scopes to {to} ({text})."
    if status is not None and status >= 500:
        return f"Tiled has an internal error {status}: look at the server's log ({text})."
    if isinstance(error, ConnectionError | TimeoutError) or _is_transport_error(error):
        return f"Tiled does not answer: check the server and `tiled.uri` ({text})."
    return text if isinstance(error, RuntimeError) else f"{type(error).__name__}: {text}"


def is_away(error: BaseException) -> bool:
    """Whether the error means that the server, not this one run, has a problem.

    An internal error 500 does not: embedded DuckDB gives one now and then when two
    clients write at once, and the next request works.
    """
    status = getattr(getattr(error, "response", None), "status_code", None)
    return (
        isinstance(error, ConnectionError | TimeoutError)
        or _is_transport_error(error)
        or status in (401, 429, *_AWAY)
    )


def _is_transport_error(error: BaseException) -> bool:
    import httpx

    return isinstance(error, httpx.TransportError)


class Connection:
    """One container of a Tiled server, connected when it is first asked for.

    Parameters
    ----------
    uri : str
        Address of the server, or of a container; may carry ``?api_key=``.
    api_key : str, optional
        Else from the URI, else from the environment variable ``TILED_API_KEY``.
    path : str
        Container below `uri`, made if missing; empty for `uri` itself.
    backoff : float
        Pause after a failure (s), in which nothing is tried.
    clock : callable
        Returns a monotonic time (s).
    """

    def __init__(
        self,
        uri: str,
        *,
        api_key: str | None = None,
        path: str = "",
        backoff: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.uri, key_in_uri = split_key(uri)
        self._api_key = api_key or key_in_uri
        self._path = [part for part in path.split("/") if part]
        self._backoff = backoff
        self._clock = clock
        self._not_before = -float("inf")
        self._context: Any = None
        self._container: Any = None

    def container(self) -> Any:
        """Return the container's client.

        Raises
        ------
        TiledAwayError
            If Tiled does not answer, or within `backoff` after it did not.
        Exception
            What Tiled's client raises, e.g. where the API key is refused.
        """
        if self._container is not None:
            return self._container
        if self._clock() < self._not_before:
            raise TiledAwayError(f"{self.uri} failed less than {self._backoff:g} s ago")
        try:
            self._container = self._connect()
        except BaseException:
            self.drop()
            raise
        return self._container

    def drop(self) -> None:
        """Forget the connection after a failure; do not try again for a while.

        Who is told to wait and calls this does not have to wait longer.
        """
        self.close()
        if self._clock() >= self._not_before:
            self._not_before = self._clock() + self._backoff

    def forgive(self) -> None:
        """Allow another attempt now, however recent the last failure is."""
        self._not_before = -float("inf")

    def close(self) -> None:
        """Close the connection."""
        context, self._context, self._container = self._context, None, None
        if context is not None:
            context.close()

    def _connect(self) -> Any:
        from tiled.client.constructors import from_context
        from tiled.client.context import Context

        probe(self.uri)
        self._context, parts = Context.from_any_uri(self.uri, api_key=self._api_key)
        limit_attempts(self._context.http_client, self.uri, clock=self._clock)
        # Not remembered logins: in a worker thread nobody can answer a prompt.
        if not self._context.authenticated and self._context.server_info.authentication.required:
            raise PermissionError("Tiled wants an API key: set `tiled.api_key`.")
        node = from_context(self._context, node_path_parts=parts)
        for key in self._path:
            child = find_child(node, key)
            # An empty container is false: compare with None.
            node = _make_container(node, key) if child is None else child
        return node


def find_child(container: Any, key: str) -> Any | None:
    """Return the client of a child by its exact key, or None."""
    from tiled.client.container import Container

    try:
        # Not container[key]: a catalog of runs would go on and search partial uids; and once
        # anybody in the session has used `.v2` of a catalog, as databroker does, all runs give
        # streams of another kind (bluesky-tiled-plugins 2.0.12 changes the table of clients that
        # all share).
        return Container.__getitem__(container, key)
    except KeyError:
        return None


def _make_container(parent: Any, key: str) -> Any:
    from tiled.structures.core import Spec

    return parent.create_container(key, specs=[Spec("CatalogOfBlueskyRuns", version="3.0")])


def probe(uri: str) -> None:
    """Ask briefly whether a server is there: Tiled's client tries its first request for 45 s.

    Raises
    ------
    TiledAwayError
        If it is not.
    """
    import httpx

    try:
        # Certificates take longer to load than a server nearby to answer; http has none.
        plain = urlsplit(uri).scheme == "http"
        response = httpx.get(
            uri, timeout=PROBE_TIMEOUT, follow_redirects=not plain, verify=not plain
        )
    except httpx.TransportError as error:
        raise TiledAwayError(f"{uri}: {error}") from error
    if response.status_code >= 500:
        raise TiledAwayError(f"{uri} answers with error {response.status_code}")


class _Unanswered(threading.local):
    """Requests of one thread that got no answer, one after the other."""

    unanswered = 0
    began = -float("inf")
    failed: Any = None  # the last answer, if it was an internal error


def limit_attempts(
    http_client: Any,
    uri: str,
    attempts: int = ATTEMPTS,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Let requests that get no whole answer fail after few attempts.

    Tiled's client repeats for 45 s, which its environment variables change only
    for the whole process.  This counts the attempts in each thread, and ends them with
    an error that Tiled does not repeat.  Then nothing is asked before `ROW` seconds are over.
    A server that answers with internal errors is there: its next request is tried.

    Parameters
    ----------
    http_client : httpx.Client
        The client; its hooks are added to.
    uri : str
        The server, for errors.
    attempts : int
        Requests in a row that may stay without an answer.
    clock : callable
        Returns a monotonic time (s).
    """
    row = _Unanswered()

    def before(_: Any) -> None:
        if clock() - row.began > ROW:
            row.unanswered, row.failed = 0, None
        if row.unanswered >= attempts:
            if row.failed is not None:
                failed, row.failed, row.unanswered = row.failed, None, 0
                raise TiledFailsError(uri, failed, attempts)
            raise TiledAwayError(f"{uri} did not answer {attempts} requests in a row")
        row.unanswered, row.began, row.failed = row.unanswered + 1, clock(), None

    def after(response: Any) -> None:
        if response.status_code in _AWAY:
            return
        if response.status_code >= 500:
            row.failed = response
            return
        # The head of an answer is none: connections break in the middle, too.  Data may be
        # streamed and large, and are left alone; what writing gets back is short.
        if response.headers.get("content-type", "").startswith(_SHORT_ANSWERS):
            response.read()
        row.unanswered = 0

    hooks = http_client.event_hooks
    http_client.event_hooks = {
        "request": [*hooks["request"], before],
        "response": [*hooks["response"], after],
    }

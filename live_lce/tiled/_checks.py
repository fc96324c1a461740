"""Check whether a Tiled server is fit for live_lce, and say what to do."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from live_lce.tiled._connection import Connection, TiledAwayError, explain, probe, split_key
from live_lce.tiled._run import remove_run

State = Literal["ok", "warn", "fail"]
JSON_SEQ = "application/json-seq"
STREAM_WAIT = 5.0
_AGAIN = 0.5


@dataclass(frozen=True)
class Check:
    """One thing that was tried.

    Parameters
    ----------
    name : str
        What was tried.
    state : {"ok", "warn", "fail"}
        How it went; live_lce works with warnings.
    detail : str
        What was found, and what to do if it is not ok.
    """

    name: str
    state: State
    detail: str


def tried(name: str, attempt: Callable[[], str], otherwise: State = "fail") -> Check:
    """Return the outcome of `attempt`: its words, or its error as one sentence."""
    try:
        return Check(name, "ok", attempt())
    except Exception as error:
        return Check(name, otherwise, explain(error))


def wait_for(uri: str, seconds: float, on_wait: Callable[[], object]) -> None:
    """Wait for a server that is being started; return where it is there, or the time is over.

    Parameters
    ----------
    uri : str
        Its address.
    seconds : float
        So long at most.
    on_wait : callable
        Called once, before it is waited for.
    """
    server, end, told = split_key(uri)[0], time.monotonic() + seconds, False
    while True:
        try:
            probe(server)
            return
        except TiledAwayError:
            if time.monotonic() >= end:
                return
        if not told:
            told = True
            on_wait()
        time.sleep(_AGAIN)


def tiled_checks(uri: str, api_key: str | None, path: str) -> Iterator[Check]:
    """Try a Tiled server: reachable, allowed, writable, exporter, streaming.

    Parameters
    ----------
    uri, api_key, path : str
        As for :class:`~live_lce.tiled._connection.Connection`.

    Yields
    ------
    Check
        As each is done; none after the first that makes the rest pointless.
    """
    connection = Connection(uri, api_key=api_key, path=path)
    try:
        reached = tried("Tiled", lambda: f"{connection.container().uri} answers")
        yield reached
        if reached.state == "ok":
            yield from _container_checks(connection.container())
    finally:
        connection.close()


def _container_checks(container: Any) -> Iterator[Check]:
    key = f"live-lce-check-{secrets.token_hex(8)}"
    table: Any = None

    def write() -> str:
        nonlocal table
        import pyarrow

        schema = pyarrow.schema([("seq_num", pyarrow.int64())])
        table = container.create_container(key).create_appendable_table(schema, key="internal")
        table.append_partition(0, pyarrow.table({"seq_num": [1]}))
        if len(table.read()) != 1:
            raise RuntimeError("A table was written but not read back: check the server's storage.")
        return "a table was written and read"

    def remove() -> str:
        remove_run(container, key)
        return "a node was deleted: half-written runs can be replaced"

    yield tried("write", write)
    if table is not None:
        yield tried("streaming", lambda: _stream(table), "warn")
        yield tried("delete", remove, "warn")
    yield tried("exporter", lambda: _exporter(container), "warn")


def _exporter(container: Any) -> str:
    formats = container.context.server_info.formats.get("BlueskyRun", ())
    if JSON_SEQ not in formats:
        raise RuntimeError(
            f"The server cannot export runs as documents: add {JSON_SEQ} for BlueskyRun under "
            "`media_types` in its configuration "
            "(bluesky_tiled_plugins.exporters:json_seq_exporter)."
        )
    return f"runs are exported as {JSON_SEQ}"


def _stream(table: Any) -> str:
    import pyarrow

    arrived = threading.Event()

    # Tiled keeps callbacks by weak reference: this name keeps it alive.
    def on_data(_: Any) -> None:
        arrived.set()

    subscription = table.subscribe()
    subscription.new_data.add_callback(on_data)
    try:
        subscription.start_in_thread()
        table.append_partition(0, pyarrow.table({"seq_num": [2]}))
        if not arrived.wait(STREAM_WAIT):
            raise RuntimeError(
                "Nothing is streamed: set `streaming_cache` in the server's configuration "
                "(uri: memory for one process), else predictions are seen only by asking again."
            )
    finally:
        subscription.disconnect()
    return "a subscriber saw a new row"

"""Servers that refuse, do not stream, or go away and come back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from dashboard_parts import KEY, Served
from feed_parts import Beam, ended, feeding, is_linked, n_measured, sizes, within
from refused_parts import alices_key

from live_lce.dashboard import _fragments as fragments
from live_lce.dashboard._board import Link
from live_lce.tiled import EmbeddedTiled, explain

pytestmark = pytest.mark.slow


def test_a_wrong_key_is_told(server: EmbeddedTiled) -> None:
    with feeding(server.uri, "wrong") as board:
        within(20, is_linked(board, Link.GONE))
        assert board.link.detail == ("Tiled does not accept the API key: check `tiled.api_key`.")
        assert "check `tiled.api_key`" in fragments.waiting(board.link, (), 0, 0.0)
        since = board.link.since
        time.sleep(3)
        assert board.link.since == since, "it is gone since then, however often it is tried"


def test_nobody_at_the_address_is_told() -> None:
    with feeding("http://127.0.0.1:9", "key") as board:
        within(20, is_linked(board, Link.GONE))
        assert board.link.detail.startswith("Tiled does not answer: check the server")


@contextmanager
def without_streams(folder: Path, key: str) -> Iterator[str]:
    """Serve as the embedded server does, without a streaming cache."""
    import uvicorn
    from tiled.catalog import from_uri
    from tiled.config import Authentication
    from tiled.server.app import build_app
    from tiled.server.simple import ThreadedServer
    from tiled.utils import ensure_uri

    (folder / "data").mkdir()
    tables = ensure_uri(f"duckdb:///{folder / 'storage.duckdb'}")
    catalog = from_uri(
        folder / "catalog.db",
        writable_storage=[folder / "data", tables],
        init_if_not_exists=True,
    )
    app = build_app(catalog, authentication=Authentication(single_user_api_key=key))
    config = uvicorn.Config(app, port=0, loop="asyncio", log_level="critical")
    with ThreadedServer(config).run_in_thread() as uri:
        yield uri


def test_a_server_without_streams_is_asked(
    server: EmbeddedTiled, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with without_streams(tmp_path, server.api_key) as uri:
        beam = Beam(uri, server.api_key, tmp_path / "spool")
        beam.scan(50)
        with feeding(uri, server.api_key) as board:
            within(8, is_linked(board, Link.POLLING))  # not after the client's endless waiting
            assert "the server does not stream" in board.link.detail
            assert len(board.trend()) == 1
            beam.grow(51, 100, 200)
            within(12, lambda: sizes(board, 51) == [100, 200])
            beam.grow(51, 300)
            beam.end(51)
            within(12, lambda: ended(board, 51))
            assert board.link.link is Link.POLLING
        beam.publisher.close()


def test_a_server_that_was_killed_and_started_again(tmp_path: Path) -> None:
    """`live-lce serve` as a process, on the same port and folder."""
    tiled = Served("serve", "--directory", str(tmp_path / "tiled"))
    tiled.start()
    beam = Beam(tiled.uri, KEY, tmp_path / "spool", backoff=0.2)
    try:
        with feeding(tiled.uri, KEY) as board:
            within(20, is_linked(board, Link.STREAMING))
            beam.scan(60)
            within(12, lambda: ended(board, 60))
            tiled.kill()
            within(20, is_linked(board, Link.GONE))
            assert "Tiled does not answer" in board.link.detail
            said = fragments.waiting(board.link, (), 1, 0.0)
            assert "Tiled is gone" in said and "Trying again" in said
            assert len(board.trend()) == 1, "what was known is still there"
            tiled.start()
            within(20, is_linked(board, Link.STREAMING))
            time.sleep(3)  # the next time of asking is later than what follows
            beam.grow(61, 100)
            within(12, lambda: n_measured(board, 61) == 100)
            beam.grow(61, 300)
            beam.end(61)
            within(12, lambda: ended(board, 61))
            assert [point.scan_id for point in board.trend()] == [60, 61]
    finally:
        beam.publisher.close()
        tiled.kill()


def test_a_key_that_may_only_read(tmp_path: Path) -> None:
    """On a server with logins: it cannot subscribe, and need not."""
    scopes = ("read:metadata", "read:data")
    with alices_key(tmp_path, *scopes) as (uri, key), feeding(uri, key) as board:
        within(20, is_linked(board, Link.POLLING))
        assert "the scope `apikeys`" in board.link.detail


def test_a_key_that_may_not_even_read_is_not_told_to_write() -> None:
    request = httpx.Request("GET", "http://tiled/api/v1/metadata/")
    response = httpx.Response(401, request=request)
    refused = httpx.HTTPStatusError(
        "Not enough permissions. Requires scopes ['read:metadata'].",
        request=request,
        response=response,
    )
    said = explain(refused, to="read")
    assert said.startswith("Tiled refuses to read here: give the API key the scopes to read (Not")

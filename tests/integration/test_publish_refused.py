"""Servers that may be read and not written: every run stays on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from publish_parts import RAW_UID, a_result
from refused_parts import SERVERS, alices_key, answered, serving

from live_lce.engine import RunClosed
from live_lce.publish import TiledPublisher
from live_lce.publish._spool import read_spooled, waiting
from live_lce.settings import AnalysisSettings

pytest.importorskip("uvicorn", reason="needs the extra `server`")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Return a server with access control, and a key with which alice may only read."""
    with alices_key(tmp_path, "read:metadata", "read:data") as served:
        yield served


def publish(uri: str, key: str | None, spool: Path) -> TiledPublisher:
    publisher = TiledPublisher(
        uri, api_key=key, settings=AnalysisSettings(), spool=spool, source="test"
    )
    publisher.result(a_result(0, final=False), 0.0)
    publisher.result(a_result(0), 0.0)
    publisher.closed(RunClosed(RAW_UID, "success"))
    publisher.close()
    return publisher


def assert_kept(folder: Path, publisher: TiledPublisher, caplog: pytest.LogCaptureFixture) -> str:
    """Check that the whole run is on disk and that one sentence says so; return it."""
    (path,) = waiting(folder / "spool")
    assert read_spooled(path).complete
    assert publisher.counters["runs_spooled"] == publisher.counters["errors"] == 1
    assert publisher.counters["runs_published"] == publisher.counters["events_published"] == 0
    (sentence,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "live-lce republish" in sentence
    return sentence


@pytest.mark.parametrize("status", SERVERS)
def test_a_server_that_refuses_writes(
    tmp_path: Path, status: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    (tmp_path / "data").mkdir()
    arguments, key = SERVERS[status]
    with serving(tmp_path, *arguments) as uri:
        publisher = publish(uri, key, tmp_path / "spool")
    assert answered(tmp_path, status)
    sentence = assert_kept(tmp_path, publisher, caplog)
    assert {"401": "scopes to write", "405": "405"}[status] in sentence


# event_model's RunRouter warns of what a callback raises on a start document, and raises it too
@pytest.mark.filterwarnings("ignore:The callback <bluesky_tiled_plugins:UserWarning")
def test_a_key_that_may_only_read(
    reader: tuple[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publish(*reader, tmp_path / "spool")
    assert answered(tmp_path, "401")  # Tiled 0.2.20; others say 403
    assert "API key" in assert_kept(tmp_path, publisher, caplog)

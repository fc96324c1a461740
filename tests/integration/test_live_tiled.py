"""From the RunEngine to Tiled: predictions are there while the scan still runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from engine_parts import make_registry
from live_parts import ENERGY, Beamline, run_engine

from live_lce.live import LiveLCE
from live_lce.publish import TiledPublisher
from live_lce.settings import AnalysisSettings, Classification
from live_lce.tiled import EmbeddedTiled

__all__ = ["run_engine"]  # a fixture


@pytest.fixture
def client(server: EmbeddedTiled) -> Iterator[Any]:
    client = server.client()
    yield client
    client.context.close()


def make_live(server: EmbeddedTiled, folder: Path, settings: AnalysisSettings) -> LiveLCE:
    publisher = TiledPublisher(
        server.uri, settings=settings, spool=folder / "spool", source="RE", api_key=server.api_key
    )
    return LiveLCE(settings, publisher=publisher, registry=make_registry(folder))


def test_predictions_are_in_tiled_while_the_scan_runs(
    run_engine: RunEngine, server: EmbeddedTiled, client: Any, tmp_path: Path
) -> None:
    settings = AnalysisSettings(classification=Classification(min_confidence=0.55))
    live = make_live(server, tmp_path, settings)
    seen: list[tuple[int, bool]] = []

    def look(name: str, doc: Any) -> None:
        if doc["seq_num"] == len(ENERGY) - 1:
            assert live.flush(60)
            (run,) = client["processed"].values()
            table = run["predictions"].read()
            seen.append((int(table["answered"].sum()), "stop" in run.metadata))

    run_engine.subscribe(live)
    run_engine.subscribe(look, "event")
    (uid,) = run_engine(Beamline().scan(sample="FeO"))
    assert live.close(60)
    (answered, stopped), *_ = seen
    assert answered >= 5
    assert not stopped
    (run,) = client["processed"].values()
    assert run.metadata["start"]["original_run_uid"] == uid
    assert run.metadata["start"]["sample"] == "FeO"
    summary = run.metadata["stop"]["live_lce"]
    assert (summary["label"], summary["status"], summary["n_final"]) == ("O6", "ok", 1)
    table = run["predictions"].read()
    assert list(table["final"].values).count(1) == 1
    assert table["raw_seq_num_last"].values[-1] == len(ENERGY)
    assert not list((tmp_path / "spool").glob("*.jsonl"))
    assert live.counters["publisher_errors"] == 0


def test_an_alignment_scan_leaves_nothing_in_tiled(
    run_engine: RunEngine, server: EmbeddedTiled, client: Any, tmp_path: Path
) -> None:
    before = set(client["processed"])
    live = make_live(server, tmp_path, AnalysisSettings())
    run_engine(Beamline(name="xafs_y").scan(range(40)), live)
    assert live.close(60)
    assert set(client["processed"]) == before

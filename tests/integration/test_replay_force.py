"""`live-lce replay --force`: a new model is used on what an old one analysed."""

from __future__ import annotations

from pathlib import Path

import external_parts
import pytest
from cli_parts import Cli, cli
from engine_parts import make_registry
from replay_parts import a_scan, address, analyses, write

from live_lce.tiled import EmbeddedTiled

__all__ = ["cli"]  # a fixture


def test_a_new_model_is_used_by_force_only(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__PACING__INTERVAL", "50")
    archive = write(tmp_path / "scans.jsonl", a_scan(1))
    with EmbeddedTiled() as server:
        replay = ("replay", "--tiled", address(server), archive)
        assert cli(*replay).code == 0
        (old,) = analyses(server, "processed")
        make_registry(tmp_path / "models", version="0.0.2")
        done = cli(*replay)
        assert done.code == 0, done.err
        assert "1 in Tiled by another model or other settings (--force renews them)" in done.err
        assert analyses(server, "processed") == [old]
        assert "to be analysed anew" in cli(*replay, "--force", "--dry-run").err
        done = cli(*replay, "--force")
        assert done.code == 0, done.err
        kept, new = analyses(server, "processed")
        assert kept == old
        assert new.model_sha256 not in ("", old.model_sha256)
        assert new.supersedes == (old.uid,) and new.complete
        assert "1 in Tiled already" in cli(*replay, "--force").err
        assert "1 in Tiled already" in cli(*replay).err


def test_force_comes_back_to_rows_that_were_missing(cli: Cli, tmp_path: Path) -> None:
    data = external_parts.columns()
    short = {"It": data["It"][:-30]}
    file = tmp_path / "flight.h5"
    archive = write(
        tmp_path / "flight.jsonl",
        external_parts.run(external_parts.write(file, data | short), data),
    )
    with EmbeddedTiled() as server:
        replay = ("replay", "--tiled", address(server), archive)
        assert "rows_missing" in cli(*replay).out
        (old,) = analyses(server, "processed")
        assert old.lacking and old.complete
        external_parts.write(file, data)
        assert "1 in Tiled already" in cli(*replay).err
        done = cli(*replay, "--force")
        assert done.code == 0, done.err
        kept, new = analyses(server, "processed")
        assert (kept.uid, new.supersedes) == (old.uid, (old.uid,))
        assert new.complete and not new.lacking
        assert (new.attempt, new.model_sha256) == (2, old.model_sha256)
        assert "1 in Tiled already" in cli(*replay, "--force").err

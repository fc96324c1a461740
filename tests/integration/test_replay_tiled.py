"""`live-lce replay` into Tiled: what is there is left, what is half is finished, all is counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cli_parts import Cli, cli
from replay_parts import a_scan, address, an_alignment, analyses, raw_uid, write

from live_lce.replaying._journal import FILE
from live_lce.testing import compose, spectrum_rows
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["cli"]  # a fixture


@pytest.fixture
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a container of the test's own, which is not there yet."""
    name = str(request.node.name).partition("[")[0]
    monkeypatch.setenv("LIVE_LCE_TILED__PATH", name)
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__PACING__INTERVAL", "50")
    return name


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a file of two scans and an alignment."""
    return write(tmp_path / "scans.jsonl", a_scan(1), an_alignment(2), a_scan(3))


def test_a_second_replay_does_nothing(
    cli: Cli, server: EmbeddedTiled, path: str, archive: Path, tmp_path: Path
) -> None:
    first = cli("replay", "--tiled", address(server), archive)
    assert first.code == 0, first.err
    assert "3 runs: 2 published, 1 without a spectrum" in first.err
    assert first.out.count("final") == 2, (
        "only last predictions are printed where all are published"
    )
    before = analyses(server, path)
    assert {a.raw_uid for a in before} == {raw_uid(1), raw_uid(3)}
    second = cli("replay", "--tiled", address(server), "--json", archive)
    assert second.code == 0, second.err
    assert second.json["runs"] == {
        "published": 0, "predicted": 0, "kept": 0, "there": 2, "older": 0, "no_spectrum": 1,
        "running": 0, "failed": 0,
    }  # fmt: skip
    assert second.json["left_alone"] == [raw_uid(2)]
    assert second.json["predictions"] == []
    assert analyses(server, path) == before
    # the alignment was not looked at either: the journal knew it
    assert (tmp_path / "state" / "live_lce" / FILE).is_file()
    planned = cli("replay", "--tiled", address(server), "--dry-run", "--json", archive)
    actions = {row["uid"]: row["action"] for row in planned.json["runs_planned"]}
    assert actions == {raw_uid(1): "there", raw_uid(2): "no_spectrum", raw_uid(3): "there"}


def test_a_dry_run_changes_nothing(
    cli: Cli, server: EmbeddedTiled, path: str, archive: Path, tmp_path: Path
) -> None:
    done = cli("replay", "--tiled", address(server), "--dry-run", archive)
    assert done.code == 0, done.err
    assert done.out.count("is analysed") == 3
    assert "scans.jsonl, scan 1, run " in done.out
    assert "3 runs: 3 to be analysed" in done.err
    client = server.client()
    assert path not in client, "not even the container is made"
    client.context.close()
    assert not (tmp_path / "state" / "live_lce" / "spool").exists()
    planned = cli("replay", "--dry-run", "--json", archive)
    assert [row["scan_id"] for row in planned.json["runs_planned"]] == [1, None, 3]
    assert planned.json["runs"]["analyse"] == 3 and planned.json["published"] is None


@pytest.mark.parametrize(
    ("options", "scans"),
    [
        (["--scan-id", "1", "--scan-id", "9"], [1]),
        (["--uid", raw_uid(3)[:8]], [3]),
        (["--sample", "FOIL *"], [1, 3]),
        (["--sample", "foil 3"], [3]),
        (["--absorber", "iron", "--scan-id", "3"], [3]),
        (["--absorber", "Ni"], [None]),  # only the alignment does not say what it is of
        (["--where", "sample.name=foil 1"], [1]),
        (["--since", "2023-11-17T12:00+00:00"], [3]),
        (["--until", "2023-11-16T00:00+00:00"], [1]),
        (["--since", "7d"], []),
    ],
)
def test_filters(cli: Cli, archive: Path, options: list[str], scans: list[int | None]) -> None:
    done = cli("replay", "--dry-run", "--json", *options, archive)
    assert done.code == 0, done.err
    assert [row["scan_id"] for row in done.json["runs_planned"]] == scans


def test_of_a_run_that_cannot_be_read_nothing_is_published(
    cli: Cli, server: EmbeddedTiled, path: str, tmp_path: Path
) -> None:
    broken = write(tmp_path / "broken.jsonl", a_scan(1))
    lines = broken.read_text().splitlines()
    broken.write_text("\n".join([*lines[:100], "{", *lines[100:]]) + "\n")
    whole = write(tmp_path / "whole.jsonl", a_scan(3))
    done = cli("replay", "--tiled", address(server), "--json", broken, whole)
    assert done.code == 1
    assert any("broken.jsonl:101" in problem for problem in done.json["problems"])
    assert [a.raw_uid for a in analyses(server, path)] == [raw_uid(3)]


def test_a_run_that_may_go_on_is_left(
    cli: Cli, server: EmbeddedTiled, path: str, tmp_path: Path
) -> None:
    rows = spectrum_rows()[::2]
    for minutes, status in ((5, "running"), (115, "running"), (125, "published")):
        last = time.time() - 60 * minutes
        documents = compose(rows, uid=raw_uid(1), time=last - len(rows), exit_status=None)
        archive = write(tmp_path / "scans.jsonl", documents)
        done = cli("replay", "--tiled", address(server), "--json", archive)
        assert done.code == 0, done.err
        assert done.json["runs"][status] == 1, minutes
    (found,) = analyses(server, path)
    assert found.unstopped and not found.complete


def test_without_an_answer_from_tiled_runs_wait_on_disk(
    cli: Cli, archive: Path, tmp_path: Path
) -> None:
    done = cli("replay", "--tiled", "http://127.0.0.1:9", "--json", archive)
    assert done.code == 1
    assert "What is in Tiled already is not known" in done.err
    assert done.json["runs"]["kept"] == 2 and done.json["published"]["runs_spooled"] == 2
    assert len(list((tmp_path / "state" / "live_lce" / "spool").glob("*.jsonl"))) == 2


def test_malformed_documents_are_counted_and_the_run_is_not_forgotten(
    cli: Cli, server: EmbeddedTiled, path: str, tmp_path: Path
) -> None:
    documents = an_alignment(1)
    documents[2:2] = [("descriptor", {"run_start": raw_uid(1), "name": "baseline"})]  # no uid
    archive = write(tmp_path / "scans.jsonl", documents)
    for _ in range(2):  # a later release may understand it
        done = cli("replay", "--tiled", address(server), "--json", archive)
        assert (done.code, done.json["malformed"]) == (0, 1), done.err
        assert done.json["left_alone"] == [raw_uid(1)]

"""Several processes, a process that dies, and memory that stays flat."""

from __future__ import annotations

import gc
import os
import signal
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Cli, cli
from replay_parts import a_scan, address, an_alignment, analyses, raw_uid, write

from live_lce import RunQuery
from live_lce.archives import Document
from live_lce.config import load_config
from live_lce.replaying import Candidates, Setup, replayed
from live_lce.replaying._outcome import RunStatus
from live_lce.replaying._pool import MOST_DEATHS, ReplayError
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["cli"]  # a fixture


@dataclass(frozen=True)
class Deadly:
    """A run that takes the process down that reads it."""

    uid: str
    where: str = "memory"
    start: dict[str, Any] = field(default_factory=dict)

    def documents(self) -> Iterator[Document]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from ()


@dataclass(frozen=True)
class Harmless:
    """A run in memory."""

    number: int
    where: str = "memory"
    start: dict[str, Any] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        return raw_uid(self.number)

    def documents(self) -> Iterator[Document]:
        yield from an_alignment(self.number)


def test_two_processes_publish_each_run_once(cli: Cli, tmp_path: Path) -> None:
    runs = [a_scan(number) for number in range(4)]
    archive = write(tmp_path / "scans.jsonl", *runs, an_alignment(4))
    with EmbeddedTiled() as server:
        replay = ("replay", "--jobs", "2", "--json", "--tiled", address(server), archive)
        done = cli(*replay)
        assert done.code == 0, done.err
        assert (done.json["runs"]["published"], done.json["left_alone"]) == (4, [raw_uid(4)])
        assert done.json["published"]["runs_published"] == 4
        finals = [row for row in done.json["predictions"] if row["final"]]
        labels = {row["uid"]: row["label"] for row in finals}
        assert labels == {raw_uid(n): "O6" if n % 2 == 0 else "T4" for n in range(4)}
        published = analyses(server, "processed")
        assert sorted(a.raw_uid for a in published) == sorted(labels)
        assert all(a.complete for a in published)
        assert cli(*replay).json["runs"]["there"] == 4


@pytest.mark.usefixtures("cli")
def test_a_process_that_dies_costs_one_run() -> None:
    runs = [Harmless(1), Deadly("deadly-run"), Harmless(2), Harmless(3)]
    done = {o.uid: o for o in replayed(Setup(load_config()), runs, 2, Counter())}
    assert len(done) == 4
    dead = done.pop("deadly-run")
    assert dead.status is RunStatus.FAILED and "exit code -9" in dead.problem
    assert {o.status for o in done.values()} == {RunStatus.NO_SPECTRUM}


@pytest.mark.usefixtures("cli")
def test_where_all_processes_die_the_replay_ends() -> None:
    runs = [Deadly(f"deadly-{number}") for number in range(50)]
    seen = []
    with pytest.raises(ReplayError, match="replay with --jobs 1"):
        for outcome in replayed(Setup(load_config()), runs, 2, Counter()):
            seen.append(outcome)
    assert len(seen) == MOST_DEATHS - 1


@pytest.mark.usefixtures("cli")
def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__PACING__PARTIAL", "false")
    archive = write(tmp_path / "scans.jsonl", *(a_scan(number) for number in range(300)))
    setup = Setup(load_config())
    found = Candidates([str(archive)], RunQuery(), setup, journal=None, on_problem=pytest.fail)
    sizes = {}
    counts: Counter[RunStatus] = Counter()
    try:
        for outcome in replayed(setup, (run for run, _ in found), 1, Counter()):
            counts[outcome.status] += 1
            found.done(outcome.uid, empty=False)
            number = counts.total()
            if number == 100:
                tracemalloc.start()
            if number in (150, 300):  # in the middle and at the end of batches of 100
                gc.collect()
                sizes[number] = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        found.close()
    assert counts == {RunStatus.PREDICTED: 300}
    # One kept run of 120 events takes 100 kB: 150 of them would be 15 MB.
    assert sizes[300] - sizes[150] < 1_000_000, sizes


def test_two_processes_read_from_tiled(cli: Cli) -> None:
    from bluesky_tiled_plugins import TiledWriter

    with EmbeddedTiled() as server:
        client = server.client()
        writer = TiledWriter(client["raw"], batch_size=1000)
        for number in range(3):
            for name, doc in a_scan(number):
                writer(name, dict(doc))
        client.context.close()
        source = f"{server.uri}/api/v1/metadata/raw?api_key={server.api_key}"
        replay = ("replay", "--jobs", "2", "--json", "--tiled", address(server), source)
        done = cli(*replay, "--until", "2023-11-16T12:00+00:00")
        assert done.code == 0, done.err
        assert done.json["runs"]["published"] == 2
        assert {a.raw_uid for a in analyses(server, "processed")} == {raw_uid(0), raw_uid(1)}
        # the address of the server means its container `raw`
        done = cli(*replay[:-1], address(server))
        assert (done.json["runs"]["published"], done.json["runs"]["there"]) == (1, 2), done.err

"""Two runs recorded at NSLS-II BMM: a Fe scan, and an alignment scan."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from engine_parts import closed, feed, finals, make_registry, numbers, results

from live_lce.archives import read_documents
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.live import LiveLCE

FE = "bmm_fe_xafs_ac694ff6.jsonl"
ALIGNMENT = "bmm_linescan_1dccff46.jsonl"


@pytest.fixture
def documents(shared: Path) -> Path:
    return shared / "data" / "documents"


def test_the_fe_scan_is_followed(documents: Path, tmp_path: Path) -> None:
    engine = Engine(registry=make_registry(tmp_path))
    outputs = feed(engine, read_documents(documents / FE))
    (final,) = finals(outputs)
    assert (final.run.stream, final.n_points, final.n_dropped) == ("primary", 376, 0)
    assert (final.raw_seq_num_first, final.raw_seq_num_last) == (1, 376)
    assert final.prediction.status is not Status.REJECTED
    assert (final.prediction.absorber, final.prediction.edge) == ("Fe", "K")
    assert final.run.sample == "greenrust -1.37V NaOH 11172019"
    assert final.normalized is not None
    assert final.normalized.e0 == pytest.approx(7125, abs=10)
    partials = [r for r in results(outputs) if not r.final]
    assert len(partials) >= 10
    reached = [r.normalized.raw_energy[-1] for r in partials if r.normalized]
    assert 7122 <= reached[0] < 7140
    assert np.all(np.diff(reached) > 0)
    assert {r.prediction.status for r in partials} <= {Status.PARTIAL, Status.ABSTAIN}
    assert closed(outputs)[0].exit_status == "success"
    assert engine.counters["malformed"] == 0


def test_the_alignment_scan_is_left_alone(documents: Path, tmp_path: Path) -> None:
    engine = Engine(registry=make_registry(tmp_path))
    outputs = feed(engine, read_documents(documents / ALIGNMENT))
    assert results(outputs) == []
    assert len(closed(outputs)) == 1
    assert engine.counters["malformed"] == 0


def test_live_and_replay_are_equal_to_the_bit(documents: Path, tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    both = [*read_documents(documents / FE), *read_documents(documents / ALIGNMENT)]
    seen = []
    with LiveLCE(registry=registry, on_result=seen.append) as live:
        for name, doc in copy.deepcopy(both):
            live(name, doc)
        assert live.flush(60)
    replayed = results(feed(Engine(registry=registry), both))
    assert [numbers(r) for r in seen] == [numbers(r) for r in replayed]


def test_without_its_metadata_the_scan_is_recognized_all_the_same(
    documents: Path, tmp_path: Path
) -> None:
    pairs = list(read_documents(documents / FE))
    kept = ("uid", "time", "motors", "hints")
    pairs[0] = ("start", {key: pairs[0][1][key] for key in kept})
    (final,) = finals(feed(Engine(registry=make_registry(tmp_path)), pairs))
    assert (final.prediction.absorber, final.prediction.edge) == ("Fe", "K")
    assert final.n_points == 376
    assert Reason.SIGNALS_UNKNOWN not in {f.reason for f in final.prediction.findings}

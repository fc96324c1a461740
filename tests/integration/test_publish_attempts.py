"""Analyses of what is analysed already: skipped, superseded, or written beside a half."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from publish_parts import MODEL, RAW_UID, a_result, a_run
from refused_parts import alices_key

from live_lce.contract import analysis_uid, attempt_uid
from live_lce.engine import Result, RunClosed
from live_lce.publish import AnalysisRun, SpoolPublisher, TiledPublisher, republish
from live_lce.publish._spool import SUFFIX, waiting
from live_lce.settings import AnalysisSettings
from live_lce.tiled import PublishedAnalysis, analyses_of
from live_lce.tiled._analyses import ATTEMPTS, Again, Attempt, counting, is_settled, next_attempt

pytestmark = pytest.mark.slow

SETTINGS = AnalysisSettings()
UID = analysis_uid(RAW_UID, "primary", "Fe", MODEL.sha256, SETTINGS.digest)
NEW_UID = analysis_uid(RAW_UID, "primary", "Fe", "cd" * 32, SETTINGS.digest)
OLD = PublishedAnalysis(
    UID, RAW_UID, True, 1.0, MODEL.sha256, "hash", 1, "", "primary", "Fe", ended=True
)
START = {"uid": UID, "time": 2.0}


def newer(result: Result) -> Result:
    """Return the result as a newer model gives it."""
    model = replace(MODEL, version="2.0.0", sha256="cd" * 32)
    return replace(result, prediction=replace(result.prediction, model=model))


def publish(container: Any, spool: Path, *results: Result, **options: Any) -> TiledPublisher:
    options = {"settings": SETTINGS, "spool": spool, "source": "test"} | options
    publisher = TiledPublisher(container, **options)
    for result in results or (a_result(),):
        publisher.result(result, 0.0)
    publisher.closed(RunClosed(RAW_UID, "success"))
    publisher.close()
    assert waiting(spool) == [] and publisher.counters["errors"] == 0
    return publisher


def the_counting(container: Any) -> list[str]:
    return [a.uid for a in counting(analyses_of(container, [RAW_UID])[RAW_UID])]


def test_what_settles_an_analysis() -> None:
    half = replace(OLD, complete=False, ended=False)
    aborted = replace(OLD, complete=False)
    superseded = replace(OLD, superseded_by="other")
    assert is_settled(START, [OLD], Again.NO) and is_settled(START, [superseded], Again.NO)
    assert not is_settled(START, [half], Again.NO) and not is_settled(START, [], Again.NO)
    assert not is_settled(START, [aborted], Again.NO)
    assert is_settled(START, [aborted], Again.NO, replace=False)
    unstopped = replace(aborted, unstopped=True)
    assert not is_settled(START, [unstopped], Again.NO)  # the whole may have come
    assert is_settled(START, [unstopped], Again.NO, stopped=False)
    assert not is_settled(START, [aborted], Again.NO, stopped=False)  # killed: less than there is
    assert is_settled(START, [OLD], Again.FORCE)
    assert not is_settled(START, [superseded], Again.FORCE)
    assert not is_settled(START, [OLD], Again.ANEW)
    # its own file, left by a crash between the sending and the removing
    assert is_settled(START, [replace(OLD, time=2.0)], Again.ANEW)


def test_the_next_attempt_is_the_first_free_one() -> None:
    other = replace(OLD, uid="other")
    assert next_attempt(UID, []) == Attempt(UID)
    second = next_attempt(UID, [UID], [other, replace(other, uid="late", time=9.0)], before=5.0)
    assert second == Attempt(attempt_uid(UID, 2), 2, ("other", UID))
    assert next_attempt(UID, [attempt_uid(UID, n) for n in range(1, ATTEMPTS + 1)]) is None


def test_documents_of_a_further_attempt_are_a_run_of_their_own() -> None:
    run = AnalysisRun(a_result(), settings=SETTINGS, source="test", now=lambda: 1.0)
    first = [run.start, *run.result(a_result(), 0.0), run.stop()]
    attempt = Attempt(attempt_uid(run.uid, 2), 2, (run.uid,))
    documents = [(name, attempt.document(name, doc)) for name, doc in first]
    start, stop = documents[0][1], documents[-1][1]
    assert start["live_lce"]["attempt"] == 2 and start["live_lce"]["supersedes"] == [run.uid]
    assert first[0][1]["live_lce"]["attempt"] == 1
    assert stop["run_start"] == start["uid"] == attempt.uid != run.uid
    descriptors = {doc["uid"] for name, doc in documents if name == "descriptor"}
    assert descriptors == {doc["descriptor"] for name, doc in documents if name == "event"}
    uids = [doc["uid"] for _, doc in [*first, *documents]]
    assert len(set(uids)) == len(uids)
    assert [doc["data"] for n, doc in documents if n == "event"] == [
        doc["data"] for n, doc in first if n == "event"
    ]


def test_a_new_model_supersedes_the_old_where_it_is_wanted(runs: Any, tmp_path: Path) -> None:
    publish(runs, tmp_path)
    assert publish(runs, tmp_path, force=True).counters["runs_skipped"] == 1  # the same model
    done = publish(runs, tmp_path, newer(a_result(label="T4")), force=True)
    assert done.counters["runs_superseding"] == done.counters["runs_published"] == 1
    assert sorted(runs) == sorted([UID, NEW_UID]) and the_counting(runs) == [NEW_UID]
    assert runs[NEW_UID].metadata["start"]["live_lce"]["supersedes"] == [UID]
    (old, new) = analyses_of(runs, [RAW_UID])[RAW_UID]
    assert (old.superseded_by, new.superseded_by) == (NEW_UID, "")
    # other absorbers are subjects of their own
    publish(runs, tmp_path, newer(a_result(absorber="Mn")), force=True)
    assert len(the_counting(runs)) == 2
    # and back to the old model, which is there
    assert publish(runs, tmp_path).counters["runs_skipped"] == 1
    publish(runs, tmp_path, force=True)
    assert attempt_uid(UID, 2) in the_counting(runs)
    assert runs[attempt_uid(UID, 2)]["predictions"].read()["label"].values.tolist() == ["O6"]


def test_what_was_forced_is_so_after_a_time_on_disk(runs: Any, tmp_path: Path) -> None:
    publish(runs, tmp_path)
    blocked = SpoolPublisher(tmp_path, settings=SETTINGS, source="test", again=Again.FORCE)
    blocked.result(newer(a_result()), 0.0)
    blocked.closed(RunClosed(RAW_UID, "success"))
    (path,) = waiting(tmp_path)
    left = path.read_bytes()
    assert republish(tmp_path, runs).published == 1
    assert the_counting(runs) == [NEW_UID]
    path.write_bytes(left)  # as if killed before the file was removed
    assert republish(tmp_path, runs).skipped == 1 and waiting(tmp_path) == []
    assert len(runs) == 2


def test_anew_writes_another_attempt_once(runs: Any, tmp_path: Path) -> None:
    publish(runs, tmp_path, a_result(label="T4"))
    publish(runs, tmp_path, a_result(), again=Again.ANEW)
    second = attempt_uid(UID, 2)
    assert the_counting(runs) == [second]
    assert runs[second].metadata["start"]["live_lce"]["attempt"] == 2


def test_without_the_right_to_delete_a_half_is_superseded(tmp_path: Path) -> None:
    from tiled.client import from_uri

    scopes = ("read:metadata", "read:data", "write:metadata", "write:data", "create:node")
    tags = {"tiled_access_tags": ["proposal-1"]}
    with alices_key(tmp_path, *scopes) as (uri, key):
        client = from_uri(uri, api_key=key)
        runs = client["processed"]
        killed = TiledPublisher(runs, settings=SETTINGS, spool=tmp_path / "dead", source="test")
        first = a_result(final=False, label="T4", run=a_run(**tags))
        killed.result(first, 0.0)
        done = publish(runs, tmp_path / "spool", a_result(run=a_run(**tags)))
        assert done.counters["runs_published"] == done.counters["runs_superseding"] == 1
        assert done.counters["runs_rewritten"] == 0
        second = attempt_uid(UID, 2)
        assert UID in list(runs) and "stop" not in runs[UID].metadata
        assert the_counting(runs) == [second]
        assert runs[second].metadata["start"]["live_lce"]["supersedes"] == [UID]
        assert runs[second]["predictions"].read()["label"].values.tolist() == ["O6"]
        # what the killed one left on disk meets the complete attempt, and is not sent again
        left = tmp_path / "left"
        left.mkdir()
        shutil.copy(tmp_path / "dead" / f"{UID}{SUFFIX}", left)
        assert republish(left, runs).skipped == 1
        # and the next replay sees that it is done
        again = publish(runs, tmp_path / "spool", a_result(run=a_run(**tags)))
        assert again.counters["runs_skipped"] == 1
        # were it not dead after all, its end would change nothing
        killed.close()
        assert the_counting(runs) == [second]
        client.context.close()

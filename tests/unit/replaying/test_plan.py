"""What is done with a run, from what Tiled has of it."""

from __future__ import annotations

from typing import Any

import pytest

from live_lce.contract import REASON_WORDS, Reason
from live_lce.replaying import Summary
from live_lce.replaying._outcome import Outcome, RunStatus
from live_lce.replaying._plan import ACTION_WORDS, Action, Today, decide
from live_lce.replaying._rows import Reasons
from live_lce.replaying._summary import PLANNED_WORDS
from live_lce.tiled import PublishedAnalysis

TODAY = Today("settings", frozenset({"model", "other element's"}))


def an_analysis(**changes: Any) -> PublishedAnalysis:
    values: dict[str, Any] = {
        "uid": "a", "raw_uid": "r", "complete": True, "time": 1.0, "model_sha256": "model",
        "settings_hash": "settings", "attempt": 1, "superseded_by": "", "stream": "primary",
        "absorber": "Fe",
    }  # fmt: skip
    return PublishedAnalysis(**values | changes)


OLD_MODEL = an_analysis(model_sha256="last year's")
OLD_SETTINGS = an_analysis(settings_hash="last year's")
HALF = an_analysis(complete=False)
REFUSED = an_analysis(model_sha256="")


@pytest.mark.parametrize(
    ("known", "usually", "forced"),
    [
        ([], Action.ANALYSE, Action.ANALYSE),
        ([an_analysis()], Action.LEAVE_PUBLISHED, Action.LEAVE_PUBLISHED),
        ([OLD_MODEL], Action.LEAVE_OLDER, Action.RENEW),
        ([OLD_SETTINGS], Action.LEAVE_OLDER, Action.RENEW),
        ([HALF], Action.FINISH, Action.FINISH),
        ([an_analysis(), an_analysis(stream="b", complete=False)], Action.FINISH, Action.FINISH),
        ([an_analysis(), an_analysis(stream="b", model_sha256="")],
         Action.LEAVE_PUBLISHED, Action.RENEW),
        ([REFUSED], Action.LEAVE_PUBLISHED, Action.RENEW),
        ([an_analysis(lacking=True)], Action.LEAVE_PUBLISHED, Action.RENEW),
        # the superseded ones do not count
        ([an_analysis(model_sha256="last year's", superseded_by="b"), an_analysis(uid="b")],
         Action.LEAVE_PUBLISHED, Action.LEAVE_PUBLISHED),
        ([an_analysis(superseded_by="b"), an_analysis(uid="b", model_sha256="last year's")],
         Action.LEAVE_OLDER, Action.RENEW),
        ([an_analysis(model_sha256="old"), an_analysis(complete=False, superseded_by="a")],
         Action.LEAVE_OLDER, Action.RENEW),
    ],
)  # fmt: skip
def test_decisions(known: list[PublishedAnalysis], usually: Action, forced: Action) -> None:
    assert decide(known, TODAY) is usually
    assert decide(known, TODAY, force=True) is forced
    if known:  # what Tiled says comes before the journal
        assert decide(known, TODAY, empty=True) is usually


def test_a_run_without_a_spectrum_is_left_unless_forced() -> None:
    assert decide([], TODAY, empty=True) is Action.LEAVE_EMPTY
    assert decide([], TODAY, empty=True, force=True) is Action.ANALYSE


def test_every_action_has_words_and_a_count() -> None:
    summary = Summary()
    for action in Action:
        assert action in ACTION_WORDS and action in PLANNED_WORDS
        if not action.analyses:
            summary.left(action)
    assert summary.runs == {
        RunStatus.THERE: 1, RunStatus.OLDER: 1, RunStatus.NO_SPECTRUM: 1
    }  # fmt: skip


def test_a_summary_counts_and_knows_failures() -> None:
    summary = Summary()
    assert summary.said() == "0 runs: none found"
    words = REASON_WORDS[Reason.SPIKES]
    row = {"status": "ok", "label": "O6", "reason": "scan_running;spikes", "final": True}
    row |= {"messages": [f"{words} (at 7113 eV)"]}
    rows = ({**row, "final": False}, row)
    summary.add(Outcome("u", "file", RunStatus.PUBLISHED, rows=rows, malformed=2))
    summary.left(Action.LEAVE_PUBLISHED)
    assert summary.predictions == {("ok", "O6"): 1}
    assert summary.reasons.lines() == [f"  spikes: {words} (at 7113 eV)"]
    assert summary.said() == (
        "2 runs: 1 published, 1 in Tiled already, 2 malformed documents left out"
    )
    assert not summary.failed
    summary.add(Outcome("u", "file", RunStatus.FAILED, problem="file: torn"))
    assert summary.failed and summary.as_json()["failed"] == 1


def test_particulars_of_a_reason_are_told_while_they_are_few() -> None:
    reasons, words = Reasons(), REASON_WORDS[Reason.SPIKES]
    for number in range(3):
        reasons.add({"reason": "spikes", "messages": [f"{words} (at {number} eV)"]})
    assert reasons.lines() == [f"  spikes: {words} (at 0 eV) (at 1 eV) (at 2 eV)"]
    for number in range(3, 1000):
        reasons.add({"reason": "spikes", "messages": [f"{words} (at {number} eV)"]})
    assert reasons.lines() == [f"  spikes: {words}"]


def test_a_failed_prediction_is_a_failure() -> None:
    summary = Summary()
    row = {"status": "failed", "label": "", "reason": "model_damaged", "final": True}
    row |= {"messages": []}
    summary.add(Outcome("u", "file", RunStatus.PUBLISHED, rows=(row,)))
    assert summary.failed

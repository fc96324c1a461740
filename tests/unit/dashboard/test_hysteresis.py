"""The shown label does not flicker."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st

from live_lce.dashboard._hysteresis import AGREEING, RULE, shown

LABELS = ("T4", "S5", "O6", "")


def row(label: str, *, final: bool = False, **more: Any) -> dict[str, Any]:
    return {"label": label, "answered": int(bool(label)), "final": int(final), **more}


def growing(labels: Any) -> list[dict[str, Any]]:
    return [row(label, number=number) for number, label in enumerate(labels)]


SCANS = st.lists(st.sampled_from(LABELS), min_size=1, max_size=30)


def test_nothing_is_shown_before_the_first_prediction() -> None:
    assert shown([]) is None


@given(SCANS, st.sampled_from(LABELS))
def test_one_contrary_prediction_changes_nothing(labels: list[str], contrary: str) -> None:
    before = shown(growing(labels))
    after = shown(growing([*labels, contrary]))
    assert before is not None and after is not None
    if contrary != labels[-1]:
        assert after.label == before.label
    # and where all agreed, what is shown outlives a single outlier
    assert shown(growing([*labels, labels[-1], contrary, labels[-1]])).label == labels[-1]  # type: ignore[union-attr]


@given(SCANS, st.sampled_from(LABELS))
def test_two_that_agree_are_shown(labels: list[str], label: str) -> None:
    found = shown(growing([*labels, *[label] * AGREEING]))
    assert found is not None and found.label == label and not found.held
    assert found.row is found.latest, "the numbers shown are the newest of that label"


@given(SCANS, st.sampled_from(LABELS))
def test_the_last_word_is_shown_at_once(labels: list[str], label: str) -> None:
    found = shown([*growing(labels), row(label, final=True)])
    assert found is not None and found.label == label and found.row["final"] and not found.held


@given(SCANS)
def test_what_is_shown_was_said_and_changes_only_when_two_agree(labels: list[str]) -> None:
    rows = growing(labels)
    steps = [shown(rows[: n + 1]) for n in range(len(rows))]
    for n, step in enumerate(steps):
        assert step is not None and step.latest is rows[n]
        assert any(step.row is one for one in rows[: n + 1])
        assert step.held == (step.label != labels[n]) == (step.row is not rows[n])
        before = steps[n - 1] if n else None
        if before is not None and before.label != step.label:
            assert labels[n - 1] == labels[n] == step.label


def test_a_label_that_is_no_answer_is_not_shown() -> None:
    unanswered = {"label": "O6", "answered": 0, "final": 1}
    found = shown([unanswered])
    assert found is not None and found.label == "" and str(AGREEING) in RULE

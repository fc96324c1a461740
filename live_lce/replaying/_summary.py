"""Count what a replay does; nothing else is kept of a run."""

from __future__ import annotations

from collections import Counter

from live_lce.contract import Status
from live_lce.replaying._outcome import STATUS_WORDS, Outcome, RunStatus
from live_lce.replaying._plan import Action
from live_lce.replaying._rows import Reasons

PLANNED_WORDS = {
    Action.ANALYSE: "to be analysed",
    Action.FINISH: "half-written in Tiled, to be analysed",
    Action.RENEW: "to be analysed anew",
    Action.LEAVE_PUBLISHED: STATUS_WORDS[RunStatus.THERE],
    Action.LEAVE_OLDER: STATUS_WORDS[RunStatus.OLDER],
    Action.LEAVE_EMPTY: STATUS_WORDS[RunStatus.NO_SPECTRUM],
}
"""Said after a number of runs in a dry run."""


class Summary:
    """Counts what became of the runs.

    Attributes
    ----------
    runs : Counter of RunStatus
        Runs.
    planned : Counter of Action
        Runs of a dry run.
    predictions : Counter of (status, label)
        Last predictions on their spectra.
    reasons : Reasons
        What predictions gave as reasons; particulars of the last ones on their spectra.
    problems : int
        What could not be read or went wrong.
    malformed : int
        Documents that could not be used.
    left_out : Counter of str
        Files that are neither documents nor data, by format.
    """

    def __init__(self) -> None:
        self.runs: Counter[RunStatus] = Counter()
        self.planned: Counter[Action] = Counter()
        self.predictions: Counter[tuple[str, str]] = Counter()
        self.reasons = Reasons()
        self.problems = 0
        self.malformed = 0
        self.left_out: Counter[str] = Counter()

    @property
    def failed(self) -> bool:
        """Whether something could not be read, or a prediction failed."""
        status = Status.FAILED.value
        return bool(self.problems) or any(status == found for found, _ in self.predictions)

    def left(self, action: Action) -> None:
        """Count a run that was left alone."""
        self.runs[RunStatus(action.value)] += 1

    def add(self, outcome: Outcome) -> None:
        """Count a run that was analysed."""
        self.runs[outcome.status] += 1
        self.problems += bool(outcome.problem)
        self.malformed += outcome.malformed
        for row in outcome.rows:
            if row["final"]:
                self.predictions[row["status"], row["label"]] += 1
            self.reasons.add(row if row["final"] else row | {"messages": []})

    def said(self) -> str:
        """Return the counts of runs in one line."""
        parts = [
            f"{self.planned[a]} {words}" for a, words in PLANNED_WORDS.items() if self.planned[a]
        ]
        parts += [f"{self.runs[s]} {words}" for s, words in STATUS_WORDS.items() if self.runs[s]]
        if self.malformed:
            parts.append(f"{self.malformed} malformed documents left out")
        if self.left_out:
            kinds = ", ".join(f"{number} {kind}" for kind, number in self.left_out.most_common())
            parts.append(f"no documents or data: {kinds}")
        total = self.runs.total() + self.planned.total()
        return f"{total} {'run' if total == 1 else 'runs'}: " + (", ".join(parts) or "none found")

    def as_json(self) -> dict[str, int]:
        """Return the counts of runs by status, those of 0 too; of a dry run by action."""
        if self.planned:
            return {action.value: self.planned[action] for action in Action}
        return {status.value: self.runs[status] for status in RunStatus}

"""Score predictions of simulated scans against the known truth.

Rules of the labels' score:

- A scan's true class is the label that at least `PURE` of its absorbing atoms
  have.  Scans without one are mixtures: reported, not scored.
- The scored prediction is the last one of the scan (``final`` = 1), also of an
  aborted scan.  No answer counts as not right, and so does no prediction.

Rules of the fractions' score:

- The predicted fractions are the probabilities of the last prediction.  They were not made for
  this: how good they are at it is what the score shows.
- The error of a label is the mean of |predicted - true| over the scans that were answered;
  `coverage` says how many those are.  Scans of pure samples count as mixtures do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from live_lce.contract import DEFAULT_CLASSES as CLASSES

if TYPE_CHECKING:
    from live_lce.sim.experiment import Done, Scan

PASS = 0.8


@dataclass(frozen=True)
class Score:
    """How many scans were right.

    Parameters
    ----------
    right, scored : int
        Right ones among those with a true class.
    mixtures : int
        Scans without a true class, not scored.
    wrong : tuple of (Scan, str)
        Scored scans that are not right, with the predicted label (empty: no answer).
    """

    right: int
    scored: int
    mixtures: int
    wrong: tuple[tuple[Scan, str], ...]

    @property
    def fraction(self) -> float:
        """Right ones among the scored; 0 if none is scored."""
        return self.right / self.scored if self.scored else 0.0

    @property
    def passed(self) -> bool:
        """Whether at least `PASS` are right."""
        return self.fraction >= PASS


def score(done: Sequence[Done], labels: Mapping[str, str]) -> Score:
    """Compare final labels with the truth, see the rules above.

    Parameters
    ----------
    done : sequence of Done
        The scans.
    labels : mapping of str to str
        Label of the last final prediction by raw uid; empty where not answered.
    """
    scored = [d for d in done if d.scan.true_class]
    wrong = tuple(
        (d.scan, labels.get(d.uid, ""))
        for d in scored
        if labels.get(d.uid, "") != d.scan.true_class
    )
    return Score(len(scored) - len(wrong), len(scored), len(done) - len(scored), wrong)


@dataclass(frozen=True)
class JudgedScan:
    """One scan of a series: what was known, and what was predicted.

    Parameters
    ----------
    minutes : float
        When it began, from the beginning of the series.
    temperature : float
        Of the furnace (degrees Celsius); NaN where it is not known.
    truth : mapping of str to float
        Fraction of the absorbing atoms by label.
    predicted : mapping of str to float
        Probability by label of the last prediction; empty without one.
    answered : bool
        Whether that prediction was an answer.
    """

    minutes: float
    temperature: float
    truth: Mapping[str, float]
    predicted: Mapping[str, float]
    answered: bool

    def error(self, label: str) -> float:
        """Return |predicted - true| of a label."""
        return abs(self.predicted.get(label, 0.0) - self.truth.get(label, 0.0))


@dataclass(frozen=True)
class FractionScore:
    """How far the predicted fractions of a series are off.

    Parameters
    ----------
    errors : mapping of str to float
        Mean absolute error by label, over the answered scans; empty if none was.
    answered, scans : int
        How many were answered, of how many.
    """

    errors: Mapping[str, float]
    answered: int
    scans: int

    @property
    def mean(self) -> float:
        """The mean of the labels' errors; NaN if nothing was answered."""
        return sum(self.errors.values()) / len(self.errors) if self.errors else math.nan

    @property
    def coverage(self) -> float:
        """Part of the scans that were answered; 0 if there are none."""
        return self.answered / self.scans if self.scans else 0.0

    def __str__(self) -> str:
        """Say it in a line."""
        answered = f"{self.answered} of {self.scans} scans answered"
        if not self.errors:
            return f"fractions: {answered}"
        parts = ", ".join(f"{label} {error:.2f}" for label, error in self.errors.items())
        return f"fractions are off by {self.mean:.2f} on average ({parts}); {answered}"


def fraction_score(judged: Sequence[JudgedScan]) -> FractionScore:
    """Compare predicted fractions with the truth, see the rules above."""
    counted = [one for one in judged if one.answered]
    errors = {
        label: sum(one.error(label) for one in counted) / len(counted)
        for label in (CLASSES if counted else ())
    }
    return FractionScore(errors, len(counted), len(judged))


def judged(
    minutes: float,
    temperature: float,
    truth: Mapping[str, float],
    rows: Sequence[Mapping[str, Any]],
) -> JudgedScan:
    """Return a scan with its last prediction.

    Parameters
    ----------
    minutes, temperature, truth
        See :class:`JudgedScan`.
    rows : sequence of mapping
        The scan's rows of the stream ``predictions``, in order.
    """
    last = next((row for row in reversed(rows) if row["final"]), None)
    if last is None:
        return JudgedScan(minutes, temperature, truth, {}, answered=False)
    shares = {label: float(last.get(f"p_{label}", math.nan)) for label in CLASSES}
    known = {label: share for label, share in shares.items() if math.isfinite(share)}
    return JudgedScan(minutes, temperature, truth, known, answered=bool(last["answered"]))

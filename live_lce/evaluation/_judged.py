"""Hold what a model said of a labelled spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from live_lce.classifiers import Prediction
from live_lce.classifiers._classify import classify_stack
from live_lce.contract import Reason, Status
from live_lce.datasets import Labelled
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import Prepared
from live_lce.evaluation._choice import Choice, Turn
from live_lce.settings import AnalysisSettings


@dataclass(frozen=True)
class Judged:
    """One row of an evaluation.

    Parameters
    ----------
    row : Labelled
        The spectrum and what is known about it.
    turn : Turn
        Who judged it.
    prediction : Prediction
        The decision; of a spectrum that could not be prepared, ``rejected``.
    reason : str
        Codes joined by ``;`` (of a computed spectrum that failed a check: which one).
    """

    row: Labelled
    turn: Turn
    prediction: Prediction
    reason: str

    @property
    def enters(self) -> Enters:
        """What the row counts for."""
        return Enters.NOTHING if self.turn.why_not else self.row.enters

    @property
    def forced(self) -> str:
        """The most probable class, whether answered or not; empty if no model ran."""
        p = self.prediction
        return "" if p.probabilities is None else p.classes[int(p.probabilities.argmax())]

    @property
    def top(self) -> float:
        """Probability of `forced`; NaN if no model ran."""
        p = self.prediction
        return float("nan") if p.probabilities is None else float(p.probabilities.max())

    @property
    def distance(self) -> float:
        """Distance from training: infinite for what quality control takes for a metal, or NaN."""
        if any(f.reason is Reason.METAL_LIKE for f in self.prediction.findings):
            return float("inf")
        return self.prediction.ood_score


def judge(
    prepared: Sequence[Prepared], turns: Sequence[Turn], choice: Choice, settings: AnalysisSettings
) -> list[Judged]:
    """Classify labelled spectra, each by those who did not see it.

    Parameters
    ----------
    prepared : sequence of Prepared
        The spectra.
    turns : sequence of Turn
        Who judges each.
    choice : Choice
        The models.
    settings : AnalysisSettings
        Limits of the decision are in `classification`; the family is that of `choice`.

    Returns
    -------
    list of Judged
        In the order of `prepared`.
    """
    limits = settings.classification.model_copy(update={"family": choice.family})
    settings = settings.model_copy(update={"classification": limits})
    usable = [i for i, one in enumerate(prepared) if one.normalized is not None]
    spectra = [n for one in prepared if (n := one.normalized) is not None]
    members = [turns[i].member for i in usable]
    said = dict(
        zip(usable, classify_stack(spectra, choice.registry, settings, members), strict=True)
    )
    done = []
    for i, (one, turn) in enumerate(zip(prepared, turns, strict=True)):
        prediction = said.get(i)
        if prediction is None:
            row = one.row
            nothing = Prediction(Status.REJECTED, (), row.absorber, row.spectrum.edge)
            done.append(Judged(row, turn, nothing, one.rejected))
        else:
            done.append(Judged(one.row, turn, prediction, prediction.reason))
    return done

"""Evaluate a model on labelled spectra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from live_lce.datasets import Labelled
from live_lce.datasets._prepared import prepare
from live_lce.evaluation._arrays import NONE, Ints, Judgements, judgements
from live_lce.evaluation._choice import SEEN, Choice, turns
from live_lce.evaluation._curves import CurvePoint, Rejudge, RiskCoverage, risk_coverage
from live_lce.evaluation._judged import Judged, judge
from live_lce.evaluation._measure import Metrics, RowCounts, count, measure
from live_lce.evaluation._metrics import commonest
from live_lce.evaluation._neighbours import neighbours_answers
from live_lce.settings import AnalysisSettings

OVERALL, WITH_MODEL = "overall", "with_model"


@dataclass(frozen=True)
class Scope:
    """The numbers of one absorber, or of all.

    Parameters
    ----------
    metrics, counts
        Of the model.
    majority, neighbours : Metrics
        Of the two baselines, on the same rows.
    risk_coverage : RiskCoverage
        Of the model.
    """

    metrics: Metrics
    counts: RowCounts
    majority: Metrics
    neighbours: Metrics
    risk_coverage: RiskCoverage


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Parameters
    ----------
    judged : tuple of Judged
        Every row of the data, in order.
    majority, neighbours : ndarray of int, shape (n_rows,)
        The baselines' answers to the scored rows, as index into CLASSES.
    overall, with_model : Scope
        Of all absorbers, and of those that have a model.
    absorbers : dict
        By symbol.
    last_energy, noise : tuple of CurvePoint
        Empty if they were not asked for.
    models : dict
        Name, version and sha256 of the model by absorber.
    notes : tuple of str
        What a reader has to know.
    """

    judged: tuple[Judged, ...]
    majority: Ints
    neighbours: Ints
    overall: Scope
    with_model: Scope
    absorbers: dict[str, Scope]
    last_energy: tuple[CurvePoint, ...]
    noise: tuple[CurvePoint, ...]
    models: dict[str, dict[str, str]]
    notes: tuple[str, ...]


def evaluate(
    rows: Sequence[Labelled],
    choice: Choice,
    settings: AnalysisSettings,
    *,
    reference: Sequence[Labelled] | None = None,
    curves: bool = True,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Judge a model on labelled spectra, none of which it has seen.

    Parameters
    ----------
    rows : sequence of Labelled
        The data.
    choice : Choice
        The models.
    settings : AnalysisSettings
        As a user has them, except that absorber, edge and kind are those of the data.
    reference : sequence of Labelled, optional
        What the nearest-neighbour baseline compares with; by default the data's other groups.
    curves : bool, default True
        Whether to judge again with scans cut and with noise.
    seed : int
        Of bootstrap and noise.
    tell : callable
        Is told what is being done.

    Returns
    -------
    Evaluation
    """
    own = {"absorber": "", "edge": "", "normalized": None}
    normalization = settings.normalization.model_copy(update=own)
    settings = settings.model_copy(update={"normalization": normalization})
    tell(f"{len(rows)} spectra: normalizing")
    prepared = prepare(rows, settings)
    rows = [one.row for one in prepared]
    tell("classifying")
    judged = judge(prepared, turns(rows, choice), choice, settings)
    arrays = judgements(judged)
    tell("baselines")
    majority = np.full(len(rows), NONE, dtype=np.intp)
    majority[arrays.scored] = commonest(arrays.take(arrays.scored))
    those = None if reference is None else prepare(reference, settings)
    neighbours = np.where(arrays.scored, neighbours_answers(prepared, those), NONE)

    def scope(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Scope:
        some = arrays.take(chosen)
        return Scope(
            measure(some, seed),
            count([one for one, is_in in zip(judged, chosen, strict=True) if is_in]),
            measure(some.answering(majority[chosen]), seed),
            measure(some.answering(neighbours[chosen]), seed),
            risk_coverage(some),
        )

    tell("intervals")
    models = _models(arrays, choice)
    again = Rejudge(prepared, judged, choice, settings)
    return Evaluation(
        judged=tuple(judged),
        majority=majority,
        neighbours=neighbours,
        overall=scope(np.ones(len(rows), dtype=bool)),
        with_model=scope(np.isin(arrays.absorber, list(models))),
        absorbers={str(a): scope(arrays.absorber == a) for a in np.unique(arrays.absorber)},
        last_energy=tuple(again.against_last_energy(tell)) if curves else (),
        noise=tuple(again.against_noise(seed, tell)) if curves else (),
        models=models,
        notes=tuple(_notes(judged, arrays, choice)),
    )


def _models(arrays: Judgements, choice: Choice) -> dict[str, dict[str, str]]:
    cards = {str(a): choice.card(str(a)) for a in np.unique(arrays.absorber)}
    return {
        absorber: {"name": card.name, "version": card.version, "sha256": card.sha256}
        for absorber, card in cards.items()
        if card is not None
    }


def _notes(judged: Sequence[Judged], arrays: Judgements, choice: Choice) -> list[str]:
    notes = []
    absorbers = sorted(set(arrays.absorber.tolist()))
    cards = {absorber: choice.card(absorber) for absorber in absorbers}
    seen = sum(one.turn.why_not == SEEN for one in judged)
    if seen:
        notes.append(
            f"{seen} of {len(judged)} rows were in this model's training, themselves or by a row"
            " of their group, and no member is free of them: not scored"
        )
    unnamed = [a for a, card in cards.items() if card and not card.training.spectra]
    if unnamed:
        notes.append(
            f"the models of {', '.join(unnamed)} do not name their training spectra: rows of this"
            " data may have been among them, and the numbers may flatter"
        )
    without = [a for a, card in cards.items() if card is None and not choice.absorber]
    n = int(np.isin(arrays.absorber[arrays.scored], without).sum())
    if n:
        notes.append(
            f"{n} scored rows are of absorbers without a model ({', '.join(without)}): not"
            " answered, hence wrong in `overall`; `with_model` leaves them out"
        )
    return notes

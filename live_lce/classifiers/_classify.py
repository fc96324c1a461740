"""Classify normalized spectra and decide whether to answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers._card import ModelCard
from live_lce.classifiers._conformal import label_set
from live_lce.classifiers._pre_edge_rule import ANY, pre_edge_rule
from live_lce.classifiers._registry import ModelDamagedError, Registry
from live_lce.classifiers._types import Prediction
from live_lce.contract import OTHER, Finding, Reason, Status
from live_lce.settings import AnalysisSettings, Classification
from live_lce.spectra import Array, NormalizedSpectrum, to_grid
from live_lce.spectra._features import coverage

N_RANKED = 3
"""Finer labels that a prediction carries."""


def classify(
    normalized: NormalizedSpectrum, registry: Registry, settings: AnalysisSettings
) -> Prediction:
    """Classify one spectrum.

    Parameters
    ----------
    normalized : NormalizedSpectrum
        What quality control let pass.
    registry : Registry
        The models.
    settings : AnalysisSettings
        Family and limits are in `classification`.

    Returns
    -------
    Prediction
        With the spectrum's remarks after the deciding finding.  Never raises for a
        missing or damaged model: that is a decision.
    """
    return classify_stack([normalized], registry, settings)[0]


def classify_stack(
    spectra: Sequence[NormalizedSpectrum],
    registry: Registry,
    settings: AnalysisSettings,
    members: Sequence[int] | None = None,
) -> list[Prediction]:
    """Classify many spectra, each model called once.

    Parameters
    ----------
    spectra : sequence of NormalizedSpectrum
        Of any absorbers, each on its own energies.
    registry, settings
        See :func:`classify`.
    members : sequence of int, optional
        Which of the model's members answers for each spectrum; -1 for all of them together.
        To judge a model on its training spectra by the members that did not see them.

    Returns
    -------
    list of Prediction
        In the order of `spectra`; equal to :func:`classify` of each.
    """
    member = np.full(len(spectra), -1) if members is None else np.asarray(members, np.intp)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, spectrum in enumerate(spectra):
        groups[spectrum.absorber, spectrum.edge].append(index)
    done: dict[int, Prediction] = {}
    for indices in groups.values():
        chosen = [spectra[i] for i in indices]
        decisions = _of_one_edge(chosen, member[indices], registry, settings.classification)
        done.update(zip(indices, decisions, strict=True))
    return [_heard(done[index], spectrum) for index, spectrum in enumerate(spectra)]


def _heard(prediction: Prediction, spectrum: NormalizedSpectrum) -> Prediction:
    """Add what the pre-edge peak says; an answer that it speaks against is none.

    It says nothing about classes that its fields do not know, of a model of one's own.
    """
    said = pre_edge_rule(spectrum)
    if said is None:
        return prediction
    if prediction.label not in ANY or prediction.label in said.says:
        return replace(prediction, witness=said)
    detail = f"{prediction.label} {prediction.confidence:.2f}, but {said.detail}"
    against = Finding(Reason.WITNESS_DISAGREES, detail)
    return replace(
        prediction,
        status=Status.ABSTAIN,
        findings=(against, *prediction.findings),
        label="",
        confidence=0.0,
        witness=said,
    )


def _of_one_edge(
    spectra: list[NormalizedSpectrum],
    member: NDArray[np.intp],
    registry: Registry,
    given: Classification,
) -> list[Prediction]:
    absorber, edge = spectra[0].absorber, spectra[0].edge
    try:
        loaded = registry.loaded(absorber, edge, given.family)
        if loaded is None:
            nothing = Finding(Reason.NO_MODEL, f"{absorber} {edge}, family {given.family}")
            return [_without_model(s, Status.REJECTED, nothing) for s in spectra]
    except ModelDamagedError as error:
        damaged = Finding(Reason.MODEL_DAMAGED, str(error))
        return [_without_model(s, Status.FAILED, damaged) for s in spectra]
    card, session = loaded
    limits = _limits(card, given)
    grid = card.grid.energies
    covered = [coverage(s.energy, s.edge_reference, card.needed) for s in spectra]
    decisions = [_not_covered(s, c, card, registry) for s, c in zip(spectra, covered, strict=True)]
    whole = [i for i, c in enumerate(covered) if c >= 1.0]
    if whole:
        values = [
            to_grid(spectra[i].energy, spectra[i].norm, spectra[i].edge_reference, grid)[0]
            for i in whole
        ]
        said = session.run(np.stack(values))
        probabilities = said.unseen(member[whole])
        for i, p, score in zip(whole, probabilities, said.ood_score, strict=True):
            decisions[i] = _decision(spectra[i], p, float(score), decisions[i], limits)
        if said.members is not None:  # of all members, whichever of them answers
            for i, s in zip(whole, said.members.std(axis=1), strict=True):
                if decisions[i].probabilities is not None:
                    decisions[i] = replace(decisions[i], spread=s)
        if said.ranked is not None:
            for i, p in zip(whole, said.ranked, strict=True):
                decisions[i] = replace(decisions[i], ranked=_best_ranked(p, card.ranked))
    return decisions


@dataclass(frozen=True)
class _Limits:
    """What a decision is made by: as set, else the model's own."""

    min_confidence: float
    label_set_mass: float
    max_ood_score: float


def _limits(card: ModelCard, given: Classification) -> _Limits:
    own, mass = given.min_confidence, given.label_set_mass
    return _Limits(
        card.min_confidence if own is None else own,
        card.label_set_mass if mass is None else mass,
        given.max_ood_score,
    )


def _without_model(spectrum: NormalizedSpectrum, status: Status, finding: Finding) -> Prediction:
    findings = (finding, *spectrum.findings)
    return Prediction(status, findings, spectrum.absorber, spectrum.edge)


def _not_covered(
    spectrum: NormalizedSpectrum, covered: float, card: ModelCard, registry: Registry
) -> Prediction:
    detail = f"needs {card.needed[0]:+g} to {card.needed[-1]:+g} eV around the edge reference"
    if np.isfinite(spectrum.edge_reference):  # else the scan ends before it can be found
        first, last = spectrum.energy[[0, -1]] - spectrum.edge_reference
        detail += f", has {first:+.1f} to {last:+.1f} eV"
    return Prediction(
        Status.ABSTAIN,
        (Finding(Reason.WINDOW_NOT_COVERED, detail), *spectrum.findings),
        spectrum.absorber,
        spectrum.edge,
        classes=card.classes,
        coverage=covered,
        model=registry.identity(card),
    )


def _decision(
    spectrum: NormalizedSpectrum,
    probabilities: Array,
    ood_score: float,
    blank: Prediction,
    limits: _Limits,
) -> Prediction:
    """Fill a blank decision, which knows the model, from the model's numbers."""
    finite = bool(np.isfinite(probabilities).all() and np.isfinite(ood_score))
    order = np.argsort(-probabilities, kind="stable")
    best = float(probabilities[order[0]])
    name = blank.classes[order[0]]
    status, deciding = _decide(finite, best, ood_score, name, limits)
    metal = [f for f in spectrum.findings if f.reason is Reason.METAL_LIKE]
    if metal and status is not Status.FAILED:  # whatever the model thinks of it
        status, deciding = Status.ABSTAIN, (*metal, *deciding)
    answered = status is Status.OK
    labels = label_set(probabilities, limits.label_set_mass) if finite else ()
    return replace(
        blank,
        status=status,
        findings=tuple(dict.fromkeys((*deciding, *spectrum.findings))),
        label=name if answered else "",
        confidence=best if answered else 0.0,
        probabilities=probabilities if finite else None,
        label_set=tuple(blank.classes[i] for i in labels),
        ood_score=ood_score,
        coverage=1.0,
    )


def _decide(
    finite: bool, best: float, ood_score: float, name: str, limits: _Limits
) -> tuple[Status, tuple[Finding, ...]]:
    """Return the status, and why it is not ok: the reason that weighs most first."""
    if not finite:
        return Status.FAILED, (Finding(Reason.INTERNAL_ERROR, "the model's output is not finite"),)
    why = []
    if ood_score > limits.max_ood_score:
        detail = f"score {ood_score:.2f}, at most {limits.max_ood_score:g}"
        why.append(Finding(Reason.OUT_OF_DISTRIBUTION, detail))
    if name == OTHER:
        why.append(Finding(Reason.OTHER_ENVIRONMENT, f"{best:.2f}"))
    if best < limits.min_confidence:
        detail = f"{name} {best:.2f}, at least {limits.min_confidence:g}"
        why.append(Finding(Reason.LOW_CONFIDENCE, detail))
    return (Status.ABSTAIN if why else Status.OK), tuple(why)


def _best_ranked(probabilities: Array, names: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    best = np.argsort(-probabilities, kind="stable")[:N_RANKED]
    return tuple((names[i], float(probabilities[i])) for i in best)

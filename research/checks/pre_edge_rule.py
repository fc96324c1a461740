"""What the witness says of measured standards, and whose answers it opposes."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from live_lce.classifiers import Prediction, Registry
from live_lce.classifiers._classify import classify_stack
from live_lce.classifiers._pre_edge_rule import FIELDS, PreEdgeRule, pre_edge_rule
from live_lce.contract import Reason
from live_lce.datasets import read_standards
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import Prepared, prepare
from live_lce.datasets._standards import normalized_or_reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import NormalizedSpectrum
from live_lce.spectra._pre_edge_peak import FITTED, SEARCH, STEP, baseline

COMMAND = "python -m research.checks.pre_edge_rule ../shared/data/experimental"
CUTS = (15.0, 30.0)
"""Scans are cut so far (eV) past the edge reference, to see whether the witness stays."""
WORSE = 1.5
"""One of two baselines is worse where its misfit is larger by this factor."""
LEAST_MISFIT = 0.001
"""Added to both (edge steps): smaller ones do not matter."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the page ``docs/reference/models/witness.md``."""
    parser = argparse.ArgumentParser(prog="research.checks.pre_edge_rule")
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    options = parser.parse_args(argv)
    settings = AnalysisSettings()
    rows = [r for r in read_standards(options.folder) if r.spectrum.absorber in FIELDS]
    known = [one for one in prepare(rows, settings) if one.normalized is not None]
    sys.stdout.write("\n".join(page(known, settings)) + "\n")


def page(known: list[Prepared], settings: AnalysisSettings) -> Iterator[str]:
    """Yield the lines of the page.

    Parameters
    ----------
    known : list of Prepared
        Measured standards of the elements of `FIELDS`, all normalized.
    settings : AnalysisSettings
        As a user has them.
    """
    said = [pre_edge_rule(_spectrum(one)) for one in known]
    yield "# The pre-edge rule, an independent check"
    yield ""
    yield f"`{COMMAND}` writes this page."
    yield "`live_lce/classifiers/_pre_edge_rule.py` cites the sources of the fields. The limits"
    yield "were chosen on these standards, so the counts below look better than they are. Elements"
    yield "and classes without a row have no standard here."
    yield ""
    yield "## Fields"
    yield ""
    yield from _fields()
    yield ""
    yield "## Standards"
    yield ""
    yield "The table gives the median (range) of the standards with a certain or likely label."
    yield "`against` counts those whose own label the rule excludes, `silent` those on which it"
    yield "says nothing because the pre-edge is too coarse, too noisy or not covered, and `any`"
    yield "those between the fields."
    yield ""
    yield from _standards(known, said)
    yield ""
    yield "## Answers opposed"
    yield ""
    yield "The table counts the answers that each model family would give without the rule"
    yield "(`other` compounds have no right answer):"
    yield ""
    yield from _answers(known, settings)
    yield ""
    yield "## Unfinished scans"
    yield ""
    for cut in CUTS:
        same, both, lost = _when_cut(known, said, cut, settings)
        yield (
            f"Cut {cut:g} eV past the edge, the witness says the same as at the end of {same} of"
            f" {both} scans; of {lost} more it says nothing yet."
        )
    yield ""
    yield "## larch"
    yield ""
    larch_worse, ours_worse, n = _larch(known)
    yield (
        f"The same baseline by `larch.xafs.pre_edge_baseline` misses its own points by over"
        f" {WORSE:g} times as much as ours on {larch_worse} of {n} standards; ours by over"
        f" {WORSE:g} times as much as larch's on {ours_worse}."
    )


def _spectrum(one: Prepared) -> NormalizedSpectrum:
    if one.normalized is None:
        raise ValueError(f"{one.row.id}: was not normalized ({one.rejected})")
    return one.normalized


def _fields() -> Iterator[str]:
    yield "| element | number | field | compatible |"
    yield "|---|---|---|---|"
    for element, fields in FIELDS.items():
        edges = ("0", *(f"{limit:g}" for limit in fields.limits), "any")
        for low, high, says in zip(edges[:-1], edges[1:], fields.says, strict=True):
            yield f"| {element} | {fields.measure} | {low} to {high} | {', '.join(says)} |"


def _standards(known: list[Prepared], said: list[PreEdgeRule | None]) -> Iterator[str]:
    yield "| element | class | n | centroid / eV | area / eV | height | against | any | silent |"
    yield "|---|---|---|---|---|---|---|---|---|"
    scored = [(o.row, w) for o, w in zip(known, said, strict=True) if o.row.enters is Enters.SCORES]
    for element, label in sorted({(r.spectrum.absorber, r.label) for r, _ in scored}):
        all_of = [w for r, w in scored if (r.spectrum.absorber, r.label) == (element, label)]
        heard = [w for w in all_of if w is not None]
        numbers = [
            _range([getattr(w, name) for w in heard], digits)
            for name, digits in (("centroid", 1), ("area", 2), ("height", 2))
        ]
        against = sum(label not in w.says for w in heard)
        free = sum(len(w.says) == 3 for w in heard)
        cells = (*numbers, against, free, len(all_of) - len(heard))
        yield f"| {element} | {label} | {len(all_of)} | " + " | ".join(map(str, cells)) + " |"


def _range(values: list[float], digits: int) -> str:
    finite = [v for v in values if np.isfinite(v)]
    if not finite:
        return "-"
    middle, low, high = np.median(finite), min(finite), max(finite)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _answers(known: list[Prepared], settings: AnalysisSettings) -> Iterator[str]:
    registry = Registry()
    kinds = ("right", "wrong", "other")
    yield "| family | element | " + " | ".join(f"{k} opposed" for k in kinds) + " |"
    yield "|---|---|---|---|---|"
    opposed = []
    for family in sorted({card.family for card in registry.cards()}):
        limits = settings.classification.model_copy(update={"family": family})
        with_family = settings.model_copy(update={"classification": limits})
        spoken = classify_stack([_spectrum(one) for one in known], registry, with_family)
        seen: Counter[tuple[str, str]] = Counter()
        against: Counter[tuple[str, str]] = Counter()
        for one, prediction in zip(known, spoken, strict=True):
            kind, answer = _kind(one, prediction)
            if not kind:
                continue
            seen[one.row.spectrum.absorber, kind] += 1
            if _opposed(prediction):
                against[one.row.spectrum.absorber, kind] += 1
                if kind != "other":
                    opposed.append(
                        f"{family}: {one.row.id} ({one.row.label}, answered {answer}): {kind}"
                    )
        for element in FIELDS:
            cells = [f"{against[element, k]} of {seen[element, k]}" for k in kinds]
            yield f"| {family} | {element} | {' | '.join(cells)} |"
    yield ""
    yield from (f"- {line}" for line in opposed)


def _opposed(prediction: Prediction) -> bool:
    return any(f.reason is Reason.WITNESS_DISAGREES for f in prediction.findings)


def _kind(one: Prepared, prediction: Prediction) -> tuple[str, str]:
    """Return what the answer without the witness was worth, and which it was."""
    if prediction.probabilities is None or not (prediction.answered or _opposed(prediction)):
        return "", ""
    answer = prediction.classes[int(prediction.probabilities.argmax())]
    if one.row.label == "other":
        return "other", answer
    if one.row.enters is not Enters.SCORES:
        return "", ""
    return ("right" if answer == one.row.label else "wrong"), answer


def _when_cut(
    known: list[Prepared], said: list[PreEdgeRule | None], cut: float, settings: AnalysisSettings
) -> tuple[int, int, int]:
    same = both = lost = 0
    for one, final in zip(known, said, strict=True):
        whole, raw = _spectrum(one), one.row.spectrum
        if final is None:
            continue
        kept = raw.energy <= whole.edge_reference - whole.energy_shift + cut
        part = replace(raw, energy=raw.energy[kept], mu=raw.mu[kept], reference=None)
        found = normalized_or_reason(replace(one.row, spectrum=part), settings)
        early = None if isinstance(found, str) else pre_edge_rule(found)
        if early is None:
            lost += 1
            continue
        both += 1
        same += early.says == final.says
    return same, both, lost


def _larch(known: list[Prepared]) -> tuple[int, int, int]:
    """Count the standards on which larch's fit is the worse one, ours is; and all."""
    from live_lce.spectra._larch_import import load_larch, load_larch_xafs

    xafs = load_larch_xafs()
    group_class = load_larch("symboltable").Group

    x = np.arange(FITTED[0], FITTED[1] + STEP / 2, STEP)
    peak = (x > SEARCH[0]) & (x < SEARCH[1])
    ratios = []
    for one in known:
        whole = _spectrum(one)
        if pre_edge_rule(whole) is None:
            continue
        y = np.interp(x, whole.energy - whole.edge_reference, whole.norm)
        energy = x + whole.edge_reference
        group = group_class(energy=energy, norm=y)
        limits = whole.edge_reference + np.array([FITTED[0], SEARCH[0], SEARCH[1], FITTED[1]])
        ends = dict(zip(("emin", "elo", "ehi", "emax"), limits, strict=True))
        xafs.pre_edge_baseline(group, form="line+loren", **ends)
        theirs = np.interp(energy, group.prepeaks.energy, group.prepeaks.baseline)
        misfit = [np.sqrt(np.mean((y - of)[~peak] ** 2)) for of in (theirs, baseline(x, y, peak))]
        ratios.append((misfit[0] + LEAST_MISFIT) / (misfit[1] + LEAST_MISFIT))
    found = np.array(ratios)
    return int(np.sum(found > WORSE)), int(np.sum(found < 1 / WORSE)), len(ratios)


if __name__ == "__main__":
    main()

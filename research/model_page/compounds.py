"""The real compounds that a model gets wrong or does not answer, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from live_lce.contract import OTHER
from live_lce.datasets._labelled import Enters
from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._judged import Judged
from research.model_page.tables import number, table

NAMES = (*CLASSES, OTHER)


@dataclass(frozen=True)
class Compound:
    """Spectra of one compound of which the model says the same.

    Parameters
    ----------
    spectra : tuple of Judged
        They have absorber, group, truth and verdict in common.
    of : int
        How many spectra of the compound count for the same.
    """

    spectra: tuple[Judged, ...]
    of: int

    @property
    def first(self) -> Judged:
        """One of them."""
        return self.spectra[0]

    @property
    def name(self) -> str:
        """What it is called."""
        row = self.first.row
        return row.compound or row.formula or row.id

    def probability(self, name: str) -> float:
        """Return the mean probability of a class; NaN where no model ran."""
        return float(np.mean([one.prediction.probability(name) for one in self.spectra]))


def wrong(judged: Iterable[Judged]) -> list[Compound]:
    """Return compounds with a wrong answer."""
    return _grouped(
        judged,
        Enters.SCORES,
        lambda one: one.prediction.answered and one.prediction.label != one.row.label,
        lambda one: one.prediction.label,
    )


def silent(judged: Iterable[Judged]) -> list[Compound]:
    """Return compounds that were not answered."""
    return _grouped(
        judged,
        Enters.SCORES,
        lambda one: not one.prediction.answered,
        lambda one: f"{one.forced} {one.reason}",
    )


def taken_for_oxides(judged: Iterable[Judged]) -> list[Compound]:
    """Return `other` compounds that got a label."""
    return _grouped(
        judged,
        Enters.OOD_AUROC,
        lambda one: one.prediction.answered,
        lambda one: one.prediction.label,
    )


def compounds_table(compounds: Sequence[Compound]) -> str:
    """Return compounds with what was said; mean probabilities of their spectra."""
    rows = []
    for one in compounds:
        first = one.first
        said = first.prediction.label or (f"({first.forced})" if first.forced else "")
        cells = [first.row.absorber, _cell(one.name), _cell(first.row.family), first.row.label]
        cells += [said, *(number(one.probability(name)) for name in NAMES)]
        cells += [f"{len(one.spectra)} of {one.of}", first.reason.replace(";", ", ")]
        rows.append([*cells, ", ".join(f"`{one.row.id}`" for one in one.spectra)])
    head = ["", "compound", "family", "truth", "said", *NAMES, "spectra", "reasons, remarks", "ids"]
    return table(head, rows) if rows else "None."


def mixed_table(judged: Iterable[Judged]) -> str:
    """Return mixed spectra: their fractions, and the probabilities."""
    rows = []
    for one in sorted(judged, key=lambda o: (o.row.absorber, o.row.compound)):
        if one.enters is not Enters.FRACTION_MAE:
            continue
        cells = [one.row.absorber, _cell(one.row.compound or one.row.formula), f"`{one.row.id}`"]
        for name in CLASSES:
            said = number(one.prediction.probability(name))
            cells.append(f"{one.row.fractions.get(name, 0.0):.2f} / {said}")
        rows.append([*cells, one.prediction.label or f"– ({one.reason.partition(';')[0]})"])
    head = ["", "compound", "id", *(f"{name}, true / said" for name in CLASSES), "answer"]
    return table(head, rows) if rows else "None."


def _grouped(
    judged: Iterable[Judged],
    kind: Enters,
    chosen: Callable[[Judged], bool],
    verdict: Callable[[Judged], str],
) -> list[Compound]:
    of: dict[tuple[str, str, str], int] = {}
    found: dict[tuple[str, ...], list[Judged]] = {}
    for one in judged:
        if one.enters is not kind:
            continue
        key = (one.row.absorber, one.row.group, one.row.label)
        of[key] = of.get(key, 0) + 1
        if chosen(one):
            found.setdefault((*key, verdict(one)), []).append(one)
    done = [Compound(tuple(those), of[key[0], key[1], key[2]]) for key, those in found.items()]
    return sorted(done, key=lambda c: (c.first.row.absorber, c.first.row.label, c.name))


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")

"""Our numbers beside the tables of Carbone et al. (2019), as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array
from research.carbone2019.paper import (
    CLASS_F1,
    EARLY,
    LATE,
    TABLE_I,
    TABLE_II,
    TABLE_II_AVERAGE,
    TABLE_III,
)
from research.carbone2019.protocol import Outcome, Variant
from research.carbone2019.tasks import (
    AS_MANY_STEPS,
    FEFF9_ABSORBERS,
    FEWER,
    OURS,
    PAPERS,
)

MISSING = "–"
Key = tuple[str, str, str, Variant]
"""Absorber, spectra, kind of folds, variant."""


class Results:
    """Outcomes, found by what they are of."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self._by_key = {(o.absorber, o.spectra, o.folds, o.variant): o for o in outcomes}

    def get(
        self, absorber: str, spectra: str, folds: str, network: str, region: str = "full"
    ) -> Outcome | None:
        """Return the outcome with shift augmentation, None if it was not measured."""
        return self._by_key.get((absorber, spectra, folds, Variant(network, region)))

    def of(self, absorber: str, variant: Variant) -> Outcome | None:
        """Return the outcome of the paper's own protocol, None if it was not measured."""
        return self._by_key.get((absorber, PAPERS, "stratified", variant))


def with_last_digits(mean: float, deviation: float) -> str:
    """Return ``0.84(2)`` for 0.84 with a standard deviation of 0.02, as the paper writes."""
    return f"{mean:.2f}({deviation * 100:.0f})"


def table_i(kept: Mapping[str, Sequence[int]], every: Mapping[str, int], ours: Results) -> str:
    """Return numbers of spectra per class on both sides.

    Parameters
    ----------
    kept : mapping
        Spectra per class under the paper's label, duplicates removed.
    every : mapping
        Spectra before that.
    ours : Results
        For the numbers under our label.
    """
    lines = []
    for absorber, paper in TABLE_I.items():
        n = kept[absorber]
        other = ours.get(absorber, OURS, "stratified", "MLP")
        under_ours = [*other.n, sum(other.n)] if other else [MISSING] * 4
        lines.append([absorber, *paper, sum(paper), *n, sum(n), every[absorber], *under_ours])
    totals = np.array([line[1:10] for line in lines], dtype=int).sum(axis=0)
    lines.append(["total", *totals, *[""] * 4])
    names = [*CLASSES, "all"]
    head = [
        "absorber",
        *(f"paper {name}" for name in names),
        *(f"here {name}" for name in names),
        "here, with duplicates",
        *(f"our label {name}" for name in names),
    ]
    return _table(head, lines)


def table_ii(ours: Results) -> str:
    """Return macro F1 beside Table II: paper, our ten-fold by spectrum, grouped folds."""
    columns = [
        ("MLP", "full", "stratified"),
        ("MLP", "full", "grouped"),
        ("CNN", "full", "stratified"),
        ("CNN", "full", "grouped"),
        ("MLP", "pre", "stratified"),
        ("CNN", "pre", "stratified"),
    ]
    head = ["absorber", "MLP paper", "MLP here", "MLP grouped folds", "CNN paper", "CNN here"]
    head += ["CNN grouped folds", "pre-MLP paper", "pre-MLP here", "pre-CNN paper", "pre-CNN here"]
    lines = []
    for absorber, paper in TABLE_II.items():
        cells = [_macro(ours.get(absorber, PAPERS, f, net, r)) for net, r, f in columns]
        lines.append([absorber, *_woven(paper, cells)])
    averages = [
        average_macro([ours.get(el, PAPERS, f, net, r) for el in TABLE_II]) for net, r, f in columns
    ]
    lines.append(["average", *_woven(TABLE_II_AVERAGE, averages)])
    return _table(head, lines)


def table_iii(ours: Results) -> str:
    """Return the loss of F1 per class without what follows the pre-edge, beside Table III."""
    lines = []
    for name, absorbers in (("early", EARLY), ("late", LATE)):
        for network in ("MLP", "CNN"):
            drop = pre_edge_drop(ours, absorbers, network)
            here = (
                [MISSING] * 3
                if drop is None
                else [with_last_digits(m, s) for m, s in zip(*drop, strict=True)]
            )
            paired = zip(TABLE_III[name][network], here, strict=True)
            lines.append([name, f"pre-{network}", *(cell for pair in paired for cell in pair)])
    head = ["absorbers", "model", *(f"{c} {side}" for c in CLASSES for side in ("paper", "here"))]
    return _table(head, lines)


def table_classes(ours: Results) -> str:
    """Return F1 per class averaged over absorbers, beside section III C."""
    lines = []
    for network, paper in CLASS_F1.items():
        for folds in ("stratified", "grouped"):
            found = [ours.get(el, PAPERS, folds, network) for el in TABLE_II]
            means = [o.per_class()[0] for o in found if o is not None]
            here = np.mean(means, axis=0) if means else [np.nan] * 3
            cells = [f"{p:.2f} | {h:.2f}" for p, h in zip(paper, here, strict=True)]
            lines.append([network, folds, *cells])
    head = ["model", "folds", *(f"{c} {side}" for c in CLASSES for side in ("paper", "here"))]
    return _table(head, lines)


def table_others(ours: Results, spectra: str) -> str:
    """Return macro F1 of another set of spectra, by spectrum and grouped."""
    lines = []
    absorbers = TABLE_II if spectra == OURS else FEFF9_ABSORBERS
    columns = [(net, folds) for net in ("MLP", "CNN") for folds in ("stratified", "grouped")]
    for absorber in absorbers:
        found = [ours.get(absorber, spectra, folds, net) for net, folds in columns]
        n = next((str(sum(o.n)) for o in found if o is not None), MISSING)
        lines.append([absorber, n, *(_macro(o) for o in found)])
    each = [
        average_macro([ours.get(el, spectra, f, net) for el in absorbers]) for net, f in columns
    ]
    lines.append(["average", "", *each])
    head = ["absorber", "spectra", "MLP", "MLP grouped folds", "CNN", "CNN grouped folds"]
    return _table(head, lines)


def table_steps(ours: Results) -> str:
    """Return macro F1 and F1 of S5 after 50 epochs and after as many steps as the paper."""
    lines = []
    for absorber, epochs in AS_MANY_STEPS.items():
        short = ours.of(absorber, Variant("MLP"))
        long = ours.of(absorber, Variant("MLP", epochs=epochs))
        n = FEWER if long is None else len(long.f1)
        cells = [
            [MISSING] * 2
            if one is None
            else [f"{np.mean(one.f1[:n]):.2f}", f"{np.mean(one.f1[:n], axis=0)[1]:.2f}"]
            for one in (short, long)
        ]
        lines.append([absorber, TABLE_II[absorber][0], *cells[0], epochs, *cells[1]])
    head = ["absorber", "paper", "50 epochs", "S5", "epochs", "macro F1", "S5"]
    return _table(head, lines)


def average_macro(found: Sequence[Outcome | None]) -> str:
    """Return the mean over absorbers, its error from those of the absorbers."""
    each = np.array([o.macro() for o in found if o is not None])
    if not len(each):
        return MISSING
    error = np.sqrt((each[:, 1] ** 2).sum()) / len(each)
    note = "" if len(each) == len(found) else f" of {len(each)}"
    return with_last_digits(each[:, 0].mean(), error) + note


def pre_edge_drop(
    ours: Results, absorbers: Sequence[str], network: str
) -> tuple[Array, Array] | None:
    """Return mean and deviation over folds of F1(full) - F1(pre), per class.

    On the same folds, averaged over the absorbers for which both were measured.
    """
    drops = []
    for absorber in absorbers:
        full = ours.get(absorber, PAPERS, "stratified", network)
        pre = ours.get(absorber, PAPERS, "stratified", network, "pre")
        if full is not None and pre is not None:
            drops.append(np.array(full.f1)[: len(pre.f1)] - np.array(pre.f1))
    if not drops:
        return None
    of_fold = np.mean(drops, axis=0)
    return of_fold.mean(axis=0), of_fold.std(axis=0, ddof=1)


def leak(ours: Results, spectra: str, network: str) -> tuple[float, float, int]:
    """Return how much higher folds by spectrum score than grouped folds.

    Returns
    -------
    mean : float
        Of the difference of macro F1 over the absorbers.
    error : float
        Standard error of that mean over the absorbers.
    n : int
        Absorbers.
    """
    found = []
    for absorber in TABLE_II:
        by_spectrum = ours.get(absorber, spectra, "stratified", network)
        grouped = ours.get(absorber, spectra, "grouped", network)
        if by_spectrum is not None and grouped is not None:
            found.append(by_spectrum.macro()[0] - grouped.macro()[0])
    if len(found) < 2:
        return float("nan"), float("nan"), len(found)
    return float(np.mean(found)), float(np.std(found, ddof=1) / len(found) ** 0.5), len(found)


def _macro(outcome: Outcome | None) -> str:
    return MISSING if outcome is None else with_last_digits(*outcome.macro())


def _woven(paper: Sequence[str], here: Sequence[str]) -> list[str]:
    """Return the paper's four columns with ours behind each."""
    mlp, mlp_grouped, cnn, cnn_grouped, pre_mlp, pre_cnn = here
    return [
        *(paper[0], mlp, mlp_grouped, paper[1], cnn, cnn_grouped),
        *(paper[2], pre_mlp, paper[3], pre_cnn),
    ]


def _table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)

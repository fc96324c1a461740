"""What was to be reached, and what was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from live_lce.datasets._labelled import Enters
from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._arrays import NONE, Judgements, judgements
from live_lce.evaluation._bootstrap import draws
from live_lce.evaluation._curves import CurvePoint
from live_lce.evaluation._measure import Metrics
from live_lce.evaluation._metrics import group_sizes
from live_lce.spectra import Array
from research.model_page.cards import COMPUTED, EXPERIMENTAL
from research.model_page.study import Compared, Study
from research.model_page.tables import number, table, with_interval

ENOUGH = 50
"""Formulas of each class from which on `F1` is to be reached; below, `ABOVE` over `THEIRS`."""
F1, ABOVE, THEIRS = 0.90, 0.05, "carbone-cnn"
CALIBRATED = 0.05
"""How much the calibration error of unfinished scans may be above that of full ones."""
COVERAGES = (0.2, 0.4, 0.6, 0.8, 1.0)


def reach(found: Study) -> str:
    """Return the table of the numbers that were to be reached."""
    rows = [*_computed(found), *_measured(found)]
    return table(["what", "to be reached", "measured", ""], rows)


def formulas(one: Compared, absorber: str) -> int:
    """Return how many formulas the class with the fewest has among the computed spectra."""
    of_class: dict[str, set[str]] = defaultdict(set)
    for prepared in one.prepared:
        row = prepared.row
        if row.absorber == absorber and row.enters is Enters.SCORES:
            of_class[row.label].add(row.formula or row.id)
    return min(len(of_class[name]) for name in CLASSES)


def by_group(rows: Judgements, weights: Array) -> dict[str, Array]:
    """Return what is answered, and right of it, where each compound counts as one.

    Parameters
    ----------
    rows : Judgements
        Scored rows.
    weights : ndarray of shape (n_draws, n)
        How often each row counts.

    Returns
    -------
    dict
        `abstained`: share not answered, mean over compounds; `right`: share right of the
        answered, mean over compounds with an answer.  Arrays of shape (n_draws,).
    """
    answered = rows.answer != NONE
    each = weights / group_sizes(rows)
    sizes = np.bincount(rows.group, weights=answered, minlength=rows.group.max() + 1)
    share = weights * answered / np.maximum(sizes[rows.group], 1)
    right = share @ (rows.answer == rows.truth)
    with np.errstate(invalid="ignore"):
        return {"abstained": 1 - each @ answered / each.sum(1), "right": right / share.sum(1)}


def _computed(found: Study) -> Iterator[list[str]]:
    if COMPUTED not in found.sets:
        return
    one = found.sets[COMPUTED]
    theirs = one.by_absorber.get(THEIRS, {})
    for absorber, ours in sorted(one.by_absorber[found.family].items()):
        few = formulas(one, absorber)
        what = f"computed {absorber}, macro F1 ({few} formulas in the rarest class)"
        said = f"{with_interval(ours, 'macro_f1')}, forced {number(ours.forced['macro_f1'])}"
        if few >= ENOUGH:
            yield [what, f"{F1:.2f}", said, _verdict(ours.macro_f1, F1)]
        elif absorber in theirs:
            other = theirs[absorber].macro_f1
            least = None if other is None else other + ABOVE
            wanted = f"{number(least)}: {ABOVE:.2f} over {THEIRS}"
            yield [what, wanted, said, _verdict(ours.macro_f1, least)]
        else:
            yield [what, f"{ABOVE:.2f} over {THEIRS}, which has no model", said, ""]


def _measured(found: Study) -> Iterator[list[str]]:
    if EXPERIMENTAL not in found.sets:
        return
    one = found.sets[EXPERIMENTAL]
    rows = judgements(one.found.judged)
    rows = rows.take(rows.scored)
    metrics = one.found.overall.metrics
    if len(rows):
        point = {k: float(v[0]) for k, v in by_group(rows, np.ones((1, len(rows)))).items()}
        drawn = [by_group(rows, weights) for weights in draws(rows, 0)]
        said = {k: _interval(v, [one[k] for one in drawn]) for k, v in point.items()}
        right = "measured, by compound: right of the answered"
        yield [right, "0.90", said["right"], _verdict(point["right"], 0.90)]
        silent = "measured, by compound: not answered"
        yield [silent, "at most 0.15", said["abstained"], _verdict(point["abstained"], 0.15, -1)]
        always = (rows.truth == CLASSES.index("O6")) / group_sizes(rows)
        least = float(always.sum() / (1 / group_sizes(rows)).sum()) + 0.10
        what = "measured, by compound: right, not answered is wrong"
        got = with_interval(metrics, "accuracy_by_group")
        wanted = f"{least:.2f}: 0.10 over always O6"
        yield [what, wanted, got, _verdict(metrics.accuracy_by_group, least)]
        yield _risk(one)
    got = f"{with_interval(metrics, 'ood_auroc')} ({metrics.ood_n_other} others)"
    yield ["metals, sulfides, halides: AUROC", "0.95", got, _verdict(metrics.ood_auroc, 0.95)]
    got = f"{with_interval(metrics, 'fraction_mae')} ({metrics.n_mixed} spectra)"
    wanted = "at most 0.15"
    yield ["mixed: error of fractions", wanted, got, _verdict(metrics.fraction_mae, 0.15, -1)]
    for name, curves in ((n, s.curves) for n, s in found.sets.items() if s.curves is not None):
        for point_ in (p for p in curves.last_energy if p.value == 15.0):
            for which, full, cut in (
                ("macro F1", curves.whole.macro_f1, point_.macro_f1),
                ("forced macro F1", curves.whole.forced["macro_f1"], point_.forced_macro_f1),
            ):
                lost = None if full is None else full - cut
                what = f"{name}, cut at +15 eV: {which} below the full scan"
                yield [what, "at most 0.05", number(lost), _verdict(lost, 0.05, -1)]
            same = point_.same_as_full
            what = f"{name}, cut at +15 eV: same answer as the full scan"
            yield [what, "0.95", f"{number(same, 3)} of {point_.n_both}", _verdict(same, 0.95)]
            yield _calibration(name, curves.whole, point_)


def _calibration(name: str, whole: Metrics, point: CurvePoint) -> list[str]:
    what = f"{name}, cut at {point.value:+g} eV: calibration error above the full scan"
    more = None if whole.ece is None else point.ece - whole.ece
    said = f"{number(more)} ({number(point.ece)}: says {number(point.top)}, right"
    said += f" {number(point.top_right)}, of {point.n_with_probabilities})"
    return [what, f"at most {CALIBRATED:.2f}", said, _verdict(more, CALIBRATED, -1)]


def _risk(one: Compared) -> list[str]:
    curve = one.found.overall.risk_coverage
    what, wanted = "measured: risk falls with coverage", "falling"
    if not curve.coverage.size:
        return [what, wanted, number(None), ""]
    at = [min(int(np.searchsorted(curve.coverage, c)), curve.coverage.size - 1) for c in COVERAGES]
    risk = [float(curve.risk[i]) for i in at]
    said = ", ".join(f"{r:.3f} at {curve.coverage[i]:.0%}" for i, r in zip(at, risk, strict=True))
    falls = all(low <= high for low, high in pairwise(risk))
    return [what, wanted, said, "reached" if falls else "missed"]


def _verdict(value: float | None, limit: float | None, sign: int = 1) -> str:
    """Return whether a value is on the good side of a limit, and else by how much it is not."""
    if value is None or limit is None or np.isnan(value):
        return ""
    missing = sign * (limit - value)
    return "reached" if missing <= 0 else f"missed by {missing:.3f}"


def _interval(value: float, drawn: list[Array]) -> str:
    each = np.concatenate(drawn)
    if np.isnan(value) or np.isnan(each).all():
        return number(value)
    low, high = np.nanpercentile(each, (2.5, 97.5))
    return f"{value:.2f} [{low:.2f} {high:.2f}]"

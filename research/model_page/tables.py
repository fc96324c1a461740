"""Tables of a family's page: all judges on one set, each absorber, spectra made worse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._curves import CurvePoint
from live_lce.evaluation._measure import Metrics, Number
from research.model_page.cards import COMPUTED, EXPERIMENTAL
from research.model_page.compare import Curves
from research.model_page.study import Compared, Study

NOTHING = "–"
AXES = {"last_energy": "scan ends at / eV", "noise": "noise / edge steps"}
_SHARES: dict[str, Callable[[Metrics], Number]] = {
    "accuracy": lambda m: m.accuracy,
    "accuracy_answered": lambda m: m.accuracy_answered,
    "accuracy_by_group": lambda m: m.accuracy_by_group,
    "macro_f1": lambda m: m.macro_f1,
    "forced.macro_f1": lambda m: m.forced["macro_f1"],
    "recall.T4": lambda m: m.recall["T4"],
    "recall.S5": lambda m: m.recall["S5"],
    "recall.O6": lambda m: m.recall["O6"],
    "ece": lambda m: m.ece,
    "label_set.coverage": lambda m: m.label_set["coverage"],
    "label_set.coverage_by_group": lambda m: m.label_set["coverage_by_group"],
    "label_set.size": lambda m: m.label_set["size"],
    "ood_auroc": lambda m: m.ood_auroc,
    "fraction_mae": lambda m: m.fraction_mae,
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: Number, digits: int = 2) -> str:
    """Return a number; a dash if there is none."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.{digits}f}"


def with_interval(metrics: Metrics, name: str) -> str:
    """Return a metric with its 95 % interval, where that has a width."""
    value, pair = _SHARES[name](metrics), metrics.intervals.get(name)
    alike = value is None or pair is None or pair[1] - pair[0] < 0.005
    return number(value) + ("" if alike or pair is None else f" [{pair[0]:.2f} {pair[1]:.2f}]")


def judges(one: Compared) -> str:
    """Return the numbers of every judge on one set."""
    lines = one.lines.values()
    rows = [
        ["n (compounds)", *(f"{m.n} ({m.n_groups})" for m in lines)],
        ["answered", *(str(m.n_answered) for m in lines)],
        *([name, *(with_interval(m, name) for m in lines)] for name in _SHARES),
        [
            "other answered",
            *(NOTHING if m.ece is None else f"{m.other_answered} of {m.n_other}" for m in lines),
        ],
    ]
    return table(["", *one.lines], rows)


def absorbers(found: Study) -> str:
    """Return the page's family by absorber, on computed and on measured spectra."""
    head = ["", "version", "computed n", "macro F1", *(f"F1 {name}" for name in CLASSES)]
    head += ["measured n", "answered", "right", "right of answered", "other answered"]
    rows = []
    for name, card in sorted(found.cards.items()):
        cells = [name, card.version]
        computed, measured = (_of(found, which, name) for which in (COMPUTED, EXPERIMENTAL))
        if computed is None:
            cells += [NOTHING] * (2 + len(CLASSES))
        else:
            f1 = [number(computed.f1[label]) for label in CLASSES]
            cells += [str(computed.n), with_interval(computed, "macro_f1"), *f1]
        if measured is None:
            cells += [NOTHING] * 5
        else:
            cells += [str(measured.n), str(measured.n_answered)]
            cells += [number(measured.accuracy), number(measured.accuracy_answered)]
            cells += [f"{measured.other_answered} of {measured.n_other}"]
        rows.append(cells)
    return table(head, rows)


def _of(found: Study, which: str, absorber: str) -> Metrics | None:
    if which not in found.sets:
        return None
    return found.sets[which].by_absorber[found.family].get(absorber)


def worse(found: Curves, which: str) -> str:
    """Return the results with spectra made worse.

    Parameters
    ----------
    found : Curves
        Of one set.
    which : {"last_energy", "noise"}
        How they were made worse.
    """
    points: tuple[CurvePoint, ...] = getattr(found, which)
    head = [AXES[which], "touched", "answered", "right of answered", "macro F1", "forced macro F1"]
    whole = found.whole
    asis = ["as it is", "0", f"{whole.n_answered} of {whole.n}"]
    asis += [number(whole.accuracy_answered), number(whole.macro_f1)]
    by_absorber = [number(one) for one in found.absorbers.values()]
    rows = [[*asis, number(whole.forced["macro_f1"]), NOTHING, *by_absorber]]
    for point in points:
        cells = [f"{point.value:g}", str(point.n_changed), f"{point.n_answered} of {point.n}"]
        values = (point.accuracy_answered, point.macro_f1, point.forced_macro_f1)
        cells += [number(value) for value in values]
        cells.append(f"{number(point.same_as_full, 3)} of {point.n_both}")
        rows.append([*cells, *(number(point.absorbers[name]) for name in found.absorbers)])
    return table([*head, "same answer as it is", *found.absorbers], rows)

"""Tables of a family's page: sets of labels, and what probabilities are worth on worse spectra."""

from __future__ import annotations

from live_lce.evaluation._measure import Metrics
from research.model_page.compare import Curves
from research.model_page.study import Compared, Study
from research.model_page.tables import AXES, number, table, with_interval


def label_sets(found: Study, one: Compared) -> str:
    """Return how the sets of labels of the page's family do on one set of spectra.

    Parameters
    ----------
    found : Study
        The results.
    one : Compared
        One of its sets.
    """
    head = ["", "sum", "sets (compounds)", "hold the truth", "by compound", "labels", "one label"]
    by_absorber = one.by_absorber[found.family]
    rows = [["all", "", *_of_sets(one.found.overall.metrics)]]
    for absorber, card in sorted(found.cards.items()):
        metrics = by_absorber.get(absorber)
        if metrics is not None and metrics.n:
            rows.append([absorber, number(card.label_set_mass, 3), *_of_sets(metrics)])
    return table(head, rows)


def calibrated(found: Curves, which: str) -> str:
    """Return what probabilities and sets of labels are worth with spectra made worse.

    Parameters
    ----------
    found : Curves
        Of one set.
    which : {"last_energy", "noise"}
        How they were made worse.
    """
    head = [AXES[which], "with probabilities", "mean top probability", "its class is right", "ECE"]
    head += ["not answered", "sets hold the truth", "by compound", "labels in a set"]
    points = [(f"{point.value:g}", point) for point in getattr(found, which)]
    rows = []
    for name, one in (("as it is", found.whole), *points):
        cells = [name, f"{one.n_with_probabilities} of {one.n}"]
        values = [one.top, one.top_right, one.ece, one.abstained_share]
        values += [one.label_set[n] for n in ("coverage", "coverage_by_group", "size")]
        rows.append([*cells, *(number(value) for value in values)])
    return table(head, rows)


def _of_sets(metrics: Metrics) -> list[str]:
    cells = [f"{metrics.n_with_probabilities} ({metrics.label_set_groups})"]
    names = ("coverage", "coverage_by_group", "size")
    cells += [with_interval(metrics, f"label_set.{name}") for name in names]
    return [*cells, number(metrics.label_set["single"])]

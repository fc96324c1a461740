"""Put on the models' cards how they do on computed spectra they did not see, and on real ones.

``python -m research.model_page.cards ../shared/data --models models`` prints the results, among
them every real compound that a model gets wrong; with ``--write`` they go on the cards.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from live_lce.classifiers import ModelCard, Registry
from live_lce.classifiers._files import rewrite_card
from live_lce.datasets import Labelled, read_labelled
from live_lce.datasets._labelled import Enters
from live_lce.datasets._standards import MAIN
from live_lce.evaluation import Choice, Evaluation, evaluate
from live_lce.evaluation._evaluate import Scope
from live_lce.evaluation._judged import Judged
from live_lce.settings import AnalysisSettings

COMPUTED, EXPERIMENTAL = "computed", "experimental"
"""Subfolders of the data, and keys of the metrics on a card."""
BENCHMARK = "zheng2020-benchmark"
FAILS_ON, NOT_ANSWERED, OTHERS = "fails_on", "not_answered", "others_answered"
_NUMBERS = (
    *("n", "n_answered", "n_groups", "accuracy", "accuracy_answered", "accuracy_by_group"),
    *("macro_f1", "f1", "recall", "majority_accuracy", "majority_accuracy_by_group", "ece"),
    *("forced", "ood_auroc", "ood_n_other", "ood_n_scored", "fraction_mae", "n_mixed"),
    *("n_with_probabilities", "top", "top_right", "label_set", "label_set_groups"),
    *("n_other", "other_answered", "abstained_by_reason", "n_seen", "n_seen_by_member"),
)
_INTERVALS = (
    *("accuracy", "accuracy_by_group", "macro_f1", "ece", "ood_auroc"),
    *("label_set.coverage", "label_set.coverage_by_group"),
)


def card_metrics(card: ModelCard, found: dict[str, Evaluation]) -> dict[str, Any]:
    """Return the metrics of a card: those it has, with the results of the evaluations.

    Parameters
    ----------
    card : ModelCard
        Of the model that was judged.
    found : dict
        Evaluations of its family, by the key that they get on the card.

    Returns
    -------
    dict
        `fails_on`, `not_answered` and `others_answered` list real compounds, sets other than
        the main one marked.
    """
    metrics = dict(card.metrics)
    lists: dict[str, list[dict[str, Any]]] = {FAILS_ON: [], NOT_ANSWERED: [], OTHERS: []}
    for name, one in found.items():
        scope = one.absorbers.get(card.absorber)
        if scope is None or (scope.metrics.n == 0 and scope.metrics.n_other == 0):
            metrics.pop(name, None)
            continue
        metrics[name] = _numbers(scope)
        for row in one.judged:
            if row.row.absorber == card.absorber and not row.row.computed:
                _list(row, name, lists)
    return metrics | lists


def _numbers(scope: Scope) -> dict[str, Any]:
    values = {**asdict(scope.metrics), **asdict(scope.counts)}
    chosen = {name: values[name] for name in _NUMBERS}
    chosen["knn_accuracy"] = scope.neighbours.accuracy
    chosen["knn_macro_f1"] = scope.neighbours.macro_f1
    chosen["intervals"] = {name: scope.metrics.intervals[name] for name in _INTERVALS}
    rounded: dict[str, Any] = _rounded(chosen)
    return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def _list(one: Judged, name: str, lists: dict[str, list[dict[str, Any]]]) -> None:
    row, said = one.row, one.prediction
    entry = {"id": row.id, "compound": row.compound or row.formula, "truth": row.label}
    if name != EXPERIMENTAL:
        entry = {"set": name, **entry}
    answer = {"said": said.label, "confidence": round(said.confidence, 3)}
    if one.enters is Enters.SCORES and not said.answered:
        lists[NOT_ANSWERED].append({**entry, "reason": one.reason})
    elif one.enters is Enters.SCORES and said.label != row.label:
        lists[FAILS_ON].append({**entry, **answer})
    elif one.enters is Enters.OOD_AUROC and said.answered:
        lists[OTHERS].append({**entry, **answer})


def read_sets(folder: Path) -> dict[str, list[Labelled]]:
    """Read the computed spectra and both experimental sets of a folder."""
    return {
        COMPUTED: read_labelled(folder / COMPUTED),
        EXPERIMENTAL: read_labelled(folder / EXPERIMENTAL, MAIN),
        BENCHMARK: read_labelled(folder / EXPERIMENTAL, BENCHMARK),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Judge every family in a folder of models."""
    parser = argparse.ArgumentParser(prog="research.model_page.cards", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds computed/ and experimental/")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--families", nargs="*", help="only these; by default all there")
    parser.add_argument("--write", action="store_true", help="put the results on the cards")
    options = parser.parse_args(argv)
    registry = Registry(options.models)
    sets = read_sets(options.folder)
    for family in options.families or sorted({card.family for card in registry.cards()}):
        cards = [card for card in registry.cards() if card.family == family]
        # Computed spectra are what models were trained on: no number where it is not known which.
        named = {card.absorber for card in cards if card.training.spectra}
        found = {}
        for name, rows in sets.items():
            of_models = {card.absorber for card in cards} if name != COMPUTED else named
            chosen = [row for row in rows if row.absorber in of_models]
            if chosen:
                choice = Choice(registry, family)
                found[name] = evaluate(chosen, choice, AnalysisSettings(), curves=False)
                sys.stdout.write(_line(family, name, found[name].overall))
        for card in cards:
            metrics = card_metrics(card, found)
            for entry in metrics[FAILS_ON]:
                sys.stdout.write(f"   {card.absorber} wrong: {_words(entry)}\n")
            if options.write:
                changed = card.model_copy(update={"metrics": metrics})
                rewrite_card(changed, registry.path(card.name).parent)
        sys.stdout.flush()


def _line(family: str, name: str, scope: Scope) -> str:
    m = scope.metrics
    values = {
        "accuracy": m.accuracy,
        "majority": m.majority_accuracy,
        "kNN": scope.neighbours.accuracy,
        "of answered": m.accuracy_answered,
        "by group": m.accuracy_by_group,
        "macro F1": m.macro_f1,
        "OOD AUROC": m.ood_auroc,
        "label sets right by group": m.label_set["coverage_by_group"],
    }
    numbers = ", ".join(f"{k} {v:.3f}" for k, v in values.items() if v is not None)
    return f"{family}, {name}: {m.n_answered} of {m.n} answered, {numbers}\n"


def _words(entry: dict[str, Any]) -> str:
    return (
        f"{entry['id']} ({entry['compound']}): {entry['truth']}, said {entry['said']}"
        f" {entry['confidence']:.2f}"
    )


if __name__ == "__main__":
    main()

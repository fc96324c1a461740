"""Judge the models on measured standards.

``python -m live_lce.training.experimental_check ../shared/data/experimental``
prints the results, and with ``--write`` puts them on the models' cards.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_lce.classifiers.classify import classify
from live_lce.classifiers.registry import Registry
from live_lce.contract import Reason, Status
from live_lce.datasets.rows import CLASSES
from live_lce.datasets.standards import normalized_or_reason, read_standards
from live_lce.settings import AnalysisSettings


@dataclass
class Tally:
    """Results on the standards of one absorber.

    Parameters
    ----------
    scored, other : int
        Standards with a label of the model's classes, and with none of them.
    right, wrong : list of str
        What was answered, of the scored ones.
    silent : Counter
        Reasons where not answered, of the scored ones.
    flagged, other_flagged, reached, other_reached : int
        Out-of-distribution flags, and spectra for which a score was computed.
    """

    scored: int = 0
    other: int = 0
    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unchecked_right: int = 0
    silent: Counter[str] = field(default_factory=Counter)
    flagged: int = 0
    reached: int = 0
    other_flagged: int = 0
    other_reached: int = 0
    other_answered: int = 0
    per_class: Counter[str] = field(default_factory=Counter)

    def metrics(self) -> dict[str, Any]:
        """Return the numbers for a model card."""
        answered = len(self.right) + len(self.wrong)
        best = max(self.per_class.values(), default=0)
        return {
            "n": dict(self.per_class),
            "answered": answered,
            "right": len(self.right),
            "accuracy_on_answered": round(len(self.right) / answered, 3) if answered else None,
            "right_if_always_answered": self.unchecked_right,
            "right_by_majority_class": best,
            "not_answered": dict(self.silent),
            "flagged_out_of_distribution": f"{self.flagged} of {self.reached}",
            "others_flagged_out_of_distribution": f"{self.other_flagged} of {self.other_reached}",
            "others_answered": f"{self.other_answered} of {self.other}",
        }


def check(folder: Path, registry: Registry, settings: AnalysisSettings) -> dict[str, Tally]:
    """Classify the standards of every absorber that has a model.

    Parameters
    ----------
    folder : Path
        The experimental set, with ``index.csv``.
    registry : Registry
        The models.
    settings : AnalysisSettings
        As a user would have them.

    Returns
    -------
    dict
        A tally per absorber.  Rows of unknown label or bad quality are left out.
    """
    tallies: dict[str, Tally] = defaultdict(Tally)
    with_model = {card.absorber for card in registry.cards()}
    for standard in read_standards(folder):
        absorber = standard.spectrum.absorber
        known = standard.certainty != "unknown" and standard.quality != "bad"
        if not known or absorber not in with_model or standard.label == "mixed":
            continue
        tally = tallies[absorber]
        is_scored = standard.label in CLASSES
        tally.scored += is_scored
        tally.other += not is_scored
        if is_scored:
            tally.per_class[standard.label] += 1
        normalized = normalized_or_reason(standard, settings)
        if isinstance(normalized, str):
            tally.silent[normalized] += is_scored
            continue
        prediction = classify(normalized, registry, settings)
        if prediction.probabilities is not None:
            far = any(f.reason is Reason.OUT_OF_DISTRIBUTION for f in prediction.findings)
            tally.reached += is_scored
            tally.other_reached += not is_scored
            tally.flagged += is_scored and far
            tally.other_flagged += (not is_scored) and far
            best = prediction.classes[int(prediction.probabilities.argmax())]
            tally.unchecked_right += is_scored and best == standard.label
        if not is_scored:
            tally.other_answered += prediction.status is Status.OK
        elif prediction.status is not Status.OK:
            tally.silent[prediction.findings[0].reason.value] += 1
        elif prediction.label == standard.label:
            tally.right.append(standard.id)
        else:
            words = f"{standard.id} ({standard.compound}): {standard.label}, said"
            tally.wrong.append(f"{words} {prediction.label} {prediction.confidence:.2f}")
    return dict(tallies)


def _write(registry: Registry, tallies: dict[str, Tally]) -> None:
    from live_lce.classifiers.files import rewrite_card

    for card in registry.cards():
        if card.absorber in tallies:
            found = tallies[card.absorber].metrics()
            metrics = {**card.metrics, "experimental standards": found}
            rewrite_card(
                card.model_copy(update={"metrics": metrics}), registry.path(card.name).parent
            )


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table per absorber, and what was answered wrongly."""
    parser = argparse.ArgumentParser(prog="live_lce.training.experimental_check")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, help="folder of the models; by default the shipped")
    parser.add_argument("--write", action="store_true", help="put the numbers on the cards")
    options = parser.parse_args(argv)
    registry = Registry(options.models)
    tallies = check(options.folder, registry, AnalysisSettings())
    if options.write:
        _write(registry, tallies)
    for absorber, tally in sorted(tallies.items()):
        sys.stdout.write(f"{absorber}\n")
        for name, value in tally.metrics().items():
            sys.stdout.write(f"   {name:36s} {value}\n")
    total, right = 0, 0
    for tally in tallies.values():
        total += len(tally.right) + len(tally.wrong)
        right += len(tally.right)
        for line in tally.wrong:
            sys.stdout.write(f"wrong: {line}\n")
    scored = sum(tally.scored for tally in tallies.values())
    sys.stdout.write(f"all: {right} right of {total} answered of {scored}\n")


if __name__ == "__main__":
    main()

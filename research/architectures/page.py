"""The page on architectures: tables of what was measured, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from research.architectures.measure import CONFIDENT, PRIORS, Outcome
from research.architectures.plan import ALONE_STEPS, FOLDS, HALF, SHIPPED, candidates
from research.architectures.words import PAGE, READING

THIN = ("Zn",)
"""Not in the mean: fewer than 30 computed spectra of each class."""
CHOSEN_PRIOR = 0.5
MISSING = "–"
QUOTED = {
    "base": "",
    "carbone": "Carbone's CNN per absorber",
    "near_1": "nearest reference, k = 1",
    "near_5": "nearest reference, k = 5",
    "boosted": "gradient-boosted trees",
    "forest": "random forest",
    "mlp": "MLP 128-64",
    "half": "everything half",
    "double": "everything double",
    "nomix": "no mixing",
    "wide": "wider",
    "long": "1400 steps (shipped)",
    "attention": "transformer, 2 layers of 32",
    "residual": "residual CNN",
    "alone": "chosen network, each absorber alone",
    "shipped": SHIPPED,
    "even": "balance 1",
    "uneven": "balance 0",
}
"""Short names of the lines that the reading quotes; the base is the mean of the seeds."""


def mean_f1(outcome: Outcome) -> float:
    """Return the macro F1 on computed spectra, averaged over the absorbers with enough."""
    return float(np.mean([f1 for el, f1 in outcome.f1.items() if el not in THIN]))


COLUMNS: dict[str, Callable[[Outcome], float | None]] = {
    "mean F1": mean_f1,
    "right": lambda o: o.right,
    "answered": lambda o: o.answered,
    "right of answered": lambda o: o.right_answered,
    "T4": lambda o: o.recall["T4"],
    "S5": lambda o: o.recall["S5"],
    "O6": lambda o: o.recall["O6"],
    "AUROC other": lambda o: o.auroc,
}


def page(outcomes: Sequence[Outcome]) -> str:
    """Return it as Markdown.

    Parameters
    ----------
    outcomes : sequence of Outcome
        All that were measured.
    """
    seeds = [one for one in outcomes if one.section == "seed"]
    at_one, at_half = _at(outcomes, 1.0), _at(outcomes, CHOSEN_PRIOR)
    base = [one for one in at_half if one.section == "seed"]
    return PAGE.format(
        folds=" and ".join(map(str, FOLDS)),
        steps=HALF.steps,
        alone=ALONE_STEPS,
        confident=CONFIDENT,
        prior=CHOSEN_PRIOR,
        seeds=_table(base, base),
        n_seeds=len(base),
        architectures=_table([_mean(base), *_of(at_half, "architecture")], base),
        as_is=_table(
            [_mean(_of(at_one, "seed")), *_of(at_one, "architecture")], _of(at_one, "seed")
        ),
        absorbers=_absorbers([_mean(_of(at_one, "seed")), *_of(at_one, "architecture")]),
        costs=_costs([_mean(base), *_of(at_half, "architecture")]),
        variation=_table([_mean(base), *_of(at_half, "variation")], base),
        course=_table([_mean(base), *_of(at_half, "course")], base),
        priors=_priors(seeds, outcomes),
        missing=_missing(outcomes),
        reading=READING.format(prior=f"{CHOSEN_PRIOR:g}", **quoted(outcomes)),
    )


def quoted(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the numbers that the reading quotes; a dash for what was not measured."""
    seeds = _of(outcomes, "seed")
    found: dict[str, float | None] = {}
    for key, name in QUOTED.items():
        for suffix, prior in (("", 1.0), ("_half", CHOSEN_PRIOR)):
            these = [o for o in _at(outcomes, prior) if o.name == name]
            one = _mean(_at(seeds, prior)) if key == "base" else these[0] if these else None
            found |= {
                f"{key}_f1{suffix}": mean_f1(one) if one else None,
                f"{key}_right{suffix}": one.right if one else None,
                f"{key}_answered{suffix}": one.right_answered if one else None,
                f"{key}_share{suffix}": one.answered if one else None,
                f"{key}_auroc{suffix}": one.auroc if one else None,
            }
    middle = _mean(_at(seeds, 0.7))
    spread = float(np.std([mean_f1(o) for o in _at(seeds, 1.0)], ddof=1)) if seeds[4:] else None
    found |= {"spread": spread, "f1_mid": mean_f1(middle), "right_mid": middle.right}
    words = {key: MISSING if value is None else f"{value:.3f}" for key, value in found.items()}
    points = {
        "gain": ("base_f1", "carbone_f1"),
        "right_gain": ("base_right_half", "base_right"),
        "f1_loss": ("base_f1", "base_f1_half"),
    }
    for key, (more, less) in points.items():
        a, b = found[more], found[less]
        words[key] = MISSING if a is None or b is None else f"{100 * (a - b):.1f}"
    return words


def _at(outcomes: Sequence[Outcome], prior: float) -> list[Outcome]:
    return [one for one in outcomes if one.prior == prior]


def _of(outcomes: Sequence[Outcome], section: str) -> list[Outcome]:
    return [one for one in outcomes if one.section == section]


def _mean(several: Sequence[Outcome]) -> Outcome:
    """Return the mean of the seeds as one outcome."""
    first = several[0]
    answers = [one.right_answered for one in several if one.right_answered is not None]
    return Outcome(
        name=f"**chosen network**, mean of {len(several)} seeds",
        section=first.section,
        prior=first.prior,
        f1=_means([one.f1 for one in several]),
        right=_average([one.right for one in several]),
        answered=_average([one.answered for one in several]),
        right_answered=_average(answers) if answers else None,
        recall=_means([one.recall for one in several]),
        auroc=_average([one.auroc for one in several]),
        seconds=_average([one.seconds for one in several]),
        cost=_means([one.cost for one in several]),
    )


def _means(several: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: _average([one[name] for one in several]) for name in several[0]}


def _average(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _table(lines: Sequence[Outcome], base: Sequence[Outcome]) -> str:
    """Return the scores; `*` where they are farther from the seeds' mean than seeds explain."""
    found = [f"| | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for one in lines:
        cells = []
        for column in COLUMNS.values():
            value = column(one)
            seen = [x for x in map(column, base) if x is not None]
            mark = "*" if value is not None and _beyond(value, seen) else ""
            cells.append(MISSING if value is None else f"{value:.3f}{mark}")
        found.append(f"| {one.name} | {' | '.join(cells)} |")
    return "\n".join(found)


def _beyond(value: float, seen: Sequence[float]) -> bool:
    """Tell whether a value is outside 3 standard deviations of a new seed's difference."""
    if len(seen) < 2:
        return False
    spread = 3 * float(np.std(seen, ddof=1)) * (1 + 1 / len(seen)) ** 0.5
    return bool(abs(value - _average(seen)) > max(spread, 1e-9))


def _absorbers(lines: Sequence[Outcome]) -> str:
    names = list(lines[0].f1)
    found = [f"| | {' | '.join(names)} | mean |", "|---" * (len(names) + 2) + "|"]
    for one in lines:
        cells = [f"{one.f1[el]:.2f}" for el in names]
        found.append(f"| {one.name} | {' | '.join(cells)} | {mean_f1(one):.3f} |")
    return "\n".join(found)


def _costs(lines: Sequence[Outcome]) -> str:
    found = ["| | parameters | multiply-adds | s per fold | µs alone | µs in a batch |"]
    found.append("|---" * 6 + "|")
    for one in lines:
        counts = [one.cost["parameters"], one.cost["multiply_adds"]]
        cells = [f"{n:,.0f}" if n else MISSING for n in counts]
        cells += [f"{one.seconds:.0f}", f"{one.cost['single']:.0f}", f"{one.cost['batched']:.1f}"]
        found.append(f"| {one.name} | {' | '.join(cells)} |")
    return "\n".join(found)


def _priors(seeds: Sequence[Outcome], outcomes: Sequence[Outcome]) -> str:
    found = [f"| factor on S5 | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for prior in PRIORS:
        one = _mean(_at(seeds, prior))
        cells = [MISSING if (v := of(one)) is None else f"{v:.3f}" for of in COLUMNS.values()]
        found.append(f"| {prior:g} | {' | '.join(cells)} |")
    longest = [one for one in outcomes if one.section == "course" and "steps" in one.name]
    for one in longest:
        cells = [MISSING if (v := of(one)) is None else f"{v:.3f}" for of in COLUMNS.values()]
        found.append(f"| {one.prior:g}, {one.name} | {' | '.join(cells)} |")
    return "\n".join(found)


def _missing(outcomes: Sequence[Outcome]) -> str:
    done = {one.name for one in outcomes}
    left = [one.name for one in candidates() if one.name not in done]
    return f"Still to be measured: {'; '.join(left)}.\n\n" if left else ""

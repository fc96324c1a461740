"""The tables of the report on Zheng et al., as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from research.zheng2020.benchmark import PAPER, SITE_AND_AVERAGED
from research.zheng2020.labels import RankedLabels
from research.zheng2020.metrics import Scores, joined, score
from research.zheng2020.robustness import DROPPED, NOISE, SIGMAS
from research.zheng2020.samples import AVERAGED, MIXTURE, SAME, SITE
from research.zheng2020.study import BY_SPECTRUM, GROUPED, SIZED, UNCOPIED, Key, Study
from research.zheng2020.two_step import MAKERS

NONE = "–"


def table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def pooled(scores: Iterable[Scores]) -> Scores:
    """Return scores over all spectra of all absorbers."""
    every = list(scores)
    n = np.array([one.n for one in every], dtype=float)

    def mean(name: str) -> float:
        return float(np.average([getattr(one, name) for one in every], weights=n))

    return Scores(int(n.sum()), mean("top"), mean("whole"), mean("jaccard"), mean("cn"))


def data_table(studies: Sequence[Study]) -> str:
    """Return how many spectra there are, and how far they reach."""
    head = ["", "computed", "structure known", "window (eV from E0)", "points", "reach its end"]
    head += ["sites", "averages", "same as a site", "mixtures", "labels", "entropy (bits)"]
    lines = []
    for s in studies:
        grid = s.window.grid
        lines.append(
            [s.absorber, s.n_rows, s.n_known, f"{grid.start:+.0f} to {grid.stop:+.1f}"]
            + [grid.n_points, f"{s.window.reaching} of {s.window.of}"]
            + [f"{s.kept[k]} of {s.made[k]}" for k in (SITE, AVERAGED, SAME, MIXTURE)]
            + [s.n_labels, f"{s.entropy:.2f}"]
        )
    return table(head, lines)


def leak_table(studies: Sequence[Study]) -> str:
    """Return the forests' scores by way of splitting."""
    head = ["", "n", "majority", "top-1 by spectrum", "without copies", "folds as by group"]
    head += ["by group", "leak", "largest fold"]
    head += ["whole ranking by spectrum", "by group", "Jaccard by spectrum", "by group"]
    every = [(s.absorber, s.protocols, s.majority, f"{s.largest:.0%}") for s in studies]
    n = np.array([s.protocols[GROUPED].n for s in studies], dtype=float)
    pool = {name: pooled(s.protocols[name] for s in studies) for name in studies[0].protocols}
    majority = float(np.average([s.majority for s in studies], weights=n))
    every.append(("all", pool, majority, NONE))
    lines: list[list[object]] = []
    for name, found, most, largest in every:
        paper, group = found[BY_SPECTRUM], found[GROUPED]
        tops = [most, *(found[p].top for p in (BY_SPECTRUM, UNCOPIED, SIZED, GROUPED))]
        tops.append(found[SIZED].top - group.top)
        rest = [paper.whole, group.whole, paper.jaccard, group.jaccard]
        first, second = ([f"{cell:.3f}" for cell in cells] for cells in (tops, rest))
        lines.append([name, f"{paper.n} / {group.n}", *first, largest, *second])
    return table(head, lines)


def classifier_table(studies: Sequence[Study]) -> str:
    """Return top-1 accuracy and Jaccard score of all classifiers, by spectrum and by group."""
    head = ["", *[f"{name}" for s in studies for name in [s.absorber]], "all", "Jaccard, all"]
    lines = []
    for name in MAKERS:
        both = [s.classifiers[name] for s in studies]
        cells = [f"{a.top:.3f} / {b.top:.3f}" for a, b in both]
        first, second = (pooled(side) for side in zip(*both, strict=True))
        cells += [f"{first.top:.3f} / {second.top:.3f}"]
        cells += [f"{first.jaccard:.3f} / {second.jaccard:.3f}"]
        lines.append([name, *cells])
    return table(head, lines)


def importance_table(studies: Sequence[Study]) -> str:
    """Return how much is lost without a region."""
    head = ["", "all points", *["without " + " + ".join(names) for names in DROPPED]]
    lines = []
    for s in studies:
        lost = s.importance.lost
        cells = [f"{-lost[names]:+.3f}" if names in lost else NONE for names in DROPPED]
        lines.append([s.absorber, f"{s.importance.whole:.3f}", *cells])
    return table(head, lines)


def robustness_table(studies: Sequence[Study]) -> str:
    """Return top-1 accuracy against broadening and noise."""
    head = ["", "as computed", *[f"σ {s:g} eV" for s in SIGMAS], *[f"noise {s:g}" for s in NOISE]]
    lines = [
        [s.absorber, f"{s.protocols[GROUPED].top:.3f}"]
        + [f"{s.broadened[one]:.3f}" for one in SIGMAS]
        + [f"{s.noisy[one]:.3f}" for one in NOISE]
        for s in studies
    ]
    return table(head, lines)


def measured(studies: Sequence[Study], key: Key) -> tuple[RankedLabels, RankedLabels]:
    """Return the benchmark's labels and what was said, over all absorbers."""
    there = [s for s in studies if s.benchmark is not None]
    truth = [s.benchmark.labels for s in there if s.benchmark is not None]
    return joined(truth), joined([s.said[key] for s in there])


def measured_majority(studies: Sequence[Study]) -> Scores:
    """Return the scores of the commonest label on the benchmark."""
    there = [s for s in studies if s.benchmark is not None and s.majority_said is not None]
    truth = joined([s.benchmark.labels for s in there if s.benchmark is not None])
    return score(truth, joined([s.majority_said for s in there if s.majority_said is not None]))


def ablation_table(studies: Sequence[Study]) -> str:
    """Return Table 1 on the measured benchmark and on computed spectra of other groups."""
    head = ["training spectra", "stretched copies", "measured: n", "top-1", "whole ranking"]
    head += ["Jaccard", "published (n = 28): accuracy", "Jaccard", "computed sites: top-1"]
    head += ["computed averages and mixtures: top-1"]
    lines: list[list[object]] = []
    for key, (accuracy, jaccard) in PAPER.items():
        found = score(*measured(studies, key))
        sites = pooled(s.ablation[key][0] for s in studies)
        mixed = pooled(one for s in studies if (one := s.ablation[key][1]) is not None)
        published = [f"*{accuracy:.3f}*", f"*{jaccard:.3f}*"]
        computed = [f"{one.top:.3f} (n = {one.n})" for one in (sites, mixed)]
        augmented = "yes" if key[1] else "no"
        lines.append([key[0], augmented, *_three(found), *published, *computed])
    most = _three(measured_majority(studies))
    lines.append(["commonest label", NONE, *most, *[NONE] * 4])
    return table(head, lines)


def benchmark_table(studies: Sequence[Study]) -> str:
    """Return each measured spectrum, its label and what was said of it."""
    head = ["row", "compound", "quality", "the paper's label", "said", "first environment"]
    lines = []
    for s in studies:
        if s.benchmark is None:
            continue
        b, said = s.benchmark, s.said[SITE_AND_AVERAGED, True]
        for i, name in enumerate(b.id):
            one = np.array([i])
            right = score(b.labels.take(one), said.take(one)).top == 1
            label, guess = b.labels.motif[i] or b.labels.cn[i], said.motif[i] or said.cn[i]
            row = [name.removeprefix("zheng2020_"), b.compound[i], b.quality[i], label]
            lines.append([*row, "the same" if label == guess else guess, "yes" if right else "no"])
    return table(head, lines)


def _three(scores: Scores) -> list[object]:
    found = (f"{one:.3f}" for one in (scores.top, scores.whole, scores.jaccard))
    return [scores.n, *found]

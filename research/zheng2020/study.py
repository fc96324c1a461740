"""All numbers of the report on Zheng et al., one absorber at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import Rows
from research.zheng2020.benchmark import (
    PAPER,
    SITE_AND_AVERAGED,
    Benchmark,
    held_out,
    said_of,
)
from research.zheng2020.crossval import (
    N_FOLDS,
    Prepared,
    fit_folds,
    grouped_folds,
    judge,
    make_samples,
    prepare,
    random_folds,
)
from research.zheng2020.labels import LabelTable, RankedLabels
from research.zheng2020.metrics import Scores, entropy, majority_top, score
from research.zheng2020.robustness import Importance, endured, importance
from research.zheng2020.samples import SAME
from research.zheng2020.two_step import MAKERS, Maker, random_forest
from research.zheng2020.window import Window, choose

BY_SPECTRUM, UNCOPIED, GROUPED = "by spectrum", "by spectrum, no copies", "by group"
SIZED = "by spectrum, folds as large as by group"
Key = tuple[str, bool]
"""Source of the training spectra, and whether stretched copies were added."""


@dataclass(frozen=True)
class Study:
    """What was measured for one absorber.

    Parameters
    ----------
    absorber : str
        Element symbol.
    n_rows, n_known : int
        Computed spectra that pass the checks, and those of known structure.
    window : Window
        Of the features.
    made, kept : dict
        Samples of each kind that reach the window's end, and those with common labels.
    n_labels : int
        Joint ranked labels that are common.
    largest : float
        Share of the samples in the largest grouped fold; evenly dealt out it would be 0.2.
    entropy, majority : float
        Label entropy (bits) and share of the commonest first environment.
    protocols : dict
        Scores of the random forests by way of splitting.
    classifiers : dict
        By name: scores by spectrum and by group.
    importance : Importance
        Drop-variable importance.
    broadened, noisy : dict
        Top-1 accuracy by standard deviation.
    ablation : dict
        Held-out computed sites, and averages and mixtures.
    benchmark : Benchmark or None
        The measured spectra.
    said : dict
        What was said of them.
    majority_said : RankedLabels or None
        What the commonest label would say of them.
    """

    absorber: str
    n_rows: int
    n_known: int
    window: Window
    made: dict[str, int]
    kept: dict[str, int]
    n_labels: int
    largest: float
    entropy: float
    majority: float
    protocols: dict[str, Scores]
    classifiers: dict[str, tuple[Scores, Scores]]
    importance: Importance
    broadened: dict[float, float]
    noisy: dict[float, float]
    ablation: dict[Key, tuple[Scores, Scores | None]]
    benchmark: Benchmark | None
    said: Mapping[Key, RankedLabels]
    majority_said: RankedLabels | None


def prepared(
    rows: Rows, table: LabelTable, absorber: str, spectra: dict[str, Any], seed: int
) -> Prepared:
    """Return the paper's samples of one absorber: window around E0, all kinds."""
    fold = grouped_folds(rows, table, absorber, N_FOLDS, seed)
    samples = make_samples(rows, table, absorber, fold, spectra, seed)
    return prepare(samples, absorber, choose, samples.e0)


def study(
    rows: Rows,
    table: LabelTable,
    absorber: str,
    spectra: dict[str, Any],
    benchmark: Benchmark | None,
    seed: int = 0,
) -> Study | None:
    """Measure everything for one absorber.

    Parameters
    ----------
    rows : Rows
        Its computed spectra, of every label.
    table : LabelTable
        Order parameters.
    absorber : str
        Element symbol.
    spectra : dict
        Energy and mu as computed, by row id.
    benchmark : Benchmark or None
        Its rows of the experimental benchmark.
    seed : int
        Of folds, mixtures, stretching and classifiers.

    Returns
    -------
    Study or None
        None if fewer than two coordination numbers have 30 spectra.
    """
    data = prepared(rows, table, absorber, spectra, seed)
    if len(np.unique(data.labels.top)) < 2:
        return None
    own = data.take(data.samples.kind != SAME)
    fold = own.samples.fold
    models = fit_folds(own, fold, random_forest, seed)
    by_spectrum = random_folds(len(data), seed)
    protocols = {
        BY_SPECTRUM: _scores(data, by_spectrum, random_forest, seed),
        UNCOPIED: _scores(own, random_folds(len(own), seed), random_forest, seed),
        SIZED: _scores(own, as_large(fold, seed), random_forest, seed),
        GROUPED: score(own.labels, judge(own, fold, models)),
    }
    broadened, noisy = endured(own, fold, models, seed)
    return Study(
        absorber=absorber,
        n_rows=len(rows),
        n_known=int(table.known(rows).sum()),
        window=data.window,
        made=data.made,
        kept=data.samples.counts(),
        n_labels=len(set(zip(own.labels.cn.tolist(), own.labels.motif.tolist(), strict=True))),
        largest=float(np.bincount(fold).max() / len(fold)),
        entropy=entropy(own.labels),
        majority=majority_top(own.labels),
        protocols=protocols,
        classifiers={
            name: (protocols[BY_SPECTRUM], protocols[GROUPED])
            if make is random_forest
            else (_scores(data, by_spectrum, make, seed), _scores(own, fold, make, seed))
            for name, make in MAKERS.items()
        },
        importance=importance(own, fold, protocols[GROUPED].top, seed),
        broadened=broadened,
        noisy=noisy,
        ablation={key: held_out(own, fold, *key, seed) for key in PAPER},
        benchmark=benchmark,
        said={key: said_of(own, benchmark, *key, seed) for key in PAPER} if benchmark else {},
        majority_said=said_of(own, benchmark, SITE_AND_AVERAGED, False, seed, MAKERS["majority"])
        if benchmark
        else None,
    )


def as_large(fold: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Deal out spectra one by one to folds of given sizes: what unequal folds alone do."""
    return np.random.default_rng(seed).permutation(fold)


def _scores(data: Prepared, fold: NDArray[np.intp], make: Maker, seed: int) -> Scores:
    return score(data.labels, judge(data, fold, fit_folds(data, fold, make, seed)))

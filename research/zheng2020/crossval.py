"""Five-fold cross-validation as in the paper, by spectrum, and by groups that share nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import Rows
from live_lce.datasets._split import folds
from live_lce.spectra import Array
from research.zheng2020.labels import LabelTable, RankedLabels, ranked_labels
from research.zheng2020.metrics import joined
from research.zheng2020.rare import learnable, shortened
from research.zheng2020.samples import (
    AVERAGED,
    SITE,
    Samples,
    averages,
    mixtures,
    sites,
    stretched,
    together,
)
from research.zheng2020.two_step import Maker, TwoStep, fit_two_step
from research.zheng2020.window import Window, features, reaches

N_FOLDS = 5
Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""What a test does to features."""
Put = Callable[[Array, Array, Window], NDArray[np.float32]]


@dataclass(frozen=True)
class Prepared:
    """The samples of one absorber that can be learnt, and their labels.

    Parameters
    ----------
    samples : Samples
        Sites, averages, mixtures.
    labels : RankedLabels
        Of the samples.
    origin : ndarray of shape (n,)
        Zero of each sample's window (eV from the edge reference).
    window : Window
        Of the features.
    made : dict
        Samples of each kind before labels with under 30 samples were dropped.
    put : callable
        How norm, origin and window make features.
    """

    samples: Samples
    labels: RankedLabels
    origin: Array
    window: Window
    made: dict[str, int]
    put: Put = features

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Prepared:
        """Return some of them."""
        return replace(
            self,
            samples=self.samples.take(chosen),
            labels=self.labels.take(chosen),
            origin=self.origin[chosen],
        )

    def features(self) -> NDArray[np.float32]:
        """Return features, shape (n, n_points)."""
        return self.put(self.samples.norm, self.origin, self.window)


def grouped_folds(
    rows: Rows, table: LabelTable, absorber: str, n: int, seed: int
) -> NDArray[np.intp]:
    """Deal out groups of near-duplicates and equal formulas, ranked labels spread evenly."""
    known = table.known(rows)
    named = np.full(len(rows), "", dtype=object)
    named[known] = ranked_labels(table.of(rows.take(known)), absorber).cn
    codes = np.unique(named.astype(np.str_), return_inverse=True)[1].astype(np.intp)
    return folds(replace(rows, label=codes), n, seed)


def make_samples(
    rows: Rows,
    table: LabelTable,
    absorber: str,
    fold: NDArray[np.intp],
    spectra: dict[str, Any],
    seed: int,
) -> Samples:
    """Return sites, averages, and one mixture for every structure that lacks sites.

    Rows without order parameters (no structure is known) are left out.
    """
    known = table.known(rows)
    rows, fold = rows.take(known), fold[known]
    single = sites(rows, table, fold)
    averaged, incomplete = averages(rows, table, fold, absorber, spectra)
    mixed = mixtures(single, len(incomplete), np.random.default_rng(seed))
    return together(single, averaged, mixed)


def prepare(
    samples: Samples,
    absorber: str,
    choose: Callable[[Array], Window],
    origin: Array,
    put: Put = features,
    shorten: bool = False,
) -> Prepared:
    """Label samples, choose the window, and drop what is too short or too rare.

    Parameters
    ----------
    samples : Samples
        Of one absorber.
    absorber : str
        Element symbol.
    choose : callable
        From how far the sites reach behind their origin (eV) to the window.
    origin : ndarray of shape (n,)
        Zero of each sample's window (eV from the edge reference).
    put : callable
        How norm, origin and window make features.
    shorten : bool
        Whether rare rankings are cut short before what is still rare is dropped.
    """
    site = samples.kind == SITE
    window = choose((samples.last - origin)[site])
    long = reaches(samples.last, origin, window)
    samples, origin = samples.take(long), origin[long]
    labels = ranked_labels(samples.parameters, absorber)
    counted = np.isin(samples.kind, [SITE, AVERAGED])
    if shorten:
        labels = shortened(labels, counted)
    keep = learnable(labels, absorber, counted)
    made = samples.counts()
    return Prepared(samples.take(keep), labels.take(keep), origin[keep], window, made, put)


def random_folds(n: int, seed: int) -> NDArray[np.intp]:
    """Deal out spectra one by one, as the paper does."""
    fold: NDArray[np.intp] = np.random.default_rng(seed).permutation(n) % N_FOLDS
    return fold


def fit(data: Prepared, make: Maker, seed: int, augment: bool = True) -> TwoStep:
    """Fit both steps to a training side, with stretched copies of 30 % of it."""
    x, labels = training_set(data, seed, augment)
    return fit_two_step(x, labels, make, seed)


def training_set(
    data: Prepared, seed: int, augment: bool = True
) -> tuple[NDArray[np.float32], RankedLabels]:
    """Return features and labels of a training side, its stretched copies behind it."""
    x = data.features()
    if not augment:
        return x, data.labels
    copies, which = stretched(data.samples, data.origin, np.random.default_rng(seed))
    more = data.put(copies.norm, data.origin[which], data.window)
    return np.concatenate([x, more]), joined([data.labels, data.labels.take(which)])


def fit_folds(
    data: Prepared, fold: NDArray[np.intp], make: Maker, seed: int, augment: bool = True
) -> list[TwoStep]:
    """Fit one pair of models per fold, each to all folds but its own."""
    return [fit(data.take(fold != k), make, seed + k, augment) for k in range(N_FOLDS)]


def judge(
    data: Prepared,
    fold: NDArray[np.intp],
    models: list[TwoStep],
    change: Change | None = None,
) -> RankedLabels:
    """Return each sample's labels by the models that did not see its fold."""
    x = data.features()
    if change is not None:
        x = change(x)
    cn = np.full(len(data), "", dtype=object)
    motif, top = cn.copy(), np.zeros(len(data), dtype=np.intp)
    for k, model in enumerate(models):
        chosen = fold == k
        if chosen.any():
            said = model.predict(x[chosen])
            cn[chosen], motif[chosen], top[chosen] = said.cn, said.motif, said.top
    return RankedLabels(cn.astype(np.str_), motif.astype(np.str_), top)

"""What is compared: kinds of models, variation of the training spectra, course of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from live_lce.classifiers import Grid
from live_lce.spectra import Array
from live_lce.training._beamline import Variation
from live_lce.training._ensemble import EPOCHS
from research.architectures import networks as rivals
from research.architectures.fit import (
    Build,
    Cost,
    Predict,
    Spectra,
    cost_of_network,
    predictor,
    timed,
)
from research.architectures.others import boosted, fit_carbone, fit_trees, forest, nearest
from research.lce.fit import Course, fit_network
from research.lce.network import LceNetwork, Shape
from research.lce.pool import POOL_CLASSES, Pool

GRID = Grid(start=-18.0, stop=40.0, n_points=117)
SHORT = Grid(start=-18.0, stop=17.0, n_points=71)
HALF = Course(steps=700)
"""Half the steps of the shipped course: what is compared is trained alike, and affordable."""
STUDIED = Variation(
    mix=0.6,
    broadening=2.0,
    shift=0.7,
    stretch=0.035,
    amplitude=0.15,
    over_absorption=0.3,
    over_absorbed=0.4,
    pre_edge=0.25,
    slope=0.05,
    baseline=0.015,
    noise=0.02,
    cut=0.6,
    earliest=10.0,
)
"""Written out, so that the record stays comparable: what is shipped was changed since."""
SHIPPED = "as in `Variation()`, shipped"
FOLDS = (1, 2)
ALONE_STEPS = 200
"""Of each absorber's own network: all nine together get more than twice the pooled one's."""
BASE = "base"
N_CLASSES = len(POOL_CLASSES)


@dataclass(frozen=True)
class Fitted:
    """A fitted candidate.

    Parameters
    ----------
    predict : callable
        Gives probabilities.
    cost : Cost
        Of one member.
    """

    predict: Predict
    cost: Cost


@dataclass(frozen=True)
class Candidate:
    """One line of the comparison.

    Parameters
    ----------
    name, section : str
        What it is, and the table that it stands in.
    model : str
        Key of :data:`NETWORKS` or :data:`OTHERS`.
    how, course, grid
        Of the training.
    folds : tuple of int
        Those that are left out in turn.
    alone : bool
        A network for each absorber.
    """

    name: str
    section: str
    model: str = BASE
    how: Variation = STUDIED
    course: Course = HALF
    grid: Grid = GRID
    folds: tuple[int, ...] = FOLDS
    alone: bool = False


def _lce(shape: Shape) -> Build:
    return lambda grid, n: LceNetwork(grid.n_points, n, N_CLASSES, shape)


WIDE, NARROW = Shape((24, 32, 48), hidden=96), Shape((8, 16, 24), hidden=32)
NETWORKS: dict[str, Build] = {
    BASE: _lce(Shape()),
    "wide": _lce(WIDE),
    "narrow": _lce(NARROW),
    "perceptron": lambda grid, n: rivals.Perceptron(grid.n_points, n, N_CLASSES),
    "residual": lambda grid, n: rivals.Residual(n, N_CLASSES),
    "attention": lambda grid, n: rivals.Attention(grid.n_points, n, N_CLASSES),
    "recurrent": lambda grid, n: rivals.Recurrent(n, N_CLASSES),
}
Other = Callable[[Candidate, Pool, NDArray[np.intp]], Predict]
OTHERS: dict[str, Other] = {
    "boosted": lambda c, pool, rows: fit_trees(boosted, pool, rows, c.grid, c.how, c.course),
    "forest": lambda c, pool, rows: fit_trees(forest, pool, rows, c.grid, c.how, c.course),
    "nearest 1": lambda c, pool, rows: nearest(1, pool, rows, c.grid),
    "nearest 5": lambda c, pool, rows: nearest(5, pool, rows, c.grid),
    "carbone": lambda c, pool, rows: fit_carbone(pool, rows, c.course.seed, EPOCHS),
}


def candidates() -> list[Candidate]:
    """Return all, what matters most first."""
    how, course = STUDIED, HALF
    architecture = partial(Candidate, section="architecture")
    variation = partial(Candidate, section="variation")
    schedule = partial(Candidate, section="course")
    return [
        Candidate("chosen network, seed 0", "seed"),
        architecture("MLP 128-64", model="perceptron"),
        architecture("nearest reference, k = 1", model="nearest 1"),
        architecture("nearest reference, k = 5", model="nearest 5"),
        architecture("gradient-boosted trees", model="boosted"),
        architecture("random forest", model="forest"),
        Candidate("chosen network, seed 1", "seed", course=replace(course, seed=1)),
        architecture("Carbone's CNN per absorber", model="carbone"),
        Candidate("chosen network, seed 2", "seed", course=replace(course, seed=2)),
        variation("no mixing", how=replace(how, mix=0.0)),
        variation("everything half", how=scaled(how, 0.5)),
        variation("everything double", how=scaled(how, 2.0)),
        variation(SHIPPED, how=Variation()),
        architecture("wider", model="wide"),
        architecture("residual CNN", model="residual"),
        schedule("1400 steps (shipped)", course=replace(course, steps=1400)),
        architecture("transformer, 2 layers of 32", model="attention"),
        schedule("balance 0", course=replace(course, balance=0.0)),
        schedule("balance 1", course=replace(course, balance=1.0)),
        variation("no broadening", how=replace(how, broadening=0.0)),
        architecture("narrower", model="narrow"),
        architecture(
            "chosen network, each absorber alone", alone=True, course=Course(steps=ALONE_STEPS)
        ),
        variation("no cut", how=replace(how, cut=0.0)),
        variation("no stretch", how=replace(how, stretch=0.0)),
        schedule("grid to +17 eV", grid=SHORT),
        variation("no over-absorption", how=replace(how, over_absorbed=0.0)),
        architecture("GRU both ways, 32", model="recurrent"),
        schedule("fold 0 (one group of 2230 Cu spectra)", folds=(0,)),
        schedule("2800 steps", course=replace(course, steps=2800)),
    ]


def scaled(how: Variation, factor: float) -> Variation:
    """Return a variation with every strength multiplied; how often stays, and the cut."""
    names = (
        *("broadening", "shift", "stretch", "amplitude", "over_absorption"),
        *("pre_edge", "slope", "baseline", "noise"),
    )
    return replace(how, **{name: factor * getattr(how, name) for name in names})


def fit_candidate(candidate: Candidate, pool: Pool, chosen: NDArray[np.intp]) -> Fitted:
    """Fit one on some rows of the pool.

    Parameters
    ----------
    candidate : Candidate
        What.
    pool : Pool
        All spectra.
    chosen : ndarray of int, shape (n_chosen,)
        Positions of the training rows.
    """
    probe = Spectra(pool.rows.norm[chosen], pool.rows.last[chosen], pool.absorber[chosen])
    if candidate.model in OTHERS:
        predict = OTHERS[candidate.model](candidate, pool, chosen)
        times = timed(lambda n: predict(probe.take(np.arange(n))), len(probe.last), repeats=5)
        return Fitted(predict, Cost(0, 0, *times))
    build = NETWORKS[candidate.model]

    def network(rows: NDArray[np.intp]) -> nn.Module:
        return fit_network(
            lambda: build(candidate.grid, len(pool.absorbers)),
            *(pool, rows, candidate.grid, candidate.how, candidate.course),
        )

    if not candidate.alone:
        one = network(chosen)
        cost = cost_of_network(one, probe, candidate.grid)
        return Fitted(predictor(one, candidate.grid), cost)
    each = {i: network(np.intersect1d(pool.of(el), chosen)) for i, el in enumerate(pool.absorbers)}
    predicts = {i: predictor(one, candidate.grid) for i, one in each.items()}

    def of_absorber(spectra: Spectra) -> Array:
        found = np.zeros((len(spectra.last), N_CLASSES))
        for i in np.unique(spectra.absorber):
            here = spectra.absorber == i
            found[here] = predicts[int(i)](spectra.take(here))
        return found

    return Fitted(of_absorber, cost_of_network(each[0], probe, candidate.grid))

"""Train the default family: one small network for all absorbers, five members.

``python -m research.lce.family --data ../shared/data/computed --out models``
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from live_lce._support.processes import process_pool
from live_lce.classifiers import Grid, ModelCard
from live_lce.classifiers._card import Needs, OutOfDistribution
from live_lce.classifiers._conformal import label_set_mass, once_a_group
from live_lce.classifiers._registry import model_name
from live_lce.contract import OTHER
from live_lce.datasets._rows import CLASSES, FILES, LEAST_SITES
from live_lce.spectra import Array
from live_lce.training._atlas import make_atlas
from live_lce.training._beamline import Variation, varied
from live_lce.training._cross_validation import cross_validated
from live_lce.training._ensemble_model import describe, hashes, training_record
from live_lce.training._export import write_model
from research.lce import minerals
from research.lce.calibration import fitted_temperature
from research.lce.distance import WEIGHTS, LceOod, references
from research.lce.fit import Course, fit_member, logits, plain_input
from research.lce.graph import LceGraph, Members
from research.lce.network import LceNetwork, Shape
from research.lce.outliers import SOURCE, outliers_sha256, with_outliers
from research.lce.pool import POOL_CLASSES, Pool, read_pool
from research.lce.threshold import WITHIN, thresholded

FAMILY, VERSION, EDGE = "lce", "1.2.0", "K"
MEMBERS = 5
GRID = Grid(start=-18.0, stop=40.0, n_points=117)
NEEDS = Needs(start=-8.0, stop=10.0)
"""A scan is answered once it has this: the latest that training spectra begin, and the earliest
that they end, less the uncertainty of the edge reference."""
PRIOR = {"S5": 0.5, OTHER: 0.1}
"""Odds against training, where rare classes are drawn more often than a beamline meets them."""
LEAST_CONFIDENCE = 0.45
COVERAGE = 0.9
"""How often a label set holds the right label."""
METRICS = "cross-validated"
PREPROCESSING = (
    "normalized absorption averaged over the grid's bins, relative to the edge reference; what is"
    " missing behind the scan's end is NaN; inside the ONNX graph scaled by its mean from +5 to"
    " +15 eV and masked; training spectra that begin inside the window carry their first value on"
    " below"
)
OOD_METHOD = (
    "odds of the class other, times the square of the distance from the nearest varied training"
    " spectra of the absorber (docs/reference/models/out-of-distribution.md)"
)
OOD_THRESHOLD = (
    f"{WITHIN:.1%} of the absorber's varied computed spectra of T4, S5 and O6 score less, each"
    " judged by what did not see it"
)
LICENCE = (
    "BSD-3-Clause; trained on OmniXAS (BSD-3-Clause), on FEFF10 spectra of structures of the"
    " Materials Project (CC-BY 4.0) and on our own FEFF10 spectra of idealized structures and of"
    " structures of the American Mineralogist Crystal Structure Database (AMCSD; Downs and"
    " Hall-Wallace, Am. Mineral. 88, 247 (2003))"
)
_OMNIXAS = "OmniXAS, FEFF9 (BSD-3-Clause)"
SOURCES = {
    "omnixas_val.parquet": _OMNIXAS,
    "omnixas_cu.parquet": _OMNIXAS,
    "feff10.parquet": "FEFF10, structure of the Materials Project (CC-BY 4.0)",
    minerals.SOURCE: "FEFF10, structure of AMCSD (BSD-3-Clause)",
    SOURCE: "FEFF10, idealized structure (BSD-3-Clause)",
}
"""What the atlas calls the sources of training spectra, with the licence."""


@dataclass(frozen=True)
class Trained:
    """The members, and what they say of the rows that they did not see.

    Parameters
    ----------
    networks : tuple of LceNetwork
        One per fold.
    plain, measured : ndarray of shape (n_rows, n_classes)
        Logits of each row by the member of its fold: as computed, and varied as a beamline would.
    temperature : float
        Fitted to `measured`.
    """

    networks: tuple[LceNetwork, ...]
    plain: Array
    measured: Array
    temperature: float


def train(pool: Pool, shape: Shape, how: Variation, course: Course, jobs: int) -> Trained:
    """Train all members.

    Parameters
    ----------
    pool : Pool
        Spectra of all absorbers, in :data:`MEMBERS` folds.
    shape, how, course
        Of each network and its training; member k has `course.seed` + k.
    jobs : int
        Members trained at the same time.
    """
    work = partial(_member, pool, shape, how, course)
    if jobs == 1:
        networks = tuple(map(work, range(MEMBERS)))
    else:  # spawned: torch's threads do not survive a fork
        with process_pool(jobs) as workers:
            networks = tuple(workers.map(work, range(MEMBERS)))
    n = len(pool.rows)
    plain, measured = np.zeros((n, len(POOL_CLASSES))), np.zeros((n, len(POOL_CLASSES)))
    random = torch.Generator().manual_seed(course.seed)
    for fold, network in enumerate(networks):
        rows = np.flatnonzero(pool.fold == fold)
        plain[rows] = logits(network, plain_input(pool, rows, GRID), pool.absorber[rows])
        spectra = _as_measured(pool, rows, how, random)
        measured[rows] = logits(network, spectra, pool.absorber[rows])
    cell = pool.absorber * len(POOL_CLASSES) + pool.rows.label
    _, which, count = np.unique(cell, return_inverse=True, return_counts=True)
    weight: Array = count[which].astype(float) ** -0.5
    temperature = fitted_temperature(measured, pool.rows.label, weight)
    return Trained(networks, plain, measured, temperature)


def prior_offset() -> Array:
    """Return what is added to the logits, (n_classes,)."""
    offset: Array = np.log([PRIOR.get(name, 1.0) for name in POOL_CLASSES])
    return offset


def write(
    pool: Pool,
    trained: Trained,
    absorber: str,
    ood: torch.nn.Module,
    sha256: dict[str, str],
    how: Variation,
    course: Course,
    shape: Shape,
    out: Path,
) -> ModelCard:
    """Write the model of one absorber.

    Parameters
    ----------
    pool, trained
        All spectra, and the members.
    absorber : str
        Element symbol.
    ood : Module
        See :class:`~research.lce.graph.LceGraph`.
    sha256 : dict
        Of each file of training data, by name.
    how, course, shape
        As trained.
    out : Path
        Folder of the models.
    """
    own = pool.of(absorber)
    offset = prior_offset()
    said = softmax(trained.plain[own] / trained.temperature + offset, axis=1)
    scored = (pool.rows.label[own] < len(CLASSES)) & ~minerals.is_mineral(pool.rows.take(own))
    among = said[scored][:, : len(CLASSES)]
    metrics = cross_validated(pool.rows.take(own[scored]), pool.fold[own[scored]], among)
    mass = label_set_mass(
        softmax(trained.measured[own] / trained.temperature + offset, axis=1),
        pool.rows.label[own],
        COVERAGE,
        once_a_group(pool.rows.formula[own]),
    )
    card = ModelCard(
        name=model_name(absorber, EDGE, FAMILY),
        family=FAMILY,
        version=VERSION,
        absorber=absorber,
        edge=EDGE,
        classes=POOL_CLASSES,
        members=MEMBERS,
        grid=GRID,
        needs=NEEDS,
        min_confidence=LEAST_CONFIDENCE,
        label_set_mass=mass,
        label_set_coverage=COVERAGE,
        preprocessing=PREPROCESSING,
        architecture=(
            f"{shape.describe()}; mean of {MEMBERS} networks, each trained without one fold, on"
            f" all of {', '.join(pool.absorbers)}; temperature {trained.temperature:.2f};"
            f" odds of S5 times {PRIOR['S5']:g}, of other times {PRIOR[OTHER]:g}"
        ),
        training=training_record(
            pool.rows.take(own),
            pool.fold[own],
            sha256,
            augmentation=how.describe(),
            seed=course.seed,
            epochs=0,
            classes=POOL_CLASSES,
        ).model_copy(update={"course": course.describe()}),
        metrics={METRICS: metrics},
        ood=OutOfDistribution(method=OOD_METHOD, threshold=OOD_THRESHOLD),
        licence=LICENCE,
        created_by=f"python -m research.lce.family --data DATA --out models --seed {course.seed}",
    )
    members = Members(trained.networks, pool.absorbers.index(absorber))
    graph = LceGraph(members, GRID, torch.as_tensor(offset), trained.temperature, ood)
    atlas = make_atlas(pool.rows.take(own), POOL_CLASSES, GRID, SOURCES, course.seed)
    return write_model(graph, card, out, atlas)


def _member(pool: Pool, shape: Shape, how: Variation, course: Course, fold: int) -> LceNetwork:
    chosen = np.flatnonzero(pool.fold != fold)
    return fit_member(pool, chosen, GRID, shape, how, replace(course, seed=course.seed + fold))


def _as_measured(
    pool: Pool, rows: NDArray[np.intp], how: Variation, random: torch.Generator
) -> torch.Tensor:
    norm = torch.as_tensor(pool.rows.norm[rows], dtype=torch.float32)
    last = torch.as_tensor(pool.rows.last[rows], dtype=torch.float32)
    nothing = torch.zeros(len(rows), 1)
    alone = torch.arange(len(rows))
    unmixed = replace(how, mix=0.0)
    return varied(norm, nothing, last, alone, GRID, unmixed, random)[0]


def main(argv: Sequence[str] | None = None) -> None:
    """Train the members, and write the models of all absorbers with enough sites."""
    parser = argparse.ArgumentParser(prog="research.lce.family", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the Parquet files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Course.steps, help="batches per member")
    parser.add_argument("--jobs", type=int, default=1, help="members trained at the same time")
    options = parser.parse_args(argv)
    begun = time.perf_counter()
    shape, how = Shape(), Variation()
    course = Course(steps=options.steps, seed=options.seed)
    pool = with_outliers(read_pool(options.data, MEMBERS, options.seed))
    trained = train(pool, shape, how, course, options.jobs)
    own_files = {SOURCE: outliers_sha256(), minerals.SOURCE: minerals.minerals_sha256()}
    sha256 = hashes(options.data, FILES) | own_files
    for absorber in pool.absorbers:
        label = pool.rows.label[pool.of(absorber)]
        if min((label == k).sum() for k in range(len(CLASSES))) < LEAST_SITES:
            sys.stdout.write(f"{absorber}: fewer than {LEAST_SITES} sites of a class, no model\n")
            continue
        weights = thresholded(pool, absorber, trained.networks, GRID, WEIGHTS, options.seed)
        ood = LceOod(references(pool, absorber, GRID, options.seed), GRID, weights)
        card = write(pool, trained, absorber, ood, sha256, how, course, shape, options.out)
        sys.stdout.write(describe(card.name, card.metrics[METRICS]) + "\n")
    sys.stdout.write(f"{time.perf_counter() - begun:.0f} s\n")


if __name__ == "__main__":
    main()

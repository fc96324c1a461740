"""Train the shipped family: Carbone's CNN, for every absorber with enough computed sites.

``python -m research.carbone2019.family --data ../shared/data/computed --out models``
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from live_lce._support.processes import process_pool
from live_lce.classifiers import ModelCard
from live_lce.classifiers._card import OutOfDistribution
from live_lce.classifiers._registry import model_name
from live_lce.datasets import Rows
from live_lce.datasets._rows import CLASSES, FILES, enough, read_rows
from live_lce.datasets._split import folds
from live_lce.spectra import Array
from live_lce.training import _distance as distance
from live_lce.training._augment import Augmentation, augmented, resample
from live_lce.training._cross_validation import cross_validated
from live_lce.training._ensemble import EPOCHS, Schedule, begin, fit_members, logits_of, unseen
from live_lce.training._ensemble_model import describe, hashes, member_rows, training_record
from live_lce.training._export import write_model
from live_lce.training._fitted import row_weights
from live_lce.training._graph import EnsembleGraph
from live_lce.training._networks import DESCRIPTION, CarboneCNN
from live_lce.training._own_model import METRICS, PREPROCESSING
from live_lce.training._own_plan import EDGE, window

FAMILY, VERSION = "carbone-cnn", "1.1.0"
MEMBERS = 5
ARCHITECTURE = (
    f"{DESCRIPTION}; mean of {MEMBERS} networks, each trained without one fold"
    " (the paper has one network)"
)
LICENCE = (
    "BSD-3-Clause; trained on OmniXAS (BSD-3-Clause) and on FEFF10 spectra of structures of"
    " the Materials Project (CC-BY 4.0)"
)


def train(
    rows: Rows,
    absorber: str,
    sha256: dict[str, str],
    out: Path,
    seed: int = 0,
    epochs: int = EPOCHS,
    how: Augmentation | None = None,
) -> ModelCard:
    """Train, judge and write the model of one absorber.

    Parameters
    ----------
    rows : Rows
        All its spectra.
    absorber : str
        Element symbol.
    sha256 : dict
        Of each file of training data, by name.
    out : Path
        Folder of the models.
    seed : int
        Of split, augmentation and weights.
    epochs : int
        Passes over the shifted spectra.
    how : Augmentation, optional
        How far spectra are varied.

    Returns
    -------
    ModelCard
        As written beside the ONNX file.
    """
    how = how or Augmentation()
    grid = window(rows)
    rows = rows.covering(grid.stop)
    fold = folds(rows, MEMBERS, seed)

    def draw(rng: np.random.Generator) -> tuple[Array, NDArray[np.intp]]:
        values, index = augmented(rows.norm, rows.label, grid, how, rng, fold)
        return distance.standardized(values), index

    network = begin(partial(CarboneCNN, MEMBERS, grid.n_points, len(CLASSES)), seed)
    sees = member_rows(fold, MEMBERS)
    schedule = Schedule(epochs=epochs, seed=seed)
    fit_members(network, draw, rows.label, sees, schedule, row_weights(rows))
    clean = distance.standardized(resample(rows.norm, grid))
    probabilities = softmax(unseen(logits_of(network, clean), fold), axis=1)
    varied, index = draw(np.random.default_rng(seed))
    distances = distance.fit_distances(varied, rows.label[index], fold[index], len(CLASSES))
    card = ModelCard(
        name=model_name(absorber, EDGE, FAMILY),
        family=FAMILY,
        version=VERSION,
        absorber=absorber,
        edge=EDGE,
        classes=CLASSES,
        members=MEMBERS,
        grid=grid,
        preprocessing=PREPROCESSING,
        architecture=ARCHITECTURE,
        training=training_record(
            rows, fold, sha256, augmentation=how.describe(), seed=seed, epochs=epochs
        ),
        metrics={METRICS: cross_validated(rows, fold, probabilities)},
        ood=OutOfDistribution(method=distance.METHOD, threshold=distance.THRESHOLD),
        licence=LICENCE,
        created_by=(
            "python -m research.carbone2019.family --data DATA --out models"
            f" --seed {seed} --epochs {epochs}"
        ),
    )
    return write_model(EnsembleGraph(network, distances, MEMBERS), card, out)


def _timed(options: argparse.Namespace, sha256: dict[str, str], one: tuple[str, Rows]) -> str:
    absorber, rows = one
    if not enough(rows):
        return f"{absorber}: too few sites {rows.per_class()}, no model"
    begun = time.perf_counter()
    card = train(rows, absorber, sha256, options.out, options.seed, options.epochs)
    window = f"{card.grid.start:+g}..{card.grid.stop:+g} eV"
    seconds = f"{time.perf_counter() - begun:.0f} s"
    return f"{describe(card.name, card.metrics[METRICS])}, {window}, {seconds}"


def _each(options: argparse.Namespace) -> Iterator[str]:
    wanted = {
        absorber: rows
        for absorber, rows in read_rows(options.data).items()
        if not options.absorbers or absorber in options.absorbers
    }
    work = partial(_timed, options, hashes(options.data, FILES))
    if options.jobs == 1:
        yield from map(work, wanted.items())
        return
    # Spawned: torch's threads do not survive a fork.
    with process_pool(options.jobs) as workers:
        yield from workers.map(work, wanted.items())


def main(argv: Sequence[str] | None = None) -> None:
    """Train all models, or those of the absorbers named."""
    parser = argparse.ArgumentParser(prog="research.carbone2019.family", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the Parquet files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--absorbers", nargs="*", help="only these; by default all with enough")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--jobs", type=int, default=1, help="absorbers trained at the same time")
    for line in _each(parser.parse_args(argv)):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

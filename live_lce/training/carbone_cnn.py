"""Train Carbone's CNN for every absorber with enough computed sites.

``python -m live_lce.training.carbone_cnn --data ../shared/data/computed --out models``
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers.card import Grid, ModelCard, OutOfDistribution, Training, TrainingFile
from live_lce.classifiers.registry import model_name
from live_lce.datasets.rows import CLASSES, FILES, Rows, enough, file_sha256, read_rows
from live_lce.datasets.split import TWIN, folds
from live_lce.spectra.types import Array
from live_lce.training import distance
from live_lce.training.augment import Augmentation, augmented, resample
from live_lce.training.export import write_model
from live_lce.training.fit import EPOCHS, fit, macro_f1, probabilities
from live_lce.training.network import DESCRIPTION, Exported

FAMILY, VERSION, EDGE = "carbone-cnn", "1.0.0", "K"
N_POINTS, START = 100, -18.0
LAST_STOP = 25.0
"""Windows end no later (eV), that a running scan is soon answered."""
N_FOLDS = 5
HELD_OUT = N_FOLDS - 1
PREPROCESSING = (
    "normalized absorption averaged over the grid's bins, relative to the edge reference;"
    " scaled to zero mean and unit variance inside the ONNX graph;"
    " training spectra that begin inside the window carry their first value on below"
)
LICENCE = (
    "BSD-3-Clause; trained on OmniXAS (BSD-3-Clause) and on FEFF10 spectra of structures of"
    " the Materials Project (CC-BY 4.0)"
)


def train(
    rows: Rows,
    absorber: str,
    files: dict[str, str],
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
    files : dict
        sha256 of each file of training data, by name.
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
    held_out = folds(rows, N_FOLDS, seed) == HELD_OUT
    known, unknown = rows.take(~held_out), rows.take(held_out)
    judged = fit(known, grid, how, seed, epochs)
    metrics = {"computed held-out": _metrics(judged, known, unknown, grid)}
    distances = _distances(rows, held_out, grid, how, seed)
    card = ModelCard(
        name=model_name(absorber, EDGE, FAMILY),
        family=FAMILY,
        version=VERSION,
        absorber=absorber,
        edge=EDGE,
        classes=CLASSES,
        grid=grid,
        preprocessing=PREPROCESSING,
        architecture=DESCRIPTION,
        training=Training(
            files=tuple(_file(rows, name, files) for name in FILES if name in rows.source),
            dropped=rows.dropped,
            weights_from="all",
            split=(
                f"one of {N_FOLDS} folds held out; near-duplicates (mean absolute difference"
                f" below {TWIN} at maximum 1) and equal formulas stay on one side"
            ),
            train_rows=known.per_class(),
            test_rows=unknown.per_class(),
            augmentation=how.describe(),
            seed=seed,
            epochs=epochs,
        ),
        metrics=metrics,
        ood=OutOfDistribution(method=distance.METHOD, threshold=distance.THRESHOLD),
        licence=LICENCE,
        created_by=(
            "python -m live_lce.training.carbone_cnn --data DATA --out models"
            f" --seed {seed} --epochs {epochs}"
        ),
    )
    return write_model(Exported(fit(rows, grid, how, seed, epochs), distances), card, out)


def _distances(
    rows: Rows, held_out: NDArray[np.bool_], grid: Grid, how: Augmentation, seed: int
) -> list[distance.Distance]:
    """Return the distance from each class, with thresholds from the held-out side."""
    rng = np.random.default_rng(seed)

    def varied(chosen: NDArray[np.bool_]) -> Array:
        some = rows.take(chosen)
        return augmented(some.norm, some.label, grid, how, rng)[0]

    found = []
    for index in range(len(CLASSES)):
        inside = rows.label == index
        limits = distance.fit_distance(varied(inside & ~held_out))
        limits = limits.with_thresholds(varied(inside & held_out))
        found.append(distance.fit_distance(varied(inside)).with_thresholds_of(limits))
    return found


def window(rows: Rows) -> Grid:
    """Return the grid that nearly all rows of each class cover."""
    reach = [np.quantile(rows.last[rows.label == i], 0.01) for i in range(len(CLASSES))]
    return Grid(start=START, stop=min(LAST_STOP, float(np.floor(min(reach)))), n_points=N_POINTS)


def _metrics(network: Any, known: Rows, unknown: Rows, grid: Grid) -> dict[str, Any]:
    guess = probabilities(network, resample(unknown.norm, grid)).argmax(axis=1)
    majority = np.full(len(unknown), np.bincount(known.label).argmax())
    by_source = {
        str(name): round(float((guess == unknown.label)[unknown.source == name].mean()), 3)
        for name in np.unique(unknown.source)
    }
    return {
        "macro_f1": round(macro_f1(unknown.label, guess), 3),
        "accuracy": round(float((guess == unknown.label).mean()), 3),
        "accuracy_by_file": by_source,
        "majority_macro_f1": round(macro_f1(unknown.label, majority), 3),
        "majority_accuracy": round(float((majority == unknown.label).mean()), 3),
        "weights": "trained on the training side of the split only",
    }


def _file(rows: Rows, name: str, files: dict[str, str]) -> TrainingFile:
    return TrainingFile(
        name=name, sha256=files[name], rows=rows.take(rows.source == name).per_class()
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Train all models, or those of the absorbers named."""
    parser = argparse.ArgumentParser(prog="live_lce.training.carbone_cnn", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the Parquet files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--absorbers", nargs="*", help="only these; by default all with enough")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args(argv)
    files = {name: file_sha256(options.data / name) for name in FILES}
    for absorber, rows in read_rows(options.data).items():
        if options.absorbers and absorber not in options.absorbers:
            continue
        if not enough(rows):
            sys.stdout.write(f"{absorber}: too few sites {rows.per_class()}, no model\n")
            continue
        begin = time.perf_counter()
        card = train(rows, absorber, files, options.out, options.seed, options.epochs)
        result = card.metrics["computed held-out"]
        sys.stdout.write(
            f"{card.name}: {card.grid.start:+g}..{card.grid.stop:+g} eV, held-out macro F1"
            f" {result['macro_f1']:.3f} (majority {result['majority_macro_f1']:.3f}) on"
            f" {card.training.test_rows}, {time.perf_counter() - begin:.0f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()

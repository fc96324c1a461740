"""Train Zheng's forests for every absorber with enough computed sites.

``python -m research.zheng2020.forest --data ../shared/data/computed --labels LABELS --out models``
(LABELS: ``python -m research.label_tables.table``)
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from live_lce.classifiers import ModelCard
from live_lce.classifiers._card import OutOfDistribution
from live_lce.classifiers._files import write_files
from live_lce.classifiers._registry import model_name
from live_lce.classifiers._session import open_session
from live_lce.datasets import Rows
from live_lce.datasets._rows import FILES, read_rows
from live_lce.spectra import Array
from live_lce.training import _distance as distance
from live_lce.training._augment import Augmentation, augmented, resample
from live_lce.training._ensemble_model import hashes, training_record
from research.zheng2020.card import METRICS, classes_of, left_out, metrics_of, used_rows
from research.zheng2020.crossval import (
    N_FOLDS,
    Prepared,
    fit_folds,
    grouped_folds,
    make_samples,
    prepare,
    training_set,
)
from research.zheng2020.graph import forest_graph
from research.zheng2020.joint import CLASSES, Joint, ensemble, joint_labels
from research.zheng2020.labels import LabelTable, read_labels
from research.zheng2020.samples import SAME, SITE, read_spectra
from research.zheng2020.two_step import Step, TwoStep
from research.zheng2020.window import Window, choose, scaled

FAMILY, VERSION, EDGE = "zheng-rf", "1.0.0", "K"
START = -14.0
"""First energy (eV from the edge reference), where most computed spectra have begun: the paper's -5
from the steepest point holds the pre-edge peak only where that peak is the steepest point."""
SHIPPED_TREES: dict[Step, int] = {"cn": 20, "motif": 15}
"""Of each member: five have 100 and 75 together, the paper has 30 and 50.  With 30 and 50 in each
member copper's file alone is 13 MB."""
TOLERANCE = 1e-6
PREPROCESSING = (
    "normalized absorption averaged over the grid's bins, relative to the edge reference;"
    " divided by its maximum inside the ONNX graph; training spectra that begin inside the window"
    " carry their first value on below"
)
ARCHITECTURE = (
    f"Zheng et al. 2020: random forests, here {N_FOLDS} members of {SHIPPED_TREES['cn']} trees for"
    f" the ranking of coordination numbers and {SHIPPED_TREES['motif']} trees for the ranking of"
    " motifs given the first of them; rankings of fewer than 30 spectra are cut short;"
    " class: T4 tetrahedral first, S5 five-coordinate first, O6 octahedral first, else other"
)
AUGMENTATION = (
    "averages over a structure's sites, mixtures of 2 to 4 sites where sites are missing; 30 %"
    " of the spectra again with 50 eV stretched to 45..55 eV around the edge reference"
)
LICENCE = (
    "BSD-3-Clause; trained on OmniXAS (BSD-3-Clause) and on FEFF10 spectra of structures of"
    " the Materials Project (CC-BY 4.0)"
)


@dataclass(frozen=True)
class Source:
    """Everything that models of all absorbers are made from.

    Parameters
    ----------
    table : LabelTable
        Order parameters.
    spectra : dict
        Energy and mu as computed, by row id.
    sha256 : mapping
        Of each file of training data, by name.
    """

    table: LabelTable
    spectra: dict[str, Any]
    sha256: Mapping[str, str]


def train(rows: Rows, absorber: str, source: Source, out: Path, seed: int = 0) -> ModelCard | None:
    """Train, judge and write the model of one absorber.

    Parameters
    ----------
    rows : Rows
        All its spectra, of every label.
    absorber : str
        Element symbol.
    source : Source
        Labels and spectra.
    out : Path
        Folder of the models.
    seed : int
        Of folds, mixtures, stretching and trees.

    Returns
    -------
    ModelCard or None
        As written beside the ONNX file; None if fewer than two coordination numbers have 30
        spectra.

    Raises
    ------
    RuntimeError
        If the ONNX graph does not say what scikit-learn says.
    """
    fold = grouped_folds(rows, source.table, absorber, N_FOLDS, seed)
    samples = make_samples(rows, source.table, absorber, fold, source.spectra, seed)
    samples = samples.take(samples.kind != SAME)
    origin = np.zeros(len(samples))
    data = prepare(samples, absorber, partial(choose, start=START), origin, _binned, True)
    if len(np.unique(data.labels.top)) < 2:
        return None
    models = fit_folds(data, data.samples.fold, forest, seed)
    joint = joint_labels(data.labels)
    used = used_rows(rows, data)
    distances = _distances(data, joint, seed)
    graph = forest_graph(models, joint, distances, data.window.grid.n_points)
    graph.ir_version = 9
    difference = onnx_difference(
        graph.SerializeToString(), models, joint, training_set(data, seed)[0]
    )
    if difference > TOLERANCE:
        raise RuntimeError(f"{absorber}: ONNX and scikit-learn differ by {difference:.1e}")
    record = training_record(
        used,
        data.samples.fold[data.samples.kind == SITE],
        source.sha256,
        augmentation=AUGMENTATION,
        seed=seed,
        epochs=1,
        packages=("scikit-learn", "skl2onnx", "scipy"),
    )
    counted = {name: int((used.label == i).sum()) for i, name in enumerate(CLASSES)}
    folded = tuple("".join(rows.fingerprint[fold == k]) for k in range(N_FOLDS))
    card = ModelCard(
        name=model_name(absorber, EDGE, FAMILY),
        family=FAMILY,
        version=VERSION,
        absorber=absorber,
        edge=EDGE,
        classes=CLASSES,
        members=N_FOLDS,
        ranked=joint.names,
        grid=data.window.grid,
        preprocessing=PREPROCESSING,
        architecture=ARCHITECTURE,
        training=record.model_copy(
            update={
                "spectra": folded,
                "rows": counted,
                "dropped": rows.dropped | left_out(rows, source.table, samples, data),
            }
        ),
        metrics={METRICS: metrics_of(data, models, joint, used, difference)},
        ood=OutOfDistribution(method=distance.METHOD, threshold=distance.THRESHOLD),
        licence=LICENCE,
        created_by=f"python -m research.zheng2020.forest --data DATA --labels LABELS"
        f" --out models --seed {seed}",
    )
    return write_files(graph, card, out)


def onnx_difference(
    content: bytes, models: Sequence[TwoStep], joint: Joint, x: NDArray[np.float32]
) -> float:
    """Return the largest difference between ONNX's and scikit-learn's probabilities.

    Parameters
    ----------
    content : bytes
        The ONNX file.
    models, joint
        What it was made from.
    x : ndarray of float32, shape (n, n_points)
        Features: spectra of maximum 1, which the graph divides by 1.
    """
    said = open_session(content).run(x)
    ranked, members = ensemble(models, x, joint)
    assert said.members is not None and said.ranked is not None  # noqa: S101 - as the graph is
    return float(max(np.abs(said.ranked - ranked).max(), np.abs(said.members - members).max()))


def forest(step: Step, seed: int) -> RandomForestClassifier:
    """Return an unfitted forest of a member."""
    return RandomForestClassifier(SHIPPED_TREES[step], random_state=seed, n_jobs=1)


def _binned(norm: Array, origin: Array, window: Window) -> NDArray[np.float32]:
    """Return features as the live pipeline makes them: averaged over the grid's bins."""
    return scaled(resample(norm, window.grid, origin).astype(np.float32))


def _distances(data: Prepared, joint: Joint, seed: int) -> list[distance.Distance]:
    """Return the distance from each class that has spectra."""
    label = classes_of(data.labels)
    rng = np.random.default_rng(seed)
    grid, fold = data.window.grid, data.samples.fold
    values, index = augmented(data.samples.norm, label, grid, Augmentation(), rng, fold)
    there = np.unique(label)
    codes = np.searchsorted(there, label)
    return distance.fit_distances(values, codes[index], fold[index], len(there))


def main(argv: Sequence[str] | None = None) -> None:
    """Train all models, or those of the absorbers named."""
    parser = argparse.ArgumentParser(prog="research.zheng2020.forest", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the Parquet files")
    parser.add_argument("--labels", type=Path, required=True, help="table of order parameters")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--absorbers", nargs="*", help="only these; by default all with enough")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    sha256 = dict(hashes(options.data, FILES))
    source = Source(read_labels(options.labels), read_spectra(options.data, FILES), sha256)
    for absorber, rows in read_rows(options.data, every=True).items():
        if options.absorbers and absorber not in options.absorbers:
            continue
        begin = time.perf_counter()
        card = train(rows, absorber, source, options.out, options.seed)
        if card is None:
            sys.stdout.write(f"{absorber}: too few sites ({len(rows)}), no model\n")
            continue
        result = card.metrics[METRICS]
        size = (options.out / f"{card.name}.onnx").stat().st_size / 1e6
        sys.stdout.write(
            f"{card.name}: {card.grid.start:+.1f}..{card.grid.stop:+.1f} eV, {result['n']} sites,"
            f" top-1 {result['ranked_top_accuracy']:.3f}"
            f" (majority {result['ranked_majority_top_accuracy']:.3f}), classes' macro F1"
            f" {result['macro_f1']:.3f}, {size:.1f} MB, {time.perf_counter() - begin:.0f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Describe the ensemble of a cross-validation: members, versions, training record.

Member k was trained on all folds but k; the card names the spectra of each fold, so that
later each of them is judged by the one member that did not see it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers._card import Training, TrainingFile
from live_lce.datasets import Rows
from live_lce.datasets._rows import CLASSES, file_sha256
from live_lce.datasets._split import TWIN

SPLIT = (
    "whole groups, every class spread evenly: near-duplicates (mean absolute difference below"
    f" {TWIN} at maximum 1) and equal formulas are in one fold"
)


def member_rows(fold: NDArray[np.intp], n_folds: int) -> NDArray[np.bool_]:
    """Return which rows each member sees, (n_folds, n_rows): all folds but its own."""
    sees: NDArray[np.bool_] = fold != np.arange(n_folds)[:, None]
    return sees


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, numpy and the packages named, for the card."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in ("numpy", *packages)
    }


def hashes(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the sha256 of files of training data, by name."""
    return {name: file_sha256(folder / name) for name in names}


def training_record(
    rows: Rows,
    fold: NDArray[np.intp],
    sha256: Mapping[str, str],
    *,
    augmentation: str,
    seed: int,
    epochs: int,
    packages: Sequence[str] = ("torch", "scipy"),
    split: str = SPLIT,
    classes: Sequence[str] = CLASSES,
) -> Training:
    """Return what a card says of its training.

    Parameters
    ----------
    rows : Rows
        All rows that members were trained on.
    fold : ndarray of int, shape (n_rows,)
        The fold of each.
    sha256 : mapping
        Of each file of training data, by name; those without rows are left out.
    augmentation, seed, epochs, split
        As on the card.
    packages : sequence of str
        Whose versions matter.
    classes : sequence of str
        What the rows' labels are the index of.
    """
    used = set(rows.source.tolist())
    files = tuple(
        TrainingFile(
            name=name, sha256=digest, rows=rows.take(rows.source == name).per_class(classes)
        )
        for name, digest in sha256.items()
        if name in used
    )
    n_folds = int(fold.max()) + 1
    return Training(
        files=files,
        dropped=rows.dropped,
        rows=rows.per_class(classes),
        n_folds=n_folds,
        split=split,
        augmentation=augmentation,
        seed=seed,
        epochs=epochs,
        versions=versions(*packages),
        spectra=tuple("".join(rows.fingerprint[fold == k]) for k in range(n_folds)),
    )


def describe(name: str, metrics: Mapping[str, Any]) -> str:
    """Return one line about a trained model, for people."""
    f1 = ", ".join(f"{label} {score:.3f}" for label, score in metrics["f1"].items())
    return (
        f"{name}: {metrics['n']} spectra, cross-validated macro F1 {metrics['macro_f1']:.3f}"
        f" ({f1}; majority {metrics['majority_macro_f1']:.3f}), accuracy"
        f" {metrics['accuracy']:.3f} (majority {metrics['majority_accuracy']:.3f})"
    )

"""Score a model on the rows that it did not see, for its card."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import Rows
from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array


def class_f1(
    truth: NDArray[np.intp], guess: NDArray[np.intp], n_classes: int = len(CLASSES)
) -> Array:
    """Return the F1 score of each class, (n_classes,); 0 for one never met nor guessed.

    Parameters
    ----------
    truth, guess : ndarray of int, shape (n_rows,)
        Classes.
    n_classes : int
        Number of classes.
    """
    from sklearn.metrics import f1_score

    scores: Array = f1_score(
        truth, guess, labels=np.arange(n_classes), average=None, zero_division=0
    )
    return scores


def majority_of_others(label: NDArray[np.intp], fold: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each row the commonest class of the other folds."""
    guess = np.empty_like(label)
    for one in np.unique(fold):
        guess[fold == one] = np.bincount(label[fold != one]).argmax()
    return guess


def cross_validated(
    rows: Rows,
    fold: NDArray[np.intp],
    probabilities: Array,
    classes: tuple[str, ...] = CLASSES,
) -> dict[str, Any]:
    """Return a card's metrics over all folds.

    Parameters
    ----------
    rows : Rows
        All rows that members were trained on.
    fold : ndarray of int, shape (n_rows,)
        The fold of each.
    probabilities : ndarray of shape (n_rows, n_classes)
        From the member that did not see the row; see
        :func:`live_lce.training._ensemble.unseen`.
    classes : tuple of str
        Their names.
    """
    truth, guess = rows.label, probabilities.argmax(axis=1)
    majority = majority_of_others(truth, fold)
    f1, right = class_f1(truth, guess, len(classes)), guess == truth
    of_fold = [
        class_f1(truth[fold == one], guess[fold == one], len(classes)).mean()
        for one in np.unique(fold)
    ]
    return {
        "n": len(rows),
        "macro_f1": round(float(f1.mean()), 4),
        "macro_f1_per_fold": [round(float(score), 4) for score in of_fold],
        "accuracy": round(float(right.mean()), 4),
        "f1": {name: round(float(score), 4) for name, score in zip(classes, f1, strict=True)},
        "accuracy_by_file": {
            str(name): round(float(right[rows.source == name].mean()), 4)
            for name in np.unique(rows.source)
        },
        "majority_macro_f1": round(float(class_f1(truth, majority, len(classes)).mean()), 4),
        "majority_accuracy": round(float((majority == truth).mean()), 4),
    }

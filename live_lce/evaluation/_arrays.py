"""Hold judged rows as arrays, from which metrics are computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets._labelled import Enters
from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._judged import Judged
from live_lce.spectra import Array

NONE = -1
"""Index of no class: not answered, no label of the classes, or an answer outside of them."""
Ints = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Judgements:
    """Truth and decisions of n rows; classes are numbered as in CLASSES.

    Parameters
    ----------
    scored, other, mixed : ndarray of bool, shape (n,)
        What each row enters; at most one of the three.
    truth, answer : ndarray of int, shape (n,)
        :data:`NONE` where there is none.
    forced : ndarray of int, shape (n,)
        The most probable class; :data:`NONE` if no model ran or it is none of CLASSES.
    probability : ndarray of shape (n, n_classes)
        NaN where no model ran.
    top : ndarray of shape (n,)
        Highest probability, of any class; NaN where no model ran.
    distance : ndarray of shape (n,)
        Distance from training; inf for what was taken for a metal, NaN where unknown.
    n_labels : ndarray of int, shape (n,)
        Size of the label set, labels other than CLASSES among it; 0 where no model ran.
    held : ndarray of bool, shape (n,)
        Whether the label set holds the truth.
    fraction : ndarray of shape (n, n_classes)
        Shares of the sites, of mixed rows.
    group : ndarray of int, shape (n,)
        Number of the compound.
    absorber : ndarray of str, shape (n,)
        Element symbols.
    """

    scored: Mask
    other: Mask
    mixed: Mask
    truth: Ints
    answer: Ints
    forced: Ints
    probability: Array
    top: Array
    distance: Array
    n_labels: Ints
    held: Mask
    fraction: Array
    group: Ints
    absorber: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, chosen: Mask) -> Judgements:
        """Return some of the rows."""
        return replace(self, **{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def answering(self, answer: Ints) -> Judgements:
        """Return the same rows with the answers of another judge, who knows no probabilities."""
        unknown = np.full(len(self), np.nan)
        return replace(
            self,
            answer=answer,
            forced=answer,
            probability=np.full_like(self.probability, np.nan),
            top=unknown,
            distance=unknown,
            n_labels=np.zeros(len(self), dtype=np.intp),
            held=np.zeros(len(self), dtype=bool),
        )


def judgements(rows: Sequence[Judged]) -> Judgements:
    """Return judged rows as arrays."""
    enters = np.array([one.enters.value for one in rows])
    return Judgements(
        scored=enters == Enters.SCORES.value,
        other=enters == Enters.OOD_AUROC.value,
        mixed=enters == Enters.FRACTION_MAE.value,
        truth=_indices(one.row.label for one in rows),
        answer=_indices(one.prediction.label for one in rows),
        forced=_indices(one.forced for one in rows),
        probability=np.array([[_probability(one, name) for name in CLASSES] for one in rows]),
        top=np.array([one.top for one in rows]),
        distance=np.array([one.distance for one in rows]),
        n_labels=np.array([len(one.prediction.label_set) for one in rows], dtype=np.intp),
        held=np.array([one.row.label in one.prediction.label_set for one in rows], dtype=bool),
        fraction=np.array([[one.row.fractions.get(name, 0.0) for name in CLASSES] for one in rows]),
        group=np.unique([one.row.group for one in rows], return_inverse=True)[1],
        absorber=np.array([one.row.absorber for one in rows]),
    )


def _indices(names: Iterable[str]) -> Ints:
    index = {name: i for i, name in enumerate(CLASSES)}
    return np.array([index.get(name, NONE) for name in names], dtype=np.intp)


def _probability(one: Judged, name: str) -> float:
    """Return a class's probability; 0 for one that the model does not know."""
    p = one.prediction
    return 0.0 if p.probabilities is not None and name not in p.classes else p.probability(name)

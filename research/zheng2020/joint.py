"""Probabilities of joint ranked labels, and of T4, S5, O6 and other, from the two steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from live_lce.contract import OTHER
from live_lce.spectra import Array
from research.zheng2020.labels import RankedLabels, coarse, names
from research.zheng2020.two_step import Features, TwoStep

CLASSES = ("T4", "S5", "O6", OTHER)


@dataclass(frozen=True)
class Joint:
    """All pairs of a coordination ranking with a motif ranking of its first number.

    Parameters
    ----------
    labels : tuple of (str, str)
        Coordination numbers' and motifs' ranking.
    top : tuple of int
        First coordination number of each.
    to_class : ndarray of shape (n_labels, n_classes)
        One where the label is of the class.
    """

    labels: tuple[tuple[str, str], ...]
    top: tuple[int, ...]
    to_class: Array

    @property
    def names(self) -> tuple[str, ...]:
        """Names for a model's card: both rankings, or the coordination numbers alone."""
        return tuple(f"{cn} | {motif}" if motif else cn for cn, motif in self.labels)


def joint_labels(labels: RankedLabels) -> Joint:
    """Return the joint labels that the rankings of some training spectra allow.

    Parameters
    ----------
    labels : RankedLabels
        Of all training spectra.
    """
    pairs, top = [], []
    for cn in np.unique(labels.cn).tolist():
        number = int(names(cn, "")[0].removeprefix("CN_"))
        for motif in np.unique(labels.motif[labels.top == number]).tolist():
            pairs.append((cn, motif))
            top.append(number)
    classes = [CLASSES.index(coarse(cn, motif)) for cn, motif in pairs]
    return Joint(tuple(pairs), tuple(top), np.eye(len(CLASSES))[classes])


def joint_probabilities(model: TwoStep, x: Features, joint: Joint) -> Array:
    """Return the probability of each joint label by one member's forests.

    Parameters
    ----------
    model : TwoStep
        Fitted forests.
    x : ndarray of float32, shape (n, n_points)
        Features.
    joint : Joint
        The labels.

    Returns
    -------
    ndarray of shape (n, n_labels)
        That of the coordination ranking times that of the motif ranking given its first number.
    """
    first = _by_name(model.cn, x)
    second = {number: _by_name(step, x) for number, step in model.motif.items()}
    zero, one = np.zeros(len(x)), np.ones(len(x))
    columns = []
    for top, (cn, motif) in zip(joint.top, joint.labels, strict=True):
        given = second[top].get(motif, zero) if top in second else (zero if motif else one)
        columns.append(first.get(cn, zero) * given)
    return np.stack(columns, axis=1)


def ensemble(models: Sequence[TwoStep], x: Features, joint: Joint) -> tuple[Array, Array]:
    """Return the mean joint probabilities (n, n_labels) and each member's classes (n, K, 4)."""
    each = np.stack([joint_probabilities(model, x, joint) for model in models], axis=1)
    return each.mean(axis=1), each @ joint.to_class


def _by_name(step: object, x: Features) -> dict[str, Array]:
    probabilities: Array = step.predict_proba(x)  # type: ignore[attr-defined]
    classes = step.classes_  # type: ignore[attr-defined]
    return {str(name): probabilities[:, i] for i, name in enumerate(classes)}

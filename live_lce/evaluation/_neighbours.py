"""Compute the nearest-neighbour baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from live_lce.datasets import Labelled
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import Prepared
from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._arrays import NONE, Ints, Mask
from live_lce.spectra import Array, to_grid
from live_lce.spectra._features import coverage

GRID = np.arange(-10.0, 15.0 + 1e-9, 0.5)
"""Where spectra are compared (eV from the edge reference): what nearly all data cover."""
K = 5
"""Neighbours that vote, as scikit-learn's default; each weighs as its inverse distance."""


def neighbours_answers(
    prepared: Sequence[Prepared], reference: Sequence[Prepared] | None = None
) -> Ints:
    """Return the class that the nearest reference spectra of an absorber vote for.

    The rows of its own group have no vote on a row.  Of a reference, those have none that equal
    a row of its group by fingerprint or by formula.

    Parameters
    ----------
    prepared : sequence of Prepared
        What to answer.
    reference : sequence of Prepared, optional
        What to compare with; by default the other groups of `prepared`.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Index into CLASSES; NONE where the spectrum does not cover the grid, or nothing is left
        to compare with.
    """
    answer = np.full(len(prepared), NONE, dtype=np.intp)
    asked = _features(prepared)
    those, known = (prepared, asked) if reference is None else (reference, _features(reference))
    usable = [i for i in known if those[i].row.enters is Enters.SCORES]
    for absorber in {prepared[i].row.absorber for i in asked}:
        mine = [i for i in asked if prepared[i].row.absorber == absorber]
        theirs = [i for i in usable if those[i].row.absorber == absorber]
        if not theirs:
            continue
        x, y = np.stack([asked[i] for i in mine]), np.stack([known[i] for i in theirs])
        label = np.array([CLASSES.index(those[i].row.label) for i in theirs])
        bar = _same_group if reference is None else _same_compound
        barred = bar([prepared[i].row for i in mine], [those[i].row for i in theirs])
        answer[mine] = vote(x, y, label, barred)
    return answer


def vote(x: Array, y: Array, label: Ints, barred: Mask) -> Ints:
    """Return the vote of the :data:`K` nearest rows of `y` that are not barred.

    Parameters
    ----------
    x, y : ndarray of shape (n_asked, n_grid), (n_known, n_grid)
        Spectra.
    label : ndarray of int, shape (n_known,)
        Classes of `y`.
    barred : ndarray of bool, shape (n_asked, n_known)
        Which rows of `y` may not vote on which of `x`.
    """
    from sklearn.metrics import pairwise_distances

    distance = np.where(barred, np.inf, pairwise_distances(x, y))
    k = min(K, len(y))
    nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
    near = np.take_along_axis(distance, nearest, axis=1)
    weight = np.where(np.isfinite(near), 1 / np.maximum(near, 1e-9), 0.0)
    votes = (weight[:, :, None] * (label[nearest][:, :, None] == np.arange(len(CLASSES)))).sum(1)
    answer: Ints = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), NONE)
    return answer


def _features(rows: Sequence[Prepared]) -> dict[int, Array]:
    """Return standardized spectra on the grid, of the rows that cover it, by position."""
    found = {}
    for index, one in enumerate(rows):
        spectrum = one.normalized
        if spectrum is None or coverage(spectrum.energy, spectrum.edge_reference, GRID) < 1:
            continue
        values, _ = to_grid(spectrum.energy, spectrum.norm, spectrum.edge_reference, GRID)
        found[index] = (values - values.mean()) / (values.std() or 1.0)
    return found


def _same_group(rows: Sequence[Labelled], known: Sequence[Labelled]) -> Mask:
    same: Mask = np.array([r.group for r in rows])[:, None] == np.array([r.group for r in known])
    return same


def _same_compound(rows: Sequence[Labelled], known: Sequence[Labelled]) -> Mask:
    """Tell which known rows equal a row of each row's group, by fingerprint or formula."""
    of_group: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        of_group[row.group] |= _names(row)
    theirs = [_names(one) for one in known]
    same = {
        group: np.array([not names.isdisjoint(one) for one in theirs])
        for group, names in of_group.items()
    }
    return np.stack([same[row.group] for row in rows])


def _names(row: Labelled) -> frozenset[str]:
    """Return what a row is recognized by."""
    named = (("fingerprint", row.fingerprint), ("formula", row.formula))
    return frozenset(f"{kind} {name}" for kind, name in named if name)

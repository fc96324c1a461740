"""Plan what a user's spectra suffice for: classes, folds, window, early stopping."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers import Grid
from live_lce.datasets import Rows
from live_lce.datasets._rows import CLASSES
from live_lce.datasets._split import folds
from live_lce.training._own_rows import LABELS, OwnRows

EDGE = "K"
N_POINTS, START = 100, -18.0
LAST_STOP = 25.0
"""Windows end no later (eV), so that a running scan is answered soon."""
LEAST_GROUPS = 2
"""Groups of a class to train it: one to learn from, one to be judged on."""
LEAST_CLASSES = 2
LEAST_FOLDS, FOLDS_TO_STOP = 2, 4
"""With fewer than the latter no fold can be spared to tell when to stop."""
GROUPS_TO_STOP = 10
"""With fewer groups of a class, the fold spared would cost more than it tells."""
CARRIED = START + 0.5
"""Measured spectra that begin later (eV from the edge reference) do not cover the window."""


class TooFewError(ValueError):
    """There are too few spectra to train on; one line with the counts and what is missing."""


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Parameters
    ----------
    own : OwnRows
        The rows to train on; `label` is an index into `classes`.
    classes : tuple of str
        Those with enough groups.
    grid : Grid
        Of the model.
    fold : ndarray of int, shape (n_rows,)
        Whole groups.
    """

    own: OwnRows
    classes: tuple[str, ...]
    grid: Grid
    fold: NDArray[np.intp]

    @property
    def n_folds(self) -> int:
        """The number of folds, and of members."""
        return int(self.fold.max()) + 1

    @property
    def can_stop(self) -> bool:
        """Whether a fold can be spared to tell when to stop."""
        return self.n_folds >= FOLDS_TO_STOP

    @property
    def should_stop(self) -> bool:
        """Whether a fold is spared unless the user says otherwise."""
        return self.can_stop and min(self.n_groups().values()) >= GROUPS_TO_STOP

    def n_groups(self) -> dict[str, int]:
        """Return the number of judged groups of each class."""
        return {name: self.own.n_groups(i) for i, name in enumerate(self.classes)}

    def n_spectra(self) -> dict[str, int]:
        """Return the number of judged spectra of each class."""
        rows = self.own.take(self.own.judged).rows
        return rows.per_class(self.classes)


def make_plan(own: OwnRows, n_folds: int, seed: int) -> Plan:
    """Choose classes, window and folds.

    Parameters
    ----------
    own : OwnRows
        All usable spectra of an absorber.
    n_folds : int
        Folds, at most; as many as the class with the fewest groups has, if that is less.
    seed : int
        Of the order in which groups are dealt out.

    Raises
    ------
    TooFewError
        If not two classes are left with two groups each.
    """
    own = own.without(own.rows.first > CARRIED, "begins after the window does")
    own, classes = _with_enough(own)
    for _ in classes:  # leaving out short scans may leave a class with too few
        grid = window(own.rows)
        own = own.without(own.rows.last < grid.stop - 0.5, "ends before the window does")
        kept, classes = _with_enough(own)
        if kept is own:
            break
        own = kept
    renumbered = np.searchsorted([LABELS.index(name) for name in classes], own.rows.label)
    own = replace(own, rows=replace(own.rows, label=renumbered.astype(np.intp)))
    return Plan(own, classes, grid, _folds(own, classes, n_folds, seed))


def _with_enough(own: OwnRows) -> tuple[OwnRows, tuple[str, ...]]:
    """Leave out classes with too few groups."""
    counts = {name: own.n_groups(i) for i, name in enumerate(LABELS)}
    classes = tuple(name for name, n in counts.items() if n >= LEAST_GROUPS)
    if len(classes) < LEAST_CLASSES or not set(classes) & set(CLASSES):
        judged = own.rows.label[own.judged]
        there = (
            f"{name} {(judged == i).sum()} in {counts[name]}"
            for i, name in enumerate(LABELS)
            if counts[name]
        )
        raise TooFewError(
            f"too few spectra: {', '.join(there) or 'none is usable'} (spectra in groups);"
            f" needed are at least {LEAST_CLASSES} classes with {LEAST_GROUPS} groups each:"
            " add spectra of other compounds"
        )
    for i, name in enumerate(LABELS):
        if name not in classes:
            own = own.without(own.rows.label == i, f"class {name}: fewer than 2 groups")
    return own, classes


def _folds(own: OwnRows, classes: tuple[str, ...], n_folds: int, seed: int) -> NDArray[np.intp]:
    """Deal out the rows that judge, then the others: those of known groups follow them."""
    judged, group = own.judged, own.group
    fewest = min(own.n_groups(i) for i in range(len(classes)))
    for n in range(min(n_folds, fewest), LEAST_FOLDS - 1, -1):
        fold = np.full(len(judged), -1, dtype=np.intp)
        fold[judged] = folds(own.rows.take(judged), n, seed, group[judged])
        met = {(int(f), int(i)) for f, i in zip(fold[judged], own.rows.label[judged], strict=True)}
        if len(met) == n * len(classes):
            break
    else:
        raise TooFewError(
            "too few spectra: groups hold several classes, so that no two folds have each class:"
            " add spectra of other compounds"
        )
    of_group = dict(zip(group[judged].tolist(), fold[judged].tolist(), strict=True))
    known = ~judged & np.isin(group, list(of_group))
    fold[known] = [of_group[one] for one in group[known].tolist()]
    if (rest := fold < 0).any():
        fold[rest] = folds(own.rows.take(rest), n, seed, group[rest])
    return fold


def window(rows: Rows) -> Grid:
    """Return the grid that nearly all rows of each class cover."""
    reach = [np.quantile(rows.last[rows.label == i], 0.01) for i in np.unique(rows.label)]
    return Grid(start=START, stop=min(LAST_STOP, float(np.floor(min(reach)))), n_points=N_POINTS)

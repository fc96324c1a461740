"""The computed spectra of all absorbers together, dealt out to folds.

One network for all absorbers sees ten times the five-coordinate sites that each absorber
has alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import OTHER
from live_lce.datasets import Rows
from live_lce.datasets._rows import CLASSES, read_rows
from live_lce.datasets._split import deal, groups, linked
from research.lce.minerals import mineral_rows

POOL_CLASSES = (*CLASSES, OTHER)


@dataclass(frozen=True)
class Pool:
    """Rows of several absorbers.

    Parameters
    ----------
    rows : Rows
        All rows, absorber after absorber; `label` is an index into :data:`POOL_CLASSES`.
    absorbers : tuple of str
        Symbols, in the order that the network knows them by.
    absorber : ndarray of int, shape (n_rows,)
        Index into `absorbers`.
    fold : ndarray of int, shape (n_rows,)
        Near-duplicates of one absorber, and equal formulas of any, are in one fold.
    """

    rows: Rows
    absorbers: tuple[str, ...]
    absorber: NDArray[np.intp]
    fold: NDArray[np.intp]

    def of(self, absorber: str) -> NDArray[np.intp]:
        """Return the positions of one absorber's rows."""
        return np.flatnonzero(self.absorber == self.absorbers.index(absorber))


def read_pool(folder: Path, n_folds: int, seed: int) -> Pool:
    """Read the K-edge sites of all absorbers, and join those of minerals that the package has.

    Parameters
    ----------
    folder : Path
        Holds the files, see :func:`~live_lce.datasets._rows.read_rows`; minerals of an absorber
        that is not in them are left out.
    n_folds : int
        Number of folds.
    seed : int
        Of the order in which groups are dealt out.
    """
    of_absorber = read_rows(folder, classes=POOL_CLASSES)
    for absorber, minerals in mineral_rows(tuple(of_absorber), POOL_CLASSES).items():
        of_absorber[absorber] = Rows.joined([of_absorber[absorber], minerals])
    rows = Rows.joined(list(of_absorber.values()))
    which = np.repeat(np.arange(len(of_absorber)), [len(r) for r in of_absorber.values()])
    twins = np.concatenate(
        [np.char.add(f"{el} ", groups(r).astype(str)) for el, r in of_absorber.items()]
    )
    group = linked(twins, rows.formula)
    cell = which * len(POOL_CLASSES) + rows.label
    return Pool(rows, tuple(of_absorber), which, deal(group, cell, n_folds, seed))

"""Computed environments that are no oxide's, to show the network what `other` looks like.

The computed training data are oxides: their `other` is mostly square planar copper.  The
rows here are metals, sulfides, halides and organometallics, of idealized structures, that
:mod:`research.feff.outliers` computed (outlier exposure: Hendrycks, Mazeika,
Dietterich, ICLR 2019).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import OTHER
from live_lce.datasets import Rows
from research.lce.computed import Named, read_sites, source_sha256, to_rows
from research.lce.pool import POOL_CLASSES, Pool

SOURCE = "outliers.json"
"""File of the package, and `source` of its rows."""


def read_outliers() -> list[dict[str, Any]]:
    """Return the computed spectra: absorber, kind, name, prototype, formula, energy, mu."""
    return read_sites(SOURCE)


def outliers_sha256() -> str:
    """Return the sha256 of the file."""
    return source_sha256(SOURCE)


def with_outliers(pool: Pool) -> Pool:
    """Return a pool with the computed outliers as further rows of class `other`.

    The same prototype (MCl4, fcc metal, ...) is in the same fold for all absorbers.

    Parameters
    ----------
    pool : Pool
        Spectra of all absorbers; outliers of others are left out.

    Raises
    ------
    ValueError
        If a spectrum does not pass the checks of training rows.
    """
    entries = [e for e in read_outliers() if e["absorber"] in pool.absorbers]
    prototypes = sorted({e["prototype"] for e in entries})
    n_folds = int(pool.fold.max()) + 1
    absorber = np.array([pool.absorbers.index(e["absorber"]) for e in entries], np.intp)
    fold = np.array([prototypes.index(e["prototype"]) % n_folds for e in entries], np.intp)
    return replace(
        pool,
        rows=Rows.joined([pool.rows, _rows(entries)]),
        absorber=np.concatenate([pool.absorber, absorber]),
        fold=np.concatenate([pool.fold, fold]),
    )


def is_outlier(pool: Pool) -> NDArray[np.bool_]:
    """Return which rows of a pool are outliers from here."""
    found: NDArray[np.bool_] = pool.rows.source == SOURCE
    return found


def _rows(entries: list[dict[str, Any]]) -> Rows:
    label = POOL_CLASSES.index(OTHER)
    rows = to_rows([Named(e, e["name"], e["prototype"], label) for e in entries], SOURCE)
    if rows.dropped:
        raise ValueError(f"{SOURCE}: {rows.dropped}: compute them again")
    return rows

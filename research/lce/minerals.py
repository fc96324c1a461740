"""Computed spectra of mineral structures, to join to those of the training files.

:mod:`research.feff.minerals` computed them: oxides that the Materials Project's files
have few of, and compounds without oxygen as further examples of `other`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from live_lce.datasets import Rows
from research.lce.computed import Named, read_sites, source_sha256, to_rows

SOURCE = "minerals.json"
"""File of the package, and `source` of its rows."""


def minerals_sha256() -> str:
    """Return the sha256 of the file."""
    return source_sha256(SOURCE)


def mineral_rows(absorbers: Sequence[str], classes: Sequence[str]) -> dict[str, Rows]:
    """Return the computed spectra that pass the checks of training rows.

    Parameters
    ----------
    absorbers : sequence of str
        Element symbols; sites of others are left out.
    classes : sequence of str
        What `label` of the rows is an index into.

    Returns
    -------
    dict
        Rows per absorber, of those that have any; `dropped` counts what failed.

    Raises
    ------
    ValueError
        If a label of the file is none of the classes, or no spectrum of an absorber passes.
    """
    found: dict[str, list[Named]] = {}
    for entry in read_sites(SOURCE):
        if entry["absorber"] in absorbers:
            structure = f"amcsd-{entry['amcsd_id']}"
            name = f"{structure} {entry['absorber']} {entry['site']}"
            named = Named(entry, name, structure, classes.index(entry["label"]))
            found.setdefault(entry["absorber"], []).append(named)
    return {absorber: to_rows(named, SOURCE) for absorber, named in found.items()}


def is_mineral(rows: Rows) -> NDArray[np.bool_]:
    """Return which rows are from here, (n_rows,)."""
    found: NDArray[np.bool_] = rows.source == SOURCE
    return found

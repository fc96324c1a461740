"""Spectra that the package brings along, computed for training, as rows.

Each file is written by a module of :mod:`live_lce.sim`: a JSON object whose `sites` have
`absorber`, `formula`, `energy` (eV) and `mu`, and what they are of.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

import numpy as np

from live_lce.datasets import Rows
from live_lce.datasets._rows import align, fingerprint


@dataclass(frozen=True)
class Named:
    """A computed spectrum with what its row says of it.

    Parameters
    ----------
    entry : dict
        As in the file.
    id, structure : str
        Names of the site and its structure.
    label : int
        Index into the classes.
    """

    entry: dict[str, Any]
    id: str
    structure: str
    label: int


def read_sites(source: str) -> list[dict[str, Any]]:
    """Return the sites of a file of the package, as in it."""
    found: list[dict[str, Any]] = json.loads(_content(source))["sites"]
    return found


def source_sha256(source: str) -> str:
    """Return the sha256 of a file of the package."""
    return hashlib.sha256(_content(source)).hexdigest()


def to_rows(named: Sequence[Named], source: str) -> Rows:
    """Return spectra as rows, in their order.

    Parameters
    ----------
    named : sequence of Named
        At least one of them passes the checks.
    source : str
        File that they are from.

    Returns
    -------
    Rows
        Without what fails :func:`~live_lce.datasets._rows.align`, which `dropped` counts.

    Raises
    ------
    ValueError
        If no spectrum passes the checks.
    """
    dropped = Counter[str]()
    done = []
    for one in named:
        energy, mu = np.array(one.entry["energy"]), np.array(one.entry["mu"])
        problem, aligned = align(energy, mu)
        if aligned is None:
            dropped[problem] += 1
            continue
        names = (one.id, one.structure, one.entry["formula"], source, fingerprint(energy, mu))
        done.append((aligned.on_fine(), *aligned.span(), aligned.e0, one.label, *names))
    if not done:
        raise ValueError(f"{source}: no spectrum passes the checks: {dict(dropped)}")
    columns = (np.asarray(column) for column in zip(*done, strict=True))
    names_of = (field.name for field in fields(Rows) if field.name != "dropped")
    return Rows(**dict(zip(names_of, columns, strict=True)), dropped=dict(dropped))


def _content(source: str) -> bytes:
    return files("research.lce").joinpath("data", source).read_bytes()

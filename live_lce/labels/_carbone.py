"""Compute Carbone et al.'s label: nearest shell, and the polyhedron it resembles most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from live_lce.labels._bonding import LIGANDS
from live_lce.labels._symmetry import lowest, measures

if TYPE_CHECKING:
    from pymatgen.core.structure import PeriodicNeighbor, Structure

CUTOFF = 1.2
"""Neighbours count up to this many times the shortest distance."""

CLASSES = frozenset({"T4", "S5", "O6"})
"""The paper's classes; here S5 is the square pyramid alone."""

_NEAR, _FAR = 2.5, 10.0  # Å: where the search for the nearest ligand begins, and where it ends


@dataclass(frozen=True)
class CarboneLabel:
    """What a site is by Carbone et al.'s rule.

    Attributes
    ----------
    cn : int
        Number of neighbours within the cutoff.
    label : str
        ``T4``, ``S5``, ``O6`` or ``other``.
    measure : float
        Continuous symmetry measure of the motif of the lowest; NaN if that shell has none.
    """

    cn: int
    label: str
    measure: float


def carbone_label(structure: Structure, site: int, cutoff: float = CUTOFF) -> CarboneLabel:
    """Label a site by the shell within a multiple of its shortest distance.

    Parameters
    ----------
    structure : Structure
        Ordered.
    site : int
        Index into the structure, from 0.
    cutoff : float
        That multiple.

    Returns
    -------
    CarboneLabel
        See `shell_label`.

    Notes
    -----
    Only ligands count (`LIGANDS`), where the paper says "atoms": a lithium or a second metal at
    less than 1.2 times the shortest distance does not coordinate the absorber.
    """
    here = structure[site]
    radius = _NEAR
    while not (distances := [n.nn_distance for n in _ligands(structure, site, radius)]):
        if radius > _FAR:
            return CarboneLabel(0, "other", float("nan"))
        radius *= 2
    reach = cutoff * min(distances)
    return shell_label(here.coords, [n.coords for n in _ligands(structure, site, reach)])


def shell_label(centre: ArrayLike, neighbours: ArrayLike) -> CarboneLabel:
    """Label a shell by the motif of the lowest symmetry measure.

    Parameters
    ----------
    centre : array_like, shape (3,)
        Position of the absorber, in Å.
    neighbours : array_like, shape (n, 3)
        Positions of the neighbours that count, in Å.

    Returns
    -------
    CarboneLabel
        Only motifs with as many corners as there are neighbours compete: a square plane, a
        trigonal bipyramid or a trigonal prism that wins makes the label ``other``.

    Notes
    -----
    Carbone et al., Phys. Rev. Materials 3, 033604 (2019), section II B: "atoms further away than
    1.2 times the nearest-neighbor distance from the absorbing site were not considered", "the
    polyhedron with the lowest CSM value was chosen as the site LCE label".
    """
    shell = np.asarray(neighbours, dtype=float).reshape(-1, 3)
    motif, measure = lowest(measures(centre, shell))
    return CarboneLabel(len(shell), motif if motif in CLASSES else "other", measure)


def _ligands(structure: Structure, site: int, radius: float) -> list[PeriodicNeighbor]:
    near = structure.get_neighbors(structure[site], radius)
    return [n for n in near if n.specie.symbol in LIGANDS]

"""Measure how far a shell of neighbours is from an ideal polyhedron."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

POLYHEDRA: dict[str, tuple[int, str]] = {
    "T4": (4, "T:4"),
    "SQ4": (4, "S:4"),
    "S5": (5, "S:5"),
    "TBP5": (5, "T:5"),
    "O6": (6, "O:6"),
    "TP6": (6, "T:6"),
}
"""The motifs: tetrahedron, square plane, square pyramid, trigonal bipyramid, octahedron, trigonal
prism, each with its coordination number and its name in ChemEnv."""


def measures(centre: ArrayLike, neighbours: ArrayLike) -> dict[str, float]:
    """Measure a shell against every motif that has as many corners.

    Parameters
    ----------
    centre : array_like, shape (3,)
        Position of the absorber, in Å.
    neighbours : array_like, shape (n, 3)
        Positions of its neighbours, in Å.

    Returns
    -------
    dict of str to float
        Measure by motif, 0 (ideal) to 100; empty unless n is 4, 5 or 6.
    """
    shell = np.asarray(neighbours, dtype=float).reshape(-1, 3)
    motifs = [name for name, (corners, _) in POLYHEDRA.items() if corners == len(shell)]
    if not motifs:
        return {}
    points = np.vstack([np.asarray(centre, dtype=float), shell])
    return {name: measure(points, _ideal(name)) for name in motifs}


def measure(points: ArrayLike, ideal: ArrayLike) -> float:
    """Measure points, the first of which is the centre, against those of an ideal polyhedron.

    Parameters
    ----------
    points : array_like, shape (n + 1, 3)
        The centre and its neighbours, these in any order.
    ideal : array_like, shape (n + 1, 3)
        The centre and the corners of the polyhedron.

    Returns
    -------
    float
        0 (the polyhedron itself, in any size and orientation) to 100.

    Raises
    ------
    ValueError
        If the points coincide, or are not as many as the polyhedron has.

    Notes
    -----
    Pinsky and Avnir, Inorg. Chem. 37, 5575 (1998), equation 1, with the centre among the points
    and their centroid as origin, as in ChemEnv (Waroquiers et al., Acta Cryst. B 76, 683 (2020)).
    The best rotation and size for one order of the neighbours leave ``1 - s² / (|P|² |Q|²)``, where
    s is the sum of the singular values of ``PᵀQ``; all orders are tried.
    """
    one, other = _centred(points), _centred(ideal)
    if one.shape != other.shape:
        raise ValueError(f"{len(one) - 1} neighbours for a polyhedron of {len(other) - 1} corners")
    size = (one**2).sum() * (other**2).sum()
    if size == 0:
        raise ValueError("the centre and all its neighbours are at one point")
    overlaps = one[_orders(len(one) - 1)].transpose(0, 2, 1) @ other
    largest = np.linalg.svd(overlaps, compute_uv=False).sum(axis=1).max()
    return float(max(0.0, 100 * (1 - largest**2 / size)))


def lowest(found: dict[str, float], among: Iterable[str] = POLYHEDRA) -> tuple[str, float]:
    """Return the motif of the lowest measure.

    Parameters
    ----------
    found : dict of str to float
        As `measures` gives them.
    among : iterable of str
        The motifs that count.

    Returns
    -------
    motif : str
        ``other`` if there is none.
    measure : float
        NaN if there is none.
    """
    chosen = {name: found[name] for name in among if name in found}
    if not chosen:
        return "other", float("nan")
    name = min(chosen, key=chosen.__getitem__)
    return name, chosen[name]


def _centred(points: ArrayLike) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.asarray(points, dtype=np.float64)
    origin: NDArray[np.float64] = values.mean(axis=0)
    return values - origin


@lru_cache(maxsize=8)
def _orders(corners: int) -> NDArray[np.intp]:
    """Return every order of the neighbours, the centre staying first."""
    return np.array([(0, *(i + 1 for i in one)) for one in permutations(range(corners))])


@lru_cache(maxsize=len(POLYHEDRA))
def _ideal(motif: str) -> NDArray[np.float64]:
    from pymatgen.analysis.chemenv.coordination_environments.coordination_geometries import (
        AllCoordinationGeometries,
    )

    symbol = POLYHEDRA[motif][1]
    geometry = AllCoordinationGeometries(only_symbols=[symbol])[symbol]
    return np.array([geometry.central_site, *geometry.points], dtype=np.float64)

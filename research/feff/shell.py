"""What surrounds an atom: the nearest-neighbour shell and its coordination label."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

SHELL_RATIO = 1.35
"""Neighbours up to this multiple of the shortest distance form the shell.

Wide enough for a vanadyl group (1.57 and 1.98 angstrom), narrow enough to end
before the next shell of a chromate (1.65, then more than 2.5 angstrom).
"""

_TETRAHEDRON, _RIGHT_ANGLE = 109.47, 90.0
_TOLERANCE = 20.0


def shell_indices(distances: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the indices of the neighbours in the first shell, nearest first.

    Parameters
    ----------
    distances : ndarray of shape (n_neighbours,)
        In angstrom.
    """
    order = np.argsort(distances)
    inside: NDArray[np.intp] = order[distances[order] <= SHELL_RATIO * distances.min()]
    return inside


def coordination_label(vectors: NDArray[np.float64]) -> str:
    """Return T4, S5 or O6 for a shell, from its size and its bond angles.

    Four neighbours count as T4 where all six angles are those of a tetrahedron
    within 20 degrees, six as O6 where twelve angles are right within 20 degrees
    and three above 150; five always count as S5 (square pyramid or trigonal
    bipyramid, as in the contract).

    Parameters
    ----------
    vectors : ndarray of shape (n_neighbours, 3)
        From the absorber to the neighbours of the shell, in angstrom.

    Raises
    ------
    ValueError
        If the shell is none of the three.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    pairs = combinations(range(len(unit)), 2)
    angles = np.array([np.degrees(np.arccos(np.clip(unit[i] @ unit[j], -1, 1))) for i, j in pairs])
    if len(unit) == 4 and np.all(np.abs(angles - _TETRAHEDRON) < _TOLERANCE):
        return "T4"
    if len(unit) == 5:
        return "S5"
    if len(unit) == 6:
        trans = angles > 150.0
        if trans.sum() == 3 and np.all(np.abs(angles[~trans] - _RIGHT_ANGLE) < _TOLERANCE):
            return "O6"
    raise ValueError(
        f"{len(unit)} neighbours, angles {np.round(np.sort(angles))}: no clear T4, S5 or O6"
    )

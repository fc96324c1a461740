"""Compute order parameters of coordination numbers and motifs (Zheng et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from live_lce.labels._bonding import Bonding, bonding

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

CNS: tuple[int, ...] = tuple(range(1, 13))
"""The coordination numbers of `OrderParameters.cn`, in its order."""

_OF_CN: dict[int, tuple[str, ...]] = {
    1: ("single bond",),
    2: ("L-shaped", "water-like", "bent 120 degrees", "bent 150 degrees", "linear"),
    3: ("trigonal planar", "trigonal non-coplanar", "T-shaped"),
    4: (
        *("square co-planar", "tetrahedral", "rectangular see-saw-like", "see-saw-like"),
        "trigonal pyramidal",
    ),
    5: ("pentagonal planar", "square pyramidal", "trigonal bipyramidal"),
    6: ("hexagonal planar", "octahedral", "pentagonal pyramidal"),
    7: ("hexagonal pyramidal", "pentagonal bipyramidal"),
    8: ("body-centered cubic", "hexagonal bipyramidal"),
    12: ("cuboctahedral",),
}

MOTIFS: tuple[tuple[int, str], ...] = tuple((cn, n) for cn, names in _OF_CN.items() for n in names)
"""Coordination number and name of the 25 motifs of `OrderParameters.motif`, in its order."""


@dataclass(frozen=True)
class OrderParameters:
    """How much a site resembles each coordination number and each motif.

    Attributes
    ----------
    cn : ndarray, shape (12,)
        The paper's p (equation 1): the weight of each coordination number of `CNS`.  They add up
        to one, less the weight of no neighbour and of more than twelve.
    motif : ndarray, shape (25,)
        The paper's q: the order parameter of each motif of `MOTIFS`, times the weight of its
        coordination number.
    """

    cn: NDArray[np.float64]
    motif: NDArray[np.float64]


def order_parameters(structure: Structure, site: int) -> OrderParameters:
    """Compute the order parameters of one site.

    Parameters
    ----------
    structure : Structure
        Ordered.
    site : int
        Index into the structure, from 0.

    Returns
    -------
    OrderParameters
        As matminer's ``CrystalNNFingerprint.from_preset("ops")`` gives them.

    Notes
    -----
    Zheng et al., Patterns 1, 100013 (2020), equation 1 and below; the motifs' order parameters are
    those of Zimmermann and Jain, RSC Adv. 10, 6063 (2020), in pymatgen.
    """
    return from_bonding(structure, site, bonding(structure, site))


def from_bonding(structure: Structure, site: int, bonds: Bonding) -> OrderParameters:
    """Compute the order parameters of a site whose bonding is known.

    Parameters
    ----------
    structure : Structure
        Ordered.
    site : int
        Index into the structure, from 0.
    bonds : Bonding
        That site's.

    Returns
    -------
    OrderParameters
        The same as `order_parameters` gives.
    """
    cn = np.array([bonds.weights.get(n, 0.0) for n in CNS])
    motif = np.zeros(len(MOTIFS))
    for index, (number, name) in enumerate(MOTIFS):
        weight = bonds.weights.get(number, 0.0)
        if weight == 0:
            continue
        neighbours = [n.site for n in bonds.shells[number]]
        found = _measure(number, name).get_order_parameters(
            [structure[site], *neighbours],
            0,
            indices_neighs=list(range(1, number + 1)),
        )[0]
        # pymatgen answers None where a motif is not defined for a shell.
        motif[index] = weight * (found or 0.0)
    return OrderParameters(cn, motif)


def average(sites: Iterable[OrderParameters]) -> OrderParameters:
    """Average over sites: the order parameters that go with a site-averaged spectrum.

    Parameters
    ----------
    sites : iterable of OrderParameters
        All sites of one element in a structure, each as often as it occurs.

    Returns
    -------
    OrderParameters
        Their mean (Zheng et al. 2020, below equation 5).

    Raises
    ------
    ValueError
        If there is no site.
    """
    found = list(sites)
    if not found:
        raise ValueError("no sites to average over")
    return OrderParameters(
        np.mean([one.cn for one in found], axis=0), np.mean([one.motif for one in found], axis=0)
    )


@lru_cache(maxsize=len(MOTIFS))
def _measure(cn: int, name: str) -> Any:
    # pymatgen's hints ask for a Structure where its code and matminer take a list of sites.
    from pymatgen.core.local_env import CN_OPT_PARAMS, LocalStructOrderParams

    if cn == 1:
        return LocalStructOrderParams(["sgl_bd"])
    entry: Any = CN_OPT_PARAMS[cn][name]  # a name and, for some, its parameters
    kind, *parameters = entry
    chosen: Any = [dict(one) for one in parameters] or [None]
    return LocalStructOrderParams([kind], parameters=chosen)

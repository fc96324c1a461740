"""Find the neighbours that a site is bonded to, with pymatgen's CrystalNN."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from live_lce.labels._structures import StructureError

if TYPE_CHECKING:
    from pymatgen.core.local_env import CrystalNN
    from pymatgen.core.sites import PeriodicSite
    from pymatgen.core.structure import Structure

LIGANDS = frozenset({"C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "Te", "I"})
"""Elements that surround a cation: nonmetals, hydrogen left out."""

# Structures without oxidation states take covalent radii; both warnings say no more than that.
_RADII = "(No oxidation states specified|CrystalNN: cannot locate an appropriate radius)"


_REACH = 1.0  # Å beyond the sum of the radii, where CrystalNN gives a bond no weight any more


@dataclass(frozen=True)
class Neighbour:
    """One neighbour of a site.

    Attributes
    ----------
    index : int
        Which site of the structure it is a copy of.
    image : tuple of int
        The cell it is in, counted from that of the site.
    site : PeriodicSite
        Itself, at its place.
    """

    index: int
    image: tuple[int, int, int]
    site: PeriodicSite


@dataclass(frozen=True)
class Bonding:
    """The coordination numbers that a site may have, and the neighbours that go with each.

    Attributes
    ----------
    weights : dict of int to float
        Weight of each coordination number; they add up to one.
    shells : dict of int to tuple of Neighbour
        As many neighbours as the coordination number says.
    """

    weights: dict[int, float]
    shells: dict[int, tuple[Neighbour, ...]]

    @property
    def cn(self) -> int:
        """The coordination number of the largest weight."""
        return max(self.weights, key=self.weights.__getitem__)

    @property
    def shell(self) -> tuple[Neighbour, ...]:
        """The neighbours at that coordination number."""
        return self.shells[self.cn]


@lru_cache(maxsize=1)
def _finder() -> CrystalNN:
    from pymatgen.core.local_env import CrystalNN

    made: CrystalNN = CrystalNN()
    return made


def bonding(structure: Structure, site: int) -> Bonding:
    """Find the neighbours of a site with CrystalNN's defaults.

    Parameters
    ----------
    structure : Structure
        Ordered; oxidation states are used where the structure has them.
    site : int
        Index into the structure, from 0.

    Returns
    -------
    Bonding
        Weights and neighbours by coordination number.

    Raises
    ------
    StructureError
        If CrystalNN finds no way.

    Notes
    -----
    Zimmermann and Jain, RSC Adv. 10, 6063 (2020).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_RADII)
        try:
            data = _finder().get_nn_data(structure, site)
        # Of its Voronoi cells; TypeError of elements that have no radius.
        except (ValueError, RuntimeError, TypeError) as error:
            words = " ".join(str(error).split())
            raise StructureError(f"CrystalNN fails for site {site} ({words})") from None
    return Bonding(
        weights={int(cn): float(weight) for cn, weight in data.cn_weights.items()},
        shells={
            int(cn): tuple(_neighbour(one) for one in found) for cn, found in data.cn_nninfo.items()
        },
    )


def bonded(
    structure: Structure, site: int, find: Callable[[int], Bonding]
) -> tuple[Neighbour, ...]:
    """Return the neighbours of a site in the bond graph.

    Parameters
    ----------
    structure : Structure
        Ordered, without oxidation states.
    site : int
        Index into the structure, from 0.
    find : callable
        Gives the `bonding` of a site of this structure; a cache makes many sites cheap.

    Returns
    -------
    tuple of Neighbour
        Those that CrystalNN finds for the site, then those for which it finds the site.

    Notes
    -----
    The same as pymatgen's ``StructureGraph.from_local_env_strategy(structure, CrystalNN())``, and
    as the Materials Project's bonds, without making the graph of the whole structure.  It matters
    where the two ends disagree: to an elongated octahedron of Cu(II) CrystalNN gives four
    neighbours, while the two distant oxygens count the copper among theirs.
    """
    found = list(find(site).shell)
    seen = {(n.index, n.image) for n in found}
    for index in _undecided(structure, site, seen):
        for back in find(index).shell:
            image = (-back.image[0], -back.image[1], -back.image[2])
            if back.index == site and (index, image) not in seen:
                seen.add((index, image))
                found.append(Neighbour(index, image, _copy(structure, index, image)))
    return tuple(found)


def _neighbour(entry: dict[str, Any]) -> Neighbour:
    x, y, z = (int(i) for i in entry["image"])
    return Neighbour(int(entry["site_index"]), (x, y, z), entry["site"])


def _copy(structure: Structure, index: int, image: tuple[int, int, int]) -> PeriodicSite:
    from pymatgen.core.sites import PeriodicSite

    here = structure[index]
    return PeriodicSite(here.species, here.frac_coords + image, structure.lattice)


def _undecided(
    structure: Structure, site: int, bonded: set[tuple[int, tuple[int, int, int]]]
) -> list[int]:
    """Return the sites, each once, of which a copy is near enough to be bonded, and is not yet."""
    own = _radius(structure[site])
    largest = max(_radius(one) for one in structure)
    near = structure.get_neighbors(structure[site], own + largest + _REACH)
    return sorted(
        {
            n.index
            for n in near
            if n.nn_distance < own + _radius(n) + _REACH
            and (n.index, tuple(int(i) for i in n.image)) not in bonded
        }
    )


def _radius(site: PeriodicSite) -> float:
    """Return the radius that CrystalNN takes where there is no oxidation state."""
    from pymatgen.core.molecule_structure_comparator import CovalentRadius

    symbol = site.specie.symbol
    return float(CovalentRadius.radius.get(symbol) or site.specie.atomic_radius or 0.0)

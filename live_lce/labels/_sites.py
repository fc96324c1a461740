"""Label all sites of a structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from live_lce.labels._bonding import LIGANDS, Bonding, bonding
from live_lce.labels._carbone import CarboneLabel, carbone_label
from live_lce.labels._crystalnn import SiteLabel, site_label
from live_lce.labels._order_parameters import OrderParameters, from_bonding
from live_lce.labels._structures import StructureError, orbits

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


@dataclass(frozen=True)
class LabelledSite:
    """A site, and what each way of labelling calls it.

    Attributes
    ----------
    site : int
        Index into the structure, from 0.
    element : str
        Its element.
    multiplicity : int
        How many sites of the structure are equivalent to it.
    crystalnn : SiteLabel
        The label that our models learn.
    carbone : CarboneLabel
        By Carbone et al. 2019.
    order : OrderParameters
        By Zheng et al. 2020.
    """

    site: int
    element: str
    multiplicity: int
    crystalnn: SiteLabel
    carbone: CarboneLabel
    order: OrderParameters


def label_sites(
    structure: Structure, sites: Sequence[int], multiplicities: Sequence[int] = ()
) -> tuple[LabelledSite, ...]:
    """Label sites of a structure.

    Parameters
    ----------
    structure : Structure
        As `read_structure` gives it.
    sites : sequence of int
        Indices into the structure, from 0.
    multiplicities : sequence of int
        How many sites each one stands for; by default one.

    Returns
    -------
    tuple of LabelledSite
        In the order of `sites`.
    """

    @cache
    def find(index: int) -> Bonding:
        return bonding(structure, index)

    counts = multiplicities or [1] * len(sites)
    return tuple(
        LabelledSite(
            site,
            structure[site].specie.symbol,
            count,
            site_label(structure, site, find),
            carbone_label(structure, site),
            from_bonding(structure, site, find(site)),
        )
        for site, count in zip(sites, counts, strict=True)
    )


def label_structure(structure: Structure, absorber: str = "") -> tuple[LabelledSite, ...]:
    """Label the inequivalent sites of a structure.

    Parameters
    ----------
    structure : Structure
        As `read_structure` gives it.
    absorber : str
        Only sites of this element; by default all but ligands and hydrogen.

    Returns
    -------
    tuple of LabelledSite
        One for each set of equivalent sites.

    Raises
    ------
    StructureError
        If there is no such site.
    """
    wanted = [
        orbit
        for orbit in orbits(structure)
        if (orbit.element == absorber if absorber else orbit.element not in LIGANDS | {"H", "D"})
    ]
    if not wanted:
        there = ", ".join(sorted({site.specie.symbol for site in structure}))
        missing = f"no {absorber}" if absorber else "no cations"
        raise StructureError(f"{missing} in the structure: choose an absorber among {there}")
    return label_sites(structure, [o.sites[0] for o in wanted], [len(o.sites) for o in wanted])


def fractions(sites: Iterable[LabelledSite]) -> dict[str, dict[str, float]]:
    """Return how the sites of each element are shared out among the labels.

    Parameters
    ----------
    sites : iterable of LabelledSite
        As of `label_structure`.

    Returns
    -------
    dict of str to dict of str to float
        By element and label; the fractions of an element add up to one.
    """
    counted: dict[str, Counter[str]] = {}
    for one in sites:
        found = counted.setdefault(one.element, Counter())
        found[one.crystalnn.label] += one.multiplicity
    return {
        element: {label: n / found.total() for label, n in found.most_common()}
        for element, found in counted.items()
    }

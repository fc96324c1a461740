"""Compute the label our models learn: number by CrystalNN, geometry by symmetry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from live_lce.labels._bonding import Bonding, bonded
from live_lce.labels._symmetry import lowest, measures

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

LABELS: dict[str, str] = {
    "T4": "T4",
    "S5": "S5",
    "TBP5": "S5",  # five neighbours are one class: the two shapes pass into each other
    "O6": "O6",
}
"""The label of each motif; every other motif is ``other``."""

AMBIGUOUS = 6.0
"""A site of a class whose measure is above this resembles no motif enough to be scored."""


@dataclass(frozen=True)
class SiteLabel:
    """What a site is.

    Attributes
    ----------
    cn : int
        Number of neighbours.
    label : str
        ``T4``, ``S5``, ``O6``, ``other`` or ``ambiguous``.
    motif : str
        ``T4``, ``SQ4``, ``S5``, ``TBP5``, ``O6``, ``TP6`` or ``other``.
    measure : float
        The motif's continuous symmetry measure; NaN for ``other``.
    ligands : tuple of str
        Elements of the neighbours, in alphabetical order.
    """

    cn: int
    label: str
    motif: str
    measure: float
    ligands: tuple[str, ...]


def site_label(structure: Structure, site: int, find: Callable[[int], Bonding]) -> SiteLabel:
    """Label a site by its bonds.

    Parameters
    ----------
    structure : Structure
        Ordered, without oxidation states.
    site : int
        Index into the structure, from 0.
    find : callable
        Gives the `bonding` of a site of this structure.

    Returns
    -------
    SiteLabel
        As ``label`` and ``motif`` of the tables of computed spectra.
    """
    shell = bonded(structure, site, find)
    found = measures(structure[site].coords, [n.site.coords for n in shell])
    motif, measure = lowest(found)
    label = LABELS.get(motif, "other")
    if label != "other" and measure > AMBIGUOUS:
        label = "ambiguous"
    ligands = tuple(sorted({n.site.specie.symbol for n in shell}))
    return SiteLabel(len(shell), label, motif, measure, ligands)

"""Sites of mineral structures whose spectra are computed for training.

The structures are those of the American Mineralogist Crystal Structure Database (AMCSD;
Downs and Hall-Wallace, Am. Mineral. 88, 247 (2003)) that larixite carries.  The training
files of the Materials Project hold few of Mn and Fe that are like what a beamline measures;
and their compounds are all oxides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from live_lce.labels import label_structure
from live_lce.labels._structures import StructureError, parse_cif
from live_lce.sim.library import load_library
from research.feff.outlier_structures import outliers

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

NEAREST = 0.75
"""Å: AMCSD's split atoms are nearer to each other than this."""
MOST_ATOMS = 130
MOST_ATOMS_WITHOUT_OXYGEN = 40
MOST_ALIKE = 2
"""Sites of one label in a structure of an oxide."""
OXIDE_SITES: dict[str, int | None] = {
    **{"Fe": None, "Ti": None, "Mn": None},
    **{"Ni": 30, "Co": 30, "Cr": 30, "V": 30},
}
"""Most sites of oxides per absorber, None for all; Cu and Zn have enough in the files."""
SITES_WITHOUT_OXYGEN = {
    **{"Cu": 15, "Fe": 12, "Ni": 9, "Mn": 9, "Ti": 9, "Cr": 9, "Co": 9, "V": 9},
}
"""Most sites of compounds without oxygen; a third are for what has no :data:`ANIONS` either."""
ANIONS = frozenset({"S", "Se", "Cl", "F", "Br"})
OTHER = "other"
_ORDER = ("T4", "S5", "O6", OTHER)


@dataclass(frozen=True)
class MineralSite:
    """An absorbing site of a structure of the AMCSD.

    Parameters
    ----------
    absorber : str
        Element symbol.
    amcsd_id : int
        Number of the structure.
    mineral, formula : str
        Its name and reduced formula.
    n_atoms : int
        Of the conventional cell.
    site : int
        Index into the cell as `read_mineral` returns it, from 0.
    label : str
        T4, S5, O6 or other; ambiguous before the selection.
    ligands : tuple of str
        Elements of the neighbours.
    """

    absorber: str
    amcsd_id: int
    mineral: str
    formula: str
    n_atoms: int
    site: int
    label: str
    ligands: tuple[str, ...]

    @property
    def name(self) -> str:
        """Absorber, structure and site."""
        return f"{self.absorber}-{self.amcsd_id}-{self.site}"


@cache
def _amcsd() -> Any:
    """Return the part of the AMCSD that larixite carries, whatever else was downloaded."""
    from larixite.amcsd import AMCSD  # type: ignore[import-untyped]

    return AMCSD(read_only=True)


def read_mineral(amcsd_id: int) -> Structure:
    """Return a structure of the AMCSD.

    Raises
    ------
    StructureError
        If there is none of this number, or it is not readable, not ordered, larger than
        :data:`MOST_ATOMS` or has atoms nearer than :data:`NEAREST`.
    """
    name = f"AMCSD {amcsd_id}"
    cif = _amcsd().get_cif(amcsd_id)
    if cif is None:
        raise StructureError(f"{name}: no such structure in larixite's database")
    structure = parse_cif(cif.ciftext, name)
    if len(structure) > MOST_ATOMS:
        raise StructureError(f"{name}: {len(structure)} atoms, more than {MOST_ATOMS}")
    if not structure.is_valid(tol=NEAREST):
        raise StructureError(f"{name}: atoms less than {NEAREST} Å apart")
    return structure


def label_mineral(amcsd_id: int, absorber: str) -> tuple[MineralSite, ...]:
    """Label the inequivalent sites of an absorber.

    Raises
    ------
    StructureError
        As `read_mineral`, or if it holds no such element.
    """
    return _labelled(read_mineral(amcsd_id), amcsd_id, absorber)


def _labelled(structure: Structure, amcsd_id: int, absorber: str) -> tuple[MineralSite, ...]:
    formula = structure.composition.reduced_formula
    mineral = _amcsd().get_cif(amcsd_id).get_mineralname()
    return tuple(
        MineralSite(
            absorber,
            amcsd_id,
            mineral,
            formula,
            len(structure),
            one.site,
            one.crystalnn.label,
            one.crystalnn.ligands,
        )
        for one in label_structure(structure, absorber)
    )


def structure_ids(absorber: str, oxygen: bool) -> list[int]:
    """Return the structures of the AMCSD with an absorber, and with or without oxygen."""
    found = _amcsd().find_cifs(
        contains_elements=[absorber, "O"] if oxygen else [absorber],
        excludes_elements=None if oxygen else ["O"],
        max_matches=10**6,
    )
    return sorted(cif.ams_id for cif in found)


def idealized(absorber: str) -> set[str]:
    """Return the reduced formulas of :func:`~research.feff.outlier_structures.outliers`."""
    own = (one for one in outliers() if one.absorber == absorber)
    return {one.build().composition.reduced_formula for one in own}


def found_sites(absorber: str, amcsd_ids: Iterable[int]) -> list[MineralSite]:
    """Return all labelled sites of an absorber, of one structure a formula.

    Parameters
    ----------
    absorber : str
        Element symbol.
    amcsd_ids : iterable of int
        Structures, those to be preferred first.

    Returns
    -------
    list of MineralSite
        Of the first usable structure of each reduced formula.  Formulas of the simulated
        beamline are left out, so that the demo is scored on materials that no model has seen;
        so are those of the absorber's idealized structures, which have folds of their own.
    """
    seen = {one.formula for one in load_library().values()} | idealized(absorber)
    sites: list[MineralSite] = []
    for number in amcsd_ids:
        try:
            structure = read_mineral(number)
            if structure.composition.reduced_formula in seen:
                continue
            labelled = _labelled(structure, number, absorber)
        except StructureError:  # most of the AMCSD: mixed or split sites
            continue
        seen.add(structure.composition.reduced_formula)
        sites += labelled
    return sites


def oxide_sites(found: Sequence[MineralSite], most: int | None = None) -> list[MineralSite]:
    """Choose among sites of structures with oxygen.

    Parameters
    ----------
    found : sequence of MineralSite
        As of `found_sites`.
    most : int, optional
        The first ones of the order; by default all.

    Returns
    -------
    list of MineralSite
        Those that have oxygen around them only and a clear label, at most :data:`MOST_ALIKE` of
        a label and formula; T4, S5, O6, other, of each the smallest cells first.
    """
    clear = [one for one in found if one.label in _ORDER and one.ligands == ("O",)]
    clear.sort(key=lambda one: (_ORDER.index(one.label), one.n_atoms, one.amcsd_id, one.site))
    count = Counter[tuple[str, str]]()
    chosen = []
    for one in clear:
        count[one.formula, one.label] += 1
        if count[one.formula, one.label] <= MOST_ALIKE:
            chosen.append(one)
    return chosen[:most]


def other_sites(found: Sequence[MineralSite], most: int) -> list[MineralSite]:
    """Choose among sites of structures without oxygen; their label is `other`.

    Parameters
    ----------
    found : sequence of MineralSite
        As of `found_sites`.
    most : int
        How many sites; a third of them without :data:`ANIONS` around.

    Returns
    -------
    list of MineralSite
        One site a formula, the smallest cells first.
    """
    small = [one for one in found if one.n_atoms <= MOST_ATOMS_WITHOUT_OXYGEN]
    small.sort(key=lambda one: (one.n_atoms, one.amcsd_id, one.site))
    seen: set[str] = set()
    chosen = []
    for salt, limit in ((True, most - most // 3), (False, most // 3)):
        n = 0
        for one in small:
            if bool(ANIONS & set(one.ligands)) is not salt or one.formula in seen or n == limit:
                continue
            seen.add(one.formula)
            n += 1
            chosen.append(replace(one, label=OTHER))
    return chosen


def mineral_sites() -> Iterator[MineralSite]:
    """Yield the sites to compute: iron, compounds without oxygen, the other oxides."""
    first, *rest = OXIDE_SITES
    plan = [(first, True), *((el, False) for el in SITES_WITHOUT_OXYGEN)]
    for absorber, oxygen in [*plan, *((el, True) for el in rest)]:
        found = found_sites(absorber, structure_ids(absorber, oxygen))
        if oxygen:
            yield from oxide_sites(found, OXIDE_SITES[absorber])
        else:
            yield from other_sites(found, SITES_WITHOUT_OXYGEN[absorber])

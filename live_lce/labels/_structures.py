"""Read crystal structures from files, and find their inequivalent sites."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

SYMPREC = 0.01
"""Å: sites that a symmetry operation brings this near to each other are equivalent."""


NEAREST = 0.5
"""Å: no two atoms are nearer than this."""


class StructureError(ValueError):
    """The structure cannot be labelled; one line that says what to do."""


@dataclass(frozen=True)
class ReadStructure:
    """A structure and what there was to say about its file.

    Attributes
    ----------
    structure : Structure
        Ordered, without oxidation states; sites in the order of the file.
    notes : tuple of str
        What the parser warned of, one line each.
    """

    structure: Structure
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Orbit:
    """Sites that symmetry makes the same.

    Attributes
    ----------
    element : str
        Their element.
    sites : tuple of int
        Indices into the structure, from 0; the first one stands for all.
    """

    element: str
    sites: tuple[int, ...]


def read_structure(path: Path) -> ReadStructure:
    """Read a CIF, POSCAR or another file that pymatgen knows.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ReadStructure
        The cell as written, not reduced.

    Raises
    ------
    StructureError
        If the file is no structure, or one that `check_structure` refuses.
    """
    from pymatgen.core.structure import Structure

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            structure = Structure.from_file(path)
        except FileNotFoundError:
            raise StructureError(f"{path}: no such file") from None
        except Exception as error:  # pymatgen's parsers raise whatever they stumble over
            words = " ".join(str(error).split()) or type(error).__name__
            raise StructureError(
                f"{path}: not read as a structure ({words}): give a CIF (.cif) or POSCAR (.vasp)"
            ) from None
    checked = check_structure(structure, str(path))
    notes = dict.fromkeys(" ".join(str(one.message).split()) for one in caught)
    return ReadStructure(checked, tuple(notes))


def parse_cif(text: str, name: str) -> Structure:
    """Return the structure of a CIF that is at hand as text.

    Parameters
    ----------
    text : str
        The file's content.
    name : str
        What to call it in errors.

    Returns
    -------
    Structure
        As of `read_structure`; the parser's warnings are passed over.

    Raises
    ------
    StructureError
        As `read_structure`.
    """
    from pymatgen.core.structure import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            structure = Structure.from_str(text, fmt="cif")
        except Exception as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise StructureError(f"{name}: not read as a CIF ({words})") from None
    return check_structure(structure, name)


def check_structure(structure: Structure, name: str) -> Structure:
    """Return a structure that can be labelled.

    Parameters
    ----------
    structure : Structure
        From anywhere.
    name : str
        What to call it in errors.

    Returns
    -------
    Structure
        A copy without oxidation states: CrystalNN's radii depend on them, and files differ in
        whether they state them.

    Raises
    ------
    StructureError
        If it holds no atoms, sites are partly occupied or shared, or atoms lie on each other.
    """
    if len(structure) == 0:
        raise StructureError(f"{name}: no atoms in it")
    mixed = [site for site in structure if not site.is_ordered]
    if mixed:
        raise StructureError(
            f"{name}: {len(mixed)} of {len(structure)} sites are partly occupied or shared, "
            f"e.g. {mixed[0].species_string}: a label needs whole atoms, give an ordered model"
        )
    if not structure.is_valid(tol=NEAREST):
        raise StructureError(
            f"{name}: atoms less than {NEAREST} Å apart: give a model without doubled atoms"
        )
    plain = structure.copy()
    plain.remove_oxidation_states()
    return plain


def orbits(structure: Structure, symprec: float = SYMPREC) -> tuple[Orbit, ...]:
    """Return the sets of equivalent sites.

    Parameters
    ----------
    structure : Structure
        Ordered.
    symprec : float
        See `SYMPREC`.

    Returns
    -------
    tuple of Orbit
        In the order of their first sites.  Where spglib finds no symmetry, each site stands alone.
    """
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    with warnings.catch_warnings():
        # Of spglib, about how pymatgen calls it.
        warnings.filterwarnings(
            "ignore", message=".*OLD_ERROR_HANDLING", category=DeprecationWarning
        )
        try:
            dataset = SpacegroupAnalyzer(structure, symprec=symprec).get_symmetry_dataset()
            same = [int(i) for i in dataset.equivalent_atoms]
        except SymmetryUndeterminedError:
            same = list(range(len(structure)))
    found: dict[int, list[int]] = {}
    for site, first in enumerate(same):
        found.setdefault(first, []).append(site)
    ordered = sorted(found.values())
    return tuple(Orbit(structure[o[0]].specie.symbol, tuple(o)) for o in ordered)

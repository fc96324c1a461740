"""Well-known crystal structures, made from their published cells."""

from __future__ import annotations

from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure


def rutile() -> Structure:
    """TiO2: all Ti in slightly distorted octahedra."""
    cell = Lattice.tetragonal(4.594, 2.959)
    return Structure.from_spacegroup(
        "P4_2/mnm", cell, ["Ti", "O"], [[0, 0, 0], [0.3048, 0.3048, 0]]
    )


def rock_salt() -> Structure:
    """MnO: regular octahedra."""
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.446), ["Mn", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def zincite() -> Structure:
    """ZnO: tetrahedra."""
    cell = Lattice.hexagonal(3.2495, 5.2069)
    return Structure.from_spacegroup(
        "P6_3mc", cell, ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.3821]]
    )


def magnetite() -> Structure:
    """Fe3O4, an inverse spinel: 8 tetrahedral and 16 octahedral Fe."""
    return Structure.from_spacegroup(
        "Fd-3m:2",
        Lattice.cubic(8.3958),
        ["Fe", "Fe", "O"],
        [[0.125, 0.125, 0.125], [0.5, 0.5, 0.5], [0.2549, 0.2549, 0.2549]],
    )


def perovskite() -> Structure:
    """SrTiO3: octahedral Ti, cuboctahedral Sr."""
    return Structure.from_spacegroup(
        "Pm-3m",
        Lattice.cubic(3.905),
        ["Sr", "Ti", "O"],
        [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0]],
    )


def shcherbinaite() -> Structure:
    """V2O5: square pyramids with a short V=O (Enjalbert and Galy 1986)."""
    return Structure.from_spacegroup(
        "Pmmn:2",
        Lattice.orthorhombic(11.512, 3.564, 4.368),
        ["V", "O", "O", "O"],
        [
            [0.10118, 0.25, -0.1083],
            [0.1043, 0.25, -0.469],
            [-0.0689, 0.25, 0.003],
            [0.25, 0.25, 0.001],
        ],
    )


def tenorite() -> Structure:
    """CuO: square planes (Asbrink and Norrby 1970)."""
    cell = Lattice.monoclinic(4.6837, 3.4226, 5.1288, 99.54)
    return Structure.from_spacegroup(
        "C2/c", cell, ["Cu", "O"], [[0.25, 0.25, 0], [0, 0.4184, 0.25]]
    )

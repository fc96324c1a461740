"""Idealized structures in which no oxide surrounds the absorber.

Crystals have textbook lattice constants; the molecules are regular polyhedra around the
absorber, the bond lengths typical ones of their kind.  They are examples of what is not
T4, S5 or O6, no predictions of real compounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from live_lce.spectra import Array

_TETRAHEDRON = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
_OCTAHEDRON = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
_BOX = 24.0
# M-Cl of four and of six, M-O of six and of four bonds (angstrom).
_BONDS = {
    "Ti": (2.17, 2.36, 2.03, 1.85),
    "Fe": (2.25, 2.42, 2.05, 1.95),
    "Cu": (2.27, 2.45, 1.98, 1.95),
    "Mn": (2.35, 2.52, 2.15, 2.05),
    "Cr": (2.2, 2.35, 1.98, 1.9),
    "V": (2.15, 2.38, 2.0, 1.9),
    "Co": (2.27, 2.43, 2.08, 1.95),
    "Ni": (2.27, 2.41, 2.06, 1.95),
    "Zn": (2.27, 2.48, 2.1, 1.96),
}
_ORGANIC = ("Ti", "V", "Mn", "Fe")
Ligand = tuple[str, float, Any]
"""Symbol, distance (angstrom) and direction."""


@dataclass(frozen=True)
class Outlier:
    """A structure and the site to compute.

    Parameters
    ----------
    kind : str
        metal, sulfide, halide, nitride or organic.
    prototype : str
        The structure with M for the absorber.
    absorber : str
        Element symbol; its first site is computed.
    build : callable
        Returns the pymatgen structure.
    """

    kind: str
    prototype: str
    absorber: str
    build: Callable[[], Any]

    @property
    def name(self) -> str:
        """The prototype with the absorber in it."""
        return f"{self.absorber}: {self.prototype}"


def outliers() -> Iterator[Outlier]:
    """Yield all structures: molecules of every absorber, then crystals."""
    for absorber in _BONDS:
        yield from _molecules(absorber)
    yield from _crystals()


def _molecules(el: str) -> Iterator[Outlier]:
    four, six, o_six, o_four = _BONDS[el]
    octa, tetra = _OCTAHEDRON, _TETRAHEDRON
    shells: list[tuple[str, str, list[Ligand]]] = [
        ("halide", "MCl4", [("Cl", four, v) for v in tetra]),
        ("halide", "MCl6", [("Cl", six, v) for v in octa]),
        (
            "halide",
            "MCl4O2",
            [("Cl", six - 0.03, octa[i]) for i in (0, 2, 3, 4)]
            + [("O", o_six, octa[i]) for i in (1, 5)],
        ),
        (
            "halide",
            "MCl2O4",
            [("Cl", six - 0.05, octa[i]) for i in (0, 2)]
            + [("O", o_six, octa[i]) for i in (1, 3, 4, 5)],
        ),
        (
            "halide",
            "MCl2O2",
            [("Cl", four + 0.03, v) for v in tetra[:2]] + [("O", o_four, v) for v in tetra[2:]],
        ),
        ("sulfide", "MS4", [("S", four + 0.06, v) for v in tetra]),
    ]
    if el in _ORGANIC:
        chlorine: list[Ligand] = [("Cl", four + 0.19, (x, -1, 0)) for x in (0.75, -0.75)]
        rings = _ring(5, 2.06, 1.21, 0.4) + _ring(5, -2.06, 1.21, -0.4)
        shells.append(("organic", "MCp2Cl2", rings + chlorine))
        shells.append(("organic", "MCpC7", _ring(5, 2.0, 1.21) + _ring(7, -1.5, 1.62)))
    for kind, prototype, ligands in shells:
        yield Outlier(kind, prototype, el, partial(_molecule, el, ligands))


def _molecule(el: str, ligands: list[Ligand]) -> Any:
    """Return a molecule in a large box; each oxygen holds a carbon, as an alkoxide's does."""
    from pymatgen.core import Lattice, Structure

    symbols, places = [el], [np.zeros(3)]
    for symbol, distance, direction in ligands:
        v: Array = np.asarray(direction, float)
        v = v / np.linalg.norm(v)
        symbols.append(symbol)
        places.append(v * distance)
        if symbol == "O":
            side = np.cross(v, [0.3, 0.5, 0.8])
            side /= np.linalg.norm(side)
            symbols.append("C")
            places.append(v * distance + 1.43 * (np.cos(0.9) * v + np.sin(0.9) * side))
    middle = np.array(places) + _BOX / 2
    return Structure(Lattice.cubic(_BOX), symbols, middle, coords_are_cartesian=True)


def _ring(n: int, height: float, radius: float, tilt: float = 0.0) -> list[Ligand]:
    """Return the carbon atoms of a ring, turned around x by `tilt` (rad)."""
    angle = 2 * np.pi * np.arange(n) / n
    flat = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(n, height)], 1)
    c, s = np.cos(tilt), np.sin(tilt)
    places = flat @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
    return [("C", float(np.linalg.norm(v)), v) for v in places]


def _crystals() -> Iterator[Outlier]:
    for absorber, a in (("Cu", 3.615), ("Ni", 3.524), ("Co", 3.544), ("Fe", 3.6), ("Mn", 3.86)):
        yield _crystal("metal", "fcc M", "Fm-3m", absorber, (a, a), [])
    for absorber, a in (("Fe", 2.866), ("V", 3.028), ("Cr", 2.885), ("Mn", 2.98)):
        yield _crystal("metal", "bcc M", "Im-3m", absorber, (a, a), [])
    for absorber, a, c in (("Ti", 2.951, 4.684), ("Co", 2.507, 4.069), ("Zn", 2.665, 4.947)):
        yield _crystal("metal", "hcp M", "P6_3/mmc", absorber, (a, c), [], (1 / 3, 2 / 3, 0.25))
    for absorber, a, u in (("Fe", 5.417, 0.3848), ("Co", 5.538, 0.389)):
        yield _crystal("sulfide", "pyrite MS2", "Pa-3", absorber, (a, a), [("S", (u, u, u))])
    nickeline = (("Fe", 3.446, 5.877), ("Ni", 3.439, 5.324), ("Cr", 3.45, 5.55), ("V", 3.36, 5.8))
    third = (1 / 3, 2 / 3, 0.25)
    for absorber, a, c in (*nickeline, ("Co", 3.37, 5.16)):
        yield _crystal("sulfide", "NiAs MS", "P6_3/mmc", absorber, (a, c), [("S", third)])
    for kind, x, absorber, a in (
        ("sulfide", "S", "Mn", 5.6),
        ("sulfide", "S", "Zn", 5.409),
        ("halide", "Cl", "Cu", 5.416),
        ("halide", "Br", "Cu", 5.69),
    ):
        quarter = (0.25, 0.25, 0.25)
        yield _crystal(kind, f"sphalerite M{x}", "F-43m", absorber, (a, a), [(x, quarter)])
    half = (0.5, 0.5, 0.5)
    for kind, x, absorber, a in (
        ("sulfide", "S", "Mn", 5.224),
        ("nitride", "N", "Ti", 4.24),
        ("nitride", "N", "Cr", 4.149),
        ("nitride", "N", "V", 4.14),
    ):
        yield _crystal(kind, f"rock salt M{x}", "Fm-3m", absorber, (a, a), [(x, half)])
    for kind, x, absorber, a, c, z in (
        ("sulfide", "S2", "Ti", 3.407, 5.695, 0.25),
        ("halide", "Cl2", "Ti", 3.561, 5.875, 0.25),
        ("halide", "Cl2", "V", 3.601, 5.835, 0.25),
        ("halide", "Br2", "Fe", 3.776, 6.227, 0.25),
    ):
        at = [(x[:-1], (1 / 3, 2 / 3, z))]
        yield _crystal(kind, f"CdI2 M{x}", "P-3m1", absorber, (a, c), at)
    for absorber, a, c, z in (
        ("Fe", 3.593, 17.58, 0.2543),
        ("Ni", 3.478, 17.41, 0.255),
        ("Co", 3.553, 17.36, 0.2558),
        ("Mn", 3.711, 17.59, 0.2546),
    ):
        yield _crystal("halide", "CdCl2 MCl2", "R-3m", absorber, (a, c), [("Cl", (0.0, 0.0, z))])
    chain = [("Cl", (0.315, 0.0, 0.25))]
    yield _crystal("halide", "chain MCl3", "P6_3/mcm", "Ti", (6.27, 5.82), chain)
    salt = [("K", (0.25, 0.25, 0.25)), ("Cl", (0.24, 0, 0))]
    yield _crystal("halide", "K2MCl6", "Fm-3m", "Ti", (9.792, 9.792), salt)
    for absorber, first, u in (("Cu", "Fe", 0.2575), ("Fe", "Cu", 0.2425)):
        rest = [(first, (0, 0, 0.5)), ("S", (u, 0.25, 0.125))]
        yield _crystal("sulfide", "chalcopyrite", "I-42d", absorber, (5.289, 10.423), rest)


def _crystal(
    kind: str,
    prototype: str,
    group: str,
    absorber: str,
    lattice: tuple[float, float],
    others: list[tuple[str, tuple[float, float, float]]],
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Outlier:
    """Return a crystal by space group; the lattice (a, c) is cubic where both are equal."""

    def build() -> Any:
        from pymatgen.core import Lattice, Structure

        a, c = lattice
        hexagonal = group.startswith(("P6", "P-3", "R"))
        cell = Lattice.hexagonal(a, c) if hexagonal else Lattice.tetragonal(a, c)
        symbols, places = [absorber, *(x for x, _ in others)], [at, *(p for _, p in others)]
        return Structure.from_spacegroup(group, cell, symbols, places)

    return Outlier(kind, prototype, absorber, build)

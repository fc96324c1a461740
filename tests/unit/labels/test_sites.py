"""Structures in, labels out."""

from __future__ import annotations

from pathlib import Path

import pytest
import structure_parts as structures
from pymatgen.core.graphs import StructureGraph
from pymatgen.core.lattice import Lattice
from pymatgen.core.local_env import CrystalNN
from pymatgen.core.structure import Structure

from live_lce.labels import fractions, label_structure, read_structure
from live_lce.labels._bonding import bonded, bonding
from live_lce.labels._carbone import carbone_label, shell_label
from live_lce.labels._crystalnn import site_label
from live_lce.labels._structures import StructureError, orbits


@pytest.mark.parametrize(
    ("structure", "absorber", "labels", "carbone"),
    [
        (structures.rutile(), "Ti", {"O6": 1.0}, {"O6"}),
        (structures.rock_salt(), "Mn", {"O6": 1.0}, {"O6"}),
        (structures.zincite(), "Zn", {"T4": 1.0}, {"T4"}),
        (structures.magnetite(), "Fe", {"O6": 2 / 3, "T4": 1 / 3}, {"O6", "T4"}),
        (structures.perovskite(), "Ti", {"O6": 1.0}, {"O6"}),
        (structures.tenorite(), "Cu", {"other": 1.0}, {"other"}),
        # The short V=O leaves four of the five oxygens within 1.2 times the shortest distance.
        (structures.shcherbinaite(), "V", {"S5": 1.0}, {"T4"}),
    ],
)
def test_known_structures(
    structure: Structure, absorber: str, labels: dict[str, float], carbone: set[str]
) -> None:
    sites = label_structure(structure, absorber)
    assert fractions(sites)[absorber] == pytest.approx(labels)
    assert {one.carbone.label for one in sites} == carbone
    assert sum(one.multiplicity for one in sites) == structure.composition[absorber]


def test_all_cations_by_default() -> None:
    sites = label_structure(structures.perovskite())
    assert [(s.element, s.crystalnn.cn, s.crystalnn.label) for s in sites] == [
        ("Sr", 12, "other"),
        ("Ti", 6, "O6"),
    ]
    assert sites[1].crystalnn.ligands == ("O",)
    with pytest.raises(StructureError, match=r"no Fe .* among O, Sr, Ti"):
        label_structure(structures.perovskite(), "Fe")


@pytest.mark.filterwarnings("ignore:No oxidation states", "ignore:CrystalNN. cannot locate")
@pytest.mark.parametrize("structure", [structures.shcherbinaite(), structures.tenorite()])
def test_the_bonds_are_those_of_pymatgens_graph(structure: Structure) -> None:
    graph = StructureGraph.from_local_env_strategy(structure, CrystalNN())
    for site in range(len(structure)):
        theirs = {(n.index, tuple(n.jimage)) for n in graph.get_connected_sites(site)}
        ours = bonded(structure, site, lambda i: bonding(structure, i))
        assert {(n.index, n.image) for n in ours} == theirs


def test_a_bond_that_only_one_end_finds_counts_for_both() -> None:
    # An elongated octahedron: CrystalNN gives Cu four neighbours, and Cu to the two distant F.
    structure = Structure.from_spacegroup(
        "P4/mmm",
        Lattice.tetragonal(3.9, 5.2),
        ["K", "Cu", "F", "F"],
        [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0, 0.5]],
    )
    copper = next(i for i, s in enumerate(structure) if s.specie.symbol == "Cu")
    assert bonding(structure, copper).cn == 4
    found = site_label(structure, copper, lambda i: bonding(structure, i))
    assert (found.cn, found.label) == (6, "O6")


def test_a_shell_like_nothing_is_ambiguous() -> None:
    # A see-saw without its symmetry: no tetrahedron and no square.
    structure = Structure(
        Lattice.cubic(12),
        ["V", "O", "O", "O", "O"],
        [[0, 0, 0], [0.16, 0, 0], [-0.16, 0, 0], [0, 0.16, 0], [0, 0, 0.16]],
    )
    found = site_label(structure, 0, lambda i: bonding(structure, i))
    assert (found.cn, found.label, found.motif) == (4, "ambiguous", "T4")
    assert found.measure > 6


def test_carbone_counts_ligands_within_the_cutoff() -> None:
    plane = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]
    assert shell_label([0, 0, 0], plane).label == "other"
    assert shell_label([0, 0, 0], [*plane, [0, 0, 1]]).label == "S5"
    assert shell_label([0, 0, 0], plane[:3]).label == "other"
    rutile = structures.rutile()
    assert carbone_label(rutile, 0, cutoff=1.001).cn == 4, "two of the six are 0.03 Å farther"
    metal = Structure.from_spacegroup("Im-3m", Lattice.cubic(2.87), ["Fe"], [[0, 0, 0]])
    assert carbone_label(metal, 0).label == "other", "no ligands at all"
    assert label_structure(metal)[0].crystalnn.label == "other"


def test_orbits_keep_the_order_of_sites() -> None:
    found = orbits(structures.magnetite())
    assert [(o.element, len(o.sites), o.sites[0]) for o in found] == [
        ("Fe", 8, 0),
        ("Fe", 16, 8),
        ("O", 32, 24),
    ]


@pytest.mark.parametrize("name", ["v2o5.cif", "POSCAR", "v2o5.vasp"])
def test_files_are_read_as_written(name: str, tmp_path: Path) -> None:
    original = structures.shcherbinaite()
    path = tmp_path / name
    original.to(str(path), fmt="cif" if name.endswith(".cif") else "poscar")
    found = read_structure(path)
    assert [s.specie.symbol for s in found.structure] == [s.specie.symbol for s in original]
    assert label_structure(found.structure, "V")[0].crystalnn.label == "S5"


def test_oxidation_states_are_left_out(tmp_path: Path) -> None:
    stated = structures.tenorite().add_oxidation_state_by_element({"Cu": 2, "O": -2})
    stated.to(str(tmp_path / "a.cif"))
    assert "Cu2+" in (tmp_path / "a.cif").read_text(encoding="utf-8")
    found = read_structure(tmp_path / "a.cif").structure
    assert all(not hasattr(s.specie, "oxi_state") for s in found)


def test_what_the_parser_warns_of_is_noted(tmp_path: Path) -> None:
    structures.rock_salt().to(str(tmp_path / "exact.cif"))
    assert read_structure(tmp_path / "exact.cif").notes == ()
    structures.zincite().to(str(tmp_path / "thirds.cif"))
    (note,) = read_structure(tmp_path / "thirds.cif").notes
    assert "rounded to ideal values" in note and "\n" not in note


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("nothing.cif", "", "not read as a structure"),
        ("other.txt", "hello", "give a CIF"),
        ("cut.cif", "data_x\n_cell_length_a 3\n", "not read as a structure"),
    ],
)
def test_what_is_no_structure_is_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StructureError, match=says) as caught:
        read_structure(path)
    assert "\n" not in str(caught.value)


def test_disorder_and_missing_files_are_refused(tmp_path: Path) -> None:
    mixed = Structure(Lattice.cubic(4.2), [{"Fe": 0.5, "Mn": 0.5}, "O"], [[0, 0, 0], [0.5] * 3])
    mixed.to(str(tmp_path / "mixed.cif"))
    with pytest.raises(StructureError, match="1 of 2 sites are partly occupied or shared"):
        read_structure(tmp_path / "mixed.cif")
    doubled = structures.rutile()
    doubled.append("Ti", [0.05, 0, 0])
    doubled.to(str(tmp_path / "doubled.vasp"), fmt="poscar")
    with pytest.raises(StructureError, match="without doubled atoms"):
        read_structure(tmp_path / "doubled.vasp")
    with pytest.raises(StructureError, match="no such file"):
        read_structure(tmp_path / "none.cif")

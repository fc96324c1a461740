"""Continuous symmetry measures, against ChemEnv."""

from __future__ import annotations

import numpy as np
import pytest
import structure_parts as structures
from hypothesis import given, settings, strategies as st
from pymatgen.analysis.chemenv.coordination_environments.coordination_geometry_finder import (
    AbstractGeometry,
    LocalGeometryFinder,
)
from pymatgen.core.structure import Structure

from live_lce.labels._symmetry import POLYHEDRA, lowest, measure, measures

CORNERS = {
    "T4": [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]],
    "SQ4": [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]],
    "O6": [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]],
}


def chemenv(centre: np.ndarray, shell: np.ndarray) -> dict[str, float]:
    finder = LocalGeometryFinder(only_symbols=[symbol for _, symbol in POLYHEDRA.values()])
    finder.local_geometry = AbstractGeometry(
        centre, shell, centering_type="centroid", include_central_site_in_centroid=True
    )
    found = finder.get_coordination_symmetry_measures(all_csms=False)
    return {n: found[s]["csm"] for n, (_, s) in POLYHEDRA.items() if s in found}


@pytest.mark.parametrize("motif", CORNERS)
def test_an_ideal_polyhedron_measures_nothing(motif: str) -> None:
    found = measures([0, 0, 0], CORNERS[motif])
    assert lowest(found) == (motif, pytest.approx(0, abs=1e-9))


def test_size_place_orientation_and_order_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    shell = np.array(CORNERS["O6"]) + rng.normal(0, 0.1, (6, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    moved = 2.1 * shell[rng.permutation(6)] @ turn + [4, 5, 6]
    assert measures([4, 5, 6], moved) == pytest.approx(measures([0, 0, 0], shell), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 5]))
def test_four_and_five_neighbours_equal_chemenv(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    shell = rng.normal(size=(number, 3))
    assert measures(np.zeros(3), shell) == pytest.approx(chemenv(np.zeros(3), shell), abs=1e-8)


def test_six_neighbours_are_never_worse_than_chemenv() -> None:
    # ChemEnv looks for the best order of six neighbours by planes and may miss it.
    rng = np.random.default_rng(1)
    for spread in (0.05, 0.1, 0.3):
        shell = np.array(CORNERS["O6"]) + rng.normal(0, spread, (6, 3))
        ours, theirs = measures(np.zeros(3), shell), chemenv(np.zeros(3), shell)
        assert ours["O6"] == pytest.approx(theirs["O6"], abs=1e-8)
        assert ours["TP6"] <= theirs["TP6"] + 1e-8


@pytest.mark.parametrize(
    ("structure", "motif"),
    [(structures.rutile(), "O6"), (structures.zincite(), "T4"), (structures.tenorite(), "SQ4")],
)
def test_equals_chemenv_on_crystals(structure: Structure, motif: str) -> None:
    corners, symbol = POLYHEDRA[motif]
    finder = LocalGeometryFinder()
    finder.setup_structure(structure)
    environments = finder.compute_structure_environments(
        only_indices=[0], maximum_distance_factor=1.3, max_cn=6, valences="undefined"
    )
    theirs = environments.ce_list[0][corners][0].coord_geoms[symbol]["symmetry_measure"]
    near = sorted(structure.get_neighbors(structure[0], 3.0), key=lambda n: n.nn_distance)
    shell = [n.coords for n in near[:corners]]
    ours = measures(structure[0].coords, shell)
    assert lowest(ours) == (motif, pytest.approx(theirs, abs=1e-6))


def test_other_numbers_have_no_motif() -> None:
    assert measures([0, 0, 0], np.eye(3)) == {}
    name, value = lowest({})
    assert name == "other" and np.isnan(value)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="at one point"):
        measures([0, 0, 0], np.zeros((4, 3)))
    with pytest.raises(ValueError, match="4 neighbours for a polyhedron of 6"):
        measure(np.zeros((5, 3)), np.zeros((7, 3)))

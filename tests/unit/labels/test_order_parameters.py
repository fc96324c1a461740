"""Zheng et al.'s order parameters, ranked labels and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
import structure_parts as structures
from hypothesis import given, strategies as st
from pymatgen.core.local_env import CN_OPT_PARAMS
from pymatgen.core.structure import Structure

from live_lce.labels._order_parameters import (
    CNS,
    MOTIFS,
    OrderParameters,
    average,
    order_parameters,
)
from live_lce.labels._ranked import (
    calibrated_threshold,
    cardinality,
    common,
    main_cn,
    main_motifs,
    members,
    ranked_cn,
    ranked_motif,
)

TETRAHEDRAL = "CN_4-tetrahedral-trigonal pyramidal-see-saw-like-square co-planar"
OCTAHEDRAL = "CN_6-octahedral-pentagonal pyramidal-hexagonal planar"
SQUARE = (
    "CN_4-square co-planar-rectangular see-saw-like-see-saw-like-trigonal pyramidal-tetrahedral"
)


def test_the_motifs_are_those_of_pymatgen() -> None:
    theirs = [(cn, name) for cn, names in CN_OPT_PARAMS.items() for name in names]
    assert ((1, "single bond"), *theirs) == MOTIFS
    assert len(MOTIFS) == 25 and tuple(range(1, 13)) == CNS


# As the paper's benchmark states them for ZnO, MnO, CuO, MnO2 (of rutile type).
@pytest.mark.parametrize(
    ("structure", "cn", "motif"),
    [
        (structures.zincite(), "CN_4", TETRAHEDRAL),
        (structures.rock_salt(), "CN_6", OCTAHEDRAL),
        (structures.tenorite(), "CN_4", SQUARE),
        (structures.rutile(), "CN_6", OCTAHEDRAL),
        (structures.perovskite(), "CN_12", "CN_12-cuboctahedral"),
    ],
)
def test_known_structures(structure: Structure, cn: str, motif: str) -> None:
    found = order_parameters(structure, 0)
    assert ranked_cn(found.cn) == cn
    assert ranked_motif(found, main_cn(found.cn)) == motif
    assert 0.99 < found.cn.sum() <= 1 + 1e-9


def test_a_motif_is_weighted_by_its_number() -> None:
    found = order_parameters(structures.shcherbinaite(), 0)
    for (cn, _), value in zip(MOTIFS, found.motif, strict=True):
        assert 0 <= value <= found.cn[cn - 1] + 1e-12
    assert 0 < found.cn[4] < 1, "V2O5 is not wholly five-coordinate"


def test_the_average_counts_every_site() -> None:
    structure = structures.magnetite()
    four, six = (order_parameters(structure, i) for i in (0, 8))
    mean = average([four] * 8 + [six] * 16)
    assert mean.cn == pytest.approx((four.cn + 2 * six.cn) / 3)
    assert ranked_cn(mean.cn) == "CN_6-CN_4"
    assert ranked_motif(mean, main_cn(mean.cn)) == OCTAHEDRAL
    with pytest.raises(ValueError, match="no sites"):
        average([])


def test_thresholds_decide_what_counts() -> None:
    cn = np.zeros(12)
    cn[[3, 4, 5]] = 0.2, 0.19, 0.61
    assert ranked_cn(cn) == "CN_6-CN_4"
    assert ranked_cn(cn, t1=0.1) == "CN_6-CN_4-CN_5"
    assert ranked_cn(np.zeros(12)) == ""
    nothing = OrderParameters(np.eye(12)[9], np.zeros(25))
    assert ranked_motif(nothing, 10) == ""


@given(st.permutations(MOTIFS), st.integers(1, 25))
def test_labels_can_be_taken_apart(order: list[tuple[int, str]], number: int) -> None:
    names = tuple(name for _, name in order[:number])
    assert members("-".join(["CN_4", *names])) == names


def test_labels_taken_apart() -> None:
    assert members("CN_6-CN_12") == ("CN_6", "CN_12")
    assert members("") == ()
    with pytest.raises(ValueError, match="cannot read 'octopus'"):
        members("CN_6-octopus")


def test_cardinality_and_calibration() -> None:
    sites = np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]])
    averaged = np.array([[0.5, 0.5], [0.7, 0.3]])
    assert cardinality(sites, 0.05) == pytest.approx(4 / 3)
    assert cardinality(averaged, 0.05) == 2
    # Only above 0.3 has the second average one label; sites have 4/3 up to 0.1 and 1 above.
    assert calibrated_threshold(sites, averaged) == 0.31
    assert calibrated_threshold(averaged, averaged) == 0.31, "0 to 0.3 count every label"
    with pytest.raises(ValueError, match="give larger ones"):
        calibrated_threshold(sites, averaged, thresholds=[0.0])


def test_only_the_motifs_of_the_label_count() -> None:
    cn, motif = np.zeros((1, 12)), np.ones((1, 25))
    cn[0, [3, 5]] = 0.3, 0.7
    kept = main_motifs(cn, motif)
    assert {MOTIFS[i][0] for i in np.flatnonzero(~np.isnan(kept[0]))} == {6}
    assert cardinality(motif, 0.05) == 25 and cardinality(kept, 0.05) == 3


def test_rare_labels_are_dropped() -> None:
    labels = ["CN_6"] * 30 + ["CN_4"] * 29 + [""] * 50
    assert common(labels) == {"CN_6"}
    assert common(labels, fewest=29) == {"CN_6", "CN_4"}

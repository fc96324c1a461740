"""Zheng's training spectra: labels, averages, mixtures, stretched copies, windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE
from live_lce.labels._order_parameters import CNS, MOTIFS
from research.zheng2020.crossval import N_FOLDS, grouped_folds, make_samples, prepare
from research.zheng2020.labels import (
    LabelTable,
    RankedLabels,
    coarse,
    motif_cns,
    ranked_labels,
    read_labels,
)
from research.zheng2020.rare import learnable, shortened
from research.zheng2020.samples import (
    AVERAGED,
    MIXTURE,
    SAME,
    SITE,
    averages,
    complete_sets,
    mixtures,
    sites,
    stretched,
)
from research.zheng2020.window import N_POINTS, STEP, Window, choose, features, reaches

pytestmark = pytest.mark.slow

OCTAHEDRAL, TETRAHEDRAL = (6, "octahedral"), (4, "tetrahedral")


def parameters(*named: tuple[tuple[int, str], float]) -> np.ndarray:
    """Return order parameters with some motifs, each coordination number as large as its motif."""
    made = np.zeros(len(CNS) + len(MOTIFS))
    for (cn, motif), value in named:
        made[CNS.index(cn)] += value
        made[len(CNS) + MOTIFS.index((cn, motif))] = value
    return made


def spectrum(peak: float, edge: float = 0.0) -> np.ndarray:
    """Return an edge on FINE with one peak behind it."""
    return 0.5 + np.arctan((FINE - edge) / 1.5) / np.pi + np.exp(-(((FINE - peak) / 3) ** 2)) / 2


def rows_of(names: list[str], structures: list[str], peaks: list[float], last: float) -> Rows:
    n = len(names)
    text = [np.array(one) for one in (names, structures, structures, ["f"] * n, names)]
    return Rows(
        np.stack([spectrum(peak) for peak in peaks]),
        np.full(n, -26.0),
        np.full(n, last),
        np.zeros(n),
        np.zeros(n, dtype=np.intp),
        *text,
        {},
    )


@pytest.fixture
def small() -> tuple[Rows, LabelTable]:
    """Return two sites that make up a structure, one alone, one whose structure lacks a site."""
    rows = rows_of(["a1", "a2", "b", "c"], ["a", "a", "b", "c"], [5.0, 9.0, 7.0, 8.0], 45.0)
    six, four = parameters((OCTAHEDRAL, 1.0)), parameters((TETRAHEDRAL, 1.0))
    table = LabelTable(
        {"a1": six, "a2": four, "b": six, "c": six},
        {("a", "Fe"): (six + 3 * four) / 4, ("b", "Fe"): six, ("c", "Fe"): (six + four) / 2},
    )
    return rows, table


def test_complete_sets_get_the_shares_of_the_mean(small: tuple[Rows, LabelTable]) -> None:
    complete, incomplete = complete_sets(*small, "Fe")
    which, weights = complete["a|f"]
    assert which.tolist() == [0, 1]
    np.testing.assert_allclose(weights, [0.25, 0.75], atol=1e-6)
    assert complete["b|f"][0].tolist() == [2]
    assert incomplete == ["c|f"]


def test_averages_are_weighted_on_the_energies_of_the_theory(
    small: tuple[Rows, LabelTable],
) -> None:
    rows, table = small
    energy = 7100.0 + FINE
    shifted = {"a1": (energy, spectrum(5.0)), "a2": (energy, spectrum(9.0, edge=2.0))}
    made, incomplete = averages(rows, table, np.arange(4), "Fe", shifted)
    assert made.kind.tolist() == [AVERAGED, SAME]
    assert made.fold.tolist() == [0, 2]
    np.testing.assert_allclose(made.parameters[0], table.averaged["a", "Fe"])
    both = spectrum(5.0) / 4 + spectrum(9.0, edge=2.0) * 3 / 4
    assert made.norm[0].max() / made.norm[0][-60:].mean() == pytest.approx(
        both.max() / both[-60:].mean(), rel=0.02
    )
    np.testing.assert_array_equal(made.norm[1], rows.norm[2])
    assert incomplete == ["c|f"]


def test_mixtures_stay_in_a_fold_and_average_order_parameters() -> None:
    peaks = np.linspace(4, 12, 30)
    names = [f"s{i}" for i in range(30)]
    rows = rows_of(names, names, peaks.tolist(), 30.0)
    rng = np.random.default_rng(0)
    of_site = {
        name: parameters((OCTAHEDRAL, float(p))) for name, p in zip(names, peaks, strict=True)
    }
    single = sites(rows, LabelTable(of_site, {}), rng.integers(0, 5, 30))
    made = mixtures(single, 40, np.random.default_rng(1))
    assert set(made.kind) == {MIXTURE}
    again = mixtures(single, 40, np.random.default_rng(1))
    np.testing.assert_array_equal(made.norm, again.norm)
    for norm, order, fold in zip(made.norm, made.parameters, made.fold, strict=True):
        own = single.take(single.fold == fold)
        # the same 2 to 4 sites of its fold make up both the spectrum and the order parameters
        shares, *_ = np.linalg.lstsq(own.norm.T, norm, rcond=None)
        used = shares > 1e-6
        assert 2 <= used.sum() <= 4
        np.testing.assert_allclose(shares[used], 1 / used.sum(), atol=1e-6)
        np.testing.assert_allclose(own.parameters[used].mean(axis=0), order)


def test_a_third_is_stretched_by_at_most_a_tenth_around_its_origin() -> None:
    names = [f"s{i}" for i in range(50)]
    rows = rows_of(names, names, [20.0] * 50, 40.0)
    six = parameters((OCTAHEDRAL, 1.0))
    single = sites(rows, LabelTable(dict.fromkeys(names, six), {}), np.zeros(50, dtype=np.intp))
    origin = np.full(50, 2.0)
    copies, which = stretched(single, origin, np.random.default_rng(0))
    assert len(copies) == 15
    assert len(set(which.tolist())) == 15
    factor = (FINE[copies.norm.argmax(axis=1)] - 2.0) / 18.0
    assert 0.89 < factor.min() < 0.95
    assert 1.05 < factor.max() < 1.11
    np.testing.assert_allclose((copies.last - 2.0) / 38.0, factor, atol=0.02)
    np.testing.assert_allclose(  # what lies at the origin stays there
        [np.interp(2.0, FINE, one) for one in copies.norm],
        np.interp(2.0, FINE, rows.norm[0]),
        atol=1e-3,
    )


def test_the_window_is_the_papers_where_spectra_reach() -> None:
    window = choose(np.full(10, 60.0))
    assert (window.grid.start, window.grid.stop, window.grid.n_points) == (-5.0, 45.0, N_POINTS)
    assert window.full
    assert window.reaching == 10


def test_the_window_ends_where_width_times_spectra_is_largest() -> None:
    few_long = choose(np.array([17.0] * 90 + [60.0] * 10))
    assert few_long.grid.stop == pytest.approx(17.5, abs=STEP)
    assert few_long.reaching == 100
    assert not few_long.full
    assert np.diff(few_long.grid.energies) == pytest.approx(STEP)
    many_long = choose(np.array([17.0] * 10 + [60.0] * 90))
    assert (many_long.grid.stop, many_long.reaching) == (45.0, 90)
    assert reaches(np.array([17.0, 60.0]), np.zeros(2), many_long).tolist() == [False, True]


def test_features_are_around_the_origin_with_maximum_one() -> None:
    window = choose(np.full(3, 60.0))
    norm = np.stack([3 * spectrum(10.0), spectrum(10.0)])
    made = features(norm, np.array([0.0, 4.0]), window)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made.max(axis=1), 1.0)
    at = window.grid.energies
    assert at[made[0].argmax()] - at[made[1].argmax()] == pytest.approx(4.0, abs=2 * STEP)


def test_motifs_are_told_apart_as_in_table_2() -> None:
    assert [list(motif_cns(x)) for x in ("Fe", "Si", "C")] == [[4, 5, 6], [3, 4], [2, 3, 4]]
    assert (motif_cns("Na").start, motif_cns("Ca").start, motif_cns("Al")) == (3, 4, range(4, 7))
    with pytest.raises(ValueError, match="Xe is no cation"):
        motif_cns("Xe")


def test_labels_outside_table_2_have_no_motif() -> None:
    eight = parameters(((8, "body-centered cubic"), 0.9))
    made = ranked_labels(np.stack([eight, parameters((OCTAHEDRAL, 0.8), (TETRAHEDRAL, 0.2))]), "Fe")
    assert made.cn.tolist() == ["CN_8", "CN_6-CN_4"]
    assert made.motif.tolist() == ["", "CN_6-octahedral"]
    assert made.top.tolist() == [8, 6]


def test_rare_labels_are_dropped_numbers_first() -> None:
    def some(n: int, cn: str, motif: str) -> list[tuple[str, str]]:
        return [(cn, motif)] * n

    pairs = [
        *some(31, "CN_6", "CN_6-octahedral"),
        *some(29, "CN_6", "CN_6-hexagonal planar"),
        *some(29, "CN_4", "CN_4-tetrahedral"),  # 29: gone with its number
        *some(28, "CN_6-CN_4", "CN_6-hexagonal planar"),  # 28: would make that motif 57
        *some(30, "CN_8", ""),
    ]
    cn, motif = (np.array(one) for one in zip(*pairs, strict=True))
    labels = RankedLabels(cn, motif, np.array([int(one[3]) for one in cn], dtype=np.intp))
    kept = labels.take(learnable(labels, "Fe", np.ones(len(cn), dtype=bool)))
    assert sorted(set(zip(kept.cn, kept.motif, strict=True))) == [
        ("CN_6", "CN_6-octahedral"),
        ("CN_8", ""),
    ]
    # copies do not make a label common
    counted = np.arange(len(cn)) % 2 == 0
    assert not learnable(labels, "Fe", counted).any()


def test_rare_rankings_are_cut_to_a_common_beginning() -> None:
    rankings = {
        "CN_4-tetrahedral-see-saw-like-square co-planar": 31,
        "CN_4-tetrahedral-see-saw-like-trigonal pyramidal": 20,
        "CN_4-tetrahedral-trigonal pyramidal": 15,
        "CN_4-square co-planar": 5,
    }
    motif = np.repeat(list(rankings), list(rankings.values()))
    cn = np.array(["CN_4-CN_5" if i < 3 else "CN_4" for i in range(len(motif))])
    labels = RankedLabels(cn, motif, np.full(len(motif), 4, dtype=np.intp))
    counted = np.ones(len(motif), dtype=bool)
    made = shortened(labels, counted)
    assert set(made.cn) == {"CN_4"}
    # 20 + 15 begin with tetrahedral, not 30 with any two; 5 are rare whatever is cut
    assert sorted(zip(*np.unique(made.motif, return_counts=True), strict=True)) == [
        ("CN_4-square co-planar", 5),
        ("CN_4-tetrahedral", 35),
        ("CN_4-tetrahedral-see-saw-like-square co-planar", 31),
    ]
    assert learnable(made, "Fe", counted).sum() == 66
    assert not learnable(labels, "Fe", counted).any()  # 28 of the commonest: the paper drops all


@pytest.mark.parametrize(
    ("cn", "motif", "wanted"),
    [
        ("CN_4", "CN_4-tetrahedral-see-saw-like", "T4"),
        ("CN_4", "CN_4-see-saw-like-tetrahedral", "other"),
        ("CN_4-CN_5", "CN_4-square co-planar", "other"),
        ("CN_5", "CN_5-square pyramidal", "S5"),
        ("CN_5-CN_6", "CN_5-pentagonal planar-trigonal bipyramidal", "S5"),
        ("CN_6-CN_5", "CN_6-octahedral-pentagonal pyramidal", "O6"),
        ("CN_6", "CN_6-hexagonal planar-octahedral", "other"),
        ("CN_8", "", "other"),
    ],
)
def test_coarse_classes(cn: str, motif: str, wanted: str) -> None:
    assert coarse(cn, motif) == wanted


def test_samples_of_unknown_structures_are_left_out(small: tuple[Rows, LabelTable]) -> None:
    rows, table = small
    rows = replace(rows, id=np.array(["a1", "nowhere", "b", "c"]))
    fold = grouped_folds(rows, table, "Fe", N_FOLDS, 0)
    made = make_samples(rows, table, "Fe", fold, {}, 0)
    assert made.id[made.kind == SITE].tolist() == ["a1", "b", "c"]
    data = prepare(made, "Fe", choose, made.e0)
    assert len(data) == 0  # nothing is common among three
    assert isinstance(data.window, Window)


def test_a_table_without_columns_says_so(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "labels.parquet"
    pd.DataFrame({"id": ["a"], "cn": [[1.0]]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"no column absorber, averaged, motif, mp_id: make it"):
        read_labels(path)

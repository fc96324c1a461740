"""Atlases as they are made, and those of the shipped models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from live_lce.classifiers import Registry

pytestmark = pytest.mark.slow

FAMILY = "lce"


def test_every_model_of_the_default_family_carries_one():
    registry = Registry()
    cards = [card for card in registry.cards() if card.family == FAMILY]
    assert len(cards) == 8
    for card in cards:
        atlas = registry.session(card).atlas
        assert atlas is not None and len(atlas.to_json()) < 100_000
        assert [medoid.label for medoid in atlas.medoids] == ["T4", "S5", "O6"]
        at = card.grid.energies
        for medoid in atlas.medoids:
            assert "(" in medoid.name and "(" in medoid.source, (
                "compound and site, data and licence"
            )
            assert np.isfinite(medoid.norm[np.isin(at, card.needed)]).all()
            inside = (at >= 5) & (at <= 15)
            assert medoid.norm[inside].mean() == pytest.approx(1, abs=1e-3)
        on = atlas.projection
        np.testing.assert_allclose(on.energies, card.needed)
        assert {label: on.labels.count(label) for label in on.labels} == dict.fromkeys(
            ("T4", "S5", "O6"), 160
        )
        middle = {k: on.points[np.array(on.labels) == k].mean(axis=0) for k in set(on.labels)}
        assert middle["O6"][0] > middle["T4"][0] + 1 and middle["S5"][1] > middle["T4"][1]
        # Whole classes lie apart more often than not: 1 of 3 by chance.
        told = [next(iter(on.shares(place))) for place in on.points]
        assert np.mean([a == b for a, b in zip(told, on.labels, strict=True)]) > 0.55
        for medoid in atlas.medoids:
            assert on.project(at, medoid.norm) is not None


def test_measured_standards_land_among_their_class(shared):
    pytest.importorskip("torch", reason="needs the extra `train`")
    from live_lce.datasets import read_standards
    from live_lce.datasets._prepared import prepare
    from live_lce.settings import AnalysisSettings
    from research.checks.atlas import page, place_all

    registry = Registry()
    atlases = {
        absorber: registry.session(registry.find(absorber, "K", FAMILY)).atlas
        for absorber in ("Ni", "Ti")
    }
    rows = [r for r in read_standards(shared / "data" / "experimental") if r.absorber in atlases]
    placed = place_all(prepare(rows, AnalysisSettings()), atlases)
    assert len(placed) >= 30
    assert np.mean([one.right for one in placed]) > 0.7
    cut = [one for one in placed if one.cut is not None]
    assert len(cut) > 0.9 * len(placed)
    assert np.mean([one.nearest_cut == one.nearest for one in cut]) > 0.9
    text = "\n".join(page(placed, atlases, "1.2.0"))
    assert "| Ni | 480 |" in text and "Scans that end at +15 eV" in text


class TestMaking:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch", reason="needs the extra `train`")

    def rows(self, heights, label, last=50.0):
        """Return rows whose only difference is the height of the white line."""
        from live_lce.datasets import Rows
        from live_lce.datasets._rows import FINE

        heights, label = np.asarray(heights, float), np.asarray(label, np.intp)
        edge = 1 / (1 + np.exp(-FINE / 1.5))
        bump = np.exp(-(((FINE - 2) / 2) ** 2))
        norm = edge + heights[:, None] * bump
        n = len(heights)
        names = np.array([f"F{i}" for i in range(n)])
        return Rows(
            norm / norm[:, (FINE > 5) & (FINE < 15)].mean(axis=1, keepdims=True),
            np.full(n, -14.0), np.full(n, last), np.zeros(n), label, names, names, names,
            np.full(n, "own"), names, {},
        )  # fmt: skip

    def make(self, rows, classes=("T4", "S5", "O6", "other"), seed=0, stop=40.0):
        from live_lce.classifiers import Grid
        from live_lce.training._atlas import make_atlas

        grid = Grid(start=-18, stop=stop, n_points=round((stop + 18) * 2) + 1)
        return make_atlas(rows, classes, grid, {"own": "own data (CC0)"}, seed), grid

    def of_four(self):
        heights = [0.1, 0.15, 0.2, 0.5, 0.55, 0.6, 0.9, 0.95, 1.3, 2.0, -0.3]
        return self.rows(heights, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3])

    def test_the_medoid_is_the_middle_one(self):
        atlas, grid = self.make(self.of_four())
        assert [(m.label, m.name, m.source) for m in atlas.medoids] == [
            ("T4", "F1", "own data (CC0)"),
            ("S5", "F4", "own data (CC0)"),
            ("O6", "F7", "own data (CC0)"),
        ]
        missing = np.isnan(atlas.medoids[0].norm)
        np.testing.assert_array_equal(missing, grid.energies < -14.25)

    def test_a_compound_with_many_sites_counts_once(self):
        rows = self.rows([0.1, 0.3, 0.5, 1.0, 1.01, 1.02, 1.03, 1.04], [0, 0, 0, 0, 0, 0, 0, 0])
        formula = np.array(["A", "B", "C", "D", "D", "D", "D", "D"])
        rows = replace(rows, formula=formula)
        atlas, _ = self.make(rows, ("T4", "O6"))
        assert atlas.medoids[0].name in ("B (F1)", "C (F2)")
        assert atlas.projection is None, "one class alone has no map"

    def test_one_that_covers_the_window_is_preferred(self):
        rows = self.rows(np.linspace(0, 1, 11), np.zeros(11))
        short = np.arange(11) == 5
        rows = replace(rows, last=np.where(short, 18.0, 50.0))
        assert self.make(rows)[0].medoids[0].name in ("F4", "F6")
        rows = replace(rows, last=np.where(np.arange(11) < 9, 18.0, 50.0))
        assert self.make(rows)[0].medoids[0].name == "F5", "of two, the medoid would be an odd one"

    def test_the_map_tells_the_classes_apart_and_leaves_other_out(self):
        atlas, grid = self.make(self.of_four())
        on, at = atlas.projection, grid.energies
        assert set(on.labels) == {"T4", "S5", "O6"} and on.points.shape == (480, 2)
        for height, label in ((0.12, "T4"), (0.57, "S5"), (1.1, "O6")):
            from live_lce.datasets._rows import FINE

            norm = np.interp(at, FINE, self.rows([height], [0]).norm[0])
            shares = on.shares(on.project(at, 1.07 * norm))
            assert shares[label] > 0.6, (label, shares)
            assert on.project(at[at < 10.1], norm[at < 10.1]) is not None

    def test_the_same_seed_gives_the_same(self):
        first, again, other = (self.make(self.of_four(), seed=s)[0].to_json() for s in (0, 0, 1))
        assert first == again != other

    @pytest.mark.parametrize("classes", [("T4", "O6"), ("O6", "other")])
    def test_two_classes_have_a_map_too(self, classes):
        rows = self.rows([0.1, 0.2, 0.9, 1.0], [0, 0, 1, 1])
        on = self.make(rows, classes)[0].projection
        assert set(on.labels) == set(classes)
        left, right = (on.points[np.array(on.labels) == name] for name in classes)
        assert right[:, 0].mean() > left[:, 0].mean() + 1
        within = np.concatenate([left - left.mean(axis=0), right - right.mean(axis=0)])
        assert abs(np.corrcoef(within.T)[0, 1]) < 0.15
        assert within[:, 1].std() == pytest.approx(1, rel=0.2)

    def test_a_window_without_a_level_has_no_atlas(self):
        assert self.make(self.of_four(), stop=4.0)[0].to_json() == (
            '{"format":1,"medoids":[],"projection":null}'
        )

"""The atlas: medoids, the map, and what becomes of a damaged one."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
from engine_parts import GRID, make_registry

from live_lce.classifiers import Atlas, Registry
from live_lce.classifiers._atlas import ATLAS_KEY, AtlasError, Medoid, Projection
from live_lce.classifiers._files import rewrite_card, write_files

READS = np.arange(-8.0, 11.0)
AXES = np.stack([np.where(READS == 2, 1.0, 0.0), np.where(READS == -6, 1.0, 0.0)])


def make_map() -> Projection:
    """Return a map of the height at +2 eV and at -6 eV."""
    points = np.array([[-1.0, 0.0], [-1.1, 0.1], [-0.9, 0.0], [1.0, 0.0], [1.1, 0.0]])
    labels = ("T4", "T4", "T4", "O6", "O6")
    return Projection(READS, AXES, np.zeros(READS.size), (5.0, 10.0), points, labels)


def make_atlas() -> Atlas:
    norm = np.linspace(0, 1.2, GRID.n_points)
    norm[-5:] = np.nan
    return Atlas((Medoid("O6", norm, "Fe2O3 (mp-1:0)", "FEFF10"),), make_map())


def stamped(folder, text=None):
    """Write the model of `engine_parts` with an atlas, or with any text in its place."""
    import onnx

    card = make_registry(folder).cards()[0]
    model = onnx.load(folder / f"{card.name}.onnx")
    if text is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = ATLAS_KEY, text
    write_files(model, card, folder, None if text is not None else make_atlas())
    registry = Registry(folder)
    return registry, registry.cards()[0]


def spectrum(energy, white_line=1.4, pre_edge=0.1):
    """Return absorption that is 1 behind +3 eV, and otherwise as said."""
    values = np.where(np.abs(energy - 2) <= 1.5, white_line, np.where(energy < -1, pre_edge, 1.0))
    return values.astype(float)


class TestProjection:
    def test_a_spectrum_lies_where_its_numbers_are_on_any_scale_and_any_energies(self):
        energy = np.arange(-30, 60, 0.25)
        for factor in (1.0, 0.03):
            place = make_map().project(energy + 7112, factor * spectrum(energy), 7112.0)
            np.testing.assert_allclose(place, [1.4, 0.1], atol=1e-9)
        coarse = np.arange(-30, 61, 1.0)
        np.testing.assert_allclose(
            make_map().project(coarse, spectrum(coarse)), [1.4, 0.1], atol=0.15
        )

    @pytest.mark.parametrize(
        ("first", "last", "known"), [(-9, 10, True), (-7, 40, False), (-20, 9, False)]
    )
    def test_it_needs_what_it_reads_and_no_more(self, first, last, known):
        energy = np.arange(first, last + 0.1, 0.5)
        assert (make_map().project(energy, spectrum(energy)) is not None) is known

    @pytest.mark.parametrize("at", [-6.0, 2.0, 9.5])
    def test_a_hole_is_not_bridged(self, at):
        energy = np.arange(-20, 40, 0.5)
        norm = spectrum(energy)
        norm[energy == at] = np.nan
        assert make_map().project(energy, norm) is None
        norm = spectrum(energy)
        norm[(energy < -10) | (energy > 20)] = np.nan
        assert make_map().project(energy, norm) is not None

    def test_what_cannot_be_placed_is_not(self):
        energy = np.arange(-20, 40, 0.5)
        assert make_map().project(energy, np.full(energy.size, np.nan)) is None
        assert make_map().project(energy, np.zeros(energy.size)) is None
        assert make_map().project(energy, spectrum(energy), float("nan")) is None
        assert make_map().project([], []) is None

    def test_the_nearest_are_counted(self):
        assert make_map().shares([-1, 0], 3) == {"T4": 1.0}
        assert make_map().shares([-1, 0]) == {"T4": 0.6, "O6": 0.4}
        assert make_map().shares([1, 0], 4) == {"O6": 0.5, "T4": 0.5}


def test_a_medoid_is_drawn_on_the_scale_of_the_spectrum():
    medoid = make_atlas().medoids[0]
    at = GRID.energies
    values = np.where(at < 12, 2.0, np.nan)
    drawn = medoid.beside(at, values)
    both = (at >= 5) & (at < 12)
    assert drawn[both].mean() == pytest.approx(2.0)
    np.testing.assert_array_equal(np.isnan(drawn), np.isnan(medoid.norm))
    np.testing.assert_array_equal(medoid.beside(at, np.full(at.size, np.nan)), medoid.norm)


class TestJson:
    def test_it_comes_back(self):
        atlas = make_atlas()
        again = Atlas.from_json(atlas.to_json(), GRID.n_points)
        assert again.to_json() == atlas.to_json()
        (medoid,), (before,) = again.medoids, atlas.medoids
        assert (medoid.label, medoid.name, medoid.source) == ("O6", "Fe2O3 (mp-1:0)", "FEFF10")
        np.testing.assert_allclose(medoid.norm, before.norm, atol=1e-4)
        assert again.projection.labels == atlas.projection.labels
        np.testing.assert_allclose(again.projection.points, atlas.projection.points, atol=0.01)
        assert again.projection.scale == (5.0, 10.0)
        assert Atlas.from_json(Atlas(()).to_json(), 3) == Atlas(())

    @pytest.mark.parametrize(
        "change",
        [
            {"format": 2},
            {"medoids": 3},
            {"medoids": [{"label": "O6"}]},
            {"projection": {}},
            {"projection": {"axes": [[1.0]]}},
            {"projection": {"points": [[1.0, None]] * 5}},
            {"projection": {"label": [0, 0, 0, 1, 7]}},
            {"projection": {"energies": READS[::-1].tolist()}},
            {"projection": {"scale": [50, 60]}},
            {"projection": {"mean": "abc"}},
        ],
        ids=str,
    )
    def test_a_damaged_one_is_named(self, change):
        found = json.loads(make_atlas().to_json())
        for name, value in change.items():
            of = found[name]
            inner = isinstance(value, dict) and value
            found[name] = of | value if inner else value
        with pytest.raises(AtlasError) as caught:
            Atlas.from_json(json.dumps(found), GRID.n_points)
        assert "\n" not in str(caught.value) and str(caught.value)

    @pytest.mark.parametrize("text", ["", "{", "3", "[]", "null", '{"format": 1}', "[" * 9999])
    def test_what_is_none_is_none(self, text):
        with pytest.raises(AtlasError):
            Atlas.from_json(text, GRID.n_points)

    def test_it_is_of_one_grid(self):
        with pytest.raises(AtlasError, match=r"shape \(61,\), not \(60,\)"):
            Atlas.from_json(make_atlas().to_json(), GRID.n_points - 1)


class TestFiles:
    def test_a_model_carries_it(self, tmp_path):
        registry, card = stamped(tmp_path)
        session = registry.session(card)
        assert session.atlas is session.atlas
        assert session.atlas.to_json() == make_atlas().to_json()

    def test_it_stays_when_the_card_changes(self, tmp_path):
        _, card = stamped(tmp_path)
        changed = rewrite_card(card.model_copy(update={"metrics": {"n": 3}}), tmp_path)
        assert Registry(tmp_path).session(changed).atlas.to_json() == make_atlas().to_json()

    def test_a_new_one_takes_its_place(self, tmp_path):
        import onnx

        _, card = stamped(tmp_path)
        model = onnx.load(tmp_path / f"{card.name}.onnx")
        new = write_files(model, card, tmp_path, replace(make_atlas(), medoids=()))
        assert Registry(tmp_path).session(new).atlas.medoids == ()

    def test_a_model_without_one_has_none(self, tmp_path, caplog):
        registry = make_registry(tmp_path)
        assert registry.session(registry.cards()[0]).atlas is None
        assert not caplog.records

    def test_a_damaged_one_keeps_no_answer_back(self, tmp_path, caplog):
        registry, card = stamped(tmp_path, text='{"format": 1, "medoids": [')
        session = registry.session(card)
        with caplog.at_level(logging.WARNING):
            assert session.atlas is None and session.atlas is None
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith(f"the atlas of model {card.name} cannot be read: JSONDecodeError")
        said = session.run(np.ones((1, GRID.n_points)))
        assert said.probabilities.sum() == pytest.approx(1)

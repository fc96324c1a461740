"""Which energies an answer rests on, asked of the shipped models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_parts import GRID, make_registry

from live_lce.classifiers import Registry, occlusion
from live_lce.classifiers._occlusion import REGIONS, smoothed_away
from live_lce.sim.library import Sample, load_library
from live_lce.spectra import edge_references, to_grid

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def registry():
    return Registry()


def asked(registry, key, stop=80.0):
    """Return session, card and the values of a standard of the simulated beamline."""
    standard = load_library()[key]
    middle = standard.energy.mean()
    energy = np.arange(middle - 120, middle + 120, 0.25)
    norm = Sample({key: 1.0}).seen(energy)
    reference = float(edge_references(energy, norm[None])[0])
    kept = energy < reference + stop
    card = registry.find(standard.absorber, "K", "lce")
    values, _ = to_grid(energy[kept], norm[kept], reference, card.grid.energies)
    return registry.session(card), card, values


def of_lce(registry):
    cards = {card.absorber for card in registry.cards() if card.family == "lce"}
    return [key for key, one in load_library().items() if one.absorber in cards]


class TestOneStretch:
    """On the model of `engine_parts`, of which it is known what it reads: +3 to +9 eV."""

    def test_what_the_model_reads_is_important_and_nothing_else(self, tmp_path):
        registry = make_registry(tmp_path)
        card = registry.cards()[0]
        at = card.grid.energies
        values = 1 / (1 + np.exp(-at)) + 0.3 * np.exp(-(((at - 6) / 1.5) ** 2))
        found = occlusion(registry.session(card), card, values)
        assert found.label == "O6" and 0.6 < found.probability < 0.9999
        assert found.energies[np.nanargmax(found.importance)] == 6.0
        assert np.abs(found.importance[(at < -2) | (at > 14)]).max() < 0.01
        assert found.without[at == 6] < found.probability - 0.1
        assert found.regions["main"] > 0.99 and sum(found.regions.values()) == pytest.approx(1)

    def test_it_speaks_against_another_class(self, tmp_path):
        registry = make_registry(tmp_path)
        card, at = registry.cards()[0], GRID.energies
        values = 1 / (1 + np.exp(-at)) + 0.3 * np.exp(-(((at - 6) / 1.5) ** 2))
        found = occlusion(registry.session(card), card, values, "T4")
        assert found.label == "T4" and found.importance[at == 6] < -0.5

    def test_where_nothing_speaks_for_it_no_region_does(self, tmp_path):
        registry = make_registry(tmp_path)
        found = occlusion(registry.session(registry.cards()[0]), registry.cards()[0], np.ones(61))
        assert set(found.regions) == set(REGIONS) and set(found.regions.values()) == {0.0}

    @pytest.mark.parametrize(
        ("values", "label", "match"),
        [
            (np.ones(60), None, r"reads 61 values, not \(60,\)"),
            (np.ones(61), "T6", "has no class T6: T4, S5, O6"),
            (np.where(np.arange(61) > 40, np.nan, 1.0), None, r"needs -20 to \+40 eV measured"),
        ],
    )
    def test_what_cannot_be_asked(self, tmp_path, values, label, match):
        registry = make_registry(tmp_path)
        card = registry.cards()[0]
        with pytest.raises(ValueError, match=match):
            occlusion(registry.session(card), card, values, label)


def test_what_is_missing_stays_missing(registry):
    session, card, values = asked(registry, of_lce(registry)[0], stop=12.0)
    missing = np.isnan(values)
    assert missing.any()
    found = occlusion(session, card, values)
    for part in (found.importance, found.without):
        np.testing.assert_array_equal(np.isnan(part), missing)
    changed = smoothed_away(card.grid.energies, values)
    assert (np.isnan(changed) == missing).all()
    assert found.regions["post"] == 0.0
    assert found.probability == session.run(values[None]).probabilities.max()


def test_a_stretch_is_smoothed_and_the_rest_is_left(registry):
    _, card, values = asked(registry, of_lce(registry)[0])
    at = card.grid.energies
    changed = smoothed_away(at, values)
    far = np.abs(at - at[:, None]) > 5
    assert np.abs(np.where(far, changed - values, 0)).max() < 1e-4
    assert np.abs(np.diagonal(changed) - values).max() > 0.05


def test_important_stretches_matter_however_they_are_changed(registry):
    """The odds move most there too if a stretch is drawn straight, or a small bump is added."""
    straight, bumped = [], []
    for key in of_lce(registry):
        session, card, values = asked(registry, key)
        at = card.grid.energies
        found = occlusion(session, card, values)
        if np.nanmax(found.importance) < 0.05:
            continue  # it rests on no stretch alone
        best = int(np.nanargmax(found.importance))
        straight.append(
            _rank(best, _odds_moved(session, values, _straight(at, values), found.label, card))
        )
        bump = values + 0.05 * np.exp(-((at - at[:, None]) ** 2) / 2)
        bumped.append(_rank(best, _odds_moved(session, values, bump, found.label, card)))
    assert len(straight) >= 10
    assert np.mean(straight) > 0.85  # 0.5 by chance
    assert np.mean(bumped) > 0.7


def _straight(at, values):
    changed = np.repeat(values[None], at.size, axis=0)
    for i, row in enumerate(changed):
        first, last = max(i - 4, 0), min(i + 4, at.size - 1)
        row[first:last] = np.interp(at[first:last], at[[first, last]], values[[first, last]])
    return changed


def _odds_moved(session, values, changed, label, card):
    p = session.run(np.vstack([values, changed])).probabilities[:, card.classes.index(label)]
    odds = np.log(p / (1 - p))
    return np.abs(odds[0] - odds[1:])


def _rank(best, moved):
    return float((moved < moved[best]).mean())


def test_the_same_question_gets_the_same_answer(registry):
    session, card, values = asked(registry, of_lce(registry)[0])
    found, again = (occlusion(session, card, values) for _ in range(2))
    np.testing.assert_array_equal(found.importance, again.importance)
    assert replace(found, energies=0, importance=0, without=0) == replace(
        again, energies=0, importance=0, without=0
    )

"""The family `lce`: its variation, its graph, and a tiny training of it."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from live_lce.classifiers import (
    Grid,
    Registry,
)
from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE
from live_lce.training._beamline import Variation, as_input, scaled, varied
from research.lce import family as lce
from research.lce.calibration import fitted_temperature
from research.lce.distance import WEIGHTS, LceOod, references
from research.lce.fit import Course, draw_weights
from research.lce.graph import LceGraph, Members
from research.lce.network import LceNetwork, Shape
from research.lce.pool import POOL_CLASSES, Pool
from research.lce.threshold import WITHIN, thresholded

# torch 2.13 uses functions of its own that it deprecated, while exporting.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]
GRID = Grid(start=-18, stop=40, n_points=117)
NOTHING = Variation(**dict.fromkeys(Variation.__dataclass_fields__, 0.0) | {"earliest": 10.0})


def make_pool(n=200):
    """Return spectra of two absorbers whose classes differ in the height of the white line."""
    rng = np.random.default_rng(0)
    label, absorber = np.arange(n) % 4, (np.arange(n) // 4) % 2
    line = 0.4 * label[:, None] + 0.03 * rng.standard_normal((n, 1))
    edge = 1 / (1 + np.exp(-FINE / 1.5))
    norm = edge + line * np.exp(-(((FINE - 6) / 4) ** 2)) + 0.004 * rng.standard_normal((n, 1))
    names = np.array([f"F{i}" for i in range(n)])
    rows = Rows(
        norm, np.full(n, -20.0), np.full(n, 30.0), np.zeros(n), label, names, names, names,
        np.full(n, "own.parquet"), np.array([f"{i:012x}" for i in range(n)]), {},
    )  # fmt: skip
    return Pool(rows, ("Fe", "Ni"), absorber, (np.arange(n) // 8) % lce.MEMBERS)


def batch(pool, n=8):
    return torch.as_tensor(pool.rows.norm[:n], dtype=torch.float32)


def test_without_variation_a_spectrum_stays_what_it_is():
    pool = make_pool()
    norm, last = batch(pool), torch.full((8,), 30.0)
    target = torch.eye(4)[torch.arange(8) % 4]
    random = torch.Generator().manual_seed(0)
    spectra, wanted = varied(norm, target, last, torch.arange(8), GRID, NOTHING, random)
    torch.testing.assert_close(spectra, as_input(norm, last, GRID), atol=2e-3, rtol=0)
    torch.testing.assert_close(wanted, target)
    assert spectra[:, 1, -1].max() == 0 and spectra[:, 1, 0].min() == 1  # ends at 30 eV
    assert spectra[:, 0][spectra[:, 1] == 0].abs().max() == 0


def test_a_mixture_has_the_fractions_of_its_parts():
    pool = make_pool()
    target = torch.eye(4)[torch.arange(8) % 4]
    mixed = replace(NOTHING, mix=1.0)
    partner = torch.roll(torch.arange(8), 1)
    random = torch.Generator().manual_seed(0)
    _, wanted = varied(batch(pool), target, torch.full((8,), 30.0), partner, GRID, mixed, random)
    torch.testing.assert_close(wanted.sum(1), torch.ones(8))
    assert ((wanted > 0).sum(1) == 2).all() and wanted.max() <= 0.95 + 1e-6


def test_scans_are_cut_no_earlier_than_said():
    pool = make_pool()
    cut = replace(NOTHING, cut=1.0, earliest=12.0)
    random = torch.Generator().manual_seed(0)
    spectra, _ = varied(
        batch(pool, 100), torch.zeros(100, 4), torch.full((100,), 60.0), torch.arange(100), GRID,
        cut, random,
    )  # fmt: skip
    ends = np.array(GRID.energies)[spectra[:, 1].sum(1).int().numpy() - 1]
    assert 11.5 <= ends.min() < 16 and 30 < ends.max() <= 40


def fitted(n_absorbers=2, members=3):
    networks = []
    for seed in range(members):
        torch.manual_seed(seed)
        network = LceNetwork(GRID.n_points, n_absorbers, 4, Shape())
        network.train()
        network(torch.randn(64, 2, GRID.n_points), torch.randint(0, n_absorbers, (64,)))
        networks.append(network.eval())
    return networks


@pytest.mark.parametrize("absorber", [0, 1])
def test_folded_members_say_what_the_networks_say(absorber):
    networks = fitted()
    spectra = torch.randn(7, 2, GRID.n_points)
    with torch.no_grad():
        each = torch.stack([one(spectra, torch.full((7,), absorber)) for one in networks])
        said, _ = Members(networks, absorber)(spectra)
    torch.testing.assert_close(said, each, atol=1e-5, rtol=1e-5)


def test_what_is_missing_does_not_count_whatever_it_is():
    graph = LceGraph(
        Members(fitted(), 0), GRID, torch.zeros(4), 1.3,
        LceOod(np.random.default_rng(0).normal(size=(20, 117)), GRID, WEIGHTS),
    )  # fmt: skip
    norm = batch(make_pool())[:, 32:149].contiguous()
    norm[:, 70:] = torch.nan
    with torch.no_grad():
        probabilities, score, members = graph(norm)
        twice, _, _ = graph(2 * norm)
    assert torch.isfinite(probabilities).all() and torch.isfinite(score).all()
    torch.testing.assert_close(members.mean(1), probabilities)
    torch.testing.assert_close(twice, probabilities, atol=1e-5, rtol=1e-4)
    at = torch.as_tensor(GRID.energies, dtype=torch.float32)
    assert scaled(torch.nan_to_num(norm), ~norm.isnan(), at)[:, :, 70:].abs().max() == 0


def test_temperature_undoes_a_factor():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    label = np.array([rng.choice(3, p=one) for one in p])
    assert fitted_temperature(3 * logits, label, np.ones(4000)) == pytest.approx(3, rel=0.1)


def test_rare_kinds_are_drawn_more_often():
    pool = make_pool()
    few = np.flatnonzero((pool.rows.label != 1) | (np.arange(len(pool.rows)) < 20))
    share = draw_weights(pool, few, Course())
    rare = pool.rows.label[few] == 1
    assert share.sum() == pytest.approx(1)
    assert share[rare].min() > share[~rare].max()


def test_a_tiny_training_writes_models_that_know_what_they_saw(tmp_path):
    pool = make_pool()
    shape, how = Shape((8, 8), 16, dropout=0.0), replace(Variation(), mix=0.0)
    course = Course(steps=150, batch=64, learning_rate=0.01)
    trained = lce.train(pool, shape, how, course, 1)
    again = lce.train(pool, shape, how, course, 1)
    np.testing.assert_array_equal(trained.plain, again.plain)
    weights = thresholded(pool, "Ni", trained.networks, GRID, WEIGHTS, 0)
    near = references(pool, "Ni", GRID, 0)
    ood = LceOod(near, GRID, weights)
    card = lce.write(pool, trained, "Ni", ood, {"own.parquet": "0"}, how, course, shape, tmp_path)
    assert card.metrics[lce.METRICS]["macro_f1"] > 0.6
    registry = Registry(tmp_path)
    session = registry.session(registry.cards()[0])
    assert session.atlas is not None and session.atlas.projection is not None
    np.testing.assert_allclose(session.atlas.projection.energies, card.needed)
    rows = pool.of("Ni")
    fold_of = card.training.fold_of()
    assert [fold_of[name] for name in pool.rows.fingerprint[rows]] == list(pool.fold[rows])
    values = np.stack([np.interp(GRID.energies, FINE, one) for one in pool.rows.norm[rows]])
    values[:, GRID.energies > 30] = np.nan
    said = session.run(values)
    assert said.members is not None and said.members.shape == (len(rows), lce.MEMBERS, 4)
    assert np.isfinite(said.probabilities).all()
    inside = pool.rows.label[rows] < len(POOL_CLASSES) - 1
    assert (said.ood_score[inside] > 1).mean() <= 3 * (1 - WITHIN) + 0.05

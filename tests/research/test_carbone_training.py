"""A tiny training run: deterministic, and the ONNX file equals the networks."""

from __future__ import annotations

import numpy as np
import pytest

from live_lce.classifiers import Registry

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("pandas", reason="needs the extra `train`")
# torch 2.13 uses functions of its own that it deprecated, while exporting.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def rows(shared):
    from live_lce.datasets._rows import read_rows

    return read_rows(shared / "data" / "computed")


@pytest.fixture(scope="module")
def trained(rows, shared, tmp_path_factory):
    """Return the card and the registry of a model of Mn after two epochs."""
    from live_lce.datasets._rows import FILES
    from live_lce.training._ensemble_model import hashes
    from research.carbone2019.family import train

    folder = tmp_path_factory.mktemp("models")
    sha256 = hashes(shared / "data" / "computed", FILES)
    return train(rows["Mn"], "Mn", sha256, folder, seed=3, epochs=2), Registry(folder)


def test_rows_are_checked_and_counted(rows):
    from live_lce.datasets._rows import enough

    assert not enough(rows["Al"])
    assert sum(rows["Mn"].dropped.values()) > 0
    for of_absorber in rows.values():
        assert np.isfinite(of_absorber.norm).all()
        assert of_absorber.norm.max() <= 2.5 + 1e-9


def test_no_twin_and_no_formula_on_both_sides_of_the_split(rows):
    from live_lce.datasets._rows import FINE
    from live_lce.datasets._split import TWIN, folds

    of_v = rows["V"]
    fold = folds(of_v, 5, 0)
    spectra = of_v.norm[:, (FINE >= -15) & (FINE <= 15)]
    spectra = spectra / spectra.max(axis=1, keepdims=True)
    test, train = spectra[fold == 4], spectra[fold != 4]
    assert not set(of_v.formula[fold == 4]) & set(of_v.formula[fold != 4])
    for one in test:
        assert np.abs(train - one).mean(axis=1).min() >= TWIN
    assert min(np.bincount(of_v.label[fold == 4])) > 10


def test_training_again_gives_the_same_model(trained, rows, shared, tmp_path):
    from live_lce.datasets._rows import FILES
    from live_lce.training._ensemble_model import hashes
    from research.carbone2019.family import train

    sha256 = hashes(shared / "data" / "computed", FILES)
    again = train(rows["Mn"], "Mn", sha256, tmp_path, seed=3, epochs=2)
    assert again == trained[0]  # with the metrics, and the sha256 of all weights


def test_the_card_says_which_member_did_not_see_a_spectrum(trained, rows):
    from live_lce.training._augment import resample
    from live_lce.training._cross_validation import class_f1
    from live_lce.training._own_model import METRICS
    from research.carbone2019.family import MEMBERS

    card, registry = trained
    of_mn = rows["Mn"].covering(card.grid.stop)
    fold_of = card.training.fold_of()
    assert set(fold_of) == set(of_mn.fingerprint)
    assert set(fold_of.values()) == set(range(MEMBERS))
    assert sum(card.training.rows.values()) == len(of_mn)
    fold = np.array([fold_of[name] for name in of_mn.fingerprint])
    said = registry.session(card).run(resample(of_mn.norm, card.grid))
    guess = said.unseen(fold).argmax(axis=1)
    metrics = card.metrics[METRICS]
    assert metrics["macro_f1"] == pytest.approx(class_f1(of_mn.label, guess).mean(), abs=2e-3)
    assert metrics["accuracy"] == pytest.approx((guess == of_mn.label).mean(), abs=5e-3)


def test_onnx_equals_torch(rows):
    from live_lce.classifiers._card import MEMBERS, OOD_SCORE, PROBABILITIES
    from live_lce.classifiers._session import open_session
    from live_lce.training._augment import Augmentation, augmented
    from live_lce.training._distance import fit_distances, standardized
    from live_lce.training._ensemble import logits_of
    from live_lce.training._export import onnx_of
    from live_lce.training._graph import EnsembleGraph
    from live_lce.training._networks import CarboneCNN
    from live_lce.training._own_plan import window

    of_mn = rows["Mn"]
    grid = window(of_mn)
    rng = np.random.default_rng(0)
    values, index = augmented(of_mn.norm, of_mn.label, grid, Augmentation(), rng)
    distances = fit_distances(values, of_mn.label[index], index % 5, 3)
    network = CarboneCNN(5, grid.n_points)
    graph = EnsembleGraph(network, distances, 5)
    said = open_session(onnx_of(graph, grid.n_points, [PROBABILITIES, OOD_SCORE, MEMBERS])).run(
        values
    )
    wanted = torch.softmax(torch.tensor(logits_of(network, standardized(values))), dim=2)
    np.testing.assert_allclose(said.members, wanted.transpose(0, 1), atol=1e-5)
    np.testing.assert_allclose(said.probabilities, said.members.mean(axis=1), atol=1e-6)
    nearest = np.min([distance.score(values) for distance in distances], axis=0)
    np.testing.assert_allclose(said.ood_score, nearest, rtol=2e-3)
    assert 0.002 < (said.ood_score > 1).mean() < 0.02  # 1 % of each part, of unseen folds

"""A tiny training run: deterministic, and the ONNX file equals the network."""

from __future__ import annotations

import numpy as np
import pytest

from live_lce.classifiers.registry import Registry

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("pandas", reason="needs the extra `train`")
# torch 2.13 uses functions of its own that it deprecated, while exporting.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def rows(shared):
    from live_lce.datasets.rows import read_rows

    return read_rows(shared / "data" / "computed")


def test_rows_are_checked_and_counted(rows):
    from live_lce.datasets.rows import enough

    assert not enough(rows["Zn"])
    assert sum(rows["Mn"].dropped.values()) > 0
    for of_absorber in rows.values():
        assert np.isfinite(of_absorber.norm).all()
        assert of_absorber.norm.max() <= 2.5 + 1e-9


def test_no_twin_and_no_formula_on_both_sides_of_the_split(rows):
    from live_lce.datasets.rows import FINE
    from live_lce.datasets.split import TWIN, folds

    of_v = rows["V"]
    fold = folds(of_v, 5, 0)
    spectra = of_v.norm[:, (FINE >= -15) & (FINE <= 15)]
    spectra = spectra / spectra.max(axis=1, keepdims=True)
    test, train = spectra[fold == 4], spectra[fold != 4]
    assert not set(of_v.formula[fold == 4]) & set(of_v.formula[fold != 4])
    for one in test:
        assert np.abs(train - one).mean(axis=1).min() >= TWIN
    assert min(np.bincount(of_v.label[fold == 4])) > 10


def test_two_runs_give_the_same_model_and_onnx_equals_torch(rows, shared, tmp_path):
    from live_lce.datasets.rows import FILES, file_sha256
    from live_lce.training.carbone_cnn import train

    files = {name: file_sha256(shared / "data" / "computed" / name) for name in FILES}
    first = train(rows["Mn"], "Mn", files, tmp_path / "a", seed=3, epochs=2)
    second = train(rows["Mn"], "Mn", files, tmp_path / "b", seed=3, epochs=2)
    assert first == second
    registry = Registry(tmp_path / "a")
    session = registry.session(registry.cards()[0])
    assert session.run(np.random.rand(3, 100)).probabilities.shape == (3, 3)


def test_onnx_equals_torch(rows, tmp_path):
    from live_lce.classifiers.session import open_session
    from live_lce.training.augment import Augmentation, augmented
    from live_lce.training.carbone_cnn import window
    from live_lce.training.distance import fit_distance
    from live_lce.training.export import _graph
    from live_lce.training.fit import fit, probabilities
    from live_lce.training.network import Exported

    of_mn = rows["Mn"]
    grid = window(of_mn)
    rng = np.random.default_rng(0)
    values = augmented(of_mn.norm, of_mn.label, grid, Augmentation(), rng)[0]
    halves = values[::2], values[1::2]
    distances = [fit_distance(half).with_thresholds(half) for half in halves]
    network = fit(of_mn, grid, Augmentation(), seed=1, epochs=1)
    session = open_session(_graph(Exported(network, distances), grid.n_points))
    said = session.run(values)
    got, score = said.probabilities, said.ood_score
    np.testing.assert_allclose(got, probabilities(network, values), atol=2e-5)
    nearest = np.min([distance.score(values) for distance in distances], axis=0)
    np.testing.assert_allclose(score, nearest, rtol=2e-3)
    assert 0.002 < (score > 1).mean() < 0.02  # each half has 1 % outside of its own limits

"""Zheng's two steps, their scores, and their ONNX graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from live_lce.classifiers import Registry
from live_lce.datasets._rows import CLASSES, FINE, NO_CLASS, read_rows
from live_lce.training._distance import fit_distances
from research.zheng2020.joint import CLASSES as FOUR, ensemble, joint_labels, joint_probabilities
from research.zheng2020.labels import RankedLabels
from research.zheng2020.metrics import entropy, majority_top, score
from research.zheng2020.two_step import MAKERS, TREES, fit_two_step, majority, random_forest

pytestmark = pytest.mark.slow

PAIRS = (
    ("CN_4", "CN_4-tetrahedral"),
    ("CN_5", "CN_5-square pyramidal-trigonal bipyramidal"),
    ("CN_5", "CN_5-trigonal bipyramidal-square pyramidal"),
    ("CN_6", "CN_6-octahedral-pentagonal pyramidal"),
    ("CN_6-CN_4", "CN_6-octahedral"),
    ("CN_8", ""),
)


def ranked(which: np.ndarray | list[int]) -> RankedLabels:
    cn, motif = (np.array(one) for one in zip(*(PAIRS[i] for i in which), strict=True))
    return RankedLabels(cn, motif, np.array([int(one[3]) for one in cn], dtype=np.intp))


def spectra(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy spectra of maximum 1, and which of PAIRS each is."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(PAIRS), n)
    at = np.linspace(-18, 30, 60)
    y = 0.5 + np.arctan(at / 2) / np.pi + 0.3 * np.exp(-(((at - 3 - 2 * which[:, None]) / 3) ** 2))
    y = np.abs(y + 0.03 * rng.standard_normal(y.shape)).astype(np.float32)
    return y / y.max(axis=1, keepdims=True), which


def test_scores_by_hand() -> None:
    truth = ranked([0, 3, 4, 1])
    guess = RankedLabels(
        np.array(["CN_4", "CN_6", "CN_6", "CN_5"]),
        np.array(["CN_4-tetrahedral", "CN_6-octahedral", "CN_6-octahedral", PAIRS[2][1]]),
        np.array([4, 6, 6, 5], dtype=np.intp),
    )
    found = score(truth, guess)
    # whole; first environment only; number's ranking differs; first motif differs
    assert (found.n, found.top, found.whole, found.cn) == (4, 0.75, 0.25, 1.0)
    each = [1.0, 2 / 3, 2 / 3, 1.0]  # {6, oct} of {6, oct, pyr}; {6, oct} of {6, 4, oct}; order
    assert found.jaccard == pytest.approx(np.mean(each))
    with pytest.raises(ValueError, match="cannot score 3 predictions of 4"):
        score(truth, guess.take(np.arange(3)))


def test_entropy_and_majority_by_hand() -> None:
    labels = ranked([0, 0, 1, 3])
    assert entropy(labels) == pytest.approx(0.5 * 1 + 2 * 0.25 * 2)
    assert majority_top(labels) == 0.5
    assert majority_top(ranked([3, 4, 0])) == pytest.approx(2 / 3)  # octahedral, however ranked


@pytest.mark.parametrize("name", [n for n in MAKERS if n not in ("majority", "CNN")])
def test_every_classifier_learns_both_steps(name: str) -> None:
    x, which = spectra(400)
    model = fit_two_step(x[:300], ranked(which[:300]), MAKERS[name])
    said = model.predict(x[300:])
    truth = ranked(which[300:])
    assert score(truth, said).cn > 0.8
    assert set(said.motif[said.top == 8]) <= {""}
    again = fit_two_step(x[:300], ranked(which[:300]), MAKERS[name]).predict(x[300:])
    assert (again.cn == said.cn).all()
    assert (again.motif == said.motif).all()


def test_the_convolution_learns_too() -> None:
    pytest.importorskip("torch", reason="needs the extra `train`")
    x, which = spectra(400)
    model = fit_two_step(x[:300], ranked(which[:300]), MAKERS["CNN"])
    assert score(ranked(which[300:]), model.predict(x[300:])).cn > 0.8


def test_the_baseline_says_the_commonest_of_each_step() -> None:
    which = np.array([3, 3, 3, 0, 0, 1])
    model = fit_two_step(np.zeros((6, 4), np.float32), ranked(which), majority)
    said = model.predict(np.ones((2, 4), np.float32))
    assert list(zip(said.cn, said.motif, strict=True)) == [PAIRS[3]] * 2


def test_forests_have_the_papers_trees() -> None:
    assert TREES == {"cn": 30, "motif": 50}
    x, which = spectra(120)
    model = fit_two_step(x, ranked(which), random_forest)
    assert len(model.cn.estimators_) == 30
    assert len(model.motif[5].estimators_) == 50


def test_joint_probabilities_add_up_and_map_to_classes() -> None:
    x, which = spectra(300)
    labels = ranked(which)
    joint = joint_labels(labels)
    assert ("CN_6-CN_4", "CN_6-octahedral-pentagonal pyramidal") in joint.labels  # any pair
    assert "CN_8" in joint.names
    assert "CN_4 | CN_4-tetrahedral" in joint.names
    model = fit_two_step(x, labels, random_forest)
    each = joint_probabilities(model, x, joint)
    np.testing.assert_allclose(each.sum(axis=1), 1.0)
    classes = each @ joint.to_class
    wanted = [FOUR.index(c) for c in ("T4", "S5", "S5", "O6", "O6", "other")]
    assert (classes.argmax(axis=1) == np.array(wanted)[which]).mean() > 0.95
    np.testing.assert_allclose(  # a class has the probability of its coordination numbers
        classes[:, FOUR.index("S5")],
        model.cn.predict_proba(x)[:, list(model.cn.classes_).index("CN_5")],
    )


def _graph_equals(x: np.ndarray, labels: RankedLabels, fold: np.ndarray, n_folds: int) -> float:
    pytest.importorskip("skl2onnx", reason="needs the extra `train`")
    from live_lce.classifiers._session import open_session
    from research.zheng2020.graph import forest_graph

    models = [
        fit_two_step(x[fold != k], labels.take(fold != k), random_forest, k) for k in range(n_folds)
    ]
    joint = joint_labels(labels)
    codes = np.unique(labels.top, return_inverse=True)[1]
    distances = fit_distances(x.astype(float), codes, fold, int(codes.max()) + 1)
    graph = forest_graph(models, joint, distances, x.shape[1])
    graph.ir_version = 9
    norm = (x * 1.7).astype(np.float32)
    scaled = norm / norm.max(axis=1, keepdims=True)
    said = open_session(graph.SerializeToString()).run(norm)
    wanted, members = ensemble(models, scaled, joint)
    assert said.ranked is not None
    assert said.members is not None
    assert said.members.shape == (len(x), n_folds, 4)
    np.testing.assert_allclose(said.probabilities, said.members.mean(axis=1), atol=1e-6)
    nearest = np.min([one.score(norm.astype(float)) for one in distances], axis=0)
    np.testing.assert_allclose(said.ood_score, nearest, rtol=2e-3, atol=2e-3)
    return float(max(np.abs(said.ranked - wanted).max(), np.abs(said.members - members).max()))


def test_onnx_equals_scikit_learn_on_made_up_spectra() -> None:
    x, which = spectra(500)
    fold = np.arange(500) % 3
    fold[which == 5] = 0  # the first member has never seen this label
    assert _graph_equals(x, ranked(which), fold, 3) < 1e-6


def test_onnx_equals_scikit_learn_with_two_labels_and_with_one() -> None:
    x, which = spectra(400)
    two = np.isin(which, [0, 3])  # two numbers, one motif each
    assert _graph_equals(x[two], ranked(which[two]), np.arange(two.sum()) % 2, 2) < 1e-6
    five = np.isin(which, [1, 2])  # one number, two motifs
    assert _graph_equals(x[five], ranked(which[five]), np.arange(five.sum()) % 2, 2) < 1e-6


def test_thresholds_between_floats_are_no_trap() -> None:
    rng = np.random.default_rng(0)  # neighbouring float32 values: thresholds lie between them
    base = np.float32(0.5)
    steps = rng.integers(0, 6, (300, 8))
    x = (base + steps * np.spacing(base)).astype(np.float32)
    x[:, 0] = 1.0
    which = (steps[:, 1] > 2).astype(int) + 3 * (steps[:, 2] > 3)
    pytest.importorskip("skl2onnx", reason="needs the extra `train`")
    from live_lce.classifiers._session import open_session
    from research.zheng2020.graph import forest_graph

    labels = ranked(which)
    model = fit_two_step(x, labels, random_forest)
    joint = joint_labels(labels)
    distances = fit_distances(x.astype(float), np.zeros(300, int), np.arange(300) % 2, 1)
    graph = forest_graph([model], joint, distances, 8)
    graph.ir_version = 9
    said = open_session(graph.SerializeToString()).run(x)
    assert said.ranked is not None
    assert np.abs(said.ranked - ensemble([model], x, joint)[0]).max() < 1e-6


def test_onnx_equals_scikit_learn_on_computed_spectra(shared: Path) -> None:
    files = ("omnixas_val.parquet", "feff10.parquet")
    rows = read_rows(shared / "data/computed", files=files)["V"]
    rows = rows.take(rows.label != NO_CLASS)
    kept = (FINE >= -18) & (FINE <= 16)
    x = rows.norm[:, kept].astype(np.float32)
    x = x / x.max(axis=1, keepdims=True)
    pairs = {"T4": 0, "S5": 1, "O6": 3}
    labels = ranked([pairs[CLASSES[i]] for i in rows.label])
    assert _graph_equals(x, labels, np.arange(len(rows)) % 2, 2) < 1e-6


SHIPPED = [card for card in Registry().cards() if card.family == "zheng-rf"]


def test_forests_are_shipped() -> None:
    assert SHIPPED


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.name)
def test_shipped_forests_say_what_their_cards_say(card) -> None:
    session = Registry().session(card)
    at = card.grid.energies
    said = session.run((0.5 + np.arctan(at / 2) / np.pi)[None] * [[1.0], [3.0]])
    assert said.ranked is not None
    assert said.members is not None
    assert card.classes == FOUR
    assert len(card.training.spectra) == card.members == 5
    assert card.metrics["cross-validated"]["onnx_minus_scikit_learn"] <= 1e-6
    np.testing.assert_allclose(said.ranked.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(said.probabilities, said.members.mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(said.ranked[0], said.ranked[1])  # the scale does not matter
    np.testing.assert_allclose(said.ood_score[0], said.ood_score[1], rtol=1e-3)

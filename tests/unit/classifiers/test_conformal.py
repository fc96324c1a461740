"""Sets of labels hold the right one as often as promised, where that can be promised."""

import numpy as np
import pytest

from live_lce.classifiers._conformal import (
    improbability,
    in_set,
    judged,
    label_set,
    label_set_mass,
    mass_needed,
    once_a_group,
    threshold,
)


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that follow sharper ones: the model is not calibrated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 4))
    true = np.exp(0.5 * logits)
    true /= true.sum(1, keepdims=True)
    label = np.array([rng.choice(4, p=p) for p in true])
    p = np.exp(logits)
    return p / p.sum(1, keepdims=True), label


@pytest.mark.parametrize("score", [mass_needed, improbability])
@pytest.mark.parametrize("promised", [0.8, 0.9])
def test_covers_what_it_promises(score, promised):
    p, label = drawn(6000, 0)
    at = threshold(score(p[:3000]), label[:3000], promised)
    found = judged(in_set(score(p[3000:]), at), label[3000:])
    assert abs(found.coverage - promised) < 0.02
    assert found.n == 3000


def test_an_overconfident_model_as_such_covers_less():
    p, label = drawn(6000, 0)
    assert judged(in_set(mass_needed(p), 0.9), label).coverage < 0.85


def test_adaptive_sets_are_the_most_probable_labels_up_to_the_mass():
    p = np.array([[0.5, 0.1, 0.3, 0.1]])
    np.testing.assert_allclose(mass_needed(p), [[0.5, 0.9, 0.8, 1.0]])
    assert in_set(mass_needed(p), 0.8).tolist() == [[True, False, True, False]]


def test_too_few_spectra_promise_nothing_but_all_labels():
    p, label = drawn(5, 1)
    at = threshold(mass_needed(p), label, 0.9)
    assert at == np.inf
    assert in_set(mass_needed(p), at).all()


def test_a_group_counts_once():
    group = np.array(["a", "a", "a", "b"])
    weight = once_a_group(group)
    np.testing.assert_allclose(weight, [1 / 3, 1 / 3, 1 / 3, 1])
    p = np.array([[0.9, 0.1]] * 3 + [[0.2, 0.8]])
    label = np.zeros(4, int)
    assert judged(in_set(improbability(p), 0.5), label, weight).coverage == pytest.approx(0.5)
    # Three copies of an easy spectrum do not lower the threshold that the hard one asks for.
    assert threshold(improbability(p), label, 0.6, weight) == pytest.approx(0.8)
    assert threshold(improbability(p), label, 0.6) == pytest.approx(0.1)


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold(np.zeros((1, 2)), np.zeros(1, int), 90)
    with pytest.raises(ValueError, match="no spectrum"):
        threshold(np.zeros((0, 2)), np.zeros(0, int), 0.9)


def test_the_label_set_of_a_decision_keeps_the_promise():
    rng = np.random.default_rng(5)
    p = rng.dirichlet([0.7, 0.7, 0.7], 8000)
    label = np.array([rng.choice(3, p=row) for row in p])
    mass = label_set_mass(p[:4000], label[:4000], 0.9)
    held = [label[i] in label_set(p[i], mass) for i in range(4000, 8000)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)
    sizes = [len(label_set(row, mass)) for row in p[4000:]]
    assert min(sizes) == 1 and max(sizes) > 1
    assert label_set_mass(p[:3], label[:3], 0.9) == 1.0

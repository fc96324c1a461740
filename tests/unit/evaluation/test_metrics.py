"""Metrics against scikit-learn and by hand; intervals by drawing groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_parts import make_judgements
from hypothesis import given, strategies as st
from sklearn import metrics as sk

from live_lce.classifiers._conformal import in_set, judged, mass_needed, once_a_group
from live_lce.evaluation._arrays import NONE
from live_lce.evaluation._bootstrap import DRAWS, draws, intervals
from live_lce.evaluation._curves import risk_coverage
from live_lce.evaluation._measure import measure
from live_lce.evaluation._metrics import auroc, statistics

CLASSES = [0, 1, 2]


@st.composite
def answered_rows(draw):
    """Truth, answer (-1: none), group and weight of some rows."""
    n = draw(st.integers(1, 40))

    def some(low, high):
        return draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    return some(0, 2), some(-1, 2), some(0, 6), some(1, 4)


def one(rows, weights=None):
    chosen = np.ones((1, len(rows))) if weights is None else np.array([weights], dtype=float)
    return {name: float(value[0]) for name, value in statistics(rows, chosen).items()}


@given(answered_rows())
def test_equal_to_scikit_learn_with_any_weights(drawn):
    truth, answer, group, weight = drawn
    found = one(make_judgements(truth, answer, group=group), weight)
    present = sorted(set(truth))
    options = {"labels": CLASSES, "average": None, "zero_division": 0, "sample_weight": weight}
    f1, recall = sk.f1_score(truth, answer, **options), sk.recall_score(truth, answer, **options)
    for index, name in enumerate(("T4", "S5", "O6")):
        if index in present:
            assert found[f"f1.{name}"] == pytest.approx(f1[index])
            assert found[f"recall.{name}"] == pytest.approx(recall[index])
        else:
            assert np.isnan(found[f"f1.{name}"])
            assert np.isnan(found[f"recall.{name}"])
    macro = sk.f1_score(
        truth, answer, labels=present, average="macro", zero_division=0, sample_weight=weight
    )
    assert found["macro_f1"] == pytest.approx(macro)
    assert found["accuracy"] == pytest.approx(
        sk.accuracy_score(truth, answer, sample_weight=weight)
    )
    there = [i for i, a in enumerate(answer) if a != NONE]
    if there:
        few = [[values[i] for i in there] for values in (truth, answer, weight)]
        assert found["accuracy_answered"] == pytest.approx(
            sk.accuracy_score(few[0], few[1], sample_weight=few[2])
        )
    else:
        assert np.isnan(found["accuracy_answered"])


@given(answered_rows())
def test_each_group_weighs_as_one(drawn):
    truth, answer, group, _ = drawn
    right = np.equal(truth, answer)
    means = [right[np.equal(group, g)].mean() for g in set(group)]
    found = one(make_judgements(truth, answer, group=group))
    assert found["accuracy_by_group"] == pytest.approx(np.mean(means))


@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.booleans(), st.integers(1, 3)), min_size=2, max_size=40
    )
)
def test_auroc_is_that_of_scikit_learn(drawn):
    score, positive, weight = (np.array(values) for values in zip(*drawn, strict=True))
    found = auroc(score.astype(float), positive, weight[None].astype(float))[0]
    if len(set(positive.tolist())) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(sk.roc_auc_score(positive, score, sample_weight=weight))


def test_a_metal_is_infinitely_far_and_an_unknown_distance_takes_no_part():
    rows = make_judgements(
        [0, 0, -1, -1, -1],
        [0, 0, -1, -1, -1],
        distance=[0.5, 2.0, np.inf, 1.0, np.nan],
        other=[False, False, True, True, True],
    )
    found = measure(rows, 0)
    assert found.ood_auroc == pytest.approx(3 / 4)  # inf beats both, 1.0 beats one of two
    assert (found.ood_n_other, found.ood_n_scored) == (2, 2)
    assert (found.n, found.n_other) == (2, 3)


def test_majority_is_the_commonest_class_of_each_absorber():
    rows = make_judgements(
        [0, 0, 2, 2, 2, 1],
        [NONE] * 6,
        absorber=["V", "V", "V", "Fe", "Fe", "Fe"],
        group=[0, 0, 1, 2, 2, 3],
    )
    found = measure(rows, 0)
    assert found.majority_accuracy == pytest.approx(4 / 6)
    assert found.majority_accuracy_by_group == pytest.approx(2 / 4)
    assert found.accuracy == 0.0
    assert found.accuracy_answered is None
    assert (found.abstained, found.abstained_share) == (6, 1.0)


def test_calibration_error_by_hand():
    # Bin 0.9-1.0: mean 0.95, 1 of 2 right; bin 0.5-0.6: 0.55, right.  An abstention counts too.
    rows = make_judgements([0, 0, 1, 2], [0, 1, NONE, NONE], forced=[0, 1, 1, NONE])
    rows = replace(rows, top=np.array([1.0, 0.9, 0.55, np.nan]))
    assert measure(rows, 0).ece == pytest.approx((2 * 0.45 + 0.45) / 3)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 1.0), st.integers(1, 30))
def test_label_sets_are_judged_as_when_they_were_made(seed, mass, n):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(4), n)  # the fourth is `other`, which is never the truth
    truth, group = rng.integers(0, 3, n), rng.integers(0, 8, n)
    chosen = in_set(mass_needed(p), mass)
    rows = replace(
        make_judgements(truth.tolist(), [NONE] * n, group=group.tolist()),
        top=p.max(axis=1),
        n_labels=chosen.sum(axis=1),
        held=chosen[np.arange(n), truth],
    )
    weight = rng.integers(0, 3, n).astype(float)
    weight[0] += 1
    found, expected = one(rows, weight), judged(chosen, truth, weight)
    assert found["label_set.coverage"] == pytest.approx(expected.coverage)
    assert found["label_set.size"] == pytest.approx(expected.size)
    assert found["label_set.single"] == pytest.approx(expected.single)
    by_group = judged(chosen, truth, once_a_group(group.astype(str)))
    assert one(rows)["label_set.coverage_by_group"] == pytest.approx(by_group.coverage)


def test_label_sets_and_tops_by_hand():
    rows = make_judgements(
        [0, 0, 1, 2, 2],
        [0, NONE, 0, NONE, NONE],
        forced=[0, 1, 0, 2, NONE],
        group=[0, 0, 1, 2, 2],
        top=[0.9, 0.5, 0.8, 0.6, np.nan],
        n_labels=[1, 2, 1, 3, 0],
        held=[True, True, False, True, False],
    )
    found = measure(rows, 0)
    # An abstention counts; the last row, that no model ran on, does not.
    assert (found.n, found.n_with_probabilities, found.label_set_groups) == (5, 4, 3)
    assert found.label_set == {
        "coverage": pytest.approx(3 / 4),
        "coverage_by_group": pytest.approx((1 + 0 + 1) / 3),
        "size": pytest.approx(7 / 4),
        "single": pytest.approx(2 / 4),
    }
    assert found.top == pytest.approx(0.7)
    assert found.top_right == pytest.approx(2 / 4)
    low, high = found.intervals["label_set.coverage_by_group"]
    assert 0 <= low < found.label_set["coverage_by_group"] < high <= 1


def test_a_judge_without_probabilities_has_no_label_sets():
    rows = make_judgements([0, 1], [0, 1], top=[0.9, 0.9], n_labels=[1, 1], held=[True, True])
    found = measure(rows.answering(rows.truth), 0)
    assert found.accuracy == 1.0
    assert set(found.label_set.values()) == {None}
    assert (found.n_with_probabilities, found.top) == (0, None)


def test_fraction_error_is_over_the_three_classes_and_needs_probabilities():
    rows = make_judgements([-1, -1, 0], [-1, -1, 0], top=[0.6, np.nan, 0.9])
    rows = replace(
        rows,
        scored=np.array([False, False, True]),
        mixed=np.array([True, True, False]),
        probability=np.array([[0.6, 0.2, 0.2], [np.nan] * 3, [0.9, 0.1, 0.0]]),
        fraction=np.array([[0.5, 0.0, 0.5], [1.0, 0, 0], [0, 0, 0]]),
    )
    found = measure(rows, 0)
    assert found.fraction_mae == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    assert (found.n, found.n_mixed) == (1, 1)


def test_nothing_scored_gives_no_numbers_and_no_error():
    found = measure(make_judgements([-1, -1], [-1, -1], other=[True, True]), 0)
    assert found.n == 0
    assert (found.accuracy, found.macro_f1, found.ece, found.ood_auroc) == (None,) * 4
    assert set(found.intervals.values()) == {None}


def test_intervals_hold_the_value_and_are_reproducible():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 200)
    answer = np.where(rng.random(200) < 0.7, truth, rng.integers(-1, 3, 200))
    rows = make_judgements(truth.tolist(), answer.tolist())
    found = measure(rows, seed=5)
    low, high = found.intervals["accuracy"]
    assert low < found.accuracy < high
    # Independent rows: close to the normal approximation.
    expected = 2 * 1.96 * np.sqrt(found.accuracy * (1 - found.accuracy) / 200)
    assert high - low == pytest.approx(expected, rel=0.15)
    assert intervals(rows, 5) == found.intervals
    assert intervals(rows, 6) != found.intervals


def test_repeating_the_measurements_of_a_compound_narrows_no_interval():
    truth, answer = [0, 0, 1, 1, 2, 2], [0, 1, 1, NONE, 2, 2]
    single = intervals(make_judgements(truth, answer), 0)
    group = [i for i in range(6) for _ in range(20)]
    often = make_judgements([truth[g] for g in group], [answer[g] for g in group], group=group)
    for name, pair in intervals(often, 0).items():
        assert pair == (single[name] and pytest.approx(single[name])), name


def test_draws_take_whole_groups_of_each_part():
    rows = make_judgements(
        [0, 0, 1, -1, -1], [0] * 5, group=[7, 7, 3, 5, 6], other=[False] * 3 + [True] * 2
    )
    weights = np.concatenate(list(draws(rows, 0)))
    assert len(weights) == DRAWS
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 1] + weights[:, 2] == 2).all()
    assert (weights[:, 3] + weights[:, 4] == 2).all()


def test_one_group_has_no_interval():
    found = intervals(make_judgements([0, 0], [0, 1], group=[4, 4]), 0)
    assert found["accuracy"] is None


def test_risk_against_coverage_by_hand():
    rows = make_judgements([0, 0, 0, 0, 0], [0, 1, 0, 0, NONE], forced=[0, 1, 0, 1, NONE])
    rows = replace(rows, top=np.array([0.9, 0.8, 0.7, 0.7, np.nan]))
    curve = risk_coverage(rows)
    assert curve.coverage == pytest.approx([0.2, 0.4, 0.8])
    assert curve.risk == pytest.approx([0, 0.5, 0.5])
    assert curve.area == pytest.approx((0 + 0.5 + 0.5 + 0.5) / 4)


def test_risk_without_any_probability():
    curve = risk_coverage(make_judgements([0, 1], [NONE, NONE]))
    assert curve.coverage.size == 0
    assert np.isnan(curve.area)

"""What the comparison of architectures measures, on small made-up spectra."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from live_lce.classifiers import Grid
from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from live_lce.training._beamline import Variation
from research.architectures.compare import read_outcomes
from research.architectures.fit import (
    Spectra,
    cost_of_network,
    predictor,
)
from research.architectures.measure import (
    Measured,
    Outcome,
    judge,
    measure,
    with_prior,
)
from research.architectures.page import page
from research.architectures.plan import (
    GRID,
    NETWORKS,
    SHORT,
    Candidate,
    candidates,
    fit_candidate,
    scaled,
)
from research.lce.fit import Course, fit_network
from research.lce.pool import POOL_CLASSES, Pool

pytestmark = pytest.mark.slow

N_EACH = 12
TINY = Course(steps=6, batch=16)


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Two absorbers; each class has a peak in front of its own place behind the edge."""
    rng = np.random.default_rng(0)
    label = np.tile(np.arange(len(POOL_CLASSES)), 2 * N_EACH)
    at = -4.0 + 3.0 * label[:, None] + 0.2 * rng.standard_normal((label.size, 1))
    norm = 1 / (1 + np.exp(-FINE)) + 0.5 * np.exp(-(((FINE - at) / 1.5) ** 2))
    names = np.array([f"row{i}" for i in range(label.size)])
    last = np.full(label.size, 50.0)
    rows = Rows(
        norm,
        np.full(label.size, -26.0),
        last,
        0 * last,
        label,
        names,
        names,
        names,
        names,
        names,
        {},
    )
    absorber = np.repeat([0, 1], label.size // 2)
    return Pool(rows, ("Ti", "Fe"), absorber, np.arange(label.size) // 4 % 3)


@pytest.fixture(scope="module")
def measured(pool: Pool) -> Measured:
    spectra = Spectra(pool.rows.norm[:16], pool.rows.last[:16], pool.absorber[:16])
    return Measured(spectra, pool.rows.label[:16], np.ones(16), 0)


@pytest.mark.parametrize("grid", [GRID, SHORT])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_logits_on_both_grids(name: str, grid: Grid, pool: Pool) -> None:
    network = NETWORKS[name](grid, 2).eval()
    spectra = Spectra(pool.rows.norm, pool.rows.last, pool.absorber)
    logits = network(spectra.values(grid), torch.as_tensor(pool.absorber))
    assert logits.shape == (len(pool.rows), len(POOL_CLASSES))
    assert torch.isfinite(logits).all()


def test_multiply_adds_of_dense_layers_are_counted(pool: Pool) -> None:
    network = NETWORKS["perceptron"](GRID, 2).eval()
    spectra = Spectra(pool.rows.norm, pool.rows.last, pool.absorber)
    cost = cost_of_network(network, spectra, GRID)
    assert cost.multiply_adds == 2 * 117 * 128 + 128 * 64 + 64 * 4
    assert cost.parameters == sum(one.numel() for one in network.parameters())


@pytest.mark.parametrize("model", ["base", "nearest 1", "nearest 5", "boosted", "forest"])
def test_a_candidate_is_measured_the_same_twice(
    model: str, pool: Pool, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("research.architectures.others.N_VARIED", 64)
    candidate = Candidate("it", "section", model=model, course=TINY, folds=(1,))
    first, second = (measure(candidate, pool, measured) for _ in range(2))
    assert [one.f1 for one in first] == [one.f1 for one in second]
    assert [one.recall for one in first] == [one.recall for one in second]
    if model == "nearest 1":  # the classes are far apart
        assert first[0].f1 == {"Ti": 1.0, "Fe": 1.0}
        assert first[0].right == 1.0


def test_each_absorber_alone_sees_its_own_rows(pool: Pool, measured: Measured) -> None:
    candidate = Candidate("it", "section", course=TINY, alone=True)
    found = fit_candidate(candidate, pool, np.arange(len(pool.rows))).predict(measured.spectra)
    build = partial(NETWORKS["base"], GRID, len(pool.absorbers))
    one = fit_network(build, pool, pool.of("Ti"), GRID, candidate.how, TINY)
    np.testing.assert_array_equal(found, predictor(one, GRID)(measured.spectra))


def test_a_prior_changes_s5_alone() -> None:
    found = with_prior(np.array([[0.2, 0.4, 0.4, 0.0], [0.0, 0.0, 0.0, 0.0]]), 0.5)
    np.testing.assert_allclose(found[0], [0.25, 0.25, 0.5, 0.0])
    assert not found[1].any()


def test_compounds_count_once_and_no_answer_is_none(measured: Measured) -> None:
    label = np.array([0, 1, 2, 2, 3])
    probabilities = np.array([[0.9, 0.1, 0, 0]] * 4 + [[0.1, 0.1, 0.1, 0.7]])
    few = Measured(measured.spectra.take(np.arange(5)), label, np.array([1, 1, 0.5, 0.5, 1]), 0)
    found = judge(probabilities, few)
    assert found["right"] == pytest.approx(1 / 3)
    assert found["recall"] == {"T4": 1.0, "S5": 0.0, "O6": 0.0}
    assert found["auroc"] == 1.0
    assert judge(np.full((5, 4), 0.25), few)["right_answered"] is None


def test_names_of_candidates_are_their_keys() -> None:
    names = [one.name for one in candidates()]
    assert len(set(names)) == len(names)


def test_half_of_everything_leaves_how_often() -> None:
    how, half = Variation(), scaled(Variation(), 0.5)
    assert half.noise == how.noise / 2
    assert (half.mix, half.cut, half.over_absorbed) == (how.mix, how.cut, how.over_absorbed)


def test_the_record_gives_the_page(pool: Pool, measured: Measured, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    assert read_outcomes(record) == []
    found: list[Outcome] = []
    for name, section in (("seed 0", "seed"), ("a", "architecture"), ("b", "course")):
        found += measure(Candidate(name, section, course=TINY, folds=(1,)), pool, measured)
    record.write_text("".join(json.dumps(one.to_json()) + "\n" for one in found))
    assert read_outcomes(record) == found
    text = page(found)
    assert f"| a | {found[4].f1['Ti']:.2f} | {found[4].f1['Fe']:.2f} |" in text

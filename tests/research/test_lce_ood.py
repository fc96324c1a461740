"""The out-of-distribution score of the family `lce`, and the examples of `other`."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from live_lce.classifiers import Grid
from live_lce.datasets._rows import FINE
from research.lce.distance import LceOod, OodWeights, references
from research.lce.outliers import is_outlier, read_outliers, with_outliers
from research.lce.pool import POOL_CLASSES, Pool, read_pool
from research.out_of_distribution import garbage

pytestmark = pytest.mark.slow

GRID = Grid(start=-18, stop=40, n_points=117)


@pytest.fixture(scope="module")
def pool(shared) -> Pool:
    return with_outliers(read_pool(shared / "data" / "computed", 5, 0))


def scored(spectra: np.ndarray, near: np.ndarray, mask: np.ndarray | None = None) -> torch.Tensor:
    ood = LceOod(near, GRID, OodWeights(1.0, 2.0))
    mask = np.ones_like(spectra) if mask is None else mask
    both = torch.as_tensor(np.stack([spectra * mask, mask], 1), dtype=torch.float32)
    return ood(both, torch.zeros(5, len(spectra), 64), torch.zeros(5, len(spectra), 4))


def test_distance_is_that_of_the_nearest_neighbours():
    rng = np.random.default_rng(0)
    near, spectra = rng.normal(size=(40, 117)), rng.normal(size=(3, 117))
    ood = LceOod(near, GRID, OodWeights(1.0, 2.0))
    both = torch.as_tensor(np.stack([spectra, np.ones_like(spectra)], 1), dtype=torch.float32)
    n = ood.n
    rms = np.sqrt(((spectra[:, None, :n] - near[None, :, :n]) ** 2).mean(-1))
    wanted = np.sort(rms, axis=1)[:, :5].mean(axis=1)
    np.testing.assert_allclose(ood.distance(both), wanted, rtol=1e-5)


def test_what_was_not_measured_does_not_count():
    rng = np.random.default_rng(0)
    near = rng.normal(size=(40, 117))
    mask = np.ones((1, 117))
    mask[:, 60:] = 0
    first = scored(near[:1], near, mask)
    beyond = near.copy()
    beyond[:, 60:] += 7
    torch.testing.assert_close(first, scored(near[:1], beyond, mask), rtol=1e-3, atol=1e-5)


def test_score_is_one_where_the_threshold_was_set():
    weights = OodWeights(0.8, 2.0)
    signs = np.array([[0.3, -1.2], [2.0, 0.1]])
    at = weights.log_score(signs)[0]
    shifted = weights.thresholded(at)
    assert shifted.log_score(signs)[0] == pytest.approx(0)
    assert shifted.log_score(signs)[1] > 0


def test_outliers_join_the_pool_as_other_and_prototypes_stay_together(pool):
    new = is_outlier(pool)
    assert new.sum() == len(read_outliers())
    assert set(pool.rows.label[new]) == {POOL_CLASSES.index("other")}
    for prototype in np.unique(pool.rows.mp_id[new]):
        assert len(set(pool.fold[new & (pool.rows.mp_id == prototype)])) == 1
    kinds = {entry["kind"] for entry in read_outliers()}
    assert {"metal", "sulfide", "halide"} <= kinds


def test_garbage_is_farther_than_training_spectra(pool):
    held_out = pool.fold == 0
    near = references(pool, "Fe", GRID, 0, but=held_out)
    chosen = pool.of("Fe")
    chosen = chosen[held_out[chosen] & (pool.rows.label[chosen] < 3)]
    ood = LceOod(near, GRID, OodWeights(0.0, 1.0))

    def distance(fine: np.ndarray) -> np.ndarray:
        values = np.stack([np.interp(GRID.energies, FINE, y) for y in fine]) - 0.5
        both = torch.as_tensor(np.stack([values, np.ones_like(values)], 1), dtype=torch.float32)
        return ood.distance(both).numpy()

    good = pool.rows.norm[chosen]
    limit = np.quantile(distance(good), 0.95)
    for name in ("noise", "no edge, a line", "energy reversed"):
        bad = garbage.KINDS[name](good, np.random.default_rng(0))
        assert (distance(bad) > limit).mean() > 0.7, name  # lines: 0.8 to 1, fold by fold


def test_references_are_the_same_each_time(pool):
    np.testing.assert_array_equal(references(pool, "V", GRID, 3), references(pool, "V", GRID, 3))

"""Compare scores of the unknown, with and without examples of it, and sets of labels.

``python -m research.out_of_distribution.study --data DATA --members FOLDER
--out docs/reference/models``
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from live_lce.classifiers import Grid
from live_lce.classifiers._conformal import once_a_group
from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array
from live_lce.training._beamline import Variation
from research.lce.distance import WEIGHTS, WITHIN, LceOod, fit_weights, references
from research.lce.fit import Course, fit_member, plain_input
from research.lce.network import LceNetwork, Shape
from research.lce.outliers import is_outlier, with_outliers
from research.lce.pool import POOL_CLASSES, Pool, read_pool
from research.out_of_distribution.data import KINDS, Measured, read_measured
from research.out_of_distribution.page import Found, page
from research.out_of_distribution.scores import Score, features, of_features, of_logits, residual

GRID = Grid(start=-18.0, stop=40.0, n_points=117)
MEMBERS = 3
"""Of five folds: enough to compare."""
CHOSEN = "`other` and nearest spectra (chosen)"


def member(pool: Pool, fold: int, kept: Path) -> LceNetwork:
    """Return a network that has not seen a fold, trained unless it is kept."""
    path = kept / f"{fold}.pt"
    if path.exists():
        network = LceNetwork(GRID.n_points, len(pool.absorbers), len(POOL_CLASSES), Shape())
        network.load_state_dict(torch.load(path))
        network.eval()
        return network
    rows = np.flatnonzero(pool.fold != fold)
    network = fit_member(pool, rows, GRID, Shape(), Variation(), Course(seed=fold))
    kept.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    return network


def compare(pool: Pool, measured: Measured, kept: Path) -> Found:
    """Score measured and held-out computed spectra in every way."""
    x = measured.spectra(GRID)
    of_measured: dict[str, list[Array]] = {}
    logits, held_logits, held_rows = [], [], []
    for fold in range(MEMBERS):
        network = member(pool, fold, kept)
        rows = np.flatnonzero((pool.fold != fold) & (pool.rows.label < len(CLASSES)))
        known_x = plain_input(pool, rows, GRID)
        known = features(network, known_x, pool.absorber[rows])
        seen = features(network, x, measured.absorber)
        for name, score in of_logits(seen[2]).items():
            of_measured.setdefault(name, []).append(score)
        fitted: dict[str, tuple[int, Score]] = of_features(known, pool.rows.label[rows])
        for name, (which, fn) in fitted.items():
            of_measured.setdefault(name, []).append(fn(seen[which]))
        rest = residual(known_x[:, 0].numpy().astype(float))(x[:, 0].numpy().astype(float))
        of_measured.setdefault("principal components, rest, spectra", []).append(rest)
        logits.append(seen[2])
        held = np.flatnonzero((pool.fold == fold) & ~is_outlier(pool))
        held_logits.append(features(network, plain_input(pool, held, GRID), pool.absorber[held])[2])
        held_rows.append(held)
    said = np.stack(logits)
    p = softmax(said, axis=2)
    scores = {name: np.mean(parts, axis=0) for name, parts in of_measured.items()}
    mean = p.mean(axis=0)
    scores["members' mutual information"] = _entropy(mean) - _entropy(p).mean(axis=0)
    signs = signs_of(pool, x, said, measured.absorber)
    scores["nearest spectra of the absorber"] = signs[:, 1]
    weight = once_a_group(measured.group)
    fit = fit_weights(signs, measured.outside, weight)
    scores["the same two, weights by regression on other groups"] = _crossed(
        signs, measured, weight
    )
    scores[CHOSEN] = WEIGHTS.log_score(signs)
    held = np.concatenate(held_rows)
    held_p = softmax(np.concatenate(held_logits), axis=1)
    inside = ~measured.outside
    limit = float(np.quantile(measured.by_group(scores[CHOSEN], inside), WITHIN))
    return Found(
        scores,
        mean,
        held_p,
        pool.rows.label[held],
        pool.fold[held],
        limit,
        fit,
        said,
        len(pool.rows),
    )


def signs_of(pool: Pool, x: torch.Tensor, said: Array, absorber: NDArray[np.intp]) -> Array:
    """Return the two signs of the chosen score, (n_spectra, 2)."""
    signs = np.zeros((len(absorber), 2))
    logits = torch.as_tensor(said, dtype=torch.float32)
    for index in np.unique(absorber):
        near = references(pool, pool.absorbers[index], GRID, 0)
        chosen = np.flatnonzero(absorber == index)
        with torch.no_grad():
            signs[chosen] = LceOod(near, GRID, WEIGHTS).signs(x[chosen], logits[:, chosen])
    return signs


def _crossed(signs: Array, measured: Measured, weight: Array, n: int = 10) -> Array:
    """Return scores by weights fitted to the other groups."""
    _, group = np.unique(measured.group, return_inverse=True)
    fold = np.random.default_rng(0).permutation(group.max() + 1)[group] % n
    found = np.zeros(len(signs))
    for one in range(n):
        rest = fold != one
        weights = fit_weights(signs[rest], measured.outside[rest], weight[rest])
        found[~rest] = weights.log_score(signs[~rest])
    return found


def _entropy(p: Array) -> Array:
    found: Array = -(p * np.log(p + 1e-12)).sum(axis=-1)
    return found


def rubbish(pool: Pool, measured: Measured, kept: Path, limit: float) -> dict[str, float]:
    """Return which share of each kind of rubbish scores above the threshold."""
    from research.out_of_distribution.garbage import KINDS as MADE

    networks = [member(pool, fold, kept) for fold in range(MEMBERS)]
    flagged = {}
    for name, made in MADE.items():
        x = measured.spectra(GRID, made(measured.fine, np.random.default_rng(0)))
        x = torch.nan_to_num(x, nan=0.0, posinf=10.0, neginf=-10.0)
        said = np.stack([features(one, x, measured.absorber)[2] for one in networks])
        score = WEIGHTS.log_score(signs_of(pool, x, said, measured.absorber))
        flagged[name] = float((score > limit)[~measured.outside].mean())
    return flagged


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="research.out_of_distribution.study")
    parser.add_argument("--data", type=Path, required=True, help="holds computed, experimental")
    parser.add_argument("--members", type=Path, required=True, help="keeps the trained networks")
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    pool = read_pool(options.data / "computed", 5, 0)
    measured = read_measured(options.data / "experimental", pool.absorbers)
    exposed = with_outliers(pool)
    without = compare(pool, measured, options.members / "none")
    found = compare(exposed, measured, options.members / "outliers")
    thrown = rubbish(exposed, measured, options.members / "outliers", found.limit)
    text = page(measured, without, found, thrown, KINDS, CHOSEN, MEMBERS)
    (options.out / "out-of-distribution.md").write_text(text)


if __name__ == "__main__":
    main()

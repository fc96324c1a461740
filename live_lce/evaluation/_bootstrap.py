"""Compute intervals by resampling whole groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from live_lce.evaluation._arrays import Judgements, Mask
from live_lce.evaluation._metrics import statistics
from live_lce.spectra import Array

DRAWS = 1000
LEVEL = 0.95
_AT_ONCE = 100


def intervals(rows: Judgements, seed: int) -> dict[str, tuple[float, float] | None]:
    """Return the 95 % percentile interval of every metric, by bootstrap over groups.

    Scored, `other` and mixed rows are drawn separately, so that each draw has some of each; rows
    of one group come and go together (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13).

    Parameters
    ----------
    rows : Judgements
        Of n rows.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        None for a metric that is not defined, or rests on fewer than two groups.
    """
    found = {name: np.concatenate(values) for name, values in _drawn(rows, seed).items()}
    tails = (50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL))
    scored, other, mixed = (_few(rows, part) for part in (rows.scored, rows.other, rows.mixed))
    few = {"ood_auroc": scored or other, "fraction_mae": mixed}
    done: dict[str, tuple[float, float] | None] = {}
    for name, values in found.items():
        there = values[np.isfinite(values)]
        if few.get(name, scored) or not there.size:
            done[name] = None
        else:
            low, high = np.percentile(there, tails)
            done[name] = float(low), float(high)
    return done


def _few(rows: Judgements, chosen: Mask) -> bool:
    return np.unique(rows.group[chosen]).size < 2


def _drawn(rows: Judgements, seed: int) -> dict[str, list[Array]]:
    found: dict[str, list[Array]] = {}
    for weights in draws(rows, seed):
        for name, values in statistics(rows, weights).items():
            found.setdefault(name, []).append(values)
    return found


def draws(rows: Judgements, seed: int) -> Iterator[Array]:
    """Yield weights of shape (n_draws, n), 1000 draws altogether."""
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS // _AT_ONCE):
        weights = np.zeros((_AT_ONCE, len(rows)))
        for part in (rows.scored, rows.other, rows.mixed):
            groups, number = np.unique(rows.group[part], return_inverse=True)
            if groups.size:
                share = np.full(groups.size, 1 / groups.size)
                weights[:, part] = rng.multinomial(groups.size, share, size=_AT_ONCE)[:, number]
        yield weights

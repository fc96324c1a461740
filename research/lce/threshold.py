"""Where the out-of-distribution score of the family `lce` says that it is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from live_lce.classifiers import Grid
from live_lce.datasets._rows import CLASSES
from live_lce.training._beamline import Variation, varied
from research.lce.distance import LceOod, OodWeights, references
from research.lce.network import LceNetwork
from research.lce.pool import Pool

WITHIN = 0.995
"""Share of the varied computed spectra of T4, S5 and O6 that scores below the threshold."""
DRAWS = 5
"""Each spectrum is varied so often: the rarest absorber has a few hundred."""


def thresholded(
    pool: Pool,
    absorber: str,
    networks: Sequence[LceNetwork],
    grid: Grid,
    weights: OodWeights,
    seed: int,
) -> OodWeights:
    """Return weights that let one absorber's training classes pass.

    Each spectrum is judged by the member, and by the references, of the folds without it.

    Parameters
    ----------
    pool : Pool
        Spectra of all absorbers.
    absorber : str
        Symbol.
    networks : sequence of LceNetwork
        One per fold.
    grid : Grid
        Of the model.
    weights : OodWeights
        How the signs add up.
    seed : int
        Of the variation.
    """
    random = torch.Generator().manual_seed(seed)
    scores = []
    for fold, network in enumerate(networks):
        inside = (pool.rows.label < len(CLASSES)) & (pool.fold == fold)
        own = inside & (pool.absorber == pool.absorbers.index(absorber))
        rows = np.repeat(np.flatnonzero(own), DRAWS)
        spectra, _ = varied(
            torch.as_tensor(pool.rows.norm[rows], dtype=torch.float32),
            torch.zeros(len(rows), 1),
            torch.as_tensor(pool.rows.last[rows], dtype=torch.float32),
            torch.arange(len(rows)),
            grid,
            replace(Variation(), mix=0.0),
            random,
        )
        near = references(pool, absorber, grid, seed, but=pool.fold == fold)
        with torch.no_grad():
            said = network(spectra, torch.as_tensor(pool.absorber[rows]))[None]
            signs = LceOod(near, grid, weights).signs(spectra, said)
        scores.append(weights.log_score(np.asarray(signs, dtype=np.float64)))
    return weights.thresholded(float(np.quantile(np.concatenate(scores), WITHIN)))

"""Make a model's atlas from its training spectra: medoids and the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

from live_lce.classifiers import Atlas, Grid
from live_lce.classifiers._atlas import LEVEL, Medoid, Projection
from live_lce.contract import OTHER
from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE
from live_lce.spectra import Array
from live_lce.training._beamline import MIDDLE, Variation, varied

READS = (-8.0, 10.0)
"""What the map reads (eV): what every scan has that the family `lce` answers."""
SCALE = (5.0, 10.0)
"""What the map is scaled by (eV): the part of `LEVEL` in it."""
DRAWN, SHOWN = 1500, 160
"""Varied spectra of a class that the axes are fitted to, and that the map shows of it."""
SHRINKAGE = 0.1
"""Of the covariance within a class, so that the axes do not read noise."""
LEAST_COMPOUNDS = 5
"""Whole-window compounds of a class among which its medoid is sought; with fewer, among all."""


def make_atlas(
    rows: Rows, classes: Sequence[str], grid: Grid, sources: Mapping[str, str], seed: int
) -> Atlas:
    """Make the atlas of one absorber's model.

    The medoid is the spectrum of a class with the least mean distance to its compounds, each
    counted once.  The class `other` holds whatever is none of the environments: it has no
    medoid, and is not on the map unless there is but one other class.

    Parameters
    ----------
    rows : Rows
        Its training spectra; `label` is an index into `classes`.
    classes : sequence of str
        Of the model.
    grid : Grid
        Of the model.
    sources : mapping
        What to call each source of `rows`, with its licence; others keep their name.
    seed : int
        Of draw and variation.

    Returns
    -------
    Atlas
    """
    there = [i for i in range(len(classes)) if (rows.label == i).any()]
    known = [i for i in there if classes[i] != OTHER]
    reads = grid.energies[_inside(grid.energies, READS)]
    if not _inside(reads, SCALE).any():
        return Atlas(())
    medoids = tuple(_medoid(rows, i, classes[i], grid, reads, sources) for i in known)
    mapped = known if len(known) > 1 else there
    return Atlas(medoids, _projection(rows, mapped, classes, grid, reads, seed))


def _medoid(
    rows: Rows, label: int, name: str, grid: Grid, reads: Array, sources: Mapping[str, str]
) -> Medoid:
    of_class = np.flatnonzero(rows.label == label)
    spectra = _scaled(_read(rows.norm[of_class], reads), reads)
    distance = cdist(spectra, spectra) @ _once_a_compound(rows.formula[of_class])
    half = (grid.stop - grid.start) / (grid.n_points - 1) / 2
    whole = rows.last[of_class] >= grid.stop - half
    if len(np.unique(rows.formula[of_class[whole]])) >= LEAST_COMPOUNDS:
        distance = np.where(whole, distance, np.inf)
    best = of_class[distance.argmin()]
    at = grid.energies
    there = (at >= rows.first[best] - half) & (at <= rows.last[best] + half)
    norm = np.where(there, _read(rows.norm[[best]], at)[0], np.nan)
    level = float(np.nanmean(norm[_inside(at, LEVEL)]))
    formula, site, source = (str(x[best]) for x in (rows.formula, rows.id, rows.source))
    called = f"{formula} ({site})" if formula and site != formula else formula or site
    return Medoid(name, norm / level, called, sources.get(source, source))


def _projection(
    rows: Rows,
    labels: Sequence[int],
    classes: Sequence[str],
    grid: Grid,
    reads: Array,
    seed: int,
) -> Projection | None:
    if len(labels) < 2:
        return None
    rng, random = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    of_class = [_drawn(rows, label, grid, reads, rng, random) for label in labels]
    means = np.stack([spectra.mean(axis=0) for spectra in of_class])
    mean = means.mean(axis=0)
    within = np.concatenate([s - m for s, m in zip(of_class, means, strict=True)])
    axes = _discriminants(within, means - mean)
    if len(axes) == 1:
        axes = np.stack([axes[0], _across(within, axes[0])])
    axes = _turned(axes, means - mean)
    shown = np.concatenate([spectra[:SHOWN] for spectra in of_class])
    names = tuple(classes[label] for label in labels for _ in range(SHOWN))
    return Projection(reads, axes, mean, SCALE, (shown - mean) @ axes.T, names)


def _discriminants(within: Array, means: Array) -> Array:
    """Return Fisher's discriminants, at most two, in units of the deviation within a class.

    Not scikit-learn's: with a given shrinkage it shrinks the covariance between the classes
    too, whose second axis then is any direction of little noise.
    """
    from sklearn.covariance import shrunk_covariance

    noise = shrunk_covariance(within.T @ within / len(within), SHRINKAGE)
    n = min(len(means) - 1, 2)
    axes: Array = eigh(means.T @ means, noise)[1].T[::-1][:n]
    return axes


def _across(within: Array, axis: Array) -> Array:
    """Return the direction of most variance that is not correlated with an axis."""
    along = within @ axis
    slope = within.T @ along / (along @ along)
    direction = np.linalg.svd(within - np.outer(along, slope), full_matrices=False)[2][0]
    direction = direction * np.sign(direction[np.abs(direction).argmax()])
    found: Array = direction - axis * (slope @ direction)
    scaled: Array = found / (within @ found).std()
    return scaled


def _turned(axes: Array, means: Array) -> Array:
    """Turn axes so that the last class lies right of the first, and the second above."""
    at = means @ axes.T
    right = (at[-1] - at[0]) / np.linalg.norm(at[-1] - at[0])
    up = np.array([-right[1], right[0]])
    if len(means) > 2 and (at[1] - at[0]) @ up < 0:
        up = -up
    turned: Array = np.stack([right, up]) @ axes
    return turned


def _drawn(
    rows: Rows,
    label: int,
    grid: Grid,
    reads: Array,
    rng: np.random.Generator,
    random: torch.Generator,
) -> Array:
    """Return whole spectra of a class as a beamline might have measured them, (DRAWN, n_reads)."""
    of_class = np.flatnonzero(rows.label == label)
    picked = rng.choice(of_class, DRAWN, p=_once_a_compound(rows.formula[of_class]))
    spectra, _ = varied(
        torch.as_tensor(rows.norm[picked], dtype=torch.float32),
        torch.zeros(DRAWN, 1),
        torch.full((DRAWN,), grid.stop),
        torch.arange(DRAWN),
        grid,
        replace(Variation(), mix=0.0, cut=0.0, late=0.0),
        random,
    )
    values = spectra[:, 0].numpy().astype(np.float64) + MIDDLE
    return _scaled(values[:, _inside(grid.energies, READS)], reads)


def _scaled(spectra: Array, energies: Array) -> Array:
    scaled: Array = spectra / spectra[:, _inside(energies, SCALE)].mean(axis=1, keepdims=True)
    return scaled


def _once_a_compound(formula: NDArray[np.str_]) -> Array:
    """Return weights that sum to 1 and are equal for all compounds; unnamed ones are alone."""
    _, which, count = np.unique(formula, return_inverse=True, return_counts=True)
    weight = np.where(formula == "", 1.0, 1.0 / count[which])
    share: Array = weight / weight.sum()
    return share


def _read(norm: Array, at: Array) -> Array:
    return np.stack([np.interp(at, FINE, one) for one in norm])


def _inside(energies: Array, limits: tuple[float, float]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (energies >= limits[0] - 1e-9) & (energies <= limits[1] + 1e-9)
    return found

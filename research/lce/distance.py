"""How far the family `lce` trusts itself: one score of two signs that a spectrum is none of its.

The network learned what `other` looks like from examples, and says so; the distance from
training spectra of the absorber speaks up where it was never told.  Both in one number:

    score = exp(a logit(p_other) + b ln(distance) + c),   1 is the threshold.

Compared with other methods in docs/reference/models/out-of-distribution.md.  The distance is that
of the k nearest neighbours (Sun, Ming, Zhu, Li, ICML 2022), on the spectra themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from live_lce.classifiers import Grid
from live_lce.contract import OTHER
from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Array
from live_lce.training._beamline import Variation, varied
from research.lce.fit import Course, draw_weights
from research.lce.pool import POOL_CLASSES, Pool

N_DRAWN, N_REFERENCES = 4096, 256
"""Varied training spectra of an absorber, and means of clusters of them: what a spectrum is
compared with is no spectrum of the training data."""
NEIGHBOURS = 5
UPTO = 16.0
"""Last energy (eV from the edge reference) that is compared: half were computed little further."""
LARGEST = 1e3
_LEAST = 1e-4


@dataclass(frozen=True)
class OodWeights:
    """How the two signs add up.

    Parameters
    ----------
    other : float
        Of the logit of the probability of `other`.
    distance : float
        Of the logarithm of the distance.
    offset : float
        Chosen so that 1 is the threshold.
    """

    other: float
    distance: float
    offset: float = 0.0

    def log_score(self, signs: Array) -> Array:
        """Return the logarithm of the score of signs (n_spectra, 2)."""
        found: Array = signs @ np.array([self.other, self.distance]) + self.offset
        return found

    def thresholded(self, log_score: float) -> OodWeights:
        """Return weights under which what had this logarithm of the score scores 1."""
        return replace(self, offset=self.offset - log_score)


WEIGHTS = OodWeights(other=1.0, distance=2.0)
"""Rounded from a logistic regression on the measured standards (docs/reference/models/)."""
WITHIN = 0.95
"""Share of what the model is for that scores below the threshold."""


class LceOod(nn.Module):  # type: ignore[misc,unused-ignore]
    """The score of one absorber's spectra, for the ONNX graph.

    Parameters
    ----------
    references : ndarray of shape (n_references, n_grid)
        See :func:`references`.
    grid : Grid
        Of the model.
    weights : OodWeights
        How the two signs add up.
    """

    def __init__(self, references: Array, grid: Grid, weights: OodWeights) -> None:
        super().__init__()
        self.n = int((grid.energies <= UPTO + 1e-9).sum())
        self.weights = weights
        near = torch.as_tensor(references[:, : self.n], dtype=torch.float32)
        self.register_buffer("near", near.T.contiguous())
        self.register_buffer("squares", (near**2).T.contiguous())

    def distance(self, spectra: Tensor) -> Tensor:
        """Return the mean root mean square difference from the nearest references, (batch,).

        Over the measured points alone, so that partial scans are judged too.
        """
        values, mask = spectra[:, 0, : self.n], spectra[:, 1, : self.n]
        # References enter only where the spectrum was measured: values are 0 elsewhere.
        squared = (values**2).sum(1, keepdim=True) - 2 * values @ self.near + mask @ self.squares
        mean = squared / mask.sum(1, keepdim=True).clamp(min=1.0)
        nearest = torch.topk(mean, NEIGHBOURS, dim=1, largest=False).values
        return nearest.clamp(min=1e-8).sqrt().mean(1)

    def signs(self, spectra: Tensor, logits: Tensor) -> Tensor:
        """Return the logit of `other` and the logarithm of the distance, (batch, 2).

        Parameters
        ----------
        spectra, logits : Tensor
            See :meth:`forward`.
        """
        other = torch.softmax(logits, 2)[:, :, POOL_CLASSES.index(OTHER)].mean(0)
        other = other.clamp(_LEAST, 1 - _LEAST)
        return torch.stack([torch.log(other / (1 - other)), self.distance(spectra).log()], 1)

    def forward(self, spectra: Tensor, hidden: Tensor, logits: Tensor) -> Tensor:
        """Return the score (batch,).

        Parameters
        ----------
        spectra : Tensor of shape (batch, 2, n_grid)
            See :func:`live_lce.training._beamline.as_input`.
        hidden : Tensor of shape (n_members, batch, n_hidden)
            Not used: distances of features did no better.
        logits : Tensor of shape (n_members, batch, n_classes)
            Of the members, in units of training: no temperature, no prior.
        """
        signs, w = self.signs(spectra, logits), self.weights
        log = w.other * signs[:, 0] + w.distance * signs[:, 1] + w.offset
        return torch.exp(log.clamp(max=float(np.log(LARGEST))))


def references(
    pool: Pool, absorber: str, grid: Grid, seed: int, but: NDArray[np.bool_] | None = None
) -> Array:
    """Return means of clusters of varied training spectra of T4, S5 and O6 of one absorber.

    Parameters
    ----------
    pool : Pool
        Spectra of all absorbers.
    absorber : str
        Symbol.
    grid : Grid
        Of the model.
    seed : int
        Of choice and variation.
    but : ndarray of bool, shape (n_rows,), optional
        Rows to leave out, to judge them.

    Returns
    -------
    ndarray of shape (N_REFERENCES, n_grid)
        The first channel of the network's input.
    """
    of_it = pool.of(absorber)
    chosen = of_it[pool.rows.label[of_it] < len(CLASSES)]
    if but is not None:
        chosen = chosen[~but[chosen]]
    rng = np.random.default_rng(seed)
    picked = rng.choice(chosen, N_DRAWN, p=draw_weights(pool, chosen, Course()))
    spectra, _ = varied(
        torch.as_tensor(pool.rows.norm[picked], dtype=torch.float32),
        torch.zeros(len(picked), len(POOL_CLASSES)),
        torch.full((len(picked),), grid.stop),
        torch.arange(len(picked)),
        grid,
        replace(Variation(), mix=0.0, cut=0.0, late=0.0),
        torch.Generator().manual_seed(seed),
    )
    from sklearn.cluster import KMeans

    clusters = KMeans(N_REFERENCES, n_init=1, max_iter=30, random_state=seed)
    means: Array = clusters.fit(spectra[:, 0].numpy().astype(np.float64)).cluster_centers_
    return means


def fit_weights(signs: Array, outside: NDArray[np.bool_], weight: Array) -> OodWeights:
    """Fit how the two signs add up, by logistic regression.

    Parameters
    ----------
    signs : ndarray of shape (n_spectra, 2)
        Logit of `other` and logarithm of the distance, see :meth:`LceOod.signs`.
    outside : ndarray of bool, shape (n_spectra,)
        Which are out of distribution.
    weight : ndarray of shape (n_spectra,)
        How much each counts.
    """
    from sklearn.linear_model import LogisticRegression

    share = np.where(outside, weight / weight[outside].sum(), weight / weight[~outside].sum())
    fit = LogisticRegression(C=10.0).fit(signs, outside, sample_weight=share * len(signs) / 2)
    return OodWeights(float(fit.coef_[0, 0]), float(fit.coef_[0, 1]))

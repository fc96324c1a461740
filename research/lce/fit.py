"""Fitting one member of the family `lce`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from live_lce.classifiers import Grid
from live_lce.spectra import Array
from live_lce.training._beamline import Variation, as_input, varied
from live_lce.training._ensemble import Network, begin
from research.lce.network import LceNetwork, Shape
from research.lce.pool import POOL_CLASSES, Pool


@dataclass(frozen=True)
class Course:
    """How long and how fast to train.

    Parameters
    ----------
    steps : int
        Batches.
    batch : int
        Spectra per step.
    learning_rate : float
        Its maximum, of AdamW on one cycle.
    weight_decay : float
        Of AdamW.
    balance : float
        Rows are drawn with the number of their absorber and class to minus this power:
        0 as they are, 1 all alike.
    repeats : float
        And with the number of rows of their absorber and formula to minus this power.
    seed : int
        Of weights, order and variation.
    """

    steps: int = 1400
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    balance: float = 0.5
    repeats: float = 0.3
    seed: int = 0

    def describe(self) -> str:
        """Return it in words, for the card."""
        return (
            f"{self.steps} batches of {self.batch}, AdamW on one cycle up to"
            f" {self.learning_rate}, weight decay {self.weight_decay}; rows drawn with (rows of"
            f" absorber and class)^-{self.balance} (rows of absorber and formula)^-{self.repeats}"
        )


def fit_member(
    pool: Pool,
    chosen: NDArray[np.intp],
    grid: Grid,
    shape: Shape,
    how: Variation,
    course: Course,
    progress: Callable[[int, float], None] | None = None,
) -> LceNetwork:
    """Train one network on some rows of a pool.

    Parameters
    ----------
    pool : Pool
        Spectra of all absorbers.
    chosen : ndarray of int, shape (n_chosen,)
        Positions of the training rows.
    grid : Grid
        Of the model.
    shape, how, course
        Size of the network, variation of the spectra, course of the training.
    progress : callable, optional
        Is told the step and its loss, every hundred steps.

    Returns
    -------
    LceNetwork
        In evaluation mode.
    """

    def build() -> LceNetwork:
        return LceNetwork(grid.n_points, len(pool.absorbers), len(POOL_CLASSES), shape)

    return fit_network(build, pool, chosen, grid, how, course, progress)


def fit_network(
    build: Callable[[], Network],
    pool: Pool,
    chosen: NDArray[np.intp],
    grid: Grid,
    how: Variation,
    course: Course,
    progress: Callable[[int, float], None] | None = None,
) -> Network:
    """Train any network that takes what :class:`LceNetwork` takes; see :func:`fit_member`.

    Parameters
    ----------
    build : callable
        Makes it.
    pool, chosen, grid, how, course, progress
        See :func:`fit_member`.
    """
    torch.set_num_threads(1)  # steps are too small to be shared, and sums keep their order
    draw = draws(pool, chosen, grid, how, course)
    network = begin(build, course.seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), course.learning_rate, weight_decay=course.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, course.learning_rate, total_steps=course.steps
    )
    network.train()
    with torch.random.fork_rng():
        torch.manual_seed(course.seed)
        for step in range(1, course.steps + 1):
            spectra, wanted, absorber = draw()
            log_probabilities = functional.log_softmax(network(spectra, absorber), 1)
            loss = -(wanted * log_probabilities).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None and step % 100 == 0:
                progress(step, loss.item())
    network.eval()
    return network


def draws(
    pool: Pool, chosen: NDArray[np.intp], grid: Grid, how: Variation, course: Course
) -> Callable[[], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return what gives one varied batch after the other.

    Parameters
    ----------
    pool, chosen, grid, how, course
        See :func:`fit_member`.

    Returns
    -------
    callable
        Gives spectra (batch, 2, n_grid), targets (batch, n_classes), absorbers (batch,).
    """
    rng = np.random.default_rng(course.seed)
    random = torch.Generator().manual_seed(course.seed)
    norm = torch.as_tensor(pool.rows.norm, dtype=torch.float32)
    last = torch.as_tensor(pool.rows.last, dtype=torch.float32)
    target = functional.one_hot(torch.as_tensor(pool.rows.label), len(POOL_CLASSES)).float()
    share = draw_weights(pool, chosen, course)

    def draw() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        picked = rng.choice(chosen, size=course.batch, p=share)
        absorber = pool.absorber[picked]
        partner = _partners(absorber, rng)
        at = torch.as_tensor(picked)
        spectra, wanted = varied(norm[at], target[at], last[at], partner, grid, how, random)
        return spectra, wanted, torch.as_tensor(absorber)

    return draw


def logits(network: LceNetwork, spectra: torch.Tensor, absorber: NDArray[np.intp]) -> Array:
    """Return logits (n_spectra, n_classes) of prepared spectra."""
    with torch.no_grad():
        parts = [
            network(some, which)
            for some, which in zip(
                spectra.split(1024), torch.as_tensor(absorber).split(1024), strict=True
            )
        ]
        found: Array = np.asarray(torch.cat(parts), dtype=np.float64)
    return found


def plain_input(pool: Pool, chosen: NDArray[np.intp], grid: Grid) -> torch.Tensor:
    """Return rows as they were computed, as the network takes them."""
    norm = torch.as_tensor(pool.rows.norm[chosen], dtype=torch.float32)
    return as_input(norm, torch.as_tensor(pool.rows.last[chosen], dtype=torch.float32), grid)


def draw_weights(pool: Pool, chosen: NDArray[np.intp], course: Course) -> Array:
    """Return how likely each chosen row is drawn, (n_chosen,); they sum to 1."""
    cell = pool.absorber[chosen] * len(POOL_CLASSES) + pool.rows.label[chosen]
    _, compound = np.unique(pool.rows.formula[chosen], return_inverse=True)
    formula = pool.absorber[chosen] * (compound.max() + 1) + compound
    weight: Array = np.ones(len(chosen))
    for name, power in ((cell, course.balance), (formula, course.repeats)):
        _, which, count = np.unique(name, return_inverse=True, return_counts=True)
        weight = weight * count[which].astype(float) ** -power
    share: Array = weight / weight.sum()
    return share


def _partners(absorber: NDArray[np.intp], rng: np.random.Generator) -> torch.Tensor:
    """Return for each of a batch another of the same absorber in it."""
    partner = np.arange(len(absorber))
    for one in np.unique(absorber):
        same = np.flatnonzero(absorber == one)
        partner[same] = rng.permutation(same)
    return torch.as_tensor(partner)

"""Fitting any network as the family `lce` is fitted, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from live_lce.classifiers.card import Grid
from live_lce.spectra.types import Array
from live_lce.training.beamline import Variation, as_input, varied
from live_lce.training.ensemble import begin
from live_lce.training.lce_fit import Course, draw_weights
from live_lce.training.pool import POOL_CLASSES, Pool

BATCH = 1000
"""Spectra of the batched timing."""


@dataclass(frozen=True)
class Spectra:
    """Spectra to predict, computed or measured.

    Parameters
    ----------
    norm : ndarray of shape (n_spectra, n_fine)
        On :data:`~live_lce.datasets.rows.FINE`.
    last : ndarray of shape (n_spectra,)
        Where they end (eV from the edge reference).
    absorber : ndarray of int, shape (n_spectra,)
        Index into the pool's absorbers.
    """

    norm: Array
    last: Array
    absorber: NDArray[np.intp]

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Spectra:
        """Return some of them."""
        return Spectra(self.norm[chosen], self.last[chosen], self.absorber[chosen])

    def values(self, grid: Grid) -> torch.Tensor:
        """Return them as networks take them, (n_spectra, 2, n_grid)."""
        norm = torch.as_tensor(self.norm, dtype=torch.float32)
        return as_input(norm, torch.as_tensor(self.last, dtype=torch.float32), grid)


Predict = Callable[[Spectra], Array]
"""Gives probabilities (n_spectra, n_classes) of :data:`POOL_CLASSES`."""
Build = Callable[[Grid, int], nn.Module]
"""Makes a network for a grid and a number of absorbers."""


@dataclass(frozen=True)
class Cost:
    """What a fitted model costs.

    Parameters
    ----------
    parameters, multiply_adds : int
        Of one network; 0 where it is none.
    single, batched : float
        Time per spectrum on one core (microseconds), alone and in a batch of :data:`BATCH`,
        by torch or scikit-learn.
    """

    parameters: int
    multiply_adds: int
    single: float
    batched: float


def draws(
    pool: Pool, chosen: NDArray[np.intp], grid: Grid, how: Variation, course: Course
) -> Callable[[], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return what gives one varied batch after the other.

    Parameters
    ----------
    pool : Pool
        Spectra of all absorbers.
    chosen : ndarray of int, shape (n_chosen,)
        Positions of the training rows.
    grid, how, course
        As of :func:`~live_lce.training.lce_fit.fit_member`.

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
        partner = np.empty(len(picked), dtype=np.intp)
        partner[np.argsort(absorber, kind="stable")] = np.lexsort(
            (rng.random(len(picked)), absorber)
        )
        at = torch.as_tensor(picked)
        spectra, wanted = varied(
            norm[at], target[at], last[at], torch.as_tensor(partner), grid, how, random
        )
        return spectra, wanted, torch.as_tensor(absorber)

    return draw


def fit(
    build: Build,
    pool: Pool,
    chosen: NDArray[np.intp],
    grid: Grid,
    how: Variation,
    course: Course,
) -> nn.Module:
    """Train a network as :func:`~live_lce.training.lce_fit.fit_member` does.

    Parameters
    ----------
    build : callable
        Makes it.
    pool, chosen, grid, how, course
        See :func:`draws`.

    Returns
    -------
    Module
        In evaluation mode.
    """
    torch.set_num_threads(1)
    draw = draws(pool, chosen, grid, how, course)
    network = begin(lambda: build(grid, len(pool.absorbers)), course.seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), course.learning_rate, weight_decay=course.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, course.learning_rate, total_steps=course.steps
    )
    network.train()
    with torch.random.fork_rng():
        torch.manual_seed(course.seed)
        for _ in range(course.steps):
            spectra, wanted, absorber = draw()
            loss = -(wanted * functional.log_softmax(network(spectra, absorber), 1)).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def predictor(network: nn.Module, grid: Grid) -> Predict:
    """Return what gives a network's probabilities."""

    def predict(spectra: Spectra) -> Array:
        with torch.no_grad():
            logits = network(spectra.values(grid), torch.as_tensor(spectra.absorber))
        return np.asarray(logits.softmax(1), dtype=np.float64)

    return predict


def cost_of_network(network: nn.Module, spectra: Spectra, grid: Grid) -> Cost:
    """Count a network and time it, without the preparation of the spectra."""
    from torch.utils.flop_counter import FlopCounterMode

    values, absorber = spectra.values(grid), torch.as_tensor(spectra.absorber)

    def run(n: int) -> None:
        with torch.no_grad():
            network(values[:n], absorber[:n])

    counter = FlopCounterMode(display=False)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not see into it
    with counter:
        run(1)
    torch.backends.mha.set_fastpath_enabled(fused)
    n_parameters = sum(one.numel() for one in network.parameters())
    return Cost(n_parameters, counter.get_total_flops() // 2, *timed(run, len(values)))


def timed(run: Callable[[int], object], most: int, repeats: int = 30) -> tuple[float, float]:
    """Return the time per spectrum (microseconds) of one alone and of a batch; medians."""
    found = []
    for n, times in ((1, repeats), (min(BATCH, most), 5)):
        taken = []
        run(n)
        for _ in range(times):
            begun = time.perf_counter()
            run(n)
            taken.append(time.perf_counter() - begun)
        found.append(1e6 * float(np.median(taken)) / n)
    return found[0], found[1]

"""What candidates are asked, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from live_lce.classifiers import Grid
from live_lce.spectra import Array
from live_lce.training._beamline import as_input

BATCH = 1000
"""Spectra of the batched timing."""


@dataclass(frozen=True)
class Spectra:
    """Spectra to predict, computed or measured.

    Parameters
    ----------
    norm : ndarray of shape (n_spectra, n_fine)
        On :data:`~live_lce.datasets._rows.FINE`.
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

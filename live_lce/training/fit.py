"""Fitting the network: Adam, batches of 32, 50 epochs, classes weighted alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from live_lce.classifiers.card import Grid
from live_lce.datasets.rows import CLASSES, Rows
from live_lce.spectra.types import Array
from live_lce.training.augment import Augmentation, augmented
from live_lce.training.network import CarboneCNN, standardize

BATCH = 32
EPOCHS = 50


def fit(rows: Rows, grid: Grid, how: Augmentation, seed: int, epochs: int = EPOCHS) -> CarboneCNN:
    """Train a network.

    Parameters
    ----------
    rows : Rows
        Training spectra.
    grid : Grid
        Of the model.
    how : Augmentation
        Drawn anew in each epoch.
    seed : int
        The same seed gives the same network on the same machine.
    epochs : int
        Passes over all shifted spectra.

    Returns
    -------
    CarboneCNN
        In evaluation mode.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    network = CarboneCNN(grid.n_points, len(CLASSES))
    optimizer = torch.optim.Adam(network.parameters())
    loss_of = nn.CrossEntropyLoss(reduction="none")
    weight = torch.tensor(row_weights(rows), dtype=torch.float32)
    label = torch.tensor(rows.label)
    network.train()
    for _ in range(epochs):
        values, index = augmented(rows.norm, rows.label, grid, how, rng)
        x = standardize(torch.tensor(values, dtype=torch.float32))
        source = torch.tensor(index)
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            which = source[batch]
            losses = loss_of(network(x[batch]), label[which]) * weight[which]
            losses.mean().backward()
            optimizer.step()
    network.eval()
    return network


def row_weights(rows: Rows) -> Array:
    """Return weights of mean 1 that make classes equal, and softens unequal sources in a class.

    Where one theory supplies most of one class and the other most of another class, the
    network would else learn to tell theories apart.
    """
    weight = np.ones(len(rows))
    for label in np.unique(rows.label):
        of_class = rows.label == label
        for source in np.unique(rows.source[of_class]):
            chosen = of_class & (rows.source == source)
            weight[chosen] = chosen.sum() ** -0.5
        weight[of_class] /= weight[of_class].sum()
    scaled: Array = weight / weight.mean()
    return scaled


def probabilities(network: nn.Module, values: Array) -> Array:
    """Return the network's probabilities, of shape (n_spectra, n_classes)."""
    with torch.no_grad():
        x = standardize(torch.tensor(values, dtype=torch.float32))
        return np.asarray(torch.softmax(network(x), dim=1), dtype=np.float64)


def macro_f1(truth: NDArray[np.intp], guess: NDArray[np.intp]) -> float:
    """Return the mean over classes of the F1 score."""
    scores = []
    for label in range(len(CLASSES)):
        hit = ((truth == label) & (guess == label)).sum()
        scores.append(2 * hit / max(1, (truth == label).sum() + (guess == label).sum()))
    return float(np.mean(scores))

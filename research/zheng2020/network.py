"""The convolutional network beside Zheng's forests."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

EPOCHS, BATCH = 40, 64
DESCRIPTION = (
    "convolution of 8 filters x 10, max-pooling 2, then the two dense layers of 50 and 100"
    " rectified units that the paper names, softmax; Adam, 40 epochs, batches of 64"
)
"""The paper gives its CNN two dense layers and no more: the convolution is Carbone et al.'s."""


class ConvolutionClassifier:
    """A classifier with scikit-learn's fit and predict.

    Parameters
    ----------
    seed : int
        The same seed gives the same network.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x: NDArray[np.float32], y: NDArray[np.str_]) -> ConvolutionClassifier:
        """Fit to features (n, n_points) and labels (n,)."""
        torch.manual_seed(self.seed)
        torch.set_num_threads(1)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.mean_ = x.mean(axis=0)
        flat = 8 * ((x.shape[1] - 9) // 2)
        self.network_ = nn.Sequential(
            *(nn.Conv1d(1, 8, 10), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten()),
            *(nn.Linear(flat, 50), nn.ReLU(), nn.Linear(50, 100), nn.ReLU()),
            nn.Linear(100, len(self.classes_)),
        )
        values, wanted = self._input(x), torch.tensor(codes)
        optimizer = torch.optim.Adam(self.network_.parameters())
        loss_of = nn.CrossEntropyLoss()
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(values)).split(BATCH):
                optimizer.zero_grad()
                loss_of(self.network_(values[batch]), wanted[batch]).backward()
                optimizer.step()
        return self

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.str_]:
        """Return the labels of features."""
        with torch.no_grad():
            best = self.network_(self._input(x)).argmax(dim=1).numpy()
        found: NDArray[np.str_] = self.classes_[best]
        return found

    def _input(self, x: NDArray[np.float32]) -> Any:
        return torch.tensor(x - self.mean_)[:, None, :]

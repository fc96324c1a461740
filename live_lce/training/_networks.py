"""Define the networks of Carbone et al., Phys. Rev. Materials 3, 033604 (2019), II C.

Each module holds several independent networks (members) side by side: one step of training
moves them all, and an ONNX graph evaluates them all.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

FILTERS, KERNEL, POOL = 8, 10, 2
HIDDEN = (90, 60, 20)
DROPOUT = 0.3
_DENSE = "dense 90-60-20; ReLU; dropout 0.3; softmax"
DESCRIPTION = (
    f"Carbone et al. 2019: convolution of 8 filters x 10, stride 1, max-pooling 2; {_DENSE}"
)


class CarboneMLP(nn.Module):  # type: ignore[misc,unused-ignore]
    """Spectrum to 90-60-20 to classes, several members side by side.

    Weights begin as in Keras, which the paper used: Glorot's uniform, biases at zero.

    Parameters
    ----------
    members : int
        Number of networks.
    n_grid : int
        Points of a spectrum; 100 in the paper.
    n_classes : int
        Outputs.
    dropout : float
        Share of the neurons that are silent in training.
    """

    def __init__(
        self, members: int, n_grid: int = 100, n_classes: int = 3, dropout: float = DROPOUT
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise((n_grid, *HIDDEN, n_classes)):
            limit = (6 / (n_in + n_out)) ** 0.5
            self.weights.append(nn.Parameter(_uniform((members, n_in, n_out), limit)))
            self.biases.append(nn.Parameter(torch.zeros(members, 1, n_out)))

    def forward(self, standardized: Tensor) -> Tensor:
        """Return logits (members, batch, n_classes) of spectra (members, batch, n_grid)."""
        x = standardized
        last = len(self.weights) - 1
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if index < last:
                x = functional.dropout(functional.relu(x), self.dropout, self.training)
        return x


class CarboneCNN(CarboneMLP):
    """The same behind a convolution of 8 filters x 10 and max-pooling over 2 points.

    Parameters
    ----------
    members, n_grid, n_classes, dropout
        See :class:`CarboneMLP`.
    """

    def __init__(
        self, members: int, n_grid: int = 100, n_classes: int = 3, dropout: float = DROPOUT
    ) -> None:
        super().__init__(members, FILTERS * ((n_grid - KERNEL + 1) // POOL), n_classes, dropout)
        limit = (6 / (KERNEL + FILTERS * KERNEL)) ** 0.5
        self.members = members
        # One group of filters per member.
        self.filters = nn.Parameter(_uniform((members * FILTERS, 1, KERNEL), limit))
        self.offsets = nn.Parameter(torch.zeros(members * FILTERS))

    def forward(self, standardized: Tensor) -> Tensor:
        """Return logits (members, batch, n_classes) of spectra (members, batch, n_grid)."""
        x = functional.conv1d(
            standardized.transpose(0, 1), self.filters, self.offsets, groups=self.members
        )
        x = functional.max_pool1d(functional.relu(x), POOL)
        flat = x.reshape(x.shape[0], self.members, -1).transpose(0, 1)
        return super().forward(functional.dropout(flat, self.dropout, self.training))


def _uniform(shape: tuple[int, ...], limit: float) -> Tensor:
    return (2 * torch.rand(shape) - 1) * limit

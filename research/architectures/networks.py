"""Networks that the one of the family `lce` is compared with, of similar cost.

All take spectra (batch, 2, n_grid) and absorbers (batch,), and give logits
(batch, n_classes), as :class:`~research.lce.network.LceNetwork` does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH = 8
"""Points of a token: 4 eV on half-volt grids."""


class Perceptron(nn.Module):  # type: ignore[misc,unused-ignore]
    """Two dense layers over all points.

    Parameters
    ----------
    n_grid, n_absorbers, n_classes : int
        Points of a spectrum, and how many absorbers and classes there are.
    hidden : tuple of int
        Neurons of the layers.
    """

    def __init__(
        self, n_grid: int, n_absorbers: int, n_classes: int, hidden: tuple[int, int] = (128, 64)
    ) -> None:
        super().__init__()
        first, second = hidden
        self.absorber = nn.Embedding(n_absorbers, first)
        self.first, self.norm = nn.Linear(2 * n_grid, first), nn.BatchNorm1d(first)
        self.rest = nn.Sequential(
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(second, n_classes),
        )

    def forward(self, spectra: Tensor, absorber: Tensor) -> Tensor:
        """Return logits."""
        x = self.norm(self.first(spectra.flatten(1))) + self.absorber(absorber)
        return self.rest(x)


class Residual(nn.Module):  # type: ignore[misc,unused-ignore]
    """A stem of stride 4, residual blocks with a halving between, mean over energy.

    Parameters
    ----------
    n_absorbers, n_classes : int
        How many there are.
    channels : tuple of int
        Filters of each pair of blocks.
    """

    def __init__(
        self, n_absorbers: int, n_classes: int, channels: tuple[int, int] = (24, 40)
    ) -> None:
        super().__init__()
        narrow, wide = channels
        self.stem = nn.Conv1d(2, narrow, 9, stride=4, padding=4)
        self.absorber = nn.Embedding(n_absorbers, narrow)
        self.blocks = nn.ModuleList([_Block(narrow), _Block(wide)])
        self.halve = nn.Conv1d(narrow, wide, 3, stride=2, padding=1)
        self.dense = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * wide, n_classes))

    def forward(self, spectra: Tensor, absorber: Tensor) -> Tensor:
        """Return logits."""
        x = functional.relu(self.stem(spectra) + self.absorber(absorber)[:, :, None])
        x = self.blocks[1](functional.relu(self.halve(self.blocks[0](x))))
        return self.dense(torch.cat([x.mean(2), x.amax(2)], 1))


class _Block(nn.Module):  # type: ignore[misc,unused-ignore]
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parts = nn.Sequential(
            nn.Conv1d(channels, channels, 5, padding=2),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 5, padding=2),
            nn.BatchNorm1d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.parts(x))


class Attention(nn.Module):  # type: ignore[misc,unused-ignore]
    """A transformer over patches of the spectrum; the absorber is its first token.

    Parameters
    ----------
    n_grid, n_absorbers, n_classes : int
        Points of a spectrum, and how many absorbers and classes there are.
    width, layers : int
        Numbers per token, and how many layers of 4 heads.
    """

    def __init__(
        self, n_grid: int, n_absorbers: int, n_classes: int, width: int = 32, layers: int = 2
    ) -> None:
        super().__init__()
        self.patches = nn.Conv1d(2, width, PATCH, stride=PATCH)
        n_tokens = n_grid // PATCH + 1
        self.place = nn.Parameter(0.1 * torch.randn(1, n_tokens, width))
        self.absorber = nn.Embedding(n_absorbers, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, 0.1, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.dense = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_classes))

    def forward(self, spectra: Tensor, absorber: Tensor) -> Tensor:
        """Return logits."""
        tokens = self.patches(spectra).transpose(1, 2)
        x = torch.cat([self.absorber(absorber)[:, None], tokens], 1) + self.place
        return self.dense(self.layers(x)[:, 0])


class Recurrent(nn.Module):  # type: ignore[misc,unused-ignore]
    """A gated recurrent network (GRU) along the patches, from both ends.

    Parameters
    ----------
    n_absorbers, n_classes : int
        How many there are.
    width : int
        Numbers per patch and of each direction's state.
    """

    def __init__(self, n_absorbers: int, n_classes: int, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.Conv1d(2, width, PATCH, stride=PATCH // 2)
        self.absorber = nn.Embedding(n_absorbers, width)
        self.along = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.dense = nn.Sequential(nn.Dropout(0.2), nn.Linear(4 * width, n_classes))

    def forward(self, spectra: Tensor, absorber: Tensor) -> Tensor:
        """Return logits."""
        x = functional.relu(self.patches(spectra) + self.absorber(absorber)[:, :, None])
        states = self.along(x.transpose(1, 2))[0]
        return self.dense(torch.cat([states.mean(1), states.amax(1)], 1))

"""The network of the family `lce`: a small convolutional network for all absorbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """Size of the network.

    Parameters
    ----------
    channels : tuple of int
        Filters of the convolutions; each halves the number of points.
    hidden : int
        Neurons of the dense layer.
    dropout : float
        Share of the neurons that are silent in training.
    """

    channels: tuple[int, ...] = (16, 24, 32)
    hidden: int = 64
    dropout: float = 0.2

    def describe(self) -> str:
        """Return it in words, for the card."""
        filters = "-".join(map(str, self.channels))
        return (
            f"convolutions of {filters} filters (9, then 5 wide; stride 2; batch normalization;"
            f" ReLU), dense {self.hidden}, dropout {self.dropout}; two channels: absorption and"
            " what was measured of it; the absorber enters as a learned vector at both ends"
        )


class LceNetwork(nn.Module):  # type: ignore[misc,unused-ignore]
    """Spectra and their masks to logits.

    Parameters
    ----------
    n_grid : int
        Points of a spectrum.
    n_absorbers, n_classes : int
        How many there are.
    shape : Shape
        Its size.
    """

    def __init__(self, n_grid: int, n_absorbers: int, n_classes: int, shape: Shape) -> None:
        super().__init__()
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        n_in, n_points = 2, n_grid
        for index, n_out in enumerate(shape.channels):
            width = 5 if index else 9
            self.convolutions.append(nn.Conv1d(n_in, n_out, width, stride=2, padding=width // 2))
            self.norms.append(nn.BatchNorm1d(n_out))
            n_in, n_points = n_out, (n_points + 1) // 2
        self.first = nn.Embedding(n_absorbers, shape.channels[0])
        self.last = nn.Embedding(n_absorbers, 8)
        self.dense = nn.Sequential(
            nn.Dropout(shape.dropout),
            nn.Linear(n_in * n_points + 8, shape.hidden),
            nn.ReLU(),
            nn.Dropout(shape.dropout),
            nn.Linear(shape.hidden, n_classes),
        )

    def forward(self, spectra: Tensor, absorber: Tensor) -> Tensor:
        """Return logits (batch, n_classes).

        Parameters
        ----------
        spectra : Tensor of shape (batch, 2, n_grid)
            See :func:`live_lce.training._beamline.as_input`.
        absorber : Tensor of int, shape (batch,)
            Which absorber.
        """
        return self.dense(torch.cat([self.features(spectra, absorber), self.last(absorber)], 1))

    def features(self, spectra: Tensor, absorber: Tensor) -> Tensor:
        """Return what the convolutions see (batch, n_features)."""
        x = spectra
        for index, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            x = norm(convolution(x))
            if index == 0:
                x = x + self.first(absorber)[:, :, None]
            x = functional.relu(x)
        return x.flatten(1)

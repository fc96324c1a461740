"""Build the graph of an ensemble's ONNX file, from absorption to all outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from live_lce.training._distance import Distance


def standardize(values: Tensor) -> Tensor:
    """Scale each spectrum (batch, n_grid) to zero mean and unit variance."""
    centred = values - values.mean(dim=1, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(dim=1, keepdim=True) + 1e-12)


class _FromClass(nn.Module):  # type: ignore[misc,unused-ignore]
    """The squared distance from one class."""

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(distance.mean, dtype=torch.float32))
        self.register_buffer("whiten", torch.tensor(distance.whiten, dtype=torch.float32))
        self.register_buffer("basis", torch.tensor(distance.basis, dtype=torch.float32))
        self.inside, self.outside = float(distance.inside), float(distance.outside)

    def forward(self, standardized: Tensor) -> Tensor:
        """Return the larger part (batch,), each divided by its threshold."""
        centred = standardized - self.mean
        coordinates = centred @ self.basis
        residual = centred - coordinates @ self.basis.T
        inside = ((coordinates * self.whiten) ** 2).mean(dim=1) / self.inside
        outside = (residual**2).mean(dim=1) / self.outside
        return torch.maximum(inside, outside)


class OodScore(nn.Module):  # type: ignore[misc,unused-ignore]
    """Standardized spectra (batch, n_grid) to the distance from the nearest class (batch,)."""

    def __init__(self, distances: Sequence[Distance]) -> None:
        super().__init__()
        self.distances = nn.ModuleList([_FromClass(distance) for distance in distances])

    def forward(self, standardized: Tensor) -> Tensor:
        """Return scores; 1 is the threshold."""
        each = torch.stack([distance(standardized) for distance in self.distances])
        return torch.sqrt(each.min(dim=0).values)


class EnsembleGraph(nn.Module):  # type: ignore[misc,unused-ignore]
    """Normalized absorption to probabilities, ood_score and members.

    Parameters
    ----------
    network : Module
        Standardized spectra (n_members, batch, n_grid) to logits.
    distances : sequence of Distance
        One per class.
    members : int
        Number of members in the network.
    """

    def __init__(self, network: nn.Module, distances: Sequence[Distance], members: int) -> None:
        super().__init__()
        self.network, self.members = network, members
        self.ood = OodScore(distances)

    def forward(self, norm: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (batch, n_classes), (batch,), (batch, n_members, n_classes)."""
        standardized = standardize(norm)
        logits = self.network(standardized.expand(self.members, -1, -1))
        members = torch.softmax(logits, dim=2).transpose(0, 1)
        return members.mean(dim=1), self.ood(standardized), members

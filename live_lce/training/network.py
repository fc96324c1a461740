"""The CNN of Carbone et al., Phys. Rev. Materials 3, 033604 (2019), section II C."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from live_lce.training.distance import Distance

DESCRIPTION = (
    "Carbone et al. 2019: convolution of 8 filters x 10, stride 1, max-pooling 2;"
    " dense 90-60-20; ReLU; dropout 0.3; softmax"
)


class CarboneCNN(nn.Module):  # type: ignore[misc,unused-ignore]
    """Standardized spectra of shape (batch, n_grid) to logits of shape (batch, n_classes)."""

    def __init__(self, n_grid: int = 100, n_classes: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(1, 8, kernel_size=10)
        flat = 8 * ((n_grid - 9) // 2)
        layers: list[nn.Module] = [nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Dropout(0.3)]
        for n_in, n_out in ((flat, 90), (90, 60), (60, 20)):
            layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(0.3)]
        self.rest = nn.Sequential(*layers, nn.Linear(20, n_classes))

    def forward(self, standardized: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.rest(self.convolution(standardized[:, None, :]))
        return logits


def standardize(values: Tensor) -> Tensor:
    """Scale each spectrum to zero mean and unit variance."""
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


class Exported(nn.Module):  # type: ignore[misc,unused-ignore]
    """What the ONNX file holds: from normalized absorption to probabilities and ood_score."""

    def __init__(self, network: nn.Module, distances: Sequence[Distance]) -> None:
        super().__init__()
        self.network = network
        self.distances = nn.ModuleList([_FromClass(distance) for distance in distances])

    def forward(self, norm: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (batch, n_classes) and scores (batch,)."""
        standardized = standardize(norm)
        probabilities = torch.softmax(self.network(standardized), dim=1)
        each = torch.stack([distance(standardized) for distance in self.distances])
        return probabilities, torch.sqrt(each.min(dim=0).values)

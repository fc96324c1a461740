"""What the ONNX file of the family `lce` holds, for one absorber."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from live_lce.classifiers import Grid
from live_lce.training._beamline import scaled
from research.lce.network import LceNetwork


class Members(nn.Module):  # type: ignore[misc,unused-ignore]
    """Fitted networks side by side, their normalizations and one absorber's vectors folded in.

    Parameters
    ----------
    networks : sequence of LceNetwork
        Of one shape, in evaluation mode.
    absorber : int
        As the networks know it.
    """

    def __init__(self, networks: Sequence[LceNetwork], absorber: int) -> None:
        super().__init__()
        self.n = len(networks)
        self.convolutions = nn.ModuleList()
        for index in range(len(networks[0].convolutions)):
            fused = []
            for network in networks:
                one = fuse_conv_bn_eval(network.convolutions[index], network.norms[index])
                if index == 0:
                    one.bias.data += network.first.weight.data[absorber]
                fused.append(one)
            self.convolutions.append(_stacked(fused, groups=self.n if index else 1))
        hidden = [network.dense[1] for network in networks]
        size = networks[0].last.weight.shape[1]
        known = [network.last.weight.data[absorber] for network in networks]
        self.hidden = _buffer([one.weight.data[:, :-size].T for one in hidden])
        self.hidden_bias = _buffer(
            [
                (one.bias.data + one.weight.data[:, -size:] @ vector)[None]
                for one, vector in zip(hidden, known, strict=True)
            ]
        )
        last = [network.dense[4] for network in networks]
        self.weight = _buffer([one.weight.data.T for one in last])
        self.bias = _buffer([one.bias.data[None] for one in last])

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (n_members, batch, n_classes) and hidden features (n_members, batch, n)."""
        x = spectra
        for convolution in self.convolutions:
            x = functional.relu(convolution(x))
        flat = x.reshape(x.shape[0], self.n, -1).transpose(0, 1)
        hidden = functional.relu(torch.baddbmm(self.hidden_bias, flat, self.hidden))
        return torch.baddbmm(self.bias, hidden, self.weight), hidden


class LceGraph(nn.Module):  # type: ignore[misc,unused-ignore]
    """Normalized absorption, NaN where not measured, to probabilities, ood_score and members.

    Parameters
    ----------
    members : Members
        The networks.
    grid : Grid
        Of the model.
    offset : Tensor of shape (n_classes,)
        Added to the logits: how much commoner a class is than in training.
    temperature : float
        The logits are divided by it.
    ood : Module
        Spectra (batch, 2, n_grid), hidden features (n_members, batch, n) and logits
        (n_members, batch, n_classes) to scores (batch,).
    """

    def __init__(
        self, members: Members, grid: Grid, offset: Tensor, temperature: float, ood: nn.Module
    ) -> None:
        super().__init__()
        self.members, self.temperature, self.ood = members, temperature, ood
        self.register_buffer("at", torch.as_tensor(grid.energies, dtype=torch.float32))
        self.register_buffer("offset", offset.to(torch.float32))

    def forward(self, norm: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (batch, n_classes), (batch,), (batch, n_members, n_classes)."""
        missing = torch.isnan(norm)
        values = torch.where(missing, torch.zeros_like(norm), norm)
        spectra = scaled(values, ~missing, self.at)
        logits, hidden = self.members(spectra)
        each = torch.softmax(logits / self.temperature + self.offset, dim=2).transpose(0, 1)
        return each.mean(dim=1), self.ood(spectra, hidden, logits), each


def _stacked(convolutions: Sequence[nn.Conv1d], groups: int) -> nn.Conv1d:
    """Return one convolution that does all: on the same input, or each on its own group."""
    one = convolutions[0]
    made = nn.Conv1d(
        one.in_channels * groups,
        one.out_channels * len(convolutions),
        one.kernel_size[0],
        stride=one.stride[0],
        padding=int(one.padding[0]),
        groups=groups,
    )
    biases = [each.bias.data for each in convolutions if each.bias is not None]
    made.weight.data = torch.cat([each.weight.data for each in convolutions])
    made.bias = nn.Parameter(torch.cat(biases))
    return made


def _buffer(parts: Sequence[Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.stack([part.contiguous() for part in parts]), requires_grad=False)

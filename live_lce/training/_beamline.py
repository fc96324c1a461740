"""Make training spectra look as if a beamline had measured them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from live_lce.classifiers import Grid
from live_lce.datasets._rows import FINE

STEP = float(FINE[1] - FINE[0])
LEVEL = (5.0, 15.0)
"""Spectra are scaled by their mean over what is measured of this range (eV)."""
MIDDLE = 0.5
"""Subtracted from the scaled spectrum, that what is missing (0) is nothing special."""
_PADDING = 40


@dataclass(frozen=True)
class Variation:
    """How far a training spectrum is varied; standard deviations if not said otherwise.

    Parameters
    ----------
    mix : float
        How often a spectrum is mixed with one of another site of the absorber.
    chemical_shift : float
        Distance of the edges of two sites that are mixed (eV).
    broadening : float
        Largest Gaussian broadening (eV): instrument, core hole, theory.
    shift : float
        Misalignment (eV).
    stretch : float
        Of the energy axis around the edge: bond lengths of the theory.
    amplitude : float
        Strength of all features behind the edge.
    over_absorption : float
        Largest `a` in mu (1 + a) / (1 + a mu), the damping of a thick fluorescence sample.
    over_absorbed : float
        How often.
    pre_edge : float
        Strength of what lies more than 4 eV below the edge.
    slope : float
        Of a line behind the edge, per 30 eV: error of the post-edge line.
    baseline : float
        Of a constant before the edge; two thirds of it, of a line per 20 eV.
    noise : float
        Largest noise of a point; small ones are commoner.
    cut : float
        How often the scan ends early.
    earliest : float
        Where the earliest scan ends (eV from the edge reference).
    late : float
        How often the scan begins late.
    latest : float
        Where the latest scan begins (eV from the edge reference).
    """

    mix: float = 0.4
    chemical_shift: float = 1.5
    broadening: float = 1.2
    shift: float = 0.45
    stretch: float = 0.02
    amplitude: float = 0.1
    over_absorption: float = 0.2
    over_absorbed: float = 0.4
    pre_edge: float = 0.15
    slope: float = 0.03
    baseline: float = 0.01
    noise: float = 0.015
    cut: float = 0.6
    earliest: float = 10.0
    late: float = 0.25
    latest: float = -7.0

    def describe(self) -> str:
        """Return the variation in words, for the card."""
        return (
            f"{self.mix:.0%} mixed with another site of the absorber, edges {self.chemical_shift}"
            f" eV apart; Gaussian broadening up to {self.broadening} eV; shift {self.shift} eV;"
            f" stretch {self.stretch:.1%}; amplitude {self.amplitude:.0%}; over-absorption up to"
            f" {self.over_absorption} in {self.over_absorbed:.0%}; pre-edge {self.pre_edge:.0%};"
            f" slope {self.slope} per 30 eV; baseline {self.baseline}; noise up to {self.noise};"
            f" {self.cut:.0%} cut at {self.earliest:+g} eV or later; {self.late:.0%} begin at"
            f" {self.latest:+g} eV or earlier"
        )


def varied(
    norm: Tensor,
    target: Tensor,
    last: Tensor,
    partner: Tensor,
    grid: Grid,
    how: Variation,
    random: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return a batch as a beamline might have measured it, and what fractions it holds.

    Parameters
    ----------
    norm : Tensor of shape (batch, n_fine)
        On :data:`~live_lce.datasets._rows.FINE`, in units of the level behind the edge.
    target : Tensor of shape (batch, n_classes)
        Fractions of the classes.
    last : Tensor of shape (batch,)
        Where the computed spectra end (eV).
    partner : Tensor of int, shape (batch,)
        Which of the batch each may be mixed with.
    grid : Grid
        Of the model.
    how : Variation
        How far.
    random : Generator
        Of all randomness.

    Returns
    -------
    spectra : Tensor of shape (batch, 2, n_grid)
        See :func:`as_input`.
    target : Tensor of shape (batch, n_classes)
    """
    n = len(norm)
    relative = torch.as_tensor(FINE, dtype=torch.float32)
    behind, before = torch.sigmoid(relative / 2), torch.sigmoid(-relative - 4)
    below = torch.sigmoid(-relative)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, generator=random)

    def normal(width: float) -> Tensor:
        return width * torch.randn(n, 1, generator=random)

    def sometimes(share: float) -> Tensor:
        return torch.rand(n, 1, generator=random) < share

    mixed = sometimes(how.mix)
    weight = torch.where(mixed, uniform(0.05, 0.95), torch.ones(n, 1))
    # Each edge moves by the share of the other: that of the mixture stays where it was.
    apart = normal(how.chemical_shift) * mixed
    y = weight * _read(norm, relative + (1 - weight) * apart)
    y = y + (1 - weight) * _read(norm[partner], relative - weight * apart)
    target = weight * target + (1 - weight) * target[partner]
    last = torch.where(mixed[:, 0], torch.minimum(last, last[partner]), last)
    y = broadened(y, uniform(0, how.broadening)[:, 0])
    y = y + behind * (y - 1) * normal(how.amplitude)
    damping = torch.where(sometimes(how.over_absorbed), uniform(0, how.over_absorption), 0.0)
    y = y * (1 + damping) / (1 + damping * y.clamp(min=0))
    y = y * (1 + before * normal(how.pre_edge).clamp(-0.6, 0.6))
    y = y + behind * (relative / 30) * normal(how.slope)
    y = y + below * (normal(how.baseline) + normal(how.baseline * 2 / 3) * relative / 20)
    factor, shift = 1 + normal(how.stretch), normal(how.shift)
    at = torch.as_tensor(grid.energies, dtype=torch.float32)
    values = _read(y, at / factor + shift)
    sigma = how.noise * uniform(0, 1) ** 2
    values = values + sigma * torch.randn(values.shape, generator=random)
    ends = torch.where(
        sometimes(how.cut), uniform(how.earliest, grid.stop), torch.full((n, 1), 1e3)
    )
    begins = torch.where(
        sometimes(how.late), uniform(grid.start, how.latest), torch.full((n, 1), -1e3)
    )
    measured = (at >= begins) & (at <= torch.minimum(last[:, None], ends) + STEP)
    return scaled(values, measured, at), target


def as_input(norm: Tensor, last: Tensor, grid: Grid) -> Tensor:
    """Return spectra as they are, scaled and masked as the network takes them.

    Parameters
    ----------
    norm : Tensor of shape (batch, n_fine)
        See :func:`varied`.
    last : Tensor of shape (batch,)
        Where they end (eV).
    grid : Grid
        Of the model.

    Returns
    -------
    Tensor of shape (batch, 2, n_grid)
        Absorption over its level, less 0.5, and 1 where it was measured; both 0 where not.
    """
    at = torch.as_tensor(grid.energies, dtype=torch.float32)
    return scaled(_read(norm, at.expand(len(norm), -1)), at <= last[:, None] + STEP, at)


def scaled(values: Tensor, measured: Tensor, at: Tensor) -> Tensor:
    """Return the two channels of the network's input.

    Parameters
    ----------
    values : Tensor of shape (batch, n_grid)
        Finite, on any scale.
    measured : Tensor of bool, shape (batch, n_grid)
        Where they mean something.
    at : Tensor of shape (n_grid,)
        Relative energies (eV).
    """
    mask = measured.to(values.dtype)
    weight = mask * ((at >= LEVEL[0]) & (at <= LEVEL[1])).to(values.dtype)
    level = (values * weight).sum(1, True) / weight.sum(1, True).clamp(min=1.0)
    return torch.stack([(values / level - MIDDLE) * mask, mask], 1)


def broadened(y: Tensor, sigma: Tensor) -> Tensor:
    """Convolve each spectrum (batch, n_fine) with a Gaussian of its own width (eV)."""
    padded = functional.pad(y[:, None], (_PADDING, _PADDING), mode="replicate")[:, 0]
    n = padded.shape[1]
    frequency = torch.fft.rfftfreq(n, d=STEP)
    transfer = torch.exp(-2 * (math.pi * frequency * sigma[:, None]) ** 2)
    smooth = torch.fft.irfft(torch.fft.rfft(padded) * transfer, n=n)
    return smooth[:, _PADDING:-_PADDING]


def _read(y: Tensor, at: Tensor) -> Tensor:
    """Interpolate each spectrum at energies of its own, (batch, n)."""
    position = ((at - float(FINE[0])) / STEP).clamp(0, y.shape[1] - 1.0001)
    left = position.long()
    weight = position - left
    return torch.gather(y, 1, left) * (1 - weight) + torch.gather(y, 1, left + 1) * weight

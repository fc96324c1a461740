"""Compute the absorption of the simulated beamline's standards over a whole scan.

FEFF covers about -15 to +52 eV around the edge.  Outside of it (documented
physics, no fit to anything measured):

- below, the Lorentzian tail of the edge goes on, falling as 1/distance;
- above, the fine structure goes on as the single-scattering EXAFS of the first
  shell, continuing the value at the window's end (and its slope, within limits), with 1/k^2 and a
  Debye-Waller factor (0.006 angstrom^2);
- the edge step and the absorption of everything else fall with energy by the
  exponents that the tabulated cross-sections (xraydb) have at this edge, for iron
  -2.6 and -2.8 (a Victoreen-like pre-edge slope and post-edge decay).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.float64]

_TAIL_WIDTH = 15.0  # eV: the tail falls as if its edge were this far above the window's start
_SIGMA2 = 0.006  # angstrom^2
_FWHM = 2.3548  # of a Gaussian, in standard deviations
_NODES, _WEIGHTS = np.polynomial.hermite.hermgauss(15)
_WEIGHTS = _WEIGHTS / np.sqrt(np.pi)
RESOLUTION = 2.0e-4
"""Si(111) with the divergence of a bending magnet: 1.2 eV at 6 keV."""

_MAX_SINE = 0.05
_K2_PER_EV = 0.262468  # 2 m / hbar^2 in 1/(eV angstrom^2)


@dataclass(frozen=True)
class Standard:
    """A computed site with known coordination.

    Parameters
    ----------
    key : str
        Name in the library, e.g. ``Cr-eskolaite``.
    absorber, edge : str
        Element symbol and edge.
    label : str
        T4, S5 or O6, from the nearest-neighbour shell.
    formula, mineral, citation : str
        The material, and where its structure was published.
    amcsd_id : int
        Its number in the American Mineralogist Crystal Structure Database.
    shell : tuple of (str, float)
        Neighbours and their distances in angstrom.
    fermi_level : float
        Energy (eV) where k = 0, aligned as `energy`.
    energy : ndarray of shape (n_points,)
        In eV, aligned with the tabulated edge.
    mu : ndarray of shape (n_points,)
        Edge-normalized absorption.
    """

    key: str
    absorber: str
    edge: str
    label: str
    formula: str
    mineral: str
    citation: str
    amcsd_id: int
    shell: tuple[tuple[str, float], ...]
    fermi_level: float
    energy: Array
    mu: Array

    @property
    def broadened(self) -> bool:
        """Whether a monochromator has broadened it already."""
        return False

    @cached_property
    def _interpolator(self) -> PchipInterpolator:
        # FEFF's points lie up to 2 eV apart: straight lines would show as corners.
        return PchipInterpolator(self.energy, self.mu)

    def norm(self, energy: ArrayLike) -> Array:
        """Return the edge-normalized absorption at any energies (eV), same shape."""
        wanted = np.asarray(energy, dtype=np.float64)
        inside = self._interpolator(np.clip(wanted, self.energy[0], self.energy[-1]))
        below = self.mu[0] * _TAIL_WIDTH / (_TAIL_WIDTH + np.maximum(self.energy[0] - wanted, 0.0))
        result: Array = np.where(wanted < self.energy[0], below, inside)
        return np.where(wanted > self.energy[-1], 1.0 + self._beyond(wanted), result)

    def _beyond(self, energy: Array) -> Array:
        """Return the oscillation beyond the window, continuous in value at its end."""
        end, before = self.energy[-1], self.energy[-2]
        k_end, k_before = np.sqrt(_K2_PER_EV * (np.array([end, before]) - self.fermi_level))
        k = np.sqrt(_K2_PER_EV * (np.maximum(energy, end) - self.fermi_level))
        twice_r = 2.0 * float(np.mean([distance for _, distance in self.shell]))
        cosine = self.mu[-1] - 1.0
        # The slope at the end is that of multiple scattering too, which dies out sooner.
        slope = (self.mu[-1] - self.mu[-2]) / (k_end - k_before)
        sine = float(np.clip(slope / twice_r, -_MAX_SINE, _MAX_SINE))
        phase = twice_r * (k - k_end)
        damping = (k_end / k) ** 2 * np.exp(-2.0 * _SIGMA2 * (k**2 - k_end**2))
        chi: Array = damping * (cosine * np.cos(phase) + sine * np.sin(phase))
        return chi


@lru_cache(maxsize=1)
def load_library() -> Mapping[str, Standard]:
    """Return the standards by key, in the order computed."""
    text = resources.files("live_lce.sim").joinpath("data/library.json").read_text("utf-8")
    return {entry["key"]: _standard(entry) for entry in json.loads(text)["sites"]}


def _standard(entry: Mapping[str, Any]) -> Standard:
    names = ("key", "absorber", "edge", "label", "formula", "mineral", "citation", "amcsd_id")
    return Standard(
        **{name: entry[name] for name in names},
        shell=tuple((str(symbol), float(distance)) for symbol, distance in entry["shell"]),
        fermi_level=entry["feff"]["fermi_level"] + entry["feff"]["energy_shift"],
        energy=np.array(entry["energy"]),
        mu=np.array(entry["mu"]),
    )


@dataclass(frozen=True)
class Sample:
    """A mixture of standards of one absorber in something that absorbs too.

    Parameters
    ----------
    fractions : mapping of str to float
        Fraction of the absorbing atoms by standard; they sum to 1.
    edge_step : float
        Step of the absorbance mu*t at the edge.
    matrix : float
        Absorbance of everything else at the edge.
    resolution : float
        Width (FWHM) of the monochromator's band pass, relative to the energy.
    standards : mapping of str to Standard
        Besides those of the library, see :mod:`live_lce.sim.own_spectra`.

    Raises
    ------
    ValueError
        If fractions do not sum to 1, are negative, mix absorbers, or name no standard.
    """

    fractions: Mapping[str, float]
    edge_step: float = 1.0
    matrix: float = 0.8
    resolution: float = RESOLUTION
    standards: Mapping[str, Standard] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        values = list(self.fractions.values())
        unknown = [k for k in self.fractions if k not in {*self.standards, *load_library()}]
        if unknown:
            there = ", ".join([*self.standards, *list(load_library())[:3]])
            raise ValueError(f"No standard {unknown[0]!r}: there are {there} ...")
        if not values or min(values) < 0 or abs(sum(values) - 1.0) > 1e-9:
            raise ValueError(f"Fractions must be positive and sum to 1: {dict(self.fractions)}")
        if len({(s.absorber, s.edge) for s in self._standards}) != 1:
            raise ValueError(f"Mixes absorbers: {list(self.fractions)}")

    @property
    def _standards(self) -> list[Standard]:
        library = load_library()
        return [self.standards.get(key) or library[key] for key in self.fractions]

    @property
    def absorber(self) -> str:
        """Element symbol."""
        return self._standards[0].absorber

    @property
    def edge(self) -> str:
        """Edge, e.g. K."""
        return self._standards[0].edge

    @property
    def truth(self) -> dict[str, float]:
        """Fraction of the absorbing atoms by coordination label."""
        result: dict[str, float] = {}
        for standard, part in zip(self._standards, self.fractions.values(), strict=True):
            result[standard.label] = result.get(standard.label, 0.0) + part
        return result

    def norm(self, energy: ArrayLike) -> Array:
        """Return the edge-normalized absorption of the mixture at energies in eV."""
        parts = zip(self._standards, self.fractions.values(), strict=True)
        total: Array = np.sum([part * standard.norm(energy) for standard, part in parts], axis=0)
        return total

    def absorbance(self, energy: ArrayLike) -> Array:
        """Return mu*t of the sample at energies in eV: fine structure, decay and matrix."""
        below, above, e0 = exponents(self.absorber, self.edge)
        ratio = np.asarray(energy, dtype=np.float64) / e0
        return self.edge_step * ratio**above * self.seen(energy) + self.matrix * ratio**below

    def seen(self, energy: ArrayLike) -> Array:
        """Return `norm` at energies in eV as the monochromator lets it be seen: broadened."""
        centre = np.asarray(energy, dtype=np.float64)
        sigma = self.resolution * centre / _FWHM
        # Gauss-Hermite: the mean over a Gaussian band pass from few points.
        shifts = np.sqrt(2.0) * np.multiply.outer(sigma, _NODES)
        result: Array = self._sum(centre[..., None] + shifts, broadened=False) @ _WEIGHTS
        return result + self._sum(centre, broadened=True)

    def _sum(self, energy: Array, *, broadened: bool) -> Array:
        """Return the part of `norm` that was measured with a monochromator, or the other."""
        parts = zip(self._standards, self.fractions.values(), strict=True)
        chosen = [(s, part) for s, part in parts if s.broadened == broadened]
        total: Array = np.zeros(energy.shape)
        for standard, part in chosen:
            total = total + part * standard.norm(energy)
        return total


def mixture(
    fractions: Mapping[str, float], standards: Mapping[str, Standard] | None = None
) -> Sample:
    """Return a sample with these fractions of standards (keys of the library, or own ones).

    Raises
    ------
    ValueError
        If fractions do not sum to 1, are negative, mix absorbers, or name no standard.
    """
    return Sample(dict(fractions), standards=standards or {})


@lru_cache(maxsize=64)
def exponents(absorber: str, edge: str) -> tuple[float, float, float]:
    """Return how absorption falls with energy around an edge.

    Returns
    -------
    below, above : float
        Exponents of the tabulated cross-section below the edge, and of the edge
        step (cross-section minus the continued pre-edge) above it.
    e0 : float
        Tabulated edge in eV.
    """
    import xraydb

    e0 = float(xraydb.xray_edge(absorber, edge).energy)

    def mu(energy: float) -> float:
        return float(xraydb.mu_elam(absorber, energy, kind="photo"))

    low, high = e0 - 300.0, e0 - 50.0
    below = np.log(mu(high) / mu(low)) / np.log(high / low)

    def step(energy: float) -> float:
        return mu(energy) - mu(high) * float((energy / high) ** below)

    # Well above the edge: nearer to it the tables are smoothed.
    low, high_ = e0 + 1000.0, e0 + 3000.0
    above = np.log(step(high_) / step(low)) / np.log(high_ / low)
    return float(below), float(above), e0


PURE = 0.7
"""The fraction of a label from which a sample counts as one of its class."""


def true_class(truth: Mapping[str, float]) -> str:
    """Return the label with a fraction of at least `PURE`, or an empty string."""
    label = max(truth, key=lambda name: truth[name])
    return label if truth[label] >= PURE - 1e-9 else ""

"""Define spectra, raw and normalized."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import Finding

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Used:
    """What the mu of a spectrum was made of, and what was left out.

    Parameters
    ----------
    mode : str
        How mu was measured, as in :class:`Spectrum`; ``norm`` for normalized input.
    signal : str
        The formula with the names of the signals, e.g. ``ln(I0/It)``.
    energy : str
        Where the energy comes from, e.g. ``energy = mono_energy``.
    channels : tuple of str
        Names of the signals that the formula uses.
    excluded : tuple of str
        Names of the fluorescence channels left out.
    n_without_beam : int
        Points left out because no beam reached I0.
    """

    mode: str = ""
    signal: str = ""
    energy: str = ""
    channels: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    n_without_beam: int = 0

    @property
    def words(self) -> str:
        """One line for people, e.g. ``ln(I0/It), energy = mono_energy``; empty if unknown."""
        return ", ".join(part for part in (self.signal, self.energy) if part)


@dataclass(frozen=True)
class Spectrum:
    """One absorption spectrum, as built from a detector or read from a file.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Photon energy in eV, in the order measured; not yet sorted or checked.
    mu : ndarray of shape (n_points,)
        Absorption in arbitrary units, or normalized absorption.
    absorber, edge : str
        Element symbol and edge; empty where not known.
    mode : {"transmission", "fluorescence", "reference", "mu"}
        How `mu` was measured.
    normalized : bool or None
        True if declared normalized, False if declared raw, None to find out.
    reference : ndarray of shape (n_points,), optional
        mu of the reference foil on the same points.
    findings : tuple of Finding
        What was noticed while building it.
    used : Used
        What `mu` was made of.
    absorber_guessed : bool
        True if `absorber` is no statement but the guess of a program (Athena guesses the edge
        that is nearest to E0): the energies then decide among the near edges.
    hint_energy : float, optional
        Edge energy (eV) that a header names, such as ``E0=`` or ``exafs_edge_energy``.  It
        finds the absorber where none is stated.
    """

    energy: Array
    mu: Array
    absorber: str = ""
    edge: str = ""
    mode: str = "mu"
    normalized: bool | None = None
    reference: Array | None = None
    findings: tuple[Finding, ...] = ()
    used: Used = Used()
    absorber_guessed: bool = False
    hint_energy: float | None = None


@dataclass(frozen=True)
class NormalizedSpectrum:
    """A checked, normalized spectrum.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV, with `energy_shift` added.
    norm : ndarray of shape (n_points,)
        Normalized absorption: 0 before the edge, 1 after it.
    raw_energy : ndarray of shape (n_points,)
        `energy` as measured, without the shift.
    absorber, edge : str
        Element symbol and edge.
    e0 : float
        Edge energy (eV): maximum of the derivative near the tabulated edge; of a metal its
        first inflection.
    edge_reference : float
        Origin of the feature grid (eV).
    energy_shift : float
        Added to the measured energies (eV).
    edge_step : float
        In units of mu; NaN for input that was normalized already.
    norm_method : {"pre_edge", "as_given"}
        How it was normalized.
    pre1, pre2, norm1, norm2 : float
        Fit ranges really used (eV from `e0`); NaN if not fitted.
    nnorm : int or None
        Degree of the post-edge polynomial; None if not fitted.
    n_dropped : int
        Points left out because not finite.
    noise : float
        Standard deviation of one point of `norm`.
    findings : tuple of Finding
        Remarks from building, quality control and decision.
    """

    energy: Array
    norm: Array
    raw_energy: Array
    absorber: str
    edge: str
    e0: float
    edge_reference: float
    energy_shift: float = 0.0
    edge_step: float = float("nan")
    norm_method: str = "pre_edge"
    pre1: float = float("nan")
    pre2: float = float("nan")
    norm1: float = float("nan")
    norm2: float = float("nan")
    nnorm: int | None = None
    n_dropped: int = 0
    noise: float = float("nan")
    findings: tuple[Finding, ...] = field(default=())

    @property
    def n_points(self) -> int:
        """Number of points."""
        return len(self.energy)


class SpectrumRejectedError(ValueError):
    """The input is no spectrum that can be classified.

    Parameters
    ----------
    finding : Finding
        The deciding reason.
    remarks : tuple of Finding
        What else was noticed.
    absorber, edge : str
        What it was taken for; empty where the refusal came before that.
    """

    def __init__(
        self,
        finding: Finding,
        remarks: tuple[Finding, ...] = (),
        absorber: str = "",
        edge: str = "",
    ) -> None:
        super().__init__(finding.sentence)
        self.finding = finding
        self.remarks = remarks
        self.absorber = absorber
        self.edge = edge

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The deciding reason, then the remarks."""
        return (self.finding, *self.remarks)

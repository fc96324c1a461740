"""FEFF10 spectra of training structures: coarser than the library's, and kept one by one.

Training varies the spectra far more than the coarser settings do.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.spectra import Array
from research.feff.library import _ENVIRONMENT, Settings, Site, _run_feff

XANES = "XANES 3.7 0.10 0.4"
ATTEMPTS = (
    Settings(scf_radius=3.0, fms_radius=5.5, iterations=10, xanes=XANES),
    Settings(scf_radius=3.6, fms_radius=5.5, iterations=10, xanes=XANES),
    Settings(scf_radius=4.2, fms_radius=5.5, iterations=10, mixing=0.1, xanes=XANES),
)


@dataclass(frozen=True)
class Spectrum:
    """A computed spectrum.

    Parameters
    ----------
    cards : list of str
        FEFF's cards, as in :attr:`~research.feff.library.Settings.cards`.
    energy, mu : ndarray of shape (n_points,)
        In eV on FEFF's energy zero, and mu in units of the edge step.
    """

    cards: list[str]
    energy: Array
    mu: Array

    def to_json(self) -> dict[str, Any]:
        """Return it for a file: energies to 0.01 eV, mu to 1e-5."""
        return {
            "cards": self.cards,
            "energy": [round(float(e), 2) for e in self.energy],
            "mu": [round(float(m), 5) for m in self.mu],
        }


def set_environment() -> None:
    """Make FEFF faster; its stages are processes of their own and inherit the environment."""
    os.environ.update(_ENVIRONMENT)


def spectrum(structure: Any, absorber: str, index: int, name: str) -> Spectrum:
    """Compute the K edge of one site, by the first of :data:`ATTEMPTS` that works.

    Parameters
    ----------
    structure : pymatgen.core.structure.Structure
        Ordered.
    absorber : str
        Element symbol.
    index : int
        The absorbing site.
    name : str
        For FEFF's title and for errors.

    Raises
    ------
    RuntimeError
        If FEFF fails with all settings.
    """
    import feff10

    failures = []
    for settings in ATTEMPTS:
        with tempfile.TemporaryDirectory() as work:
            try:
                table = _run_feff(structure, Site(name, 0, absorber, index), settings, Path(work))
            except feff10.FeffError as error:
                failures.append(str(error))
                continue
        energy, mu = np.array(table.column(0)), np.array(table.column(3))
        if np.isfinite(mu).all() and mu.min() > -0.05:
            return Spectrum(settings.cards, energy, mu)
        failures.append("not a spectrum")
    raise RuntimeError(f"{name}: FEFF failed: {failures}")


def feff_version() -> str:
    """Return what computes."""
    return f"feff10-rs {version('feff10-rs')}"


def write_sites(
    out: Path, about: str, command: str, computed_by: str, sites: Iterable[Mapping[str, Any]]
) -> None:
    """Write a file of computed spectra, one line a site, so that versions can be compared.

    Parameters
    ----------
    out : Path
        The JSON file.
    about, command, computed_by : str
        What it is, what writes it, and `feff_version`.
    sites : iterable of mapping
        The spectra, each with what it is of.
    """
    head = {"about": about, "command": command, "version": computed_by}
    first = json.dumps(head, separators=(",", ":")).removesuffix("}")
    lines = ",\n".join(json.dumps(site, separators=(",", ":")) for site in sites)
    out.write_text(f'{first},"sites":[\n{lines}\n]}}\n')

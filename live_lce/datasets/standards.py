"""Measured spectra of known compounds: to judge models on, never to train them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.settings import AnalysisSettings
from live_lce.spectra.normalize import normalize
from live_lce.spectra.types import NormalizedSpectrum, Spectrum, SpectrumRejectedError

_NORMALIZED = ("normalized", "benchmark", "background-subtracted")


@dataclass(frozen=True)
class Standard:
    """One row of ``index.csv``.

    Parameters
    ----------
    id, compound, label, certainty, quality, duplicate_group : str
        As in the index.
    spectrum : Spectrum
        As measured.
    """

    id: str
    compound: str
    label: str
    certainty: str
    quality: str
    duplicate_group: str
    spectrum: Spectrum


def read_standards(folder: Path) -> Iterator[Standard]:
    """Read the main set; the benchmark's rows repeat measurements of it.

    Parameters
    ----------
    folder : Path
        Holds ``index.csv`` and the files that it names.

    Yields
    ------
    Standard
    """
    import pandas as pd

    table = pd.read_csv(folder / "index.csv")
    table = table[(table["set"] == "main") & (table.edge == "K")]
    row: Any  # pandas types the columns as anything at all
    for row in table.itertuples():
        energy, mu = np.loadtxt(folder / row.file, comments="#", usecols=(0, 1)).T
        mode = row.mode if row.mode in {"transmission", "fluorescence"} else "mu"
        normalized = str(row.data_kind).startswith(_NORMALIZED)
        yield Standard(
            row.id,
            row.compound,
            row.label,
            row.certainty,
            row.quality,
            row.duplicate_group,
            Spectrum(energy, mu, row.absorber, row.edge, mode, normalized),
        )


def normalized_or_reason(
    standard: Standard, settings: AnalysisSettings
) -> NormalizedSpectrum | str:
    """Return the normalized spectrum, or the code of the reason why there is none."""
    try:
        return normalize(standard.spectrum, settings)
    except SpectrumRejectedError as error:
        return error.finding.reason.value

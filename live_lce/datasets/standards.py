"""Measured spectra of known compounds: to judge models on, never to train them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from live_lce.datasets.fingerprint import fingerprint
from live_lce.datasets.labelled import DataError, Labelled, known_fractions, known_label, text
from live_lce.settings import AnalysisSettings
from live_lce.spectra.normalize import normalize
from live_lce.spectra.types import NormalizedSpectrum, Spectrum, SpectrumRejectedError

INDEX = "index.csv"
MAIN = "main"
"""The set to judge on; the other of the shared collection repeats measurements of it."""
NEEDED = ("file", "absorber", "label")
"""Columns that an index must have; the others of the shared collection may be missing."""
_NORMALIZED = ("normalized", "benchmark", "background-subtracted")


def read_standards(folder: Path, which: str = MAIN) -> Iterator[Labelled]:
    """Read measured spectra that an ``index.csv`` describes.

    Parameters
    ----------
    folder : Path
        Holds ``index.csv`` and the files that it names: columns of energy (eV) and mu.
    which : str, default "main"
        Value of the column `set`, if there is one.

    Yields
    ------
    Labelled

    Raises
    ------
    DataError
        If a file or column is missing, or a value cannot be.
    """
    import pandas as pd

    index = folder / INDEX
    if not index.is_file():
        raise DataError(f"{folder}: no {INDEX} there: it names file, absorber and label per row")
    try:
        table = pd.read_csv(index, dtype=str)
    except ValueError as error:  # also pandas' own ParserError
        raise DataError(f"{index}: no table ({str(error).splitlines()[0]})") from None
    missing_columns(index, list(table.columns), NEEDED)
    if "set" in table.columns:
        sets = sorted(table["set"].dropna().unique())
        table = table[table["set"] == which]
        if table.empty:
            raise DataError(f"{index}: no set {which}: there are {', '.join(sets) or 'none'}")
    for row in table.to_dict("records"):
        yield _standard(folder, {str(name): text(value) for name, value in row.items()})


def missing_columns(path: Path, there: Iterable[str], needed: Iterable[str]) -> None:
    """Check that a table has the columns that it must have.

    Raises
    ------
    DataError
        With the first one that is missing.
    """
    for name in needed:
        if name not in there:
            raise DataError(f"{path}: no column `{name}`: it must have {', '.join(needed)}")


def _standard(folder: Path, row: dict[str, str]) -> Labelled:
    path = folder / row["file"]
    name = row.get("id") or Path(row["file"]).stem
    where = f"{folder / INDEX}: {name}"
    try:
        energy, mu = np.loadtxt(path, comments="#", usecols=(0, 1), ndmin=2).T
    except OSError:
        raise DataError(f"{where}: no file {path}") from None
    except (ValueError, IndexError) as error:
        raise DataError(f"{path}: not two columns of numbers, energy and mu ({error})") from None
    if not row["absorber"]:
        raise DataError(f"{where}: no absorber")
    mode = row.get("mode", "")
    declared = row.get("data_kind")
    spectrum = Spectrum(
        energy,
        mu,
        row["absorber"].capitalize(),
        row.get("edge") or "K",
        mode if mode in {"transmission", "fluorescence"} else "mu",
        None if declared is None else declared.startswith(_NORMALIZED),
    )
    compound, formula = row.get("compound", ""), row.get("formula", "")
    return Labelled(
        name,
        spectrum,
        known_label(row["label"], where),
        computed=False,
        compound=compound,
        formula=formula,
        family=row.get("family", ""),
        fractions=known_fractions(row.get("fractions"), where),
        group=row.get("duplicate_group", "") or formula or compound or name,
        certainty=row.get("certainty", ""),
        quality=row.get("quality", ""),
        fingerprint=fingerprint(energy, mu),
    )


def normalized_or_reason(
    labelled: Labelled, settings: AnalysisSettings
) -> NormalizedSpectrum | str:
    """Return the normalized spectrum, or the code of the reason why there is none."""
    try:
        return normalize(labelled.spectrum, settings)
    except SpectrumRejectedError as error:
        return error.finding.reason.value

"""Read measured spectra with known labels: files, and an index that names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from live_lce.datasets._labelled import DataError, Labelled, known_fractions, known_label, text
from live_lce.datasets._rows import fingerprint
from live_lce.settings import AnalysisSettings
from live_lce.spectra import (
    NormalizedSpectrum,
    Spectrum,
    SpectrumRejectedError,
    normalize,
)

INDEX = "index.csv"
MAIN = "main"
"""The set to judge on; the other of the shared collection repeats measurements of it."""
NEEDED = ("file", "label")
"""Columns that an index must have; the others of the shared collection may be missing."""
_NORMALIZED = ("normalized", "benchmark", "background-subtracted")
ReadFile = Callable[[Path], Spectrum]
"""Reads the one spectrum of a file; raises DataError."""
Unreadable = Callable[[str, str, str], None]
"""Is told of a row whose file cannot be read: its name, its absorber (may be empty), and why."""


def two_columns(path: Path) -> Spectrum:
    """Read a file whose first two columns are energy (eV) and mu.

    Raises
    ------
    DataError
        If they are not.
    """
    try:
        energy, mu = np.loadtxt(path, comments="#", usecols=(0, 1), ndmin=2).T
    except OSError:
        raise DataError(f"no file {path}") from None
    except (ValueError, IndexError) as error:
        raise DataError(f"{path}: not two columns of numbers, energy and mu ({error})") from None
    return Spectrum(energy, mu)


def read_standards(
    folder: Path,
    which: str = MAIN,
    read: ReadFile = two_columns,
    unreadable: Unreadable | None = None,
) -> Iterator[Labelled]:
    """Read measured spectra that an ``index.csv`` describes.

    Parameters
    ----------
    folder : Path
        Holds ``index.csv`` and the files that it names.
    which : str, default "main"
        Value of the column `set`, if there is one.
    read : callable
        Reads a file; what the index says of absorber, edge and kind counts more.
    unreadable : callable, optional
        Is told of files that cannot be read, which are left out; without it that is an error.

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
        raise DataError(f"{folder}: no {INDEX} there: it names file and label per row")
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
        cells = {str(name): text(value) for name, value in row.items()}
        name = cells.get("id") or Path(cells["file"]).stem
        try:
            spectrum = read(folder / cells["file"])
        except DataError as error:
            if unreadable is None:
                raise DataError(f"{index}: {name}: {error}") from None
            unreadable(name, cells.get("absorber", "").capitalize(), str(error))
            continue
        yield _standard(f"{index}: {name}", name, cells, spectrum)


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


def _standard(where: str, name: str, row: dict[str, str], found: Spectrum) -> Labelled:
    absorber = row.get("absorber", "").capitalize() or found.absorber
    if not absorber:
        what = "no absorber" if "absorber" in row else "no column `absorber`"
        raise DataError(f"{where}: {what}, and the file names none: add it to {INDEX}")
    mode, declared = row.get("mode", ""), row.get("data_kind")
    spectrum = replace(
        found,
        absorber=absorber,
        edge=row.get("edge") or found.edge or "K",
        mode=mode if mode in {"transmission", "fluorescence"} else found.mode,
        normalized=found.normalized if declared is None else declared.startswith(_NORMALIZED),
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
        group=row.get("duplicate_group") or row.get("group") or formula or compound or name,
        certainty=row.get("certainty", ""),
        quality=row.get("quality", ""),
        fingerprint=fingerprint(spectrum.energy, spectrum.mu),
    )


def normalized_or_reason(
    labelled: Labelled, settings: AnalysisSettings
) -> NormalizedSpectrum | str:
    """Return the normalized spectrum, or the code of the reason why there is none."""
    try:
        return normalize(labelled.spectrum, settings)
    except SpectrumRejectedError as error:
        return error.finding.reason.value

"""Read labelled spectra from Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.datasets._computed import looks_computed
from live_lce.datasets._labelled import DataError, Labelled, known_fractions, known_label, text
from live_lce.datasets._rows import fingerprint
from live_lce.datasets._standards import (
    INDEX,
    MAIN,
    ReadFile,
    Unreadable,
    missing_columns,
    read_standards,
    two_columns,
)
from live_lce.spectra import Array, Spectrum

NEEDED = ("absorber", "label", "energy", "mu")
"""Columns that a table must have."""
OPTIONAL = (
    *("id", "edge", "theory", "formula", "compound", "family", "fractions", "duplicate_group"),
    *("certainty", "quality", "mode"),
)
SUFFIX = ".parquet"


def read_labelled(
    path: Path,
    which: str = MAIN,
    read: ReadFile = two_columns,
    unreadable: Unreadable | None = None,
) -> list[Labelled]:
    """Read labelled spectra, whatever they lie in.

    Parameters
    ----------
    path : Path
        A Parquet file, a folder of them, or a folder with ``index.csv``.
    which : str, default "main"
        Which set of an index.
    read, unreadable
        See :func:`live_lce.datasets.read_standards`.

    Returns
    -------
    list of Labelled
        In the order of the data; at least one.

    Raises
    ------
    DataError
        If it is none of these, has no rows, or a row cannot be understood.
    """
    if path.is_dir() and not (path / INDEX).is_file():
        files = sorted(path.glob(f"*{SUFFIX}"))
        if not files:
            raise DataError(f"{path}: neither {INDEX} nor {SUFFIX} files there: check the folder")
        rows = [row for file in files for row in read_table(file)]
    elif path.is_dir():
        rows = list(read_standards(path, which, read, unreadable))
    elif path.is_file():
        rows = list(read_table(path))
    else:
        raise DataError(f"{path}: no such file or folder: check the path")
    if not rows:
        raise DataError(f"{path}: no rows")
    return rows


def read_table(path: Path) -> Iterator[Labelled]:
    """Read one Parquet file.

    A row whose `theory` is given is computed, one whose `theory` is empty is measured.  Where
    the column is missing, see :func:`~live_lce.datasets._computed.looks_computed`.

    Parameters
    ----------
    path : Path
        With the columns :data:`NEEDED` and any of :data:`OPTIONAL`.

    Yields
    ------
    Labelled

    Raises
    ------
    DataError
        If it is no Parquet file, a column is missing, or a label cannot be.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        there = parquet.read_schema(path).names
        missing_columns(path, there, NEEDED)
        wanted = [name for name in (*NEEDED, *OPTIONAL) if name in there]
        table = parquet.read_table(path, columns=wanted)
    except (pyarrow.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path}: no Parquet file that can be read ({first})") from None
    for name in ("energy", "mu"):
        if not str(table.schema.field(name).type).startswith(("list", "large_list", "fixed_size")):
            raise DataError(f"{path}: column `{name}` holds no lists: one spectrum a row, as lists")
    energies, mus = (_lists(table.column(name)) for name in ("energy", "mu"))
    others = table.drop_columns(["energy", "mu"]).to_pylist()
    for number, (row, energy, mu) in enumerate(zip(others, energies, mus, strict=True)):
        yield _labelled(path, number, row, energy, mu)


def _lists(column: Any) -> Iterator[Array]:
    for value in column:
        found = value.values if value.is_valid else None
        yield np.empty(0) if found is None else np.asarray(found.to_numpy(False), np.float64)


def _labelled(path: Path, number: int, row: dict[str, Any], energy: Array, mu: Array) -> Labelled:
    name = text(row.get("id")) or f"row {number}"
    where = f"{path.name}: {name}"
    absorber = text(row["absorber"]).capitalize()
    if not absorber:
        raise DataError(f"{where}: no absorber")
    edge = text(row.get("edge")) or "K"
    spectrum = Spectrum(energy, mu, absorber, edge, text(row.get("mode")) or "mu")
    usable = energy.size > 0 and energy.shape == mu.shape
    found = Labelled(
        name,
        spectrum,
        known_label(row["label"], where),
        computed=bool(text(row.get("theory"))) if "theory" in row else looks_computed(spectrum),
        compound=text(row.get("compound")),
        formula=text(row.get("formula")),
        family=text(row.get("family")),
        fractions=known_fractions(row.get("fractions"), where),
        group=text(row.get("duplicate_group")),
        certainty=text(row.get("certainty")),
        quality=text(row.get("quality")),
    )
    return replace(found, fingerprint=fingerprint(energy, mu)) if usable else found

"""Build spectra from a table and the roles of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.datafiles._columns import Columns, energies, find_columns
from live_lce.datafiles._header import Stated, stated
from live_lce.datafiles._table import FileProblemError, Table
from live_lce.engine import _metadata as metadata
from live_lce.settings import Signals
from live_lce.spectra import (
    Readings,
    Spectrum,
    SpectrumRejectedError,
    _names as names,
    assemble,
    split_sweeps,
)
from live_lce.spectra._sweeps import energy_offset

BACKLASH = 0.5
"""Sweeps of opposite direction that lie so far apart (eV) are remarked."""
_MOST_SCANS = 200
_LEAST_POINTS = 5
"""Each scan of a column of scan numbers has so many rows at least."""
_SCAN = re.compile(
    r"(scan|run|cycle|spectrum|spec|frame|sample|rep|repeat|repetition|sweep|pass|loop|file|index)"
    r"_?(number|num|no|nr|id|index)?|n|no|nr"
)


def build(
    table: Table, signals: Signals, chosen: Mapping[str, str] | None = None
) -> list[tuple[str, Spectrum, Stated]]:
    """Build the spectra of a table.

    Parameters
    ----------
    table : Table
        Of a file.
    signals : Signals
        Names, mode, dark offsets and excluded channels, where they fit the file.
    chosen : mapping of str, optional
        The user's word, see :func:`live_lce.datafiles._columns.parse_columns`.

    Returns
    -------
    list of (str, Spectrum, Stated)
        What tells each from the others of the table, and what the header states.

    Raises
    ------
    FileProblemError
        If the columns cannot be told.
    SpectrumRejectedError
        If the energy's units cannot be told, or the stated mode has no signals.
    """
    said = stated(table.header, table.text)
    found: list[tuple[str, Spectrum, Stated]] = []
    refused: list[tuple[str, SpectrumRejectedError]] = []
    for name, part in _parts(table):
        for columns in find_columns(part, said, signals, chosen):
            energy, noticed = energies(part, columns, signals)
            slices = split_sweeps(energy)
            readings = _readings(part, columns, said, signals)
            for number, rows in enumerate(slices, start=1):
                sweep = f"sweep {number}" if len(slices) > 1 else ""
                split = _split(len(slices)) if sweep else ()
                words = " ".join(word for word in (name, columns.name, sweep) if word)
                try:
                    spectrum = assemble(
                        replace(
                            readings,
                            energy=energy[rows],
                            channels={key: v[rows] for key, v in readings.channels.items()},
                        )
                    )
                except SpectrumRejectedError as error:
                    refused.append((words, error))
                    continue
                spectrum = replace(
                    spectrum, findings=(*noticed, *columns.findings, *split, *spectrum.findings)
                )
                found.append((words, _with_clues(spectrum, table, said), said))
    if not found:
        raise refused[0][1]
    found = [(words, _beside(spectrum, refused), said) for words, spectrum, said in found]
    return _with_backlash(found)


def _beside(spectrum: Spectrum, refused: list[tuple[str, SpectrumRejectedError]]) -> Spectrum:
    """Say which spectra of the same table could not be built, and why."""
    left = tuple(
        Finding(Reason.SWEEPS_SPLIT, f"{words} left out: {error.finding.sentence}")
        for words, error in refused
    )
    return replace(spectrum, findings=(*spectrum.findings, *left))


def _with_backlash(
    found: list[tuple[str, Spectrum, Stated]],
) -> list[tuple[str, Spectrum, Stated]]:
    """Say how far the second of two sweeps, one up and one down, lies from the first in energy."""
    if [words for words, _, _ in found] != ["sweep 1", "sweep 2"]:
        return found
    (_, one, _), (words, other, said) = found
    if (one.energy[-1] > one.energy[0]) == (other.energy[-1] > other.energy[0]):
        return found
    off = energy_offset(one.energy, one.mu, other.energy, other.mu)
    if not abs(off) >= BACKLASH:
        return found
    remark = Finding(Reason.SWEEPS_SPLIT, f"sweep 2 lies {off:+.1f} eV from sweep 1: backlash?")
    return [found[0], (words, replace(other, findings=(*other.findings, remark)), said)]


def _split(n_sweeps: int) -> tuple[Finding, ...]:
    return (Finding(Reason.SWEEPS_SPLIT, f"{n_sweeps} sweeps"),)


def _parts(table: Table) -> Iterator[tuple[str, Table]]:
    """Yield the scans of a table with a column of scan numbers; else the table itself."""
    for key, column in zip(table.keys, table.values.T, strict=True):
        if not _SCAN.fullmatch(names.simple(key)) or not np.isfinite(column).all():
            continue
        numbers, rows = np.unique(column, return_counts=True)
        few = 1 < numbers.size <= _MOST_SCANS and rows.min() >= _LEAST_POINTS
        if few and (numbers == numbers.round()).all():
            for number in numbers:
                yield f"{key} {number:g}", replace(table, values=table.values[column == number])
            return
    yield "", table


def _readings(table: Table, columns: Columns, said: Stated, signals: Signals) -> Readings:
    findings: tuple[Finding, ...] = ()
    if table.left_out:
        n = len(table.left_out)
        what = "line is no row" if n == 1 else "lines are no rows"
        detail = f"{n} {what} of the table: {table.left_out[0]}"
        findings = (Finding(Reason.POINTS_DROPPED, detail),)
    return Readings(
        energy=np.empty(0),
        channels=dict(zip(table.keys, table.values.T, strict=True)),
        energy_name=columns.energy or columns.angle,
        i0=columns.i0,
        it=columns.it,
        ir=columns.ir,
        fluorescence=columns.fluorescence,
        other_fluorescence=columns.other_fluorescence,
        mu=columns.mu,
        norm=columns.norm,
        foil=columns.foil,
        exclude=signals.exclude,
        dark=signals.dark,
        mode="" if signals.mode == "auto" else signals.mode,
        absorber=said.absorber,
        edge=said.edge if said.absorber else "",
        findings=findings,
    )


def _with_clues(spectrum: Spectrum, table: Table, said: Stated) -> Spectrum:
    """Add what a header says or a program guessed of the edge, where the absorber is not stated."""
    if spectrum.absorber:
        return spectrum
    guessed = metadata.element(table.header.get("guessed_absorber", ""))
    if guessed:
        edge = metadata.edge(table.header.get("guessed_edge", ""))
        return replace(spectrum, absorber=guessed, edge=edge, absorber_guessed=True)
    return replace(spectrum, edge=said.edge, hint_energy=said.hint_energy)


__all__ = ["FileProblemError", "build"]

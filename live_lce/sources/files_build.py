"""From the columns of a file to a spectrum."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from live_lce.contract import Finding, Reason
from live_lce.settings import Signals
from live_lce.sources.files_roles import Columns, find_columns
from live_lce.sources.files_text import FileProblemError, Table
from live_lce.spectra.energy import bragg_to_energy, to_ev
from live_lce.spectra.readings import Readings, assemble
from live_lce.spectra.types import Array, Spectrum


def build(
    table: Table, signals: Signals, chosen: Mapping[str, str] | None = None
) -> tuple[Spectrum, str]:
    """Build the spectrum of a table, and say in words what was taken for what.

    Parameters
    ----------
    table : Table
        The file.
    signals : Signals
        Names, mode, dark offsets and excluded channels, where they fit the file.
    chosen : mapping of str, optional
        The user's word, see :func:`live_lce.sources.files_roles.parse_columns`.

    Raises
    ------
    FileProblemError
        If the columns cannot be told.
    SpectrumRejectedError
        If the energy's units cannot be told.
    """
    absorber, edge = _edge_of(table.header)
    columns = find_columns(table, absorber, signals, chosen)
    energy, found = _energy(table, columns, signals)

    def name(position: int) -> str:
        return _name(table, position) if position >= 0 else ""

    axis = columns.energy if columns.energy >= 0 else columns.angle
    spectrum = assemble(
        Readings(
            energy=energy,
            channels={_name(table, n): table.values[:, n] for n in range(table.values.shape[1])},
            energy_name=name(axis),
            i0=name(columns.i0),
            it=name(columns.it),
            ir=name(columns.ir),
            fluorescence=tuple(name(position) for position in columns.channels.values()),
            mu=name(columns.mu),
            norm=name(columns.norm),
            foil=name(columns.foil),
            exclude=signals.exclude,
            dark=signals.dark,
            mode="" if signals.mode == "auto" else signals.mode,
            absorber=absorber,
            edge=edge,
        )
    )
    spectrum = replace(spectrum, findings=(*found, *spectrum.findings))
    described = spectrum.used.words
    if columns.guessed:
        described = "two columns without known names, taken for energy and mu"
    return spectrum, described


def _energy(table: Table, columns: Columns, signals: Signals) -> tuple[Array, tuple[Finding, ...]]:
    if columns.energy >= 0:
        label = (*table.labels, "")[columns.energy] if table.labels else ""
        units = (*table.units, "")[columns.energy] if table.units else ""
        if signals.energy_units != "auto":
            units = signals.energy_units
        elif not units and "kev" in label.lower():
            units = "keV"
        return to_ev(table.values[:, columns.energy], units or "auto")
    spacing = signals.d_spacing or _number(table.header.get("mono.d_spacing", ""))
    if not spacing:
        raise FileProblemError(
            Reason.ENERGY_UNITS_UNKNOWN, "an angle without Mono.d_spacing in the header"
        )
    return bragg_to_energy(table.values[:, columns.angle], spacing), ()


def _name(table: Table, position: int) -> str:
    return table.labels[position] if table.labels else f"column {position + 1}"


def _edge_of(header: Mapping[str, str]) -> tuple[str, str]:
    """Return absorber and edge that a header states."""
    words = (header.get("element.symbol") or header.get("element") or "").split()
    symbol = words[0].capitalize() if words else ""
    if not re.fullmatch(r"[A-Z][a-z]?", symbol):
        symbol = ""
    words = (header.get("element.edge") or header.get("edge") or "").split()
    edge = words[0].capitalize() if words else ""
    return symbol, edge if re.fullmatch(r"K|[LM]\d", edge) else ""


def _number(text: str) -> float:
    try:
        return float(text.split(maxsplit=1)[0])
    except (ValueError, IndexError):
        return 0.0

"""From the columns of a file to a spectrum."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.settings import Signals
from live_lce.sources.files_roles import Columns, find_columns
from live_lce.sources.files_text import FileProblemError, Table
from live_lce.spectra import absorption
from live_lce.spectra.energy import bragg_to_energy, to_ev
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
    mode = _mode(table, columns, signals)
    mu, more, words = _mu(table, columns, signals, mode)
    spectrum = Spectrum(
        energy=energy,
        mu=mu,
        absorber=absorber,
        edge=edge,
        mode="mu" if mode == "norm" else mode,
        normalized=True if mode == "norm" else None,
        reference=_foil(table, columns, mode),
        findings=(*found, *more),
    )
    axis = columns.energy if columns.energy >= 0 else columns.angle
    described = f"energy={_name(table, axis)} mu={words}"
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


def _mode(table: Table, columns: Columns, signals: Signals) -> str:
    """Return how mu is built: as told, else as given, else from what is alive."""

    def alive(position: int) -> bool:
        if position < 0 or absorption.is_dead(table.values[:, position]):
            return False
        # A chamber that is not connected may count now and then.
        return bool(np.count_nonzero(table.values[:, position]) * 2 >= len(table.values))

    transmission = columns.i0 >= 0 and columns.it >= 0
    possible = {
        "norm": columns.norm >= 0,
        "mu": columns.mu >= 0,
        "transmission": transmission and (alive(columns.it) or not columns.channels),
        "fluorescence": columns.i0 >= 0 and bool(columns.channels),
        "reference": columns.it >= 0 and columns.ir >= 0,
    }
    if signals.mode != "auto" and possible[signals.mode]:
        return signals.mode
    first = next(mode for mode, can in possible.items() if can)
    return _origin_of_mu(table, columns) if first == "mu" else first


def _origin_of_mu(table: Table, columns: Columns) -> str:
    """Tell how the beamline computed mu, where the file has the readings: they say more."""
    given = table.values[:, columns.mu]
    if columns.i0 < 0 or given.size == 0:
        return "mu"
    i0 = table.values[:, columns.i0]
    with np.errstate(divide="ignore", invalid="ignore"):
        if columns.channels:
            total = table.values[:, list(columns.channels.values())].sum(axis=1)
            if np.allclose(total / i0, given, rtol=1e-3):
                return "fluorescence"
        if columns.it >= 0 and np.allclose(
            absorption.transmission(i0, table.values[:, columns.it]), given, rtol=1e-3
        ):
            return "transmission"
    return "mu"


def _mu(
    table: Table, columns: Columns, signals: Signals, mode: str
) -> tuple[Array, tuple[Finding, ...], str]:
    def values(position: int) -> Array:
        return table.values[:, position]

    def name(position: int) -> str:
        return _name(table, position)

    def dark(position: int) -> float:
        return signals.dark.get(name(position), 0.0)

    if mode in ("norm", "mu"):
        position = columns.norm if mode == "norm" else columns.mu
        return values(position), (), name(position)
    if mode in ("transmission", "reference"):
        above, below = (
            (columns.i0, columns.it) if mode == "transmission" else (columns.it, columns.ir)
        )
        mu = absorption.transmission(
            values(above), values(below), dark_i0=dark(above), dark_it=dark(below)
        )
        readings = {name(above): values(above), name(below): values(below)}
        words = f"ln({name(above)}/{name(below)})"
        incident = name(columns.i0) if columns.i0 >= 0 else ""
        return mu, absorption.inspect_channels(readings, incident=incident), words
    channels = {label: values(position) for label, position in columns.channels.items()}
    mu, found = absorption.fluorescence(
        values(columns.i0),
        channels,
        exclude=signals.exclude,
        dark=signals.dark,
        dark_i0=dark(columns.i0),
    )
    incident = name(columns.i0)
    inspected = absorption.inspect_channels({incident: values(columns.i0)}, incident=incident)
    words = f"({'+'.join(channels)})/{name(columns.i0)}"
    return mu, (*found, *inspected), words


def _foil(table: Table, columns: Columns, mode: str) -> Array | None:
    if columns.foil >= 0:
        return table.values[:, columns.foil]
    if mode == "reference" or columns.it < 0 or columns.ir < 0:
        return None
    return absorption.reference(table.values[:, columns.it], table.values[:, columns.ir])


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

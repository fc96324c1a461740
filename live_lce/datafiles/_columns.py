"""Decide which column is what: by option, settings, names, and last by the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import pairwise, permutations

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.datafiles._header import Stated, d_spacing
from live_lce.datafiles._table import FileProblemError, Table
from live_lce.settings import Signals
from live_lce.spectra import (
    Array,
    SpectrumRejectedError,
    _absorption as absorption,
    _names as names,
)
from live_lce.spectra._choice import PLAIN, find_rise
from live_lce.spectra._energy import angles_to_ev, to_ev

COLUMN_ROLES = ("energy", "angle", "mu", "norm", "i0", "it", "ir", "if")
"""Names that ``--columns`` knows; ``if`` takes several columns joined by ``+``."""

_LEAST_RANGE = 1.0
"""An axis of energies spans more than this (eV)."""
_CRYSTALS = {"Si(111)": 3.1356, "Si(220)": 1.9202, "Si(311)": 1.6375}
"""Lattice spacings (angstrom) of what nearly all monochromators have."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns that make one spectrum, as in `Table.keys`; empty where there is none.

    Parameters
    ----------
    energy, angle : str
        The axis: photon energy, or Bragg angle.
    mu, norm, foil : str
        Absorption, normalized absorption, absorption of the reference foil.
    i0, it, ir : str
        Intensities before and behind the sample, and behind the foil.
    fluorescence : tuple of str
        Fluorescence channels.
    other_fluorescence : tuple of tuple of str
        Other groups of channels, any of which may be the signal instead.
    name : str
        What tells this spectrum from others of the same table.
    findings : tuple of Finding
        How the columns were found, where names did not tell.
    """

    energy: str = ""
    angle: str = ""
    mu: str = ""
    norm: str = ""
    foil: str = ""
    i0: str = ""
    it: str = ""
    ir: str = ""
    fluorescence: tuple[str, ...] = ()
    other_fluorescence: tuple[tuple[str, ...], ...] = ()
    name: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def has_signal(self) -> bool:
        """Whether mu can be made."""
        measured = bool(self.i0 and (self.it or self.fluorescence))
        return bool(self.mu or self.norm or measured or (self.it and self.ir))


def parse_columns(text: str) -> dict[str, str]:
    """Read what ``--columns`` says, e.g. ``energy=1,mu=4`` or ``energy=1,i0=2,if=5+6``.

    Raises
    ------
    ValueError
        With what is allowed.
    """
    pairs = dict(part.partition("=")[::2] for part in text.split(",") if part.strip())
    chosen = {key.strip().lower(): value.strip() for key, value in pairs.items()}
    if not chosen or not set(chosen) <= set(COLUMN_ROLES) or not all(chosen.values()):
        raise ValueError(
            f"{text!r}: give columns as in energy=1,mu=4 or energy=1,i0=2,if=5+6 "
            f"(numbers from 1, or names; known: {', '.join(COLUMN_ROLES)})"
        )
    return chosen


def find_columns(
    table: Table, stated: Stated, signals: Signals, chosen: Mapping[str, str] | None = None
) -> list[Columns]:
    """Tell the columns of a table.

    Parameters
    ----------
    table : Table
        Of a file.
    stated : Stated
        What its header states.
    signals : Signals
        Configured names are used where the file has them.
    chosen : mapping of str, optional
        The user's word, see :func:`parse_columns`; then nothing is guessed.

    Returns
    -------
    list of Columns
        One for each spectrum: several where one energy has several columns of mu.

    Raises
    ------
    FileProblemError
        `signals_unknown` where the columns cannot be told; names them, and how to say it.
    SpectrumRejectedError
        `energy_units_unknown` if there is an axis by name, and its values are none.
    """
    if table.values.shape[1] < 2:
        raise FileProblemError(Reason.UNREADABLE_FILE, "one column only")
    if chosen:
        return [_chosen(table, chosen)]
    axis = _axis(table, signals)
    if axis is not None:
        found = list(_by_name(table, stated, signals, axis))
        if found:
            return found
    intensity = any(names.rank(role, key) == 0 for key in table.keys for role in ("i0", "it"))
    if table.values.shape[1] == 2 and (axis is None or not axis.angle) and not intensity:
        words = "two columns, taken for energy and mu"
        remark = Finding(Reason.SIGNAL_CHOSEN, words)
        first = Columns(energy=table.keys[0], mu=table.keys[1])
        if axis is not None:
            other = next(key for key in table.keys if key != axis.energy)
            return [replace(axis, mu=other)]
        return [replace(first, findings=(remark,) if table.labels else ())]
    found = _by_format(table) or _by_numbers(table, signals, axis)
    if found:
        return found
    raise FileProblemError(Reason.SIGNALS_UNKNOWN, _unknown(table, axis))


def energies(table: Table, columns: Columns, signals: Signals) -> tuple[Array, tuple[Finding, ...]]:
    """Return the energies of a table in eV, and what was noticed.

    Raises
    ------
    SpectrumRejectedError
        `energy_units_unknown` if they are neither eV nor keV, or an angle of an unknown crystal.
    """
    key = columns.energy or columns.angle
    position = table.keys.index(key)
    values = table.values[:, position]
    units = table.units[position] if table.units else ""
    if columns.energy:
        label = table.labels[position] if table.labels else ""
        if signals.energy_units != "auto":
            units = signals.energy_units
        elif not units and "kev" in label.lower():
            units = "keV"
        return to_ev(values, units or "auto")
    units = units or "auto"
    if spacing := signals.d_spacing or d_spacing(table.header, table.text):
        return angles_to_ev(values, spacing, units)
    return _by_edge(table, columns, values, units)


def _by_edge(
    table: Table, columns: Columns, values: Array, units: str
) -> tuple[Array, tuple[Finding, ...]]:
    """Return the energies for the one reading of an axis that puts the rise of mu at an edge.

    The values may be energies although the axis is called an angle (``bragg1``), unless units
    say otherwise.  SRS files have no place for units or a crystal: there the usual crystals are
    tried too; others are refused without one.
    """
    from live_lce.spectra import identify

    key, found = columns.angle, []
    srs = table.format.startswith("SRS")
    tried = {"energies in eV": 0.0} if srs or units == "auto" else {}
    tried |= {f"angles of {name}": d for name, d in _CRYSTALS.items()} if srs else {}
    channels = dict(zip(table.keys, table.values.T, strict=True))
    for what, spacing in tried.items() if columns.has_signal else ():
        with suppress(SpectrumRejectedError):
            energy, noticed = (
                angles_to_ev(values, spacing, units) if spacing else to_ev(values, "eV")
            )
            order = np.argsort(energy, kind="stable")
            for signal in _signals(channels, columns):
                rise, fall = (find_rise(energy, mu)[0] for mu in (signal, -signal))
                if rise < max(fall, PLAIN):  # of an axis the wrong way round
                    continue
                absorber, edge, _ = identify(energy[order], signal[order])
                if edge in ("K", "L3"):  # what people measure
                    words = f"{key}: {what}, where mu rises at {absorber} {edge}; no header says"
                    found.append((energy, (*noticed, Finding(Reason.SIGNAL_CHOSEN, words))))
                    break
    if len(found) == 1:
        return found[0]
    detail = f"{key} is an angle, and the header names no single crystal"
    raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, detail))


def _units(table: Table, without: Iterable[str] = ()) -> dict[str, str]:
    units = table.units or ("",) * len(table.keys)
    out = set(without)
    return {key: text for key, text in zip(table.keys, units, strict=True) if key not in out}


def _axis(table: Table, signals: Signals) -> Columns | None:
    """Return the axis by its name: the likeliest whose values can be an axis."""
    if signals.energy in table.keys:
        return Columns(energy=signals.energy)
    if signals.bragg in table.keys:
        return Columns(angle=signals.bragg)
    units = _units(table)
    ways = [Columns(energy=key) for key in names.candidates("energy", units)]
    for role in ("bragg", "angle"):
        ways += [Columns(angle=key) for key in names.candidates(role, units)]
    problem: SpectrumRejectedError | None = None
    for way in ways:
        try:
            if way.angle or table.values.size == 0 or _spans(energies(table, way, signals)[0]):
                return way
        except SpectrumRejectedError as error:
            problem = problem or error
    if problem is not None and table.values.shape[1] > 2:
        raise problem
    return None


def _spans(energy: Array) -> bool:
    good = energy[np.isfinite(energy)]
    return good.size > 1 and float(np.ptp(good)) > _LEAST_RANGE


def _by_name(table: Table, stated: Stated, signals: Signals, axis: Columns) -> Iterator[Columns]:
    """Yield what the names say: one spectrum, or one for each of several columns of mu."""
    taken = {axis.energy or axis.angle}
    found: dict[str, str] = {}
    configured = {role: getattr(signals, role) for role in ("mu", "i0", "it", "ir")}
    found = {role: key for role, key in configured.items() if key in table.keys}
    taken |= set(found.values())
    several: tuple[str, ...] = ()
    for role in ("norm", "mu", "foil"):
        keys = names.candidates(role, _units(table, taken))
        if keys and role not in found:
            found[role] = keys[0]
            best = names.rank(role, keys[0])
            if role != "foil":
                several = several or tuple(k for k in keys if names.rank(role, k) == best)
        taken |= set(keys)
    # A monitor that stands still is none; what is called I0, It or Iref is reported as dead.
    still = {
        key
        for key, column in zip(table.keys, table.values.T, strict=True)
        if len(column) and not np.ptp(column)
        if not any(names.rank(role, key) == 0 for role in ("i0", "it", "ir"))
    }
    chambers = names.chambers(_units(table, taken | still))
    taken |= set(chambers.values())
    found = {**chambers, **found}
    groups = names.fluorescence(_units(table, taken), stated.absorber, stated.edge)
    if signals.fluorescence:
        asked = [k for k in table.keys if any(fnmatchcase(k, p) for p in signals.fluorescence)]
        groups = (tuple(asked),) if asked else groups
    columns = replace(axis, **found)  # type: ignore[arg-type]
    if groups:
        columns = replace(columns, fluorescence=groups[0], other_fluorescence=groups[1:])
    columns = _around_sample(table, columns, signals)
    measured = columns.i0 and (columns.it or columns.fluorescence)
    if len(several) > 1 and not measured:
        role = "norm" if columns.norm else "mu"
        for key in several:
            yield replace(columns, **{role: key, "name": key})  # type: ignore[arg-type]
    elif columns.has_signal:
        yield columns


def _around_sample(table: Table, columns: Columns, signals: Signals) -> Columns:
    """Return the columns with the chambers on either side of what has the edge.

    Of chambers that are only counted (``VFC01``, ``VFC02``, ``VFC03``) none is called I0: where
    the first two show no edge and the second two do, the sample is between those.
    """
    row = (columns.i0, columns.it, columns.ir)
    if not all(row) or names.rank("i0", columns.i0) is not None:
        return columns
    values = dict(zip(table.keys, table.values.T, strict=True))
    energy = energies(table, columns, signals)[0]
    first, second = (_rises(energy, _log_ratio(values, *pair)) for pair in pairwise(row))
    if first or not second:
        return columns
    given = values.get(columns.mu, np.empty(0))
    computed = given.size > 0 and _is_same(given, _log_ratio(values, columns.i0, columns.it))
    moved = replace(columns, i0=columns.it, it=columns.ir, ir="", mu="" if computed else columns.mu)
    return _remarked(moved, f"between {columns.i0} and {columns.it} is no edge")


def _chosen(table: Table, chosen: Mapping[str, str]) -> Columns:
    keys = {
        role: tuple(dict.fromkeys(_key(table, word.strip()) for word in words.split("+")))
        for role, words in chosen.items()
    }
    several = [role for role, found in keys.items() if len(found) > 1 and role != "if"]
    single = {role: found[0] for role, found in keys.items() if role != "if"}
    columns = Columns(**single, fluorescence=keys.get("if", ()))  # type: ignore[arg-type]
    if several or not (columns.energy or columns.angle) or not columns.has_signal:
        raise FileProblemError(
            Reason.SIGNALS_UNKNOWN,
            "--columns needs energy (or angle) and mu, norm, i0 with it or if, or it with ir",
        )
    return columns


def _key(table: Table, word: str) -> str:
    if word in table.keys:
        return word
    if word.isdigit() and 1 <= int(word) <= len(table.keys):
        return table.keys[int(word) - 1]
    raise FileProblemError(
        Reason.SIGNALS_UNKNOWN,
        f"no column {word!r}: give 1 to {len(table.keys)} or {', '.join(table.keys)}",
    )


def _unknown(table: Table, axis: Columns | None) -> str:
    """Return the columns, as they begin, and how to say which is which."""
    row = table.values[0] if len(table.values) else [np.nan] * len(table.keys)
    shown = [
        f"{n} {'' if key == f'column {n}' else key + ' '}({value:.6g} ...)"
        for n, (key, value) in enumerate(zip(table.keys, row, strict=True), start=1)
    ]
    more = f", and {len(shown) - 20} more" if len(shown) > 20 else ""
    at = table.keys.index(axis.energy or axis.angle) + 1 if axis else 1
    role = "angle" if axis and axis.angle else "energy"
    rest = [n for n in range(1, len(shown) + 1) if n != at][:2] or [2]
    example = f"{role}={at},i0={rest[0]},it={rest[-1]} or {role}={at},mu={rest[-1]}"
    return (
        f"{table.format} with columns {', '.join(shown[:20])}{more}: "
        f"say which with --columns, e.g. {example}"
    )


def _by_format(table: Table) -> list[Columns]:
    """Return the columns that a format's conventions name."""
    said = {role: tuple(table.keys[n] for n in at) for role, at in table.suggested.items()}
    if not said:
        return []
    fluorescence = said.pop("if", ())
    columns = Columns(**{role: at[0] for role, at in said.items()}, fluorescence=fluorescence)  # type: ignore[arg-type]
    return [_remarked(columns, f"as in the format {table.format}")]


def _by_numbers(table: Table, signals: Signals, axis: Columns | None) -> list[Columns]:
    """Return what the numbers say, if they leave one answer; empty otherwise."""
    axis = axis or _axis_by_numbers(table)
    if axis is None:
        return []
    energy = energies(table, axis, signals)[0]
    columns = dict(zip(table.keys, table.values.T, strict=True))
    own = columns[axis.energy or axis.angle]
    values = {  # without the axis, which may be there as set and as read, and errors
        key: v for key, v in columns.items() if not (_is_same(own, v) or names.is_error(key))
    }
    keys = list(values)
    moving = {k: v for k, v in values.items() if np.isfinite(v).all() and np.ptp(v) > 0}
    if found := _computed(moving, energy, axis):
        return [found]
    rising = [key for key, v in moving.items() if _rises(energy, v)]
    if rising == keys and len(keys) == 1:
        return [_remarked(replace(axis, mu=keys[0]), "the only other column, and rises at an edge")]
    if rising == keys and keys:
        return [replace(axis, mu=key, name=key) for key in keys]
    counts = {key: v for key, v in moving.items() if (v > 0).all() or (v < 0).all()}
    # Where the ratio has the edge because its divisor falls there: that one is behind the sample.
    edges = [
        (above, below)
        for above, below in pairwise(counts)
        if _rises(energy, -np.log(np.abs(counts[below])))
        and _rises(energy, _log_ratio(counts, above, below))
    ]
    if len(edges) == 2 and edges[0][1] == edges[1][0]:
        return [_remarked(replace(axis, i0=edges[0][0], it=edges[0][1], ir=edges[1][1]))]
    if len(edges) == 1:
        return [_remarked(replace(axis, i0=edges[0][0], it=edges[0][1]))]
    return []


def _remarked(columns: Columns, why: str = "no names tell, the numbers do") -> Columns:
    made = f"ln({columns.i0}/{columns.it})" if columns.it else ""
    signal = columns.mu or made or f"{'+'.join(columns.fluorescence)}/{columns.i0}"
    words = f"{signal}, over {columns.energy or columns.angle}: {why}"
    return replace(columns, findings=(Finding(Reason.SIGNAL_CHOSEN, words),))


def _axis_by_numbers(table: Table) -> Columns | None:
    """Return the column that can only be energies in eV; of set and read ones the first."""
    found: list[tuple[str, Array]] = []
    for key, column in zip(table.keys, table.values.T, strict=True):
        steps = np.diff(column)
        if not np.isfinite(column).all() or not (
            np.mean(steps > 0) > 0.95 or np.mean(steps < 0) > 0.95
        ):
            continue
        if column.min() < 1000.0 or column.max() > 100_000.0 or not _spans(column):
            continue
        found.append((key, column))
    if not found:
        return None
    first = found[0][1]
    same = all(np.abs(column - first).max() < 0.01 * np.ptp(first) + 1.0 for _, column in found)
    return Columns(energy=found[0][0]) if same else None


def _computed(values: Mapping[str, Array], energy: Array, axis: Columns) -> Columns | None:
    """Return the signals if a column was computed from two others: ln(a/b), or a/b with an edge."""
    found: dict[str, Columns] = {}
    keys = list(values)
    for key, above, below in permutations(keys, 3):
        if _is_same(values[key], _log_ratio(values, above, below)):
            found.setdefault(key, replace(axis, i0=above, it=below))
        elif keys.index(key) > max(keys.index(above), keys.index(below)) and _is_same(
            values[key], _ratio(values[below], values[above])
        ):  # a = b / c is also c = b / a: what is computed stands behind what was read
            found[key] = replace(axis, i0=above, fluorescence=(below,))
    ways = [
        columns
        for columns in found.values()
        if not {columns.i0, columns.it, *columns.fluorescence} & found.keys()
    ]
    edges = [columns for columns in ways if _rises(energy, _signal(values, columns))]
    logs = [columns for columns in edges if columns.it]
    if len(logs) == 2:  # sample and reference: the second begins where the first ends
        first, second = logs if logs[0].it == logs[1].i0 else logs[::-1]
        if first.it == second.i0:
            return _remarked(replace(first, ir=second.it))
    return _remarked(edges[0]) if len(edges) == 1 else None


def _signal(values: Mapping[str, Array], columns: Columns) -> Array:
    if given := columns.norm or columns.mu:
        return values[given]
    if columns.it:
        return _log_ratio(values, columns.i0, columns.it)
    total = np.sum([values[key] for key in columns.fluorescence], axis=0)
    return _ratio(total, values[columns.i0])


def _signals(values: Mapping[str, Array], columns: Columns) -> Iterator[Array]:
    """Yield mu as each mode has it."""
    if columns.norm or columns.mu or columns.it:
        yield _signal(values, columns)
    if columns.fluorescence and columns.i0:
        yield _signal(values, replace(columns, norm="", mu="", it=""))


def _ratio(above: Array, below: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(above / below)


def _log_ratio(values: Mapping[str, Array], above: str, below: str) -> Array:
    return absorption.transmission(values[above], values[below])


def _is_same(one: Array, other: Array) -> bool:
    scale = float(np.ptp(one))
    good = bool(np.isfinite(other).all())
    return good and float(np.abs(one - other).max()) < 1e-3 * scale


def _rises(energy: Array, mu: Array) -> bool:
    """Whether mu has one clear rise, as at an edge."""
    return find_rise(energy, mu)[0] >= PLAIN

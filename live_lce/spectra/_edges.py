"""Identify the absorber and edge of a scan (tables of xraydb)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import xraydb

from live_lce.contract import Finding, Reason
from live_lce.spectra._quality import widest_step
from live_lce.spectra._types import Array, SpectrumRejectedError

EDGES = ("K", "L3", "L2", "L1")
COINCIDENCE = 20.0
"""Edges of two elements nearer than this (eV) cannot be told apart by energy alone."""
MARGIN = 10.0
"""An edge must lie so far (eV) inside the scanned range to be taken for its target."""
EXACT = 1.5
"""An edge energy that a header names is a table's: nearer than this (eV), it means that edge."""
ANOTHER = 0.3
"""A K edge with so much of the tallest rise makes it unknown which of the two is meant."""

_Edge = tuple[float, str, str]


@cache
def _table() -> tuple[_Edge, ...]:
    rows = []
    for number in range(3, 95):
        symbol = xraydb.atomic_symbol(number)
        found = xraydb.xray_edges(number)
        rows += [(float(found[e].energy), symbol, e) for e in EDGES if e in found]
    return tuple(sorted(rows))


def tabulated_edge(absorber: str, edge: str = "K") -> float:
    """Return the tabulated edge energy in eV.

    Raises
    ------
    KeyError
        If there is no such element or edge.
    """
    for energy, symbol, name in _table():
        if symbol == absorber and name == edge:
            return energy
    raise KeyError(f"{absorber} {edge}")


def edge_in_range(absorber: str, low: float, high: float) -> str:
    """Return the edge of `absorber` that lies between `low` and `high` (eV); empty if none.

    Where several do, the one of highest energy: its jump is measured on top of the others.
    """
    inside = [name for e, s, name in _table() if s == absorber and low <= e <= high]
    return inside[-1] if inside else ""


@dataclass(frozen=True)
class Clues:
    """What is known of the absorber besides the energies, where it is not stated.

    Parameters
    ----------
    hint_energy : float, optional
        Edge energy (eV) that a header names.
    guessed : (str, str), optional
        Absorber and edge that another program guessed.
    modelled : frozenset of (str, str)
        Absorbers and edges that a model exists for: of several near edges these come first.
    """

    hint_energy: float | None = None
    guessed: tuple[str, str] | None = None
    modelled: frozenset[tuple[str, str]] = frozenset()


def identify(
    energy: Array, mu: Array | None = None, clues: Clues | None = None
) -> tuple[str, str, tuple[Finding, ...]]:
    """Find absorber and edge from the energies, from the rise of mu, and from clues.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    mu : ndarray of shape (n_points,), optional
        Absorption; without it the finest-sampled region is taken for the edge.
    clues : Clues, optional
        What a header names or a program guessed: it says which rise is meant.

    Returns
    -------
    absorber, edge : str
        The nearest edge; those with a model before others, K before L where both are near.
        An edge that the hint names to 1.5 eV comes before all.
    findings : tuple of Finding
        `edges_coincide` where another element's edge is as near, or was guessed.

    Raises
    ------
    SpectrumRejectedError
        `absorber_unknown` if no edge, or no single one, fits.
    """
    clues = clues or Clues()
    low, high = float(energy[0]), float(energy[-1])
    inside = [row for row in _table() if low + MARGIN <= row[0] <= high - MARGIN]
    where = f"{low:.0f} to {high:.0f} eV"
    if not inside:
        raise SpectrumRejectedError(Finding(Reason.ABSORBER_UNKNOWN, f"no edge from {where}"))
    besides: tuple[Finding, ...] = ()
    if named := _named(clues, inside):
        target, near = named
    elif mu is not None:
        target, near, besides = _risen(energy, mu, inside, where)
    else:
        finest = _finest(energy)
        k_edges = [row for row in inside if row[2] == "K"] if len(inside) > 1 else inside
        near = k_edges if finest is None else _near(inside, finest)
        if not near or (finest is None and len(near) > 1):
            detail = f"no single edge in {where}"
            raise SpectrumRejectedError(Finding(Reason.ABSORBER_UNKNOWN, detail))
        target = near[0][0] if finest is None else finest
    hint = clues.hint_energy

    def rank(row: _Edge) -> tuple[bool, bool, bool, float]:
        named = hint is not None and abs(row[0] - hint) <= EXACT
        return not named, row[1:] not in clues.modelled, row[2] != "K", abs(row[0] - target)

    best = min(near, key=rank)
    others = [r for r in inside if r[1] != best[1] and abs(r[0] - best[0]) <= COINCIDENCE]
    if not others:
        return best[1], best[2], besides
    guessed = [row for row in others if row[1:] == clues.guessed]
    others = [*guessed, *(row for row in others if row not in guessed)]
    names = ", ".join(f"{symbol} {edge} {e:.0f} eV" for e, symbol, edge in others)
    said = ", which is what the file's program guessed" if len(others) == len(guessed) else ""
    said = said or (f"; the file's program guessed {' '.join(guessed[0][1:])}" if guessed else "")
    detail = f"taken as {best[1]} {best[2]} {best[0]:.0f} eV; also {names}{said}"
    return best[1], best[2], (Finding(Reason.EDGES_COINCIDE, detail), *besides)


def _near(rows: list[_Edge], target: float) -> list[_Edge]:
    # Chemical shifts move an edge up to 15 eV above the table, hardly below.
    return [row for row in rows if -COINCIDENCE - 5 <= row[0] - target <= COINCIDENCE]


def _named(clues: Clues, inside: list[_Edge]) -> tuple[float, list[_Edge]] | None:
    """Return the energy that a header or a program names, and the edges near it."""
    named = [] if clues.hint_energy is None else [clues.hint_energy]
    named += [energy for energy, *edge in inside if tuple(edge) == clues.guessed]
    return next(((at, near) for at in named if (near := _near(inside, at))), None)


def _risen(
    energy: Array, mu: Array, inside: list[_Edge], where: str
) -> tuple[float, list[_Edge], tuple[Finding, ...]]:
    """Return the energy of the steepest rise, and the edges near it.

    Where a K edge rises elsewhere too, the finest steps tell which one is meant.
    """
    grid, rise = _rises(energy, mu)
    target = float(grid[np.argmax(rise)] if rise.size else grid.mean())
    near = _near(inside, target)
    if not near:
        detail = f"the steepest rise, at {target:.0f} eV, is near no edge in {where}"
        raise SpectrumRejectedError(Finding(Reason.ABSORBER_UNKNOWN, detail))
    rising = [min(near, key=lambda row: (row[2] != "K", abs(row[0] - target)))]
    for row in (row for row in inside if row[2] == "K" and row not in near):
        around = rise[(grid >= row[0] - 5) & (grid <= row[0] + COINCIDENCE)]
        if around.size and around.max() > ANOTHER * rise.max():
            rising.append(row)
    if len(rising) == 1:
        return target, near, ()
    names = " and ".join(f"{s} {e} {at:.0f} eV" for at, s, e in sorted(rising))
    steps = [widest_step(energy, row[0]) for row in rising]
    meant = [row for row, step in zip(rising, steps, strict=True) if 2 * step < max(steps)]
    if len(meant) != 1:
        raise SpectrumRejectedError(Finding(Reason.ABSORBER_UNKNOWN, f"edges rise at {names}"))
    detail = f"{names} are in the scan, the finest steps are at {meant[0][1]} {meant[0][2]}"
    remark = Finding(Reason.EDGES_COINCIDE, detail)
    if meant[0] is rising[0]:
        return target, near, (remark,)
    return meant[0][0], _near(inside, meant[0][0]), (remark,)


def steepest_rise(energy: Array, mu: Array) -> float:
    """Return the energy (eV) where mu rises most over 10 eV; the middle of a short scan."""
    grid, rise = _rises(energy, mu)
    return float(grid[np.argmax(rise)] if rise.size else grid.mean())


def _finest(energy: Array) -> float | None:
    steps = np.diff(energy)
    if len(steps) < 3 or steps.min() > 0.5 * np.median(steps) * 1.5:
        return None
    fine = steps <= 1.5 * steps.min()
    return float(np.mean(energy[:-1][fine]))


def _rises(energy: Array, mu: Array) -> tuple[Array, Array]:
    """Return energies (eV) and rises over 10 eV there: wide, so that a spike does not win."""
    grid = np.arange(energy[0], energy[-1], 1.0)
    smooth = np.convolve(np.interp(grid, energy, mu), np.ones(3) / 3, mode="same")
    width = 10
    if len(grid) <= 2 * width:
        return grid, np.empty(0)
    below = np.convolve(smooth, np.ones(width) / width, mode="valid")
    rise = below[width:] - below[:-width]
    return grid[width : width + rise.size], rise

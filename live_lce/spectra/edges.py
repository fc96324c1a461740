"""Which absorber and edge a scan belongs to (tables of xraydb)."""

from __future__ import annotations

from functools import cache

import numpy as np
import xraydb

from live_lce.contract import Finding, Reason
from live_lce.spectra.types import Array, SpectrumRejectedError

EDGES = ("K", "L3", "L2", "L1")
COINCIDENCE = 20.0
"""Edges of two elements nearer than this (eV) cannot be told apart by energy alone."""
MARGIN = 10.0
"""An edge must lie so far (eV) inside the scanned range to be taken for its target."""


@cache
def _table() -> tuple[tuple[float, str, str], ...]:
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


def identify(energy: Array, mu: Array | None = None) -> tuple[str, str, tuple[Finding, ...]]:
    """Find absorber and edge from the energies, and from the rise of mu if it is given.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    mu : ndarray of shape (n_points,), optional
        Absorption; without it the finest-sampled region is taken for the edge.

    Returns
    -------
    absorber, edge : str
        The nearest edge; K before L where both are near.
    findings : tuple of Finding
        `edges_coincide` where another element's edge is as near.

    Raises
    ------
    SpectrumRejectedError
        `absorber_unknown` if no edge, or no single one, fits.
    """
    low, high = float(energy[0]), float(energy[-1])
    inside = [row for row in _table() if low + MARGIN <= row[0] <= high - MARGIN]
    where = f"{low:.0f} to {high:.0f} eV"
    if not inside:
        raise SpectrumRejectedError(Finding(Reason.ABSORBER_UNKNOWN, f"no edge from {where}"))
    target = _finest(energy) if mu is None else _rise(energy, mu)
    if target is not None:
        # Chemical shifts move an edge up to 15 eV above the table, hardly below.
        inside = [row for row in inside if -COINCIDENCE - 5 <= row[0] - target <= COINCIDENCE]
    elif len(inside) > 1:
        inside = [row for row in inside if row[2] == "K"]
    if not inside or (target is None and len(inside) > 1):
        raise SpectrumRejectedError(Finding(Reason.ABSORBER_UNKNOWN, f"no single edge in {where}"))
    anchor = target if target is not None else inside[0][0]
    best = min(inside, key=lambda row: (row[2] != "K", abs(row[0] - anchor)))
    others = [r for r in inside if r[1] != best[1] and abs(r[0] - best[0]) <= COINCIDENCE]
    findings: tuple[Finding, ...] = ()
    if others:
        names = ", ".join(f"{symbol} {edge} {e:.0f} eV" for e, symbol, edge in others)
        findings = (Finding(Reason.EDGES_COINCIDE, f"taken as {best[1]} {best[2]}; also {names}"),)
    return best[1], best[2], findings


def _finest(energy: Array) -> float | None:
    steps = np.diff(energy)
    if len(steps) < 3 or steps.min() > 0.5 * np.median(steps) * 1.5:
        return None
    fine = steps <= 1.5 * steps.min()
    return float(np.mean(energy[:-1][fine]))


def _rise(energy: Array, mu: Array) -> float:
    """Energy of the steepest rise over 10 eV: wide, so that a spike does not win."""
    grid = np.arange(energy[0], energy[-1], 1.0)
    smooth = np.convolve(np.interp(grid, energy, mu), np.ones(3) / 3, mode="same")
    width = 10
    if len(grid) <= 2 * width:
        return float(grid.mean())
    below = np.convolve(smooth, np.ones(width) / width, mode="valid")
    rise = below[width:] - below[:-width]
    return float(grid[int(np.argmax(rise)) + width])

"""Read computed spectra: one row for each absorbing site, aligned at the edge reference."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.classifiers._card import FINGERPRINT_LENGTH
from live_lce.spectra import Array, edge_references

FILES = ("omnixas_val.parquet", "omnixas_cu.parquet", "feff10.parquet")
CLASSES = ("T4", "S5", "O6")
NO_CLASS = -1
FINE = np.arange(-26.0, 52.0 + 1e-9, 0.25)
"""Relative energies (eV) that spectra are augmented on: wider and finer than any model's grid."""
LEAST_SITES = 30
"""Fewest sites of each class to train a model for an absorber."""
COLUMNS = ("id", "mp_id", "formula", "absorber", "edge", "energy", "mu")


@dataclass(frozen=True)
class Rows:
    """Computed spectra of one absorber that passed the sanity checks.

    Parameters
    ----------
    norm : ndarray of shape (n_rows, n_fine)
        On ``FINE``, in units of the level behind the edge; the first and last values
        are carried on where nothing was computed.
    first, last : ndarray of shape (n_rows,)
        What was computed (eV from the edge reference).
    e0 : ndarray of shape (n_rows,)
        Maximum of the derivative (eV from the edge reference).
    label : ndarray of int, shape (n_rows,)
        Index into the classes, by default ``CLASSES``; ``NO_CLASS`` for any other label.
    id, mp_id, formula, source, fingerprint : ndarray of str, shape (n_rows,)
        Names of the site and its structure, reduced formula, file that it came from, and
        ``fingerprint`` of the computed spectrum.
    dropped : mapping
        Rows left out, per check.
    """

    norm: Array
    first: Array
    last: Array
    e0: Array
    label: NDArray[np.intp]
    id: NDArray[np.str_]
    mp_id: NDArray[np.str_]
    formula: NDArray[np.str_]
    source: NDArray[np.str_]
    fingerprint: NDArray[np.str_]
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.label)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return the rows of several absorbers, one after the other."""
        names = [field.name for field in fields(cls) if field.name != "dropped"]
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        counted = Counter[str]()
        for part in parts:
            counted.update(part.dropped)
        return cls(**arrays, dropped=dict(counted))

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        each = (field.name for field in fields(self) if field.name != "dropped")
        return replace(self, **{name: getattr(self, name)[chosen] for name in each})

    def covering(self, stop: float) -> Rows:
        """Return the rows computed up to `stop` (eV from the edge reference), counting the rest."""
        short = self.last < stop - 0.5
        counted = {**self.dropped, "ends before the window does": int(short.sum())}
        return replace(self.take(~short), dropped=counted)

    def per_class(self, classes: Sequence[str] = CLASSES) -> dict[str, int]:
        """Return the number of rows of each class."""
        return {name: int((self.label == i).sum()) for i, name in enumerate(classes)}


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_rows(
    folder: Path,
    label: str = "label",
    every: bool = False,
    files: Sequence[str] = FILES,
    classes: Sequence[str] = CLASSES,
) -> dict[str, Rows]:
    """Read the K-edge sites of computed spectra.

    Parameters
    ----------
    folder : Path
        Holds the files.
    label : str, default "label"
        Column of the label; ``label_carbone`` to reproduce that paper.
    every : bool, default False
        Keep also sites whose label is none of the classes.
    files : sequence of str
        Names of the Parquet files.
    classes : sequence of str
        What `label` of the rows is an index into.

    Returns
    -------
    dict
        Rows per absorber, by symbol.
    """
    import pandas as pd

    columns = [*COLUMNS, label]
    table = pd.concat(
        [pd.read_parquet(folder / name, columns=columns).assign(source=name) for name in files]
    )
    table = table[table.edge == "K"]
    if not every:
        table = table[table[label].isin(classes)]
    return {str(el): _rows_of(group, label, classes) for el, group in table.groupby("absorber")}


def enough(rows: Rows) -> bool:
    """Tell whether there are enough sites of each class to train on."""
    return min(rows.per_class().values()) >= LEAST_SITES


def _rows_of(group: Any, label: str, classes: Sequence[str]) -> Rows:
    dropped = Counter[str]()
    kept = list(_kept(group, label, classes, dropped))
    if not kept:
        raise ValueError(f"no spectrum of {group.absorber.iloc[0]} passes the checks: {dropped}")
    columns = (np.asarray(column) for column in zip(*kept, strict=True))
    names = (field.name for field in fields(Rows) if field.name != "dropped")
    return Rows(**dict(zip(names, columns, strict=True)), dropped=dict(dropped))


def _kept(
    group: Any, label: str, classes: Sequence[str], dropped: Counter[str]
) -> Iterator[tuple[Any, ...]]:
    for row in group.itertuples():
        energy, mu = np.asarray(row.energy, float), np.asarray(row.mu, float)
        problem, aligned = align(energy, mu)
        if aligned is None:
            dropped[problem] += 1
            continue
        named = getattr(row, label)
        index = classes.index(named) if named in classes else NO_CLASS
        names = (str(row.id), str(row.mp_id), row.formula, row.source, fingerprint(energy, mu))
        yield (aligned.on_fine(), *aligned.span(), aligned.e0, index, *names)


@dataclass(frozen=True)
class Aligned:
    """A computed spectrum relative to its edge reference.

    Parameters
    ----------
    relative, norm : ndarray of shape (n_points,)
        Energy (eV from the edge reference), absorption in units of the level behind the edge.
    e0 : float
        Maximum of the derivative (eV from the edge reference).
    """

    relative: Array
    norm: Array
    e0: float

    def on_fine(self) -> Array:
        """Return it on ``FINE``, the first and last values carried on."""
        values: Array = np.interp(FINE, self.relative, self.norm)
        return values

    def span(self) -> tuple[float, float]:
        """Return what was computed (eV)."""
        return float(self.relative[0]), float(self.relative[-1])


def align(energy: Array, mu: Array) -> tuple[str, Aligned | None]:
    """Check a computed spectrum, and align and scale it.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        As computed: on the theory's energy zero, on an arbitrary scale.

    Returns
    -------
    problem : str
        What is wrong with it, or nothing.
    aligned : Aligned or None
        None if there is a problem.
    """
    if energy.size < 8 or energy.shape != mu.shape:
        return "fewer than 8 points", None
    if not (np.isfinite(mu).all() and np.isfinite(energy).all() and (np.diff(energy) > 0).all()):
        return "not finite or not ascending", None
    if mu.min() < 0 or mu.max() <= 0:
        return "negative absorption", None
    reference = float(edge_references(energy, mu[None])[0])
    if np.isnan(reference):
        return "no edge reference", None
    relative = energy - reference
    norm = mu / mu[(relative > 5) & (relative < 15)].mean()
    if norm[relative < -5].max(initial=0.0) > 1.0:
        return "pre-edge above the main edge", None
    if norm[0] > 0.25:
        return "starts on the edge", None
    if norm.max() > 2.5:
        return "white line above 2.5", None
    steepest = int(np.gradient(norm, relative).argmax())
    return "", Aligned(relative, norm, float(relative[steepest]))


def fingerprint(energy: ArrayLike, mu: ArrayLike) -> str:
    """Return a name for a spectrum that depends on its shape only.

    Parameters
    ----------
    energy, mu : array_like of shape (n_points,)
        As in the file.  A constant added to the energies or a factor on mu changes nothing.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    x, y = np.asarray(energy, np.float64), np.asarray(mu, np.float64)
    scale = np.abs(y).max() or 1.0
    content = np.concatenate([np.round((x - x[0]) * 100), np.round(y / scale * 1e6)])
    whole = np.nan_to_num(content, nan=-1.0, posinf=-2.0, neginf=-3.0).astype("<i8")
    return hashlib.blake2b(whole.tobytes(), digest_size=FINGERPRINT_LENGTH // 2).hexdigest()

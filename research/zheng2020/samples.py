"""Training spectra as Zheng et al. make them: sites, averages over sites, stretched copies."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE, align
from live_lce.spectra import Array
from research.zheng2020.labels import LabelTable

SITE, AVERAGED, SAME, MIXTURE = "site", "averaged", "same", "mixture"
COMPLETE = 0.02
"""Largest difference of an order parameter at which computed sites make up their structure."""
MIXED = (2, 4)
"""Fewest and most sites of a mixture."""
RANGE = 50.0
"""The paper's window (eV)."""
STRETCH = 5.0
"""How far the paper widens or narrows it (eV)."""
SHARE = 0.3
"""Share of the training spectra that it does this to."""


@dataclass(frozen=True)
class Samples:
    """Spectra of one absorber with their order parameters.

    Parameters
    ----------
    norm : ndarray of shape (n, n_fine)
        On :data:`~live_lce.datasets._rows.FINE`, relative to the edge reference.
    e0, last : ndarray of shape (n,)
        Maximum of the derivative, and last computed energy (eV from the edge reference).
    parameters : ndarray of shape (n, 37)
        Order parameters.
    fold : ndarray of int, shape (n,)
        Where all of its sites belong.
    kind : ndarray of str, shape (n,)
        A site; the average of a structure with several inequivalent sites; the average of one
        with a single such site, which is the same spectrum again; a mixture.
    id : ndarray of str, shape (n,)
        Of the row that a site is; empty for the others.
    """

    norm: Array
    e0: Array
    last: Array
    parameters: Array
    fold: NDArray[np.intp]
    kind: NDArray[np.str_]
    id: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.fold)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Samples:
        """Return some of them."""
        return Samples(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        return {k: int((self.kind == k).sum()) for k in (SITE, AVERAGED, SAME, MIXTURE)}


def together(*parts: Samples) -> Samples:
    """Put samples of one absorber together."""
    return Samples(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Samples)}
    )


def sites(rows: Rows, table: LabelTable, fold: NDArray[np.intp]) -> Samples:
    """Return single sites; every row must be known to the table."""
    kind = np.full(len(rows), SITE)
    return Samples(rows.norm, rows.e0, rows.last, table.of(rows), fold, kind, rows.id)


def complete_sets(
    rows: Rows, table: LabelTable, absorber: str
) -> tuple[dict[str, tuple[NDArray[np.intp], Array]], list[str]]:
    """Find the structures all of whose sites of the absorber were computed.

    Symmetry tells equivalent sites apart only within a tolerance.  What matters here is whether
    the computed sites' order parameters can make up the structure's mean: then they, in those
    shares, stand for it.

    Returns
    -------
    complete : dict
        Indices of the rows and their weights, by structure.
    incomplete : list of str
        The other structures.
    """
    of_structure: dict[str, list[int]] = defaultdict(list)
    for index, (name, source) in enumerate(zip(rows.mp_id, rows.source, strict=True)):
        of_structure[f"{name}|{source}"].append(index)
    complete, incomplete = {}, []
    for key, found in of_structure.items():
        which = np.array(found)
        mean = table.averaged.get((key.partition("|")[0], absorber))
        if mean is None:
            continue
        single = np.stack([table.sites[one] for one in rows.id[which]])
        weights = _weights(single, mean)
        if np.abs(weights @ single - mean).max() <= COMPLETE:
            complete[key] = (which[weights > 0], weights[weights > 0])
        else:
            incomplete.append(key)
    return complete, incomplete


def _weights(single: Array, mean: Array) -> Array:
    """Return the shares of sites that come nearest to a mean; equal ones where they are free."""
    n = len(single)
    a = np.vstack([single.T, 100.0 * np.ones((1, n)), 1e-3 * np.eye(n)])
    b = np.concatenate([mean, [100.0], np.full(n, 1e-3 / n)])
    found = nnls(a, b)[0]
    weights: Array = found / found.sum()
    return weights


def averages(
    rows: Rows, table: LabelTable, fold: NDArray[np.intp], absorber: str, spectra: dict[str, Any]
) -> tuple[Samples, list[str]]:
    """Average the absorption of complete sets on the energies of the theory.

    Parameters
    ----------
    rows, table, fold, absorber
        As for `sites`.
    spectra : dict
        Energy and mu as computed, by row id: from `read_spectra`.

    Returns
    -------
    samples : Samples
    incomplete : list of str
        Structures that lack sites.
    """
    complete, incomplete = complete_sets(rows, table, absorber)
    made = []
    for key, (which, weights) in complete.items():
        parameters = table.averaged[key.partition("|")[0], absorber]
        first = int(which[0])
        if len(which) == 1:
            made.append(
                (rows.norm[first], rows.e0[first], rows.last[first], parameters, fold[first], SAME)
            )
            continue
        energy, mu = _mean([spectra[one] for one in rows.id[which]], weights)
        aligned = align(energy, mu)[1]
        if aligned is not None:
            last = aligned.span()[1]
            made.append((aligned.on_fine(), aligned.e0, last, parameters, fold[first], AVERAGED))
    return _samples(made, rows), incomplete


def _mean(found: list[tuple[Array, Array]], weights: Array) -> tuple[Array, Array]:
    """Return the weighted mean absorption on the energies that all have."""
    low = max(float(energy[0]) for energy, _ in found)
    high = min(float(energy[-1]) for energy, _ in found)
    energy = found[0][0][(found[0][0] >= low) & (found[0][0] <= high)]
    each = [np.interp(energy, e, mu) for e, mu in found]
    return energy, np.einsum("s,se->e", weights, np.stack(each))


def read_spectra(folder: Path, files: tuple[str, ...]) -> dict[str, tuple[Array, Array]]:
    """Return energy and mu of all computed spectra as they are in the files, by row id."""
    import pandas as pd

    found: dict[str, tuple[Array, Array]] = {}
    for name in files:
        table = pd.read_parquet(folder / name, columns=["id", "energy", "mu"])
        for row in table.itertuples():
            found[str(row.id)] = (np.asarray(row.energy, float), np.asarray(row.mu, float))
    return found


def mixtures(single: Samples, n: int, rng: np.random.Generator) -> Samples:
    """Mix sites of one fold each, where a structure's own are not all there.

    Parameters
    ----------
    single : Samples
        Sites of one absorber.
    n : int
        How many to make.
    rng : Generator
        Of the choice.

    Returns
    -------
    Samples
        Equal parts of two to four sites, order parameters averaged as the paper's Experimental
        Procedures do, aligned at the edge reference: energies of different structures have no
        common zero.
    """
    made = []
    all_folds = np.unique(single.fold)
    for _ in range(n):
        fold = rng.choice(single.fold if len(single) else all_folds)
        members = np.flatnonzero(single.fold == fold)
        size = min(int(rng.integers(MIXED[0], MIXED[1] + 1)), len(members))
        which = rng.choice(members, size, replace=False)
        norm = single.norm[which].mean(axis=0)
        last = single.last[which].min()
        measured = last + 0.125 >= FINE
        steepest = int(np.gradient(norm[measured], FINE[measured]).argmax())
        parameters = single.parameters[which].mean(axis=0)
        made.append((norm, FINE[steepest], last, parameters, fold, MIXTURE))
    return _samples(made, single)


def _samples(made: list[tuple[Any, ...]], like: Rows | Samples) -> Samples:
    if not made:
        width = like.norm.shape[1]
        none = np.zeros(0)
        return Samples(
            *(np.zeros((0, width)), none, none, np.zeros((0, 37))),
            *(none.astype(np.intp), none.astype(np.str_), none.astype(np.str_)),
        )
    norm, e0, last, parameters, fold, kind = (np.array(c) for c in zip(*made, strict=True))
    nameless = np.full(len(made), "")
    return Samples(norm, e0, last, parameters, fold.astype(np.intp), kind, nameless)


def stretched(
    samples: Samples, origin: Array, rng: np.random.Generator
) -> tuple[Samples, NDArray[np.intp]]:
    """Stretch copies of 30 % of some samples: 50 eV become 45 to 55 eV around the origin.

    Parameters
    ----------
    samples : Samples
        The training side of a split.
    origin : ndarray of shape (n,)
        Energies that stay (eV from the edge reference).
    rng : Generator
        Of choice and strength.

    Returns
    -------
    copies : Samples
    which : ndarray of int
        The sample that each copy was made of.
    """
    which = rng.permutation(len(samples))[: round(SHARE * len(samples))]
    chosen = samples.take(which)
    fixed = origin[which]
    factor = 1 + rng.uniform(-STRETCH, STRETCH, len(which)) / RANGE
    at = fixed[:, None] + (FINE - fixed[:, None]) / factor[:, None]
    norm = np.stack([np.interp(x, FINE, y) for x, y in zip(at, chosen.norm, strict=True)])
    last = fixed + (chosen.last - fixed) * factor
    e0 = fixed + (chosen.e0 - fixed) * factor
    copies = replace(chosen, norm=norm, e0=e0, last=last)
    return copies, which

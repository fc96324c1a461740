"""Turn a user's labelled spectra into rows to train on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import OTHER
from live_lce.datasets import Labelled, Rows
from live_lce.datasets._labelled import MIXED
from live_lce.datasets._prepared import Prepared, prepare
from live_lce.datasets._rows import CLASSES, FINE
from live_lce.datasets._split import joined
from live_lce.settings import AnalysisSettings
from live_lce.spectra import NormalizedSpectrum, to_grid

LABELS = (*CLASSES, OTHER)
"""Labels that can be trained."""


@dataclass(frozen=True)
class GivenSpectrum:
    """One labelled spectrum that the user gave.

    Parameters
    ----------
    row : Labelled
        The spectrum and its label.
    source : str
        The file that it came from; of a folder, its index.
    judged : bool
        Whether it counts in metrics and early stopping; added spectra are only trained on.
    """

    row: Labelled
    source: str
    judged: bool = True


@dataclass(frozen=True)
class LeftOut:
    """A spectrum that is not trained on.

    Parameters
    ----------
    id, absorber, source : str
        Which one.
    reason : str
        A code of :class:`~live_lce.contract.Reason`, or words.
    judged : bool
        Whether it was among the spectra that judge.
    """

    id: str
    absorber: str
    source: str
    reason: str
    judged: bool = True


@dataclass(frozen=True)
class OwnRows:
    """Spectra of one absorber.

    Parameters
    ----------
    rows : Rows
        `label` is an index into :data:`LABELS`.
    group : ndarray of int, shape (n_rows,)
        Rows of one compound: near-duplicates, equal formulas, and groups that the data give.
    judged : ndarray of bool, shape (n_rows,)
        See :class:`GivenSpectrum`.
    """

    rows: Rows
    group: NDArray[np.intp]
    judged: NDArray[np.bool_]

    def take(self, chosen: NDArray[np.bool_]) -> OwnRows:
        """Return some of the rows."""
        return OwnRows(self.rows.take(chosen), self.group[chosen], self.judged[chosen])

    def without(self, chosen: NDArray[np.bool_], why: str) -> OwnRows:
        """Return the other rows; those left out are counted on the card."""
        if not chosen.any():
            return self
        kept = self.take(~chosen)
        dropped = Counter(kept.rows.dropped) + Counter({why: int(chosen.sum())})
        return replace(kept, rows=replace(kept.rows, dropped=dict(dropped)))

    def n_groups(self, label: int) -> int:
        """Return the number of judged groups of a class."""
        return len(np.unique(self.group[self.judged & (self.rows.label == label)]))


def own_rows(
    given: Sequence[GivenSpectrum], settings: AnalysisSettings, unreadable: Sequence[LeftOut] = ()
) -> tuple[dict[str, OwnRows], list[LeftOut]]:
    """Normalize measured spectra as live ones are, align computed ones, and find the groups.

    Parameters
    ----------
    given : sequence of GivenSpectrum
        Of any absorbers.
    settings : AnalysisSettings
        As for live spectra; absorber, edge and kind are those of the data.
    unreadable : sequence of LeftOut
        What could not even be read; counted with the others.

    Returns
    -------
    rows : dict
        By absorber.
    left_out : list of LeftOut
        What cannot be trained on, and why; rejected spectra are not trained on, because a live
        one like them would not reach the model.
    """
    own = {"absorber": "", "edge": "", "normalized": None}
    normalization = settings.normalization.model_copy(update=own)
    settings = settings.model_copy(update={"normalization": normalization})
    pairs = zip(given, _contradictions(given), strict=True)
    why = [_why_not(one.row) or contradiction for one, contradiction in pairs]
    asked = [i for i, reason in enumerate(why) if not reason]
    usable: dict[str, list[tuple[GivenSpectrum, NormalizedSpectrum]]] = defaultdict(list)
    for i, one in zip(asked, prepare([given[i].row for i in asked], settings), strict=True):
        why[i] = _why_not_prepared(one)
        if one.normalized is not None and not why[i]:
            usable[one.row.absorber].append((replace(given[i], row=one.row), one.normalized))
    left_out = [
        LeftOut(one.row.id, one.row.absorber, one.source, reason, one.judged)
        for one, reason in zip(given, why, strict=True)
        if reason
    ]
    dropped: dict[str, Counter[str]] = defaultdict(Counter)
    for lost in left_out:
        dropped[lost.absorber][lost.reason] += 1
    for lost in unreadable:
        dropped[lost.absorber]["file cannot be read"] += 1
    rows = {a: _of_absorber(usable[a], dropped[a] + dropped[""]) for a in sorted(usable)}
    return rows, [*unreadable, *left_out]


def _contradictions(given: Sequence[GivenSpectrum]) -> list[str]:
    """Return why spectra that occur again with another label are of no use; empty for others."""
    labels: dict[tuple[str, str], set[str]] = defaultdict(set)
    keys = [(one.row.absorber, one.row.fingerprint) for one in given]
    for key, one in zip(keys, given, strict=True):
        labels[key].add(one.row.label)
    return [
        "the same spectrum has the labels " + " and ".join(sorted(labels[key]))
        if key[1] and len(labels[key]) > 1
        else ""
        for key in keys
    ]


def _why_not(row: Labelled) -> str:
    return row.why_not or ("label mixed" if row.label == MIXED else "")


def _why_not_prepared(one: Prepared) -> str:
    if one.normalized is not None and not np.isfinite(one.normalized.edge_reference):
        return "no edge reference: the scan ends too early"
    return one.rejected


def _of_absorber(
    found: Sequence[tuple[GivenSpectrum, NormalizedSpectrum]], dropped: Counter[str]
) -> OwnRows:
    labelled = [one.row for one, _ in found]
    relative = [n.energy - n.edge_reference for _, n in found]
    norm = np.stack([_on_fine(n) for _, n in found])
    formula = np.array([row.formula for row in labelled])
    given_group = np.array([row.group for row in labelled])
    names = np.array([row.id for row in labelled])
    rows = Rows(
        norm=norm,
        first=np.array([x[0] for x in relative]),
        last=np.array([x[-1] for x in relative]),
        e0=np.array([n.e0 - n.edge_reference for _, n in found]),
        label=np.array([LABELS.index(row.label) for row in labelled], dtype=np.intp),
        id=names,
        mp_id=np.full(len(names), ""),
        formula=formula,
        source=np.array([one.source for one, _ in found]),
        fingerprint=np.array([row.fingerprint for row in labelled]),
        dropped=dict(dropped),
    )
    judged = np.array([one.judged for one, _ in found])
    return OwnRows(rows, joined(norm, formula, given_group), judged)


def _on_fine(spectrum: NormalizedSpectrum) -> NDArray[np.float64]:
    """Return values on FINE: means over its bins, the first and last carried on outside."""
    relative = spectrum.energy - spectrum.edge_reference
    values, valid = to_grid(relative, spectrum.norm, 0.0, FINE)
    return np.where(valid, values, np.interp(FINE, relative, spectrum.norm))

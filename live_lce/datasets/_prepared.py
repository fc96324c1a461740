"""Prepare labelled spectra for a model, each with the group that it counts in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from live_lce.datasets._computed import aligned_or_reason
from live_lce.datasets._labelled import Labelled
from live_lce.datasets._rows import FINE
from live_lce.datasets._split import joined
from live_lce.datasets._standards import normalized_or_reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array, NormalizedSpectrum


@dataclass(frozen=True)
class Prepared:
    """A labelled spectrum, and what a model gets of it.

    Parameters
    ----------
    row : Labelled
        With its group.
    normalized : NormalizedSpectrum, optional
        None where it was rejected.
    rejected : str
        Why it was rejected.
    """

    row: Labelled
    normalized: NormalizedSpectrum | None
    rejected: str = ""


def prepare(rows: Sequence[Labelled], settings: AnalysisSettings) -> list[Prepared]:
    """Normalize measured spectra and align computed ones; find the groups that are not given.

    Parameters
    ----------
    rows : sequence of Labelled
        Of any absorbers.
    settings : AnalysisSettings
        As for a user's spectra.

    Returns
    -------
    list of Prepared
        In the order of `rows`.
    """
    return _grouped([_prepared(row, settings) for row in rows])


def as_prepared(row: Labelled, found: NormalizedSpectrum | str) -> Prepared:
    """Return a row with its spectrum, or with the reason why there is none."""
    return Prepared(row, None, found) if isinstance(found, str) else Prepared(row, found)


def _prepared(row: Labelled, settings: AnalysisSettings) -> Prepared:
    find = aligned_or_reason(row) if row.computed else normalized_or_reason(row, settings)
    return as_prepared(row, find)


def _grouped(prepared: list[Prepared]) -> list[Prepared]:
    without = [i for i, one in enumerate(prepared) if not one.row.group]
    done = list(prepared)
    # Rows that count for something else may not chain those that count for this together.
    kinds = {i: (prepared[i].row.absorber, prepared[i].row.enters.value) for i in without}
    for kind in sorted(set(kinds.values())):
        of_it = [i for i in without if kinds[i] == kind]
        norm = np.stack([_on_fine(prepared[i].normalized) for i in of_it])
        numbers = joined(norm, np.array([prepared[i].row.formula for i in of_it]))
        for i, number in zip(of_it, numbers, strict=True):
            row = replace(prepared[i].row, group="-".join(filter(None, (*kind, str(number)))))
            done[i] = replace(prepared[i], row=row)
    return done


def _on_fine(spectrum: NormalizedSpectrum | None) -> Array:
    if spectrum is None or not np.isfinite(spectrum.edge_reference):
        return np.full(FINE.size, np.nan)
    relative = spectrum.energy - spectrum.edge_reference
    values: Array = np.interp(FINE, relative, spectrum.norm)
    return values

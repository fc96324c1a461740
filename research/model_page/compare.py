"""Several judges on the same rows, and one of them with spectra made worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from live_lce.datasets._prepared import Prepared
from live_lce.evaluation import Choice, Evaluation
from live_lce.evaluation._arrays import NONE, Ints, Mask, judgements
from live_lce.evaluation._curves import CurvePoint, Rejudge
from live_lce.evaluation._measure import Metrics, measure
from live_lce.settings import AnalysisSettings

MAJORITY, NEAR, NEAR_COMPUTED = "majority", "kNN, other groups", "kNN, computed"
MANY = 3000
"""Of more rows than this, curves are made from some of the groups: it would take too long."""


@dataclass(frozen=True)
class Curves:
    """Results with spectra made worse.

    Parameters
    ----------
    whole : Metrics
        Of the same rows as they are.
    absorbers : dict
        Their accuracy by absorber.
    last_energy, noise : tuple of CurvePoint
        See :mod:`~live_lce.evaluation._curves`.
    """

    whole: Metrics
    absorbers: dict[str, float]
    last_energy: tuple[CurvePoint, ...]
    noise: tuple[CurvePoint, ...]


def curves(
    found: Evaluation,
    prepared: Sequence[Prepared],
    choice: Choice,
    settings: AnalysisSettings,
    seed: int,
    tell: Callable[[str], None],
) -> Curves:
    """Judge again with scans cut and with noise; of many rows, some of the groups.

    Parameters
    ----------
    found : Evaluation
        Of the rows as they are.
    prepared : sequence of Prepared
        The same rows.
    choice, settings
        As they were judged with.
    seed : int
        Of noise and intervals.
    tell : callable
        Is told of progress.
    """
    parts = -(-len(prepared) // MANY)
    some = [i for i, one in enumerate(prepared) if crc32(one.row.group.encode()) % parts == 0]
    judged = [found.judged[i] for i in some]
    again = Rejudge([prepared[i] for i in some], judged, choice, settings)
    rows = judgements(judged)
    scored = rows.take(rows.scored)
    right = scored.answer == scored.truth
    return Curves(
        measure(rows, seed),
        {str(a): float(right[scored.absorber == a].mean()) for a in np.unique(scored.absorber)},
        tuple(again.against_last_energy(tell)),
        tuple(again.against_noise(seed, tell)),
    )


def compared(
    found: Mapping[str, Evaluation], absorbers: set[str], near: Ints | None, seed: int
) -> dict[str, Metrics]:
    """Return the numbers of each judge on the rows that count for the same in all evaluations.

    Parameters
    ----------
    found : mapping
        Evaluations of the same rows, by family; the last one gives the baselines.
    absorbers : set of str
        Only their rows.
    near : ndarray of int, shape (n_rows,), optional
        Answers of the nearest computed spectra.
    seed : int
        Of the intervals.

    Returns
    -------
    dict
        By judge, the baselines first.
    """
    enters = np.array([[one.enters.value for one in e.judged] for e in found.values()])
    last = list(found.values())[-1]
    arrays = judgements(last.judged)
    kept: Mask = (enters == enters[0]).all(axis=0) & (enters[0] != "")
    kept &= np.isin(arrays.absorber, sorted(absorbers))
    answers = {MAJORITY: last.majority, NEAR: last.neighbours}
    if near is not None:
        answers[NEAR_COMPUTED] = np.where(arrays.scored, near, NONE)
    some = arrays.take(kept)
    lines = {n: measure(some.answering(a[kept]), seed) for n, a in answers.items()}
    return lines | {n: measure(judgements(e.judged).take(kept), seed) for n, e in found.items()}

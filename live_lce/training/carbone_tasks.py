"""What is measured to set beside the tables and figures of Carbone et al. (2019)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from live_lce.datasets.rows import LEAST_SITES, Rows, read_rows
from live_lce.training.carbone_paper import TABLE_I
from live_lce.training.carbone_protocol import N_FOLDS, Outcome, Variant, measure
from live_lce.training.carbone_spectra import (
    FEFF9,
    Spectra,
    on_absolute_grid,
    on_relative_grid,
    without_duplicates,
)

PAPERS, OURS, ABSOLUTE = "label_carbone", "label", "label_carbone, FEFF9, absolute"
"""Sets of spectra: the paper's label, ours, and the paper's on its kind of grid."""
FEWER = 5
"""Folds of the ten that side results are computed on, to save time."""
NETWORKS = ("CNN", "MLP")


@dataclass(frozen=True)
class Task:
    """One training run.

    Parameters
    ----------
    absorber, spectra : str
        Which spectra.
    variant : Variant
        What to train.
    kinds : tuple of str
        Kinds of folds.
    curves : bool
        Test against shifts and noise too.
    n_tested : int
        Of the ten folds.
    """

    absorber: str
    spectra: str
    variant: Variant
    kinds: tuple[str, ...] = ("stratified", "grouped")
    curves: bool = False
    n_tested: int = N_FOLDS

    @property
    def key(self) -> tuple[str, str, Variant]:
        """What tells it from the others."""
        return self.absorber, self.spectra, self.variant


def tasks() -> list[Task]:
    """Return everything to measure, what matters most first."""
    alone = ("stratified",)
    found = [
        Task(el, PAPERS, Variant(net), curves=True) for net in NETWORKS[::-1] for el in TABLE_I
    ]
    for net in NETWORKS[::-1]:
        found += [Task(el, PAPERS, Variant(net, "pre"), alone, n_tested=FEWER) for el in TABLE_I]
    for augmentation in ("none", "noise"):
        found += [
            Task(el, PAPERS, Variant(net, "full", augmentation), alone, True, FEWER)
            for net in NETWORKS
            for el in TABLE_I
        ]
    for name, absorbers in ((OURS, tuple(TABLE_I)), (ABSOLUTE, ("V", "Co", "Ni", "Cu"))):
        for net in NETWORKS[::-1]:
            found += [Task(el, name, Variant(net), n_tested=FEWER) for el in absorbers]
    return found


@cache
def _rows(folder: Path, label: str) -> dict[str, Rows]:
    return read_rows(folder, label)


@cache
def spectra_of(folder: Path, absorber: str, name: str) -> Spectra:
    """Return one of the sets of spectra, without duplicates.

    Parameters
    ----------
    folder : Path
        Holds the Parquet files.
    absorber : str
        Element symbol.
    name : str
        :data:`PAPERS`, :data:`OURS` or :data:`ABSOLUTE`.
    """
    label = OURS if name == OURS else PAPERS
    rows = _rows(folder, label)[absorber]
    if name == ABSOLUTE:
        rows = rows.take(np.isin(rows.source, FEFF9))
        return on_absolute_grid(without_duplicates(rows), folder)
    return on_relative_grid(without_duplicates(rows))


def run(folder: Path, results: Path, jobs: int) -> Iterator[tuple[Task, list[Outcome]]]:
    """Run the tasks whose outcomes are not in the file of results yet, and add them to it.

    Parameters
    ----------
    folder : Path
        Holds the Parquet files.
    results : Path
        JSON lines, one outcome each; made if it is missing.
    jobs : int
        Processes.

    Yields
    ------
    tuple of Task and list of Outcome
        As they are done; no outcomes where spectra of a class are fewer than 30.
    """
    done = {(o.absorber, o.spectra, o.variant) for o in read_outcomes(results)}
    left = [task for task in tasks() if task.key not in done]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:  # torch does not survive a fork
        for task, outcomes in zip(left, pool.map(_work, [(folder, t) for t in left]), strict=True):
            with results.open("a") as file:
                file.writelines(json.dumps(one.to_json()) + "\n" for one in outcomes)
            yield task, outcomes


def read_outcomes(results: Path) -> list[Outcome]:
    """Return the outcomes in a file of results, none if it is missing."""
    if not results.exists():
        return []
    return [Outcome.from_json(json.loads(line)) for line in results.read_text().splitlines()]


def _work(arguments: tuple[Path, Task]) -> list[Outcome]:
    folder, task = arguments
    spectra = spectra_of(folder, task.absorber, task.spectra)
    if min(spectra.per_class()) < LEAST_SITES:
        return []
    return measure(
        task.absorber,
        task.spectra,
        spectra,
        task.variant,
        task.kinds,
        curves=task.curves,
        n_tested=task.n_tested,
    )

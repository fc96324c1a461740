"""What is measured to set beside the tables and figures of Carbone et al. (2019)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from live_lce._support.processes import process_pool
from live_lce.datasets import Rows
from live_lce.datasets._rows import LEAST_SITES, read_rows
from research.carbone2019.paper import TABLE_I
from research.carbone2019.protocol import N_FOLDS, Outcome, Variant, measure
from research.carbone2019.spectra import (
    FEFF9,
    Spectra,
    on_absolute_grid,
    on_relative_grid,
    without_duplicates,
)

PAPERS, OURS, ABSOLUTE = "label_carbone", "label", "label_carbone, FEFF9, absolute"
DUPLICATED = "label_carbone, duplicates kept"
"""Sets of spectra: the paper's label, ours, the paper's on its kind of grid, and the paper's
with the duplicates that it removes."""
FEWER = 5
"""Folds of the ten that side results are computed on, to save time."""
NETWORKS = ("MLP", "CNN")
KINDS = ("stratified", "grouped")
FEFF9_ABSORBERS = ("V", "Co", "Ni", "Cu")
"""Those whose FEFF9 spectra are set on an absolute grid, as far as there are enough."""
AS_MANY_STEPS = {
    "Ti": 197, "V": 301, "Cr": 257, "Mn": 1098, "Fe": 808, "Co": 227, "Ni": 258, "Cu": 59,
}  # fmt: skip
"""Epochs that make as many steps as the paper: 50 times its spectra over ours (Table I)."""


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
    kinds: tuple[str, ...] = KINDS
    curves: bool = False
    n_tested: int = N_FOLDS

    @property
    def key(self) -> tuple[str, str, Variant]:
        """What tells it from the others."""
        return self.absorber, self.spectra, self.variant

    def possible(self, folder: Path) -> bool:
        """Tell whether there are enough spectra of each class."""
        return min(spectra_of(folder, self.absorber, self.spectra).per_class()) >= LEAST_SITES


def tasks() -> list[Task]:
    """Return everything to measure, what matters most first."""
    alone = ("stratified",)
    both, side = {"curves": True}, {"n_tested": FEWER}
    of_all: list[tuple[str, Variant, tuple[str, ...], dict[str, Any]]] = [
        *((PAPERS, Variant(net), KINDS, both) for net in NETWORKS),
        *((PAPERS, Variant(net, "pre"), alone, side) for net in NETWORKS),
        *((PAPERS, Variant(net, "full", "none"), alone, both | side) for net in NETWORKS),
        (DUPLICATED, Variant("MLP"), KINDS, side),
        (OURS, Variant("MLP"), KINDS, side),
        *((PAPERS, Variant(net, "full", "noise"), alone, both | side) for net in NETWORKS),
        (ABSOLUTE, Variant("MLP"), KINDS, side),
        (OURS, Variant("CNN"), KINDS, side),
        (ABSOLUTE, Variant("CNN"), KINDS, side),
    ]
    found = [
        Task(absorber, name, variant, kinds, **options)
        for name, variant, kinds, options in of_all
        for absorber in (FEFF9_ABSORBERS if name == ABSOLUTE else TABLE_I)
    ]
    steps = [
        Task(absorber, PAPERS, Variant("MLP", epochs=epochs), alone, n_tested=FEWER)
        for absorber, epochs in AS_MANY_STEPS.items()
    ]
    at = next(i for i, task in enumerate(found) if task.spectra == DUPLICATED)
    return [*found[:at], *steps, *found[at:]]


@cache
def rows_of(folder: Path, label: str) -> dict[str, Rows]:
    """Return the computed spectra under a label, by absorber."""
    return read_rows(folder, label)


@cache
def spectra_of(folder: Path, absorber: str, name: str) -> Spectra:
    """Return one of the sets of spectra.

    Parameters
    ----------
    folder : Path
        Holds the Parquet files.
    absorber : str
        Element symbol.
    name : str
        :data:`PAPERS`, :data:`OURS`, :data:`ABSOLUTE` or :data:`DUPLICATED`.
    """
    label = OURS if name == OURS else PAPERS
    rows = rows_of(folder, label)[absorber]
    if name == ABSOLUTE:
        rows = rows.take(np.isin(rows.source, FEFF9))
        return on_absolute_grid(without_duplicates(rows), folder)
    return on_relative_grid(rows if name == DUPLICATED else without_duplicates(rows))


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
    with process_pool(jobs) as workers:
        done_now = workers.map(_work, [(folder, task) for task in left])
        for task, outcomes in zip(left, done_now, strict=True):
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
    if not task.possible(folder):
        return []
    spectra = spectra_of(folder, task.absorber, task.spectra)
    return measure(
        task.absorber,
        task.spectra,
        spectra,
        task.variant,
        task.kinds,
        curves=task.curves,
        n_tested=task.n_tested,
    )

"""All labels of the sites of the computed spectra: ``python -m research.label_tables.table``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live_lce._support.processes import process_pool
from live_lce.labels._bonding import Bonding, bonding
from live_lce.labels._carbone import carbone_label
from live_lce.labels._crystalnn import site_label
from live_lce.labels._order_parameters import OrderParameters, average, from_bonding
from live_lce.labels._ranked import main_cn, ranked_cn, ranked_motif
from live_lce.labels._structures import StructureError, parse_cif

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core.structure import Structure

NO_STRUCTURE = "no structure"
OTHER_ELEMENT = "another element at that site"
COLUMNS = (
    *("id", "mp_id", "absorber", "site", "averaged", "n_sites", "cn", "motif"),
    *("ranked_cn", "ranked_motif", "crystalnn_cn", "label", "motif_label", "motif_csm"),
    *("ligands", "label_carbone", "carbone_cn", "carbone_csm", "problem"),
)


@dataclass(frozen=True)
class Task:
    """The spectra of one structure.

    Attributes
    ----------
    mp_id : str
        Which structure.
    cif : str
        Its file; empty if there is none.
    rows : tuple of (id, absorber, site)
        Its spectra.
    """

    mp_id: str
    cif: str
    rows: tuple[tuple[str, str, int], ...]


def label_task(task: Task) -> list[dict[str, Any]]:
    """Label the spectra of one structure, and average over all sites of their absorbers.

    Parameters
    ----------
    task : Task
        One structure.

    Returns
    -------
    list of dict
        One row (`COLUMNS`) for each spectrum, then one (``averaged``) for each absorber.  What
        cannot be labelled has a `problem`, and no labels.
    """
    problem = NO_STRUCTURE
    structure = None
    if task.cif:
        try:
            structure = parse_cif(task.cif, task.mp_id)
        except StructureError as error:
            problem = str(error)
    if structure is None:
        return [_row(task, *row, problem=problem) for row in task.rows]

    @cache
    def find(index: int) -> Bonding:
        return bonding(structure, index)

    @cache
    def order(index: int) -> OrderParameters:
        return from_bonding(structure, index, find(index))

    made = [_site_row(task, row, structure, find, order) for row in task.rows]
    absorbers = dict.fromkeys(row["absorber"] for row in made if not row["problem"])
    return made + [_averaged_row(task, one, structure, order) for one in absorbers]


def labels_table(
    structures: Path, spectra: Path, workers: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Label every computed spectrum of a folder.

    Parameters
    ----------
    structures : Path
        Folder of Parquet files with ``mp_id`` and ``cif``.
    spectra : Path
        Folder of Parquet files of computed spectra.
    workers : int
        Processes.

    Returns
    -------
    labels : DataFrame
        `COLUMNS`, in the order of the structures' first spectra.
    stated : DataFrame
        The labels that the tables of spectra state, by ``id``.

    Raises
    ------
    StructureError
        If a folder holds no table.
    """
    import pandas as pd

    stated = _read(spectra, None).drop_duplicates("id")
    cifs = _read(structures, ["mp_id", "cif"]).drop_duplicates("mp_id").set_index("mp_id").cif
    tasks = [
        Task(
            str(mp_id),
            str(cifs.get(mp_id, "")),
            tuple(zip(group.id, group.absorber, group.site.astype(int), strict=True)),
        )
        for mp_id, group in stated.groupby("mp_id", sort=False)
    ]
    rows = [row for made in _mapped(tasks, workers) for row in made]
    return pd.DataFrame(rows, columns=list(COLUMNS)), stated


def _site_row(
    task: Task,
    row: tuple[str, str, int],
    structure: Structure,
    find: Callable[[int], Bonding],
    order: Callable[[int], OrderParameters],
) -> dict[str, Any]:
    _, absorber, site = row
    if site >= len(structure) or structure[site].specie.symbol != absorber:
        return _row(task, *row, problem=OTHER_ELEMENT)
    try:
        crystalnn = site_label(structure, site, find)
    except StructureError as error:
        return _row(task, *row, problem=str(error))
    carbone = carbone_label(structure, site)
    return _row(
        task,
        *row,
        **_order(order(site)),
        n_sites=1,
        crystalnn_cn=crystalnn.cn,
        label=crystalnn.label,
        motif_label=crystalnn.motif,
        motif_csm=crystalnn.measure,
        ligands="-".join(crystalnn.ligands),
        label_carbone=carbone.label,
        carbone_cn=carbone.cn,
        carbone_csm=carbone.measure,
    )


def _averaged_row(
    task: Task, absorber: str, structure: Structure, order: Callable[[int], OrderParameters]
) -> dict[str, Any]:
    sites = [i for i, one in enumerate(structure) if one.specie.symbol == absorber]
    name = f"averaged:{task.mp_id}:{absorber}"
    try:
        mean = average(order(i) for i in sites)
    except StructureError as error:
        return _row(task, name, absorber, -1, averaged=True, problem=str(error))
    return _row(task, name, absorber, -1, averaged=True, n_sites=len(sites), **_order(mean))


def _order(found: OrderParameters) -> dict[str, Any]:
    return {
        "cn": found.cn.tolist(),
        "motif": found.motif.tolist(),
        "ranked_cn": ranked_cn(found.cn),
        "ranked_motif": ranked_motif(found, main_cn(found.cn)),
    }


def _row(task: Task, name: str, absorber: str, site: int, **found: Any) -> dict[str, Any]:
    empty = dict.fromkeys(COLUMNS)
    start = {"id": name, "mp_id": task.mp_id, "absorber": absorber, "site": site}
    return {**empty, **start, "averaged": False, "problem": "", **found}


def _read(folder: Path, columns: list[str] | None) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.parquet as pq

    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise StructureError(f"{folder}: no Parquet files there: check the path")
    chosen = [
        columns or [n for n in pq.read_schema(file).names if n not in ("energy", "mu")]
        for file in files
    ]
    return pd.concat(
        [
            pd.read_parquet(file, columns=names).assign(file=file.stem)
            for file, names in zip(files, chosen, strict=True)
        ],
        ignore_index=True,
    )


def _mapped(tasks: Sequence[Task], workers: int) -> Iterator[list[dict[str, Any]]]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    shown: dict[str, Any] = {
        "description": "labelling structures",
        "total": len(tasks),
        "console": console,
    }
    if workers <= 1:
        yield from track(map(label_task, tasks), **shown)
        return
    with process_pool(workers) as processes:
        yield from track(processes.map(label_task, tasks, chunksize=16), **shown)


def main() -> None:
    """Write the table, and print how it compares with the labels stated and with the paper."""
    from research.label_tables.agreement import report

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--structures", type=Path, default=Path("../shared/data/structures"))
    parser.add_argument("--spectra", type=Path, default=Path("../shared/data/computed"))
    parser.add_argument("--out", type=Path, required=True, help="Parquet file to write.")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    labels, stated = labels_table(given.structures, given.spectra, given.workers)
    labels.to_parquet(given.out, index=False)
    report(labels, stated)


if __name__ == "__main__":
    main()

"""Which library reads which data file, and whether the numbers are equal.

    python benchmarks/file_readers.py FOLDER [FOLDER ...]

For each file: tables, rows, columns that `live_lce.datafiles`, rexafs, larch.io and silx.io find,
whether the numbers are ours, and the first names.  At the end, how many each reads.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

Found = tuple[tuple[str, ...], Any]


def ours(path: Path) -> Iterator[Found]:
    """Yield names and numbers of each table."""
    from live_lce.datafiles import read_tables

    for scan in read_tables(path):
        yield scan[0].labels or ("-",) * scan[0].values.shape[1], scan[0].values


def rexafs(path: Path) -> Iterator[Found]:
    """Yield what rexafs finds."""
    from rexafs.io import read_measurement

    for scan in read_measurement(path).document["scans"]:
        values = np.array([column["values"] for column in scan["columns"]], dtype=float).T
        yield tuple(column["name"] for column in scan["columns"]), values


def larch(path: Path) -> Iterator[Found]:
    """Yield what larch.io.read_ascii finds."""
    from larch.io import read_ascii

    with redirect_stdout(StringIO()):
        group = read_ascii(str(path))
    yield tuple(group.array_labels), group.data.T


def silx(path: Path) -> Iterator[Found]:
    """Yield the scans that silx.io finds in SPEC and HDF5."""
    import silx.io

    with silx.io.open(str(path)) as file:
        for scan in file.values():
            measured = scan["measurement"]
            arrays = {k: np.asarray(v[()]) for k, v in measured.items() if hasattr(v, "shape")}
            yield tuple(arrays), np.column_stack(list(arrays.values()))


READERS: tuple[Callable[[Path], Iterator[Found]], ...] = (ours, rexafs, larch, silx)


def main(folders: list[str]) -> None:
    """Print a line for each file and reader."""
    warnings.simplefilter("ignore")
    files = [p for folder in folders for p in sorted(Path(folder).rglob("*")) if p.is_file()]
    read: Counter[str] = Counter()
    for path in files:
        first: Any = None
        for reader in READERS:
            try:
                tables = list(reader(path))
                labels, values = tables[0]
            except Exception as error:  # each raises its own
                said = " ".join(str(error).split())[:80]
                print(f"{path.name:32} {reader.__name__:7} -  {type(error).__name__}: {said}")
                continue
            read[reader.__name__] += 1
            same = first is not None and first.shape == values.shape
            equal = same and np.array_equal(first, values, equal_nan=True)
            word = "" if first is None else "equal" if equal else "other numbers"
            first = values if reader is ours else first
            names = ", ".join(labels[:5])
            shape = f"{len(tables)} x {values.shape[0]} x {values.shape[1]}"
            print(f"{path.name:32} {reader.__name__:7} {shape:16} {word:14} {names}")
    print(f"\n{len(files)} files:", ", ".join(f"{name} {n}" for name, n in read.items()))


if __name__ == "__main__":
    main(sys.argv[1:])

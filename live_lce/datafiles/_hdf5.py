"""Read tables from HDF5 files: NeXus (NXxas, NXdata), BLISS, our own export, plain groups.

Only what lies in the file itself is read: external links, virtual sources and external storage
could lead to any file of this computer.
"""

from __future__ import annotations

import io
import posixpath
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.contract import Reason
from live_lce.datafiles._header import pairs
from live_lce.datafiles._table import MAX_BYTES, FileProblemError, Table

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST = 10_000
"""Objects that are looked at."""


def read_hdf5(path: Path, content: bytes | None = None) -> list[list[Table]]:
    """Read the tables of an HDF5 file: arrays of one length in one group.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes, optional
        What it holds, where it was packed.

    Returns
    -------
    list of list of Table
        For each entry, which is one scan, its tables, the likeliest first.

    Raises
    ------
    FileProblemError
        `unreadable_file` if it is damaged or holds no arrays of its own.
    """
    import h5py

    try:
        opened = path if content is None else io.BytesIO(content)
        with h5py.File(opened, "r", **({"locking": False} if content is None else {})) as file:
            found, away = _inside(file)
            groups = [name for name, item in found.items() if isinstance(item, h5py.Group)]
            entries = [n for n in groups if _is_entry(found[n], n, found)] or _alike(found) or [""]
            scans = [_tables(entry, found, len(entries) == 1) for entry in entries]
    except FileProblemError:
        raise
    except Exception as error:  # h5py raises whatever the file's fault suggests
        detail = f"HDF5: {' '.join(str(error).split())}"
        raise FileProblemError(Reason.UNREADABLE_FILE, detail) from None
    if not any(scans):
        others = f"; {away} of its links and arrays lie in other files: give those" if away else ""
        detail = f"HDF5 without arrays of one length in one group{others}"
        raise FileProblemError(Reason.UNREADABLE_FILE, detail)
    return [tables for tables in scans if tables]


def _inside(file: Any) -> tuple[dict[str, Any], int]:
    """Return what is in the file itself, by path, and how much of it lies in others."""
    import h5py

    links: dict[str, Any] = {}

    def visit(name: str, link: Any) -> bool | None:  # opens nothing: HDF5 is called from HDF5
        links[name] = link
        return True if len(links) > _MOST else None  # True ends it

    file.visititems_links(visit)
    found: dict[str, Any] = {"": file}
    away = 0
    for name, link in links.items():
        if isinstance(link, h5py.HardLink):
            item = file[name]
            if isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
                away += 1
            else:
                found[name] = item
        else:
            away += not isinstance(link, h5py.SoftLink)
    for name, link in links.items():
        if isinstance(link, h5py.SoftLink):
            target = posixpath.join("/", posixpath.dirname(name), link.path)
            target = posixpath.normpath(target).lstrip("/")
            if target in found:
                found[name] = found[target]
    return found, away


def _is_entry(group: Any, name: str, found: dict[str, Any]) -> bool:
    return _text(group.attrs.get("NX_class")) == "NXentry" or f"{name}/measurement" in found


def _is_row(item: Any) -> bool:
    """Whether an object holds an array along one dimension; others may have length 1."""
    shape: Any = getattr(item, "shape", None)  # none of groups, empty of a single value
    return bool(shape) and bool(1 < item.size == max(shape))


def _alike(found: dict[str, Any]) -> list[str]:
    """Return the groups that hold arrays of the same names: one scan each, where no entry is."""
    arrays: dict[str, list[str]] = {}
    for path, item in found.items():
        if _is_row(item):
            group, _, name = path.rpartition("/")
            arrays.setdefault(group, []).append(name)
    several = [sorted(names) for names in arrays.values() if len(names) > 1]
    return [g for g, names in arrays.items() if g and several.count(sorted(names)) > 1]


def _tables(entry: str, found: dict[str, Any], alone: bool) -> list[Table]:
    """Return the tables of an entry: that of its measurement or default first, then NXdata."""
    import h5py

    start = f"{entry}/" if entry else ""
    inside = {name.removeprefix(start): x for name, x in found.items() if name.startswith(start)}
    arrays: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    for path, item in inside.items():
        if not isinstance(item, h5py.Dataset):
            continue
        if _is_row(item) and item.dtype.kind in "iufb":
            group, _, name = path.rpartition("/")
            arrays.setdefault(group, {})[name] = item
        elif item.size == 1 and item.dtype.kind in "OSUif" and item.nbytes < 10_000:
            texts[path.replace("/", "_")] = _text(item[()] if item.ndim == 0 else item[0])
    header = pairs(f"{key}: {value}" for key, value in texts.items())
    first = ("measurement", _text(found[entry].attrs.get("default")))

    def likely(group: str) -> tuple[bool, bool, int]:
        data = _text(found[(start + group).rstrip("/")].attrs.get("NX_class")) == "NXdata"
        return group not in first, not data, group.count("/")

    tables = []
    for group in sorted(arrays, key=likely):
        columns = arrays[group]
        if "absorbed_beam" in columns:  # NXxas: counts if there is a monitor, else mu
            monitor = arrays.get("monitor", {}).get("data")
            columns |= {"monitor": monitor} if monitor is not None else {}
            modes = " ".join(text for key, text in texts.items() if key.endswith("mode")).lower()
            counts = "it" if "transmission" in modes else "fluorescence"
            role = "mu" if monitor is None else counts
            columns[f"{role} (absorbed_beam)"] = columns.pop("absorbed_beam")
        lengths = [item.size for item in columns.values()]
        usual = max(lengths, key=lengths.count)
        columns = {name: item for name, item in columns.items() if item.size == usual}
        if 8 * usual * len(columns) > MAX_BYTES:
            detail = f"HDF5 with more than {MAX_BYTES / 1e6:.0f} MB in {start}{group}"
            raise FileProblemError(Reason.UNREADABLE_FILE, detail)
        if len(columns) > 1:
            tables.append(
                Table(
                    values=np.column_stack(
                        [np.asarray(x, dtype=float).ravel() for x in columns.values()]
                    ),
                    labels=tuple(columns),
                    units=tuple(_text(item.attrs.get("units")) for item in columns.values()),
                    header=header,
                    name="" if alone else entry,
                    format="HDF5",
                )
            )
    return tables


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")

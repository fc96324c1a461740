"""Find the files that an HDF5 file leads to: links, virtual sources, external storage.

The HDF5 library follows them to any file that the account can read.  Here each is resolved first,
as the library would, and refused where its real path is outside of the folders allowed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

MOST_SOURCES = 20_000
"""Files and parts of files that one dataset may be made of."""
MOST_STEPS = 32
"""Links that are followed, one after the other."""
MOST_CHUNK = 256_000_000
"""Bytes of a chunk when unpacked: HDF5 unpacks whole chunks."""
_NUMBER = re.compile(r"%\d*b")
"""In the name of a virtual dataset's files."""
_PREFIXES = ("HDF5_EXT_PREFIX", "HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX")


class PlaceError(Exception):
    """A file leads where nothing may be read, or without end; says why."""


class Places:
    """The folders in which files may lie, with all that they lead to.

    Parameters
    ----------
    roots : sequence of str
        The folders; none: a file may lie anywhere, and lead to its own folder only.
    """

    def __init__(self, roots: list[str]) -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._checked: set[tuple[Any, ...]] = set()

    def allowed(self, path: str) -> list[str]:
        """Return the folders allowed for what the file at `path` leads to.

        Raises
        ------
        PlaceError
            If the file itself lies elsewhere.
        """
        folders = self._roots or [os.path.realpath(Path(path).parent)]
        self.check(path, folders)
        return folders

    def check(self, path: str, folders: list[str]) -> None:
        """Raise where the real path of a file is in none of some folders.

        Raises
        ------
        PlaceError
            If so.
        """
        real = os.path.realpath(path)
        if any(Path(real).is_relative_to(folder) for folder in folders):
            return
        where = ", ".join(folders)
        raise PlaceError(f"{path} lies outside of {where} ({real}): see `files.roots`")

    def dataset(self, file: h5py.File, name: str, folders: list[str]) -> h5py.Dataset:
        """Return a dataset of which all that it leads to is allowed.

        Parameters
        ----------
        file : h5py.File
            Open.
        name : str
            Path in it.
        folders : list of str
            From `allowed`.

        Raises
        ------
        PlaceError
            If something is not, or the dataset is not there.
        """
        found = self._walk(file, name, folders, MOST_STEPS)
        self._inside(found, folders, MOST_STEPS)
        return found

    def _walk(self, file: h5py.File, name: str, folders: list[str], steps: int) -> h5py.Dataset:
        """Follow links one by one: HDF5 follows those to other files without asking."""
        here: Any = file["/"]
        parts = [part for part in name.split("/") if part not in ("", ".")]
        while parts:
            steps -= 1
            if steps < 0:
                raise PlaceError(f"{name} in {file.filename}: too many links, or a circle of them")
            if not isinstance(here, h5py.Group):
                raise PlaceError(f"{file.filename} has no dataset {name}")
            part = parts.pop(0)
            link = here.get(part, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                other = self._external(here.file, link.filename, folders)
                with_rest = "/".join([link.path, *parts])
                return self._walk(other, with_rest, folders, steps)
            if isinstance(link, h5py.SoftLink):
                parts = [p for p in link.path.split("/") if p not in ("", ".")] + parts
                here = here.file["/"] if link.path.startswith("/") else here
                continue
            if part not in here:
                raise PlaceError(f"{file.filename} has no dataset {name}")
            here = here[part]
        if not isinstance(here, h5py.Dataset):
            raise PlaceError(f"{name} in {file.filename} is no array of numbers")
        return here

    def _external(self, file: h5py.File, name: str, folders: list[str]) -> h5py.File:
        there = list(_candidates(file.filename, name))
        for path in there:
            self.check(path, folders)
        if not there:
            raise PlaceError(f"{file.filename} leads to {name}, which is not there")
        return h5py.File(os.path.realpath(there[0]), "r", locking=False)

    def _inside(self, data: h5py.Dataset, folders: list[str], steps: int) -> None:
        """Check what a dataset is made of."""
        if steps < 0:
            raise PlaceError(f"{data.file.filename}: virtual datasets without end")
        chunk = data.chunks
        if chunk is not None and _size(chunk) * data.dtype.itemsize > MOST_CHUNK:
            raise PlaceError(
                f"{data.name} in {data.file.filename} has chunks of more than "
                f"{MOST_CHUNK / 1e6:.0f} MB"
            )
        for name, *_ in data.external or ():
            for path in _candidates(data.file.filename, os.fsdecode(name)):
                self.check(path, folders)
        if not data.is_virtual:
            return
        sources = data.virtual_sources()
        if len(sources) > MOST_SOURCES:
            raise PlaceError(f"{data.name} in {data.file.filename} has {len(sources)} sources")
        for source in dict.fromkeys((s.file_name, s.dset_name) for s in sources):
            self._source(data.file, *source, folders, steps - 1)

    def _source(
        self, file: h5py.File, file_name: str, name: str, folders: list[str], steps: int
    ) -> None:
        plain = _NUMBER.sub("", Path(file_name).name)
        if "%" in name or "%" in plain or "%" in str(Path(file_name).parent):
            raise PlaceError(f"{file.filename} leads to {file_name}:{name}: numbers there")
        if file_name == ".":
            self._inside(self._walk(file, name, folders, steps), folders, steps)
            return
        for path in _candidates(file.filename, file_name, numbered="%" in file_name):
            self.check(path, folders)
            state = Path(path).stat()
            key = (state.st_dev, state.st_ino, name, *folders)
            if key in self._checked:
                continue
            with h5py.File(path, "r", locking=False) as other:
                if name in other:
                    self._inside(self._walk(other, name, folders, steps), folders, steps)
            if len(self._checked) < MOST_SOURCES:
                self._checked.add(key)


def _candidates(file: str, name: str, *, numbered: bool = False) -> Iterator[str]:
    """Yield the files that HDF5 may take for a name in a file: those that are there."""
    folder = Path(file).resolve().parent
    places = [Path(file).parent, folder, Path.cwd()]
    for variable in _PREFIXES:
        places += [Path(p) for p in os.environ.get(variable, "").split(":") if p]
    tried = [Path(name)] if Path(name).is_absolute() else []
    tried += [place / part for place in places for part in (name.lstrip("/"), Path(name).name)]
    seen: set[str] = set()
    for path in tried:
        if numbered:  # names with numbers, as virtual datasets that grow have
            pattern = _NUMBER.sub("*", re.sub(r"[][*?]", "?", path.name))
            there = sorted(path.parent.glob(pattern)) if path.parent.is_dir() else []
        else:
            there = [path]
        for one in there:
            if str(one) not in seen and (one.is_symlink() or one.exists()):
                seen.add(str(one))
                yield str(one)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size

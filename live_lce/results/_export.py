"""Export published spectra to XDI, Athena projects or NeXus, with their provenance."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from live_lce.results._spectra import PublishedSpectrum
from live_lce.results._spectrum_files import write_athena, write_nexus, write_xdi

FORMATS = {
    "xdi": "a folder, one .xdi file a spectrum",
    "athena": "an Athena project (.prj)",
    "nexus": "a NeXus file (.nxs, .h5)",
}
"""Formats, and what is written."""

_SUFFIXES = {".prj": "athena", ".nxs": "nexus", ".h5": "nexus", ".hdf5": "nexus", "": "xdi"}


class ExportError(ValueError):
    """Nothing was exported; one line with the fix."""


def format_of(path: Path) -> str:
    """Return the format that a path's suffix says; no suffix, or a folder, means XDI.

    Raises
    ------
    ExportError
        For other suffixes.
    """
    if path.is_dir():
        return "xdi"
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise ExportError(
            f"{path}: give a folder (XDI files), or a name in .prj (Athena) or .nxs (NeXus)"
        ) from None


def export(
    spectra: Sequence[PublishedSpectrum], path: str | Path, *, overwrite: bool = False
) -> list[Path]:
    """Write spectra to files; each file is there whole or not at all.

    Parameters
    ----------
    spectra : sequence of PublishedSpectrum
        From ``spectra``.
    path : path
        ``NAME.prj`` for an Athena project, ``NAME.nxs`` for NeXus (extra ``nexus``), or a
        folder for XDI files; folders are made.
    overwrite : bool
        Whether files that exist are replaced.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ExportError
        If there are no spectra, a file exists, or the suffix says no format.
    ModuleNotFoundError
        If nexusformat is not installed.
    OSError
        If the disk refuses.
    """
    path = Path(path)
    kind = format_of(path)
    if not spectra:
        raise ExportError("no spectra: nothing is exported")
    files: dict[Path, Callable[[Path], None]]
    if kind == "xdi":
        files = {path / f"{s.name}.xdi": partial(write_xdi, spectrum=s) for s in spectra}
    else:
        write = write_athena if kind == "athena" else write_nexus
        files = {path: partial(write, spectra=spectra)}
    if not overwrite:
        _refuse([file for file in files if file.exists()])
    for file, write_file in files.items():
        _write_whole(file, write_file)
    return list(files)


def check_target(path: Path, *, overwrite: bool = False) -> str:
    """Return the format that a path says, before anything is read to be written there.

    Raises
    ------
    ExportError
        For other suffixes, or if the file exists and may not be replaced.
    """
    kind = format_of(path)
    if not overwrite and kind != "xdi" and path.exists():
        _refuse([path])
    return kind


def _refuse(there: Sequence[Path]) -> None:
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise ExportError(f"{there[0]}{more} exists: choose another name, or --overwrite it")


def _write_whole(file: Path, write: Callable[[Path], None]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".live-lce-") as folder:
        unfinished = Path(folder) / file.name
        write(unfinished)
        unfinished.replace(file)

"""Spectra from data files: XDI, columns of numbers, Athena projects; gzipped or not."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from live_lce.contract import Finding, Reason
from live_lce.settings import Signals
from live_lce.sources.files_athena import Group, is_athena, read_groups
from live_lce.sources.files_build import build
from live_lce.sources.files_text import FileProblemError, read_table
from live_lce.spectra.types import Spectrum, SpectrumRejectedError

MAX_BYTES = 64_000_000
"""Larger files (also when unpacked) are refused: no spectrum is that large."""

_GZIP = b"\x1f\x8b"


class FileError(ValueError):
    """A file cannot be read as a spectrum; one line that names it.

    Parameters
    ----------
    file : Path
        The file.
    finding : Finding
        The reason, with the particulars.
    """

    def __init__(self, file: Path, finding: Finding) -> None:
        super().__init__(f"{file}: {finding.sentence}")
        self.file = file
        self.finding = finding


@dataclass(frozen=True)
class FileSpectrum:
    """A spectrum, and where it stands.

    Parameters
    ----------
    file : Path
        The file.
    name : str
        Name within a project; empty for files of one spectrum.
    spectrum : Spectrum
        Energies in eV; not sorted or checked.
    columns : str
        What was taken for what, for people.
    sample : str
        Sample's name, if the file has it.
    time : float
        When it was measured (s since 1970), if the file tells (XDI); else NaN.
    """

    file: Path
    name: str
    spectrum: Spectrum
    columns: str
    sample: str = ""
    time: float = math.nan


def read_spectra(
    path: str | Path,
    *,
    signals: Signals | None = None,
    columns: Mapping[str, str] | None = None,
) -> list[FileSpectrum]:
    """Read the spectra of a file.

    Parameters
    ----------
    path : path
        XDI, two or more columns, or an Athena project (several spectra).
    signals : Signals, optional
        Names, mode, dark offsets and excluded channels, where they fit the file.
    columns : mapping of str, optional
        Which column is what, see :func:`live_lce.sources.files_roles.parse_columns`.

    Returns
    -------
    list of FileSpectrum
        At least one.

    Raises
    ------
    FileError
        If it cannot be read, with what to do.
    """
    path = Path(path)
    rules = signals or Signals()
    try:
        text = _text(path)
        if is_athena(text):
            found = [_from_group(path, group) for group in read_groups(text)]
        else:
            table = read_table(text)
            spectrum, described = build(table, rules, columns)
            sample = table.header.get("sample.name") or table.header.get("name") or ""
            found = [FileSpectrum(path, "", spectrum, described, sample, _time(table.header))]
    except FileProblemError as error:
        raise FileError(path, error.finding) from None
    except SpectrumRejectedError as error:
        raise FileError(path, error.finding) from None
    return found


def _text(path: Path) -> str:
    """Return a file's text; gzipped files are unpacked."""
    try:
        if path.is_dir():
            raise FileProblemError(Reason.UNREADABLE_FILE, "a folder, not a file")
        if not path.is_file() and path.exists():
            raise FileProblemError(Reason.UNREADABLE_FILE, "a device or pipe, not a file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FileProblemError(Reason.UNREADABLE_FILE, f"{size / 1e6:.0f} MB are too many")
        content = path.read_bytes()
        if content.startswith(_GZIP):
            with gzip.open(path) as file:
                content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise FileProblemError(Reason.UNREADABLE_FILE, "no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise FileProblemError(Reason.UNREADABLE_FILE, words) from None
    if len(content) > MAX_BYTES:
        raise FileProblemError(Reason.UNREADABLE_FILE, "too large when unpacked")
    if not content.strip():
        raise FileProblemError(Reason.UNREADABLE_FILE, "empty")
    if b"\0" in content:
        raise FileProblemError(Reason.UNREADABLE_FILE, "binary data")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # headers with a degree sign of an older system


def _time(header: Mapping[str, str]) -> float:
    """Return when the scan began; XDI says it in ISO 8601, without a zone in local time."""
    try:
        return datetime.fromisoformat(header.get("scan.start_time", "").strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        return math.nan


def _from_group(path: Path, group: Group) -> FileSpectrum:
    # The shift was chosen by the user in Athena, which stores the energies without it.
    energy = group.energy + group.shift
    shifted = f", shifted by {group.shift:g} eV as in the project" if group.shift else ""
    spectrum = Spectrum(
        energy=energy,
        mu=group.mu,
        absorber=group.absorber,
        edge=group.edge,
        normalized=True if group.normalized else None,
    )
    return FileSpectrum(path, group.label, spectrum, f"Athena group{shifted}", group.label)

"""Read spectra from data files: text, HDF5, projects and sessions, also gzipped."""

from __future__ import annotations

import codecs
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from live_lce.contract import Finding, Reason
from live_lce.datafiles._build import build
from live_lce.datafiles._facilities import is_athena, read_known
from live_lce.datafiles._hdf5 import SIGNATURE, read_hdf5
from live_lce.datafiles._kinds import kind_of_content
from live_lce.datafiles._table import MAX_BYTES, FileProblemError, Table
from live_lce.datafiles._text import read_text
from live_lce.settings import Signals
from live_lce.spectra import Spectrum, SpectrumRejectedError

_LARGE = 20_000_000
"""Longer texts are not shown to rexafs, which answers in JSON of several times the size."""
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
        Which of the file's spectra it is: scan, group, column, sweep; empty if it is alone.
    spectrum : Spectrum
        Energies in eV; not sorted or checked.
    columns : str
        What was taken for what, for people.
    sample : str
        Sample's name, if the file has it.
    time : float
        When it was measured (s since 1970), if the file tells; else NaN.
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
        Text with a table of numbers, HDF5, an Athena project, or what else rexafs knows.
    signals : Signals, optional
        Names, mode, dark offsets and excluded channels, where they fit the file.
    columns : mapping of str, optional
        Which column is what, see ``parse_columns``.

    Returns
    -------
    list of FileSpectrum
        At least one; each scan, group, sweep and column of mu is a spectrum of its own.

    Raises
    ------
    FileError
        If it cannot be read, with what to do.
    """
    path = Path(path)
    try:
        return _spectra(path, read_tables(path), signals or Signals(), columns)
    except (FileProblemError, SpectrumRejectedError) as error:
        raise FileError(path, error.finding) from None


def _spectra(
    path: Path, scans: list[list[Table]], signals: Signals, columns: Mapping[str, str] | None
) -> list[FileSpectrum]:
    """Return the spectra of the scans, from the first of each scan's tables that holds some."""
    found: list[FileSpectrum] = []
    problems: list[tuple[str, FileProblemError | SpectrumRejectedError]] = []
    names: Counter[str] = Counter()
    for number, tables in enumerate(scans, start=1):
        refused: list[FileProblemError | SpectrumRejectedError] = []
        for table in tables:
            try:
                built = build(table, signals, columns)
            except (FileProblemError, SpectrumRejectedError) as error:
                refused.append(error)
                continue
            for part, spectrum, said in built:
                name = " ".join(word for word in (table.name, part) if word)
                names[name] += 1
                name = f"{name} ({names[name]})" if names[name] > 1 else name
                used = spectrum.used.words + table.remark
                found.append(FileSpectrum(path, name, spectrum, used, said.sample, said.time))
            break
        else:
            problems.append((tables[0].name or str(number), refused[0]))
    if not found:
        raise problems[0][1]
    if problems:
        left = "; ".join(f"{name}: {error.finding.sentence}" for name, error in problems[:3])
        words = f"; {len(problems)} of {len(scans)} tables left out: {left}"
        found[0] = replace(found[0], columns=found[0].columns + words)
    return found


def read_tables(path: Path) -> list[list[Table]]:
    """Return the tables of each scan of a file, the likeliest first.

    Raises
    ------
    FileProblemError
        `unreadable_file`, with what it is and what to do.
    """
    content = _content(path)
    if content is None:
        return read_hdf5(path)
    if content.startswith(SIGNATURE):
        return read_hdf5(path, content)
    kind, what_to_do = kind_of_content(content)
    if kind:
        advice = f": {what_to_do}" if what_to_do else ""
        raise FileProblemError(Reason.UNREADABLE_FILE, f"this is {kind}{advice}")
    text = _decoded(content)
    large = text is not None and len(text) > _LARGE and not is_athena(text)
    tables = None if large else read_known(content if text is None else text)
    if tables is None:
        if text is None:
            raise FileProblemError(Reason.UNREADABLE_FILE, "binary data of an unknown format")
        tables = read_text(text)
    return [[table] for table in tables]


def _content(path: Path) -> bytes | None:
    """Return what a file holds, unpacked; None for an HDF5 file, which is not read whole."""
    try:
        if path.is_dir():
            raise FileProblemError(Reason.UNREADABLE_FILE, "a folder, not a file")
        if not path.is_file() and path.exists():
            raise FileProblemError(Reason.UNREADABLE_FILE, "a device or pipe, not a file")
        with path.open("rb") as file:
            head = file.read(len(SIGNATURE))
            if head == SIGNATURE:
                return None
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise FileProblemError(Reason.UNREADABLE_FILE, f"{size / 1e6:.0f} MB are too many")
            content = head + file.read(MAX_BYTES + 1)
        if content.startswith(_GZIP):
            with gzip.open(path) as unpacked:
                content = unpacked.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise FileProblemError(Reason.UNREADABLE_FILE, "no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise FileProblemError(Reason.UNREADABLE_FILE, words) from None
    if len(content) > MAX_BYTES:
        raise FileProblemError(Reason.UNREADABLE_FILE, "too large when unpacked")
    if not content.strip():
        raise FileProblemError(Reason.UNREADABLE_FILE, "empty")
    return content


def _decoded(content: bytes) -> str | None:
    """Return the text of a file; None if it is binary."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if not encoding and b"\0" in content:
        # UTF-16 without a mark: numbers are every second byte.
        zeros = [content[first:4000:2].count(0) / len(content[:4000]) * 2 for first in (0, 1)]
        encoding = {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get(
            (zeros[0] > 0.8, zeros[1] > 0.8), ""
        )
        if not encoding:
            return None
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        # Headers with a degree sign of an older system.
        return None if encoding else content.decode("latin-1")

"""Recognize files: by name whether they may be data, by first bytes their format."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

DOCUMENT_SUFFIXES = frozenset((".jsonl", ".json", ".ndjson", ".msgpack", ".msgp", ".mpk"))
"""Files with these suffixes may hold bluesky documents."""
DATA_SUFFIXES = frozenset(
    (
        *(".xdi", ".xd", ".dat", ".txt", ".csv", ".tsv", ".asc", ".prj", ".xmu", ".nor", ".e"),
        *(".xas", ".xanes", ".xafs", ".exafs", ".fio", ".spec", ".spc"),
        *(".h5", ".hdf5", ".hdf", ".nxs", ".nx5"),
    )
)
"""Files with these suffixes (or a number) may hold spectra."""
_NUMBERED = re.compile(r"\.\d{1,5}")  # scan.0001, as at the APS
_HEAD = 32

_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "HDF5", "of the files that detectors wrote, replay the documents"),
    (b"PK\x03\x04", "zip (also xlsx, docx, npz)", "unpack it, or save its table as text"),
    (b"\xd0\xcf\x11\xe0", "old Excel or Word", "save its table as text"),
    (b"BZh", "bzip2", "unpack it"),
    (b"\xfd7zXZ", "xz", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unpack it"),
    (b"7z\xbc\xaf", "7z", "unpack it"),
    (b"SQLite format 3\0", "SQLite", "give the address of the Tiled server that serves it"),
    (b"PAR1", "Parquet", "save its table as text"),
    (b"ARROW1", "Arrow", "save its table as text"),
    (b"\x93NUMPY", "NumPy", "save it with numpy.savetxt"),
    (b"MATLAB 5.0", "MATLAB", "save its table as text"),
    (b"CDF\x01", "NetCDF", "save its table as text"),
    (b"II*\0", "TIFF image", ""),
    (b"MM\0*", "TIFF image", ""),
    (b"\x89PNG", "PNG image", ""),
    (b"\xff\xd8\xff", "JPEG image", ""),
    (b"GIF8", "GIF image", ""),
    (b"%PDF", "PDF", ""),
    (b"\x7fELF", "program", ""),
    (b"\n\n\xfe\xfe", "Bruker OPUS", "save its table as text"),
    (b"<?xml", "XML", "save its table as text"),
    (b"<!DOCTYPE", "HTML", "save its table as text"),
    (b"<html", "HTML", "save its table as text"),
    (b"{\\rtf", "RTF", "save its table as text"),
    (b"%!PS", "PostScript", ""),
    (b"###CIF", "CIF", "a structure holds no spectrum"),
    (b"CDF\x02", "NetCDF", "save its table as text"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_DOCUMENTS = re.compile(
    rb"[\x90-\x9f]?\x92\xa5start|\s*\[?\s*\[\s*\"start\"\s*,|\s*\[?\s*\{\s*\"name\"\s*:\s*\"start\""
)
_NO_PICKLE = "not opened, since a pickle may run any code: write the documents as JSON lines"


def may_be_data(path: Path) -> bool:
    """Whether a file in a folder may hold spectra, by its name."""
    suffix = suffix_of(path)
    return suffix in DATA_SUFFIXES or _NUMBERED.fullmatch(suffix) is not None


def may_be_documents(path: Path) -> bool:
    """Whether a file in a folder may hold bluesky documents, by its name."""
    return suffix_of(path) in DOCUMENT_SUFFIXES


def suffix_of(path: Path) -> str:
    """Return a file's suffix in lower case, that below ``.gz``."""
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return inner.suffix.lower()


def kind_of(path: Path) -> tuple[str, str]:
    """Return the name of a format that holds neither text nor documents, and what to do.

    Parameters
    ----------
    path : Path
        A file; gzipped or not.

    Returns
    -------
    tuple of (str, str)
        Both empty where the first bytes do not tell.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as file:
                head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return "", ""
    return kind_of_content(head)


def kind_of_content(head: bytes) -> tuple[str, str]:
    """Return what :func:`kind_of` does, from the first bytes of a file that is unpacked."""
    if _PICKLE.match(head):
        return "Python pickle", _NO_PICKLE
    if _DOCUMENTS.match(head):
        return "documents of bluesky", "use `live-lce replay`"
    return next(((name, do) for magic, name, do in _KINDS if head.startswith(magic)), ("", ""))

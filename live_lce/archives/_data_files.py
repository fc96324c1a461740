"""Turn data files into documents, so that the engine can replay them like scans.

A spectrum of a file becomes a run with one stream whose events hold the energy and mu, as a
beamline would send them that computes mu by itself.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.archives._documents import Document
from live_lce.datafiles import FileSpectrum, read_spectra
from live_lce.settings import Signals
from live_lce.spectra import Spectrum

_NAMESPACE = uuid.UUID("0a4c9a5e-2c0f-5d5b-9f0e-6d2d6f1f8a11")


@dataclass(frozen=True)
class DataRun:
    """A spectrum of a data file, as a run.

    Parameters
    ----------
    spectrum : FileSpectrum
        What was read.
    start : dict
        The start document made for it.
    """

    spectrum: FileSpectrum = field(compare=False, repr=False)
    start: dict[str, Any]

    @property
    def uid(self) -> str:
        """Uid of the run: follows from what the file holds."""
        return str(self.start["uid"])

    @property
    def where(self) -> str:
        """The file, and the spectrum's name in a project."""
        name = self.spectrum.name
        return f"{self.spectrum.file}, {name}" if name else str(self.spectrum.file)

    def documents(self) -> Iterator[Document]:
        """Yield start, descriptor, one page of events, and stop."""
        yield "start", dict(self.start)
        columns = _columns(self.spectrum)
        time, n = self.start["time"], len(self.spectrum.spectrum.energy)
        descriptor = _uid(self.uid, "primary")
        keys: dict[str, dict[str, Any]] = {
            name: {"dtype": "number", "shape": [], "source": str(self.spectrum.file)}
            for name in columns
        }
        keys["energy"]["units"] = "eV"
        keys["mu"]["live_lce"] = _given(self.spectrum.spectrum)
        yield (
            "descriptor",
            {
                "uid": descriptor,
                "run_start": self.uid,
                "name": "primary",
                "time": time,
                "data_keys": keys,
                "configuration": {},
                "hints": {},
                "object_keys": {},
            },
        )
        yield (
            "event_page",
            {
                "descriptor": descriptor,
                "seq_num": list(range(1, n + 1)),
                "uid": [_uid(descriptor, str(number)) for number in range(1, n + 1)],
                "time": [time] * n,
                "data": columns,
                "timestamps": {name: [time] * n for name in columns},
                "filled": {},
            },
        )
        yield (
            "stop",
            {
                "uid": _uid(self.uid, "stop"),
                "run_start": self.uid,
                "time": time,
                "exit_status": "success",
                "reason": "",
                "num_events": {"primary": n},
            },
        )


def read_data_runs(
    path: str | Path,
    *,
    signals: Signals | None = None,
    columns: Mapping[str, str] | None = None,
) -> list[DataRun]:
    """Read the spectra of a data file as runs.

    Equal files give equal uids, whatever they are called, so that none is published twice.

    Parameters
    ----------
    path : path
        As for :func:`live_lce.datafiles._files.read_spectra`.
    signals : Signals, optional
        Names, mode, dark offsets and excluded channels, where they fit the file.
    columns : mapping of str, optional
        Which column is what; the file is another run then.

    Returns
    -------
    list of DataRun
        One for each spectrum.

    Raises
    ------
    FileError
        If no spectrum can be read; one line with the reason.
    OSError
        If the file went away meanwhile.
    """
    path = Path(path)
    spectra = read_spectra(path, signals=signals, columns=columns)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    written = path.stat().st_mtime
    chosen = [f"{role}={column}" for role, column in sorted((columns or {}).items())]
    return [
        DataRun(spectrum, _start(spectrum, digest, _uid(digest, str(number), *chosen), written))
        for number, spectrum in enumerate(spectra)
    ]


def _start(found: FileSpectrum, digest: str, uid: str, written: float) -> dict[str, Any]:
    spectrum = found.spectrum
    start = {
        "uid": uid,
        # When it was measured, if the file tells; else when the file was written.
        "time": found.time if math.isfinite(found.time) else written,
        "plan_name": "data_file",
        "motors": ["energy"],
        "hints": {"dimensions": [[["energy"], "primary"]]},
        "num_points": len(spectrum.energy),
        # A table of results without any name would be of no use.
        "sample_name": found.sample or found.name or Path(found.file.name.removesuffix(".gz")).stem,
        # What a program guessed is no metadata; it goes with mu.
        "element": "" if spectrum.absorber_guessed else spectrum.absorber,
        "edge": "" if spectrum.absorber_guessed else spectrum.edge,
        "data_file": {
            "name": found.file.name,
            "sha256": digest,
            "spectrum": found.name,
            "columns": found.columns,
            "remarks": [finding.sentence for finding in spectrum.findings],
        },
    }
    return {key: value for key, value in start.items() if value != ""}


def _given(spectrum: Spectrum) -> dict[str, Any]:
    """Return what the engine cannot see in energies and mu, see `engine.roles.Given`."""
    return {
        "mode": spectrum.mode,
        "normalized": spectrum.normalized,
        "findings": [[finding.reason.value, finding.detail] for finding in spectrum.findings],
        "used": spectrum.used.words,
        "guessed": [spectrum.absorber, spectrum.edge] if spectrum.absorber_guessed else None,
        "hint_energy": spectrum.hint_energy,
    }


def _columns(found: FileSpectrum) -> dict[str, list[float]]:
    spectrum = found.spectrum
    columns = {"energy": spectrum.energy.tolist(), "mu": spectrum.mu.tolist()}
    if spectrum.reference is not None:
        # The engine takes a foil from two chambers: mu = ln(it / ir).
        columns["it"] = np.exp(spectrum.reference).tolist()
        columns["ir"] = [1.0] * len(spectrum.energy)
    return columns


def _uid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))

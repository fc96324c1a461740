"""Spectra as a NeXus file, by nexusformat (extra ``nexus``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live_lce.results._spectra import PublishedSpectrum

_NUMBERS = ("e0", "edge_reference", "energy_shift", "edge_step")


def write_nexus(path: Path, spectra: Sequence[PublishedSpectrum]) -> None:
    """Write spectra as entries of one file.

    Each ``NXentry`` holds ``data`` (NXdata: ``energy`` in eV, ``norm``), ``sample`` (NXsample),
    ``classification`` (NXprocess: program, version, label, confidence, status, model) and
    ``provenance`` (NXnote: JSON).  The entries do not claim the definition NXxas, which is for
    raw data and wants the monochromator and the intensities.

    Parameters
    ----------
    path : Path
        File to write.
    spectra : sequence of PublishedSpectrum
        What to write.

    References
    ----------
    M. Koennecke et al., J. Appl. Cryst. 48, 301 (2015).
    """
    from nexusformat.nexus import NXroot

    root = NXroot()
    for spectrum in spectra:
        root[f"spectrum_{spectrum.name.replace('-', '_')}"] = _entry(spectrum)
    root.attrs["default"] = next(iter(root.entries))
    saved = root.save(str(path), "w-")
    saved.attrs["file_name"] = path.name  # its folder is of no interest where the file goes
    saved.nxfile.close()


def _entry(spectrum: PublishedSpectrum) -> Any:
    from nexusformat.nexus import NXdata, NXentry, NXfield, NXnote, NXprocess, NXsample

    known, row, run = spectrum.provenance(), spectrum.row, spectrum.run
    title = f"{run.sample} {row['absorber']} {row['edge']} {row['label'] or row['status']}".strip()
    entry = NXentry(
        title=title, entry_identifier_uuid=run.analysis.uid, start_time=known.get("raw_start", "")
    )
    energy = NXfield(spectrum.energy, name="energy", units="eV", long_name="Photon energy")
    norm = NXfield(spectrum.norm, name="norm", long_name="Normalized absorption")
    entry["data"] = NXdata(norm, [energy], title=title)
    entry["sample"] = NXsample()
    entry["sample"]["name"] = run.sample
    process = NXprocess(
        program="live_lce",
        version=run.versions.get("live_lce", ""),
        date=known["analysis_time"],
        **{k: known.get(k, "") for k in ("absorber", "edge", "status", "reason", "label", "model")},
        confidence=float(row["confidence"]),
    )
    for name in _NUMBERS:
        process[name] = NXfield(float(row[name]), units="" if name == "edge_step" else "eV")
    entry["classification"] = process
    entry["provenance"] = NXnote(type="application/json", data=json.dumps(known, sort_keys=True))
    entry.attrs["default"] = "data"
    return entry

"""Write spectra as XDI files, Athena projects and NeXus files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from live_lce._support.text import one_line
from live_lce.results._spectra import PublishedSpectrum

_STANDARD = {
    "Element.symbol": "absorber",
    "Element.edge": "edge",
    "Sample.name": "sample",
    "Scan.start_time": "raw_start",
}
"""Words of XDI's dictionary, and ours; everything is in the family LiveLCE too."""


def write_xdi(path: Path, spectrum: PublishedSpectrum) -> None:
    """Write a spectrum with columns ``energy`` and ``norm``; numbers keep all their digits.

    The provenance is in the header, family ``LiveLCE``.  ``Mono.d_spacing``, which XDI wants of
    raw data, is not given: these are processed data on a grid in energy.

    Parameters
    ----------
    path : Path
        File to write.
    spectrum : PublishedSpectrum
        What to write.

    References
    ----------
    B. Ravel and M. Newville, J. Phys.: Conf. Ser. 712, 012148 (2016).
    """
    known = spectrum.provenance()
    header = [f"XDI/1.0 live_lce/{version('live_lce')}", "Column.1: energy eV", "Column.2: norm"]
    header += [
        f"{word}: {one_line(known[name])}" for word, name in _STANDARD.items() if name in known
    ]
    header += [f"LiveLCE.{name}: {one_line(text)}" for name, text in known.items()]
    header += [
        "///",
        "Normalized mu as live_lce published it, on its grid around the edge reference.",
        "Energies have LiveLCE.energy_shift added.",
        "---",
        "energy norm",
    ]
    rows = zip(spectrum.energy.tolist(), spectrum.norm.tolist(), strict=True)
    lines = [f"# {line}" for line in header] + [f"{energy!r} {norm!r}" for energy, norm in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


_KEY_LENGTH = 5
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write_athena(path: Path, spectra: Sequence[PublishedSpectrum]) -> None:
    """Write spectra as the groups of one project, marked as normalized.

    The provenance is in each group's titles, which Athena shows and exports, one
    ``name: text`` a line.

    Parameters
    ----------
    path : Path
        File to write.
    spectra : sequence of PublishedSpectrum
        What to write.

    References
    ----------
    B. Ravel and M. Newville, J. Synchrotron Rad. 12, 537 (2005).
    """
    from live_lce.spectra._larch_import import load_larch

    group_class = load_larch("symboltable").Group
    project = load_larch("io.athena_project").AthenaProject()
    for number, spectrum in enumerate(spectra):
        key = _key(number)
        group = group_class(
            energy=spectrum.energy, mu=spectrum.norm, e0=_e0(spectrum), edge_step=1.0, id=key
        )
        project.add_group(group)
        project.groups[key].args |= _arguments(spectrum)
    project.save(str(path))


def _arguments(spectrum: PublishedSpectrum) -> dict[str, Any]:
    row, e0 = spectrum.row, _e0(spectrum)
    name = spectrum.run.sample or spectrum.run.analysis.raw_uid[:8]
    titles = [_plain(f"{k}: {v}") for k, v in spectrum.provenance().items()]
    return {
        "label": _plain(f"{name} {spectrum.name[:8]}.{spectrum.spectrum_index}"),
        "titles": titles,
        "atsym": row["absorber"],
        "bkg_z": row["absorber"],
        "edge": row["edge"],
        "fft_edge": row["edge"].lower(),
        "is_nor": "1",
        # The fits were made on the whole scan; here is no more to do than to keep it as it is.
        "bkg_fixstep": "1",
        "bkg_nnorm": "0",
        "bkg_pre1": repr(float(spectrum.energy[0] - e0)),
        "bkg_pre2": repr(float(min(-15.0, spectrum.energy[-1] - e0))),
        "bkg_nor1": "30",
        "bkg_nor2": repr(float(max(spectrum.energy[-1] - e0, 31.0))),
    }


def _e0(spectrum: PublishedSpectrum) -> float:
    return float(spectrum.row["e0"])


def _key(number: int) -> str:
    """Return Athena's kind of key, five letters; the same project gets the same keys."""
    letters = []
    for _ in range(_KEY_LENGTH):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(reversed(letters))


def _plain(text: str) -> str:
    """Return free text without what Perl takes for code: Athena evaluates its projects."""
    harmless = re.sub(r"[^\w ().,:;=+*/<>%#&|?!^~-]", " ", text, flags=re.ASCII)
    return harmless.replace("undef", "un-def")  # larch leaves out lines with this word


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

"""Spectra as an Athena project, by larch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live_lce.results._spectra import PublishedSpectrum

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

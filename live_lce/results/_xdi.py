"""One spectrum as an XDI file (XAS Data Interchange 1.0): larch reads it, and has no writer."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

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

"""A published spectrum as a table in a file: CSV, with its provenance above."""

from __future__ import annotations

from live_lce._support.text import csv_comment
from live_lce.results._spectra import PublishedSpectrum


def spectrum_csv(spectrum: PublishedSpectrum) -> str:
    """Return a spectrum as CSV; the first lines, which begin with ``#``, say where it is from.

    ``numpy.loadtxt(file, delimiter=",", skiprows=N)`` reads it, N being in the first line.

    Parameters
    ----------
    spectrum : PublishedSpectrum
        Its numbers are written so that reading them gives the same ones.
    """
    said = [f"{name}: {' '.join(text.split())}" for name, text in spectrum.provenance().items()]
    units = "energy: photon energy (eV), with energy_shift added; norm: normalized mu (no unit)"
    head = [f"{len(said) + 3} lines before the numbers, the last of them names the columns"]
    lines = [f"# {csv_comment(line)}" for line in (*head, *said, units)]
    lines.append("energy,norm")
    lines += [f"{e!r},{n!r}" for e, n in zip(*_columns(spectrum), strict=True)]
    return "\n".join(lines) + "\n"


def _columns(spectrum: PublishedSpectrum) -> tuple[list[float], list[float]]:
    return spectrum.energy.tolist(), spectrum.norm.tolist()

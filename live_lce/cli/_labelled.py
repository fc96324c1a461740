"""Files of labelled spectra, read as `live-lce classify` reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from live_lce.datasets._standards import ReadFile
    from live_lce.settings import Signals
    from live_lce.spectra import Spectrum


def file_reader(signals: Signals, absorber: str = "") -> ReadFile:
    """Return a reader of files that hold one spectrum: XDI, columns, Athena projects.

    Parameters
    ----------
    signals : Signals
        Which column is what, where the files do not say.
    absorber : str
        Of files that name none.
    """
    from live_lce.datafiles import FileError, read_spectra
    from live_lce.datasets import DataError

    def read(path: Path) -> Spectrum:
        if not path.exists():
            raise DataError(f"no file {path}")
        try:
            found = read_spectra(path, signals=signals)
        except FileError as error:
            raise DataError(str(error)) from None
        if len(found) != 1:
            raise DataError(f"{path}: {len(found)} spectra: a label needs a file with one")
        spectrum = found[0].spectrum
        return spectrum if spectrum.absorber else replace(spectrum, absorber=absorber)

    return read

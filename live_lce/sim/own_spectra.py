"""Mix and scan your own measured standards like the shipped ones.

A folder with an ``index.csv`` (columns ``file`` and ``label``, as for ``live-lce train``) becomes
standards by file name; they go into samples and reactions by their argument `standards`::

    own = read_standards("standards/")
    sample = mixture({"hematite": 0.3, "ferrite": 0.7}, own)

Files are read as by ``live-lce classify`` and normalized as live scans are.  Where a file ends,
the spectrum goes on: below as the first value falling with distance, above towards 1.  They are
not broadened again: your monochromator has done that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from live_lce.sim.library import Standard

if TYPE_CHECKING:
    from live_lce.spectra import Spectrum

Array = NDArray[np.float64]

_FADING = 50.0  # eV: what is left of the fine structure fades by 1/e within
COVERED = (-20.0, 50.0)
"""A standard must cover this range (eV) around its edge."""


class OwnSpectraError(ValueError):
    """A file cannot be a standard; one line that names it and says what to do."""


@dataclass(frozen=True)
class MeasuredStandard(Standard):
    """A measured spectrum with a known label.

    Fields are those of :class:`~live_lce.sim.library.Standard`; what is only known of a
    structure (`shell`, `amcsd_id`, `fermi_level`) is empty.
    """

    @property
    def broadened(self) -> bool:
        """Whether a monochromator has broadened it already: it has."""
        return True

    def _beyond(self, energy: Array) -> Array:
        """Return what is left of the fine structure beyond the file."""
        above = np.maximum(energy - self.energy[-1], 0.0)
        left: Array = (self.mu[-1] - 1.0) * np.exp(-above / _FADING)
        return left


def measured_standard(
    path: str | Path, label: str, *, key: str = "", absorber: str = "", edge: str = ""
) -> MeasuredStandard:
    """Read one file as a standard.

    Parameters
    ----------
    path : path
        XDI, columns or an Athena project, with one spectrum.
    label : str
        T4, S5 or O6.
    key : str
        Name in mixtures; by default that of the file.
    absorber, edge : str
        Where the file does not say.

    Raises
    ------
    OwnSpectraError
        If it cannot be read or normalized, or is too short, or the label is none.
    """
    path = Path(path)
    spectrum = _read(path)
    spectrum = replace(
        spectrum,
        absorber=spectrum.absorber or absorber,
        edge=spectrum.edge or edge,
    )
    return _standard(str(path), key or path.stem, spectrum, label, "")


def read_standards(folder: str | Path, *, absorber: str = "") -> dict[str, Standard]:
    """Read a folder with an ``index.csv`` (see docs/how-to/train.md) as standards, by file name.

    Rows labelled other than T4, S5 or O6 are left out.

    Parameters
    ----------
    folder : path
        Holds ``index.csv`` and the files that it names.
    absorber : str
        Of files that name none.

    Raises
    ------
    OwnSpectraError
        If index or a file cannot be used, two rows have one name, or none is left.
    """
    from live_lce.contract import DEFAULT_CLASSES
    from live_lce.datasets import DataError, read_standards as read_index

    def read(path: Path) -> Spectrum:
        spectrum = _read(path)
        return spectrum if spectrum.absorber else replace(spectrum, absorber=absorber)

    found: dict[str, Standard] = {}
    try:
        for row in read_index(Path(folder), read=read):
            if row.label not in DEFAULT_CLASSES:
                continue
            if row.id in found:
                raise OwnSpectraError(f"{folder}: two rows are called {row.id!r}: add a column id")
            where = f"{folder}: {row.id}"
            found[row.id] = _standard(where, row.id, row.spectrum, row.label, row.formula)
    except DataError as error:
        raise OwnSpectraError(str(error)) from None
    if not found:
        raise OwnSpectraError(f"{folder}: no row is labelled {', '.join(DEFAULT_CLASSES)}")
    return found


def _read(path: Path) -> Spectrum:
    from live_lce.datafiles import FileError, read_spectra

    try:
        found = read_spectra(path)
    except FileError as error:
        raise OwnSpectraError(str(error)) from None
    if len(found) != 1:
        raise OwnSpectraError(f"{path}: {len(found)} spectra: a label needs a file with one")
    return found[0].spectrum


def _standard(
    where: str, key: str, spectrum: Spectrum, label: str, formula: str
) -> MeasuredStandard:
    from live_lce.contract import DEFAULT_CLASSES
    from live_lce.settings import AnalysisSettings
    from live_lce.spectra import SpectrumRejectedError, normalize

    if label not in DEFAULT_CLASSES:
        raise OwnSpectraError(f"{where}: no label {label!r}: use {', '.join(DEFAULT_CLASSES)}")
    try:
        done = normalize(spectrum, AnalysisSettings())
    except SpectrumRejectedError as error:
        raise OwnSpectraError(f"{where}: {error.finding.sentence}") from None
    low, high = (float(done.energy[i]) - done.e0 for i in (0, -1))
    if low > COVERED[0] or high < COVERED[1]:
        raise OwnSpectraError(
            f"{where}: covers {low:+.0f} to {high:+.0f} eV around its edge: "
            f"a standard needs {COVERED[0]:+.0f} to {COVERED[1]:+.0f} eV"
        )
    return MeasuredStandard(
        key=key, absorber=done.absorber, edge=done.edge, label=label, formula=formula,
        mineral="", citation=where, amcsd_id=0, shell=(), fermi_level=float("nan"),
        energy=done.energy, mu=done.norm,
    )  # fmt: skip

"""Convert what the monochromator reports to photon energy in eV.

What is stated about units is compared with the values: a stated unit that they contradict is
worth no more than none, one that could be meant is obeyed, and one that is unknown is refused
by its name.  Readings that are no energy at all (0, -1, padding) are left out, not the scan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import constants

from live_lce.contract import Finding, Reason
from live_lce.spectra._larch_import import load_larch_xafs
from live_lce.spectra._types import Array, SpectrumRejectedError

HC = constants.h * constants.c / constants.e * 1e10
"""h c in eV angstrom."""
ANGLES: Mapping[str, float] = {
    "deg": 1.0,
    "mdeg": 1e-3,
    "rad": 180.0 / np.pi,
    "mrad": 0.18 / np.pi,
    "urad": 0.00018 / np.pi,
    "arcmin": 1.0 / 60.0,
    "arcsec": 1.0 / 3600.0,
}
"""Units of an angle, in degrees."""

_SOFTEST, _HARDEST = 100.0, 200_000.0
_USUAL = (1000.0, 100_000.0)
"""Energies (eV) that crystals are used at: what an angle of no known units is judged by."""
_SPREAD = 20.0
"""A scan's energies lie within this factor of their median."""
_SCAN = 20
"""So many other points make a scan of which one value lies far off."""
_SPELLINGS = {
    "ev": r"ev|electron-?volts?",
    "kev": r"kev|kilo-?electron-?volts?",
    "deg": r"degs?|degrees?|°|º",
    "mdeg": r"mdegs?|milli-?deg(ree)?s?|m°",
    "rad": r"rads?|radians?",
    "mrad": r"mrads?|milli-?rad(ian)?s?",
    "urad": r"[uµμ]rads?|micro-?rad(ian)?s?",
    "arcmin": r"arc-?min(ute)?s?|amin|′|'",
    "arcsec": r"arc-?sec(ond)?s?|asec|″|\"|''",
}


def unit_name(units: str) -> str:
    """Return the name of a unit of energy or angle, whatever its spelling.

    Parameters
    ----------
    units : str
        As a data key or a header states it: ``keV``, ``[eV]``, ``degrees``, ``arc-seconds``.

    Returns
    -------
    str
        ev, kev, or a key of `ANGLES`; empty where nothing is stated (``auto``); else the text
        as it stands, which no function here knows.
    """
    text = re.sub(r"[\s\[\](){}._]", "", units).lower()
    if text in {"", "auto", "none", "null", "?"}:
        return ""
    known = (name for name, spelling in _SPELLINGS.items() if re.fullmatch(spelling, text))
    return next(known, units.strip())


def to_ev(values: ArrayLike, units: str = "auto") -> tuple[Array, tuple[Finding, ...]]:
    """Return energies in eV.

    Parameters
    ----------
    values : array_like of shape (n_points,)
        Energies as reported.
    units : str
        The data key's units: eV or keV in any spelling; anything else, or
        ``auto``, lets `larch.xafs.guess_energy_units` decide.

    Returns
    -------
    energy : ndarray of shape (n_points,)
        In eV; NaN for readings that are no energy (zero, negative, far from all others), which
        quality control leaves out and counts.
    findings : tuple of Finding
        `units_converted` where the values are not in eV, or not in what was stated.

    Raises
    ------
    SpectrumRejectedError
        `energy_units_unknown` if the values are neither eV nor keV, or are stated to be an angle.
    """
    energy = np.asarray(values, dtype=float)
    good = _readings(energy, "energies")
    if not good.any():
        return energy, ()
    stated = unit_name(units)
    low, high = float(energy[good].min()), float(energy[good].max())
    where = f"values from {low:g} to {high:g}"
    energy = energy if _only_nan_left_out(energy, good) else np.where(good, energy, np.nan)
    is_ev = low >= _SOFTEST and high <= _HARDEST
    is_kev = low >= _SOFTEST / 1000.0 and high <= _HARDEST / 1000.0
    if stated in ANGLES:
        if high * ANGLES[stated] < 90.0:
            detail = f"{where} in {units.strip()} are an angle, which needs `d_spacing`"
            raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, detail))
        if is_ev:
            return energy, (_contradicted(units, where, "eV"),)
    if stated == "kev":
        if is_kev:
            return energy * 1000.0, (Finding(Reason.UNITS_CONVERTED, "keV to eV"),)
        if is_ev:
            return energy, (_contradicted(units, where, "eV"),)
    elif is_ev:
        return energy, ()
    elif is_kev and (stated == "ev" or _guess(energy[good]) == "keV"):
        # A stated "eV" still says that it is an energy, and no angle.
        return energy * 1000.0, (Finding(Reason.UNITS_CONVERTED, "keV to eV"),)
    detail = f"{where}, stated units {units.strip()}" if stated else where
    raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, detail))


def angles_to_ev(
    values: ArrayLike, d_spacing: float, units: str = "auto"
) -> tuple[Array, tuple[Finding, ...]]:
    """Return energies in eV from Bragg angles, after a look at their units.

    Parameters
    ----------
    values : array_like of shape (n_points,)
        Bragg angles as reported.
    d_spacing : float
        Lattice spacing of the crystal's reflection in angstrom, e.g. 3.1356 for Si(111).
    units : str
        Units of the angles in any spelling (deg, mdeg, rad, mrad, urad, arcmin, arcsec).
        ``auto`` means degrees where those give energies from 1 to 100 keV, else the only
        unit that does.

    Returns
    -------
    energy : ndarray of shape (n_points,)
        In eV; NaN for readings that are no angle (zero, negative, far from all others).
    findings : tuple of Finding
        `units_converted` where the angles are not in degrees, or not in what was stated.

    Raises
    ------
    SpectrumRejectedError
        `energy_units_unknown` for a unit that is not known, or where no single one fits.
    ValueError
        If `d_spacing` is not positive.
    """
    angle = np.asarray(values, dtype=float)
    good = _readings(angle, "angles")
    stated = unit_name(units)
    if stated and stated not in ANGLES:
        known = ", ".join(ANGLES)
        detail = f"an angle in units {units.strip()}: {known} are known"
        raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, detail))
    if not good.any():
        return np.full(angle.shape, np.nan), ()
    ends = np.array([angle[good].min(), angle[good].max()])
    where = f"values from {ends[0]:g} to {ends[1]:g}"

    def gives(unit: str, softest: float, hardest: float) -> bool:
        energy = bragg_to_energy(ends, d_spacing, unit)
        return bool(np.isfinite(energy).all() and softest <= energy[1] and energy[0] <= hardest)

    findings: tuple[Finding, ...] = ()
    taken = stated
    if not stated or not gives(stated, _SOFTEST, _HARDEST):
        fitting = [unit for unit in ANGLES if gives(unit, *_USUAL)]
        if not fitting or (fitting[0] != "deg" and len(fitting) > 1):
            said = f"stated units {stated}" if stated else "no units stated"
            could = f", {' or '.join(fitting)} could be meant" if fitting else ""
            detail = f"Bragg angle, {where}, {said}{could}"
            raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, detail))
        taken = fitting[0]
    if stated and taken != stated:
        findings = (_contradicted(units, f"Bragg angle, {where}", taken),)
    elif taken != "deg":
        findings = (Finding(Reason.UNITS_CONVERTED, f"Bragg angle in {taken}, {where}"),)
    return bragg_to_energy(np.where(good, angle, np.nan), d_spacing, taken), findings


def bragg_to_energy(angle: ArrayLike, d_spacing: float, units: str = "deg") -> Array:
    """Return E = h c / (2 d sin(theta)), Bragg's law.

    Parameters
    ----------
    angle : array_like of shape (n_points,)
        Bragg angle.
    d_spacing : float
        Lattice spacing of the crystal's reflection in angstrom, e.g. 3.1356 for Si(111).
    units : str
        A key of `ANGLES`, in any spelling; values are not compared with it: see `angles_to_ev`.

    Returns
    -------
    ndarray of shape (n_points,)
        Energy in eV; NaN for angles outside 0 to 90 degrees.

    Raises
    ------
    ValueError
        If `d_spacing` is not positive, or the units are unknown.
    """
    if not d_spacing > 0:
        raise ValueError(f"d_spacing must be positive, not {d_spacing}")
    if (name := unit_name(units)) not in ANGLES:
        raise ValueError(f"units of an angle must be one of {', '.join(ANGLES)}, not {units!r}")
    theta = np.asarray(angle, dtype=float) * ANGLES[name]
    inside = (theta > 0) & (theta < 90)
    sine = np.sin(np.radians(np.where(inside, theta, np.nan)))
    return np.asarray(HC / (2.0 * d_spacing * sine), dtype=float)


def _readings(values: Array, what: str) -> NDArray[np.bool_]:
    """Tell which readings are of the scan: positive, and within a factor of their median.

    A counter that was not there gives 0 or -1, again and again; many different values below
    zero are another scale (relative to the edge), which nothing here can undo.
    """
    good = np.isfinite(values) & (values > 0)
    below = values[np.isfinite(values) & (values <= 0)]
    if np.unique(below).size > 3 or (below.size and not good.any()):
        finite = values[np.isfinite(values)]
        detail = f"{what} from {finite.min():g} to {finite.max():g}"
        raise SpectrumRejectedError(Finding(Reason.ENERGY_UNITS_UNKNOWN, detail))
    if good.any():
        middle = float(np.median(values[good]))
        good &= (values >= middle / _SPREAD) & (values <= middle * _SPREAD)
    return without_placeholders(values, good)


def without_placeholders(values: Array, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out the least and the greatest value where no scan reaches them.

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        Energies or angles.
    good : ndarray of bool of shape (n_points,)
        Which are looked at; all of them finite.

    Returns
    -------
    ndarray of bool of shape (n_points,)
        `good`, without a placeholder such as 9999, which lies farther from the scan than the
        scan is long.
    """
    for end in (values[good].max(), values[good].min()) if good.any() else ():
        rest = good & (values != end)
        if rest.sum() >= _SCAN and np.abs(values[rest] - end).min() > np.ptp(values[rest]):
            good = rest
    return good


def _only_nan_left_out(values: Array, good: NDArray[np.bool_]) -> bool:
    return bool((good | ~np.isfinite(values)).all())


def _contradicted(units: str, where: str, taken: str) -> Finding:
    detail = f"stated as {units.strip()}, but {where} can only be {taken}"
    return Finding(Reason.UNITS_CONVERTED, detail)


def _guess(energy: Array) -> str:
    guess = load_larch_xafs().guess_energy_units
    # larch looks at the finest step; averaged duplicates would make it zero.
    ordered = energy[np.concatenate([[True], np.diff(energy) != 0])]
    return str(guess(ordered)) if len(ordered) > 1 else "unknown"

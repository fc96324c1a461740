"""From what the detectors read to mu: one way for documents and for data files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.spectra import absorption
from live_lce.spectra.types import Array, Spectrum, SpectrumRejectedError, Used

MODES = ("norm", "mu", "transmission", "fluorescence", "reference")
"""How mu can be had, in the order in which it is taken where nothing else decides."""


@dataclass(frozen=True)
class Readings:
    """What was recorded of one spectrum, and which signal is what.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Photon energy in eV, in the order measured.
    channels : mapping of str to ndarray of shape (n_points,)
        Raw readings by name; NaN where a point has none.
    energy_name : str
        What the energy was taken from, for people.
    i0, it, ir : str
        Names of the intensities before and behind the sample, and behind the foil; empty where
        there is none.
    fluorescence : tuple of str
        Names of the fluorescence channels.
    mu, norm, foil : str
        Names of absorption, normalized absorption and the foil's absorption, where the
        beamline or the file has them computed.
    exclude : tuple of str
        Names or shell patterns of fluorescence channels to leave out.
    dark : mapping of str to float
        Readings without beam, by name.
    mode : str
        One of `MODES` if the user or the metadata state it; it is never replaced.
    absorber, edge : str
        As stated; empty where they are not.
    normalized : bool, optional
        As in :class:`~live_lce.spectra.types.Spectrum`.
    findings : tuple of Finding
        What was noticed before.
    """

    energy: Array
    channels: Mapping[str, Array]
    energy_name: str = ""
    i0: str = ""
    it: str = ""
    ir: str = ""
    fluorescence: tuple[str, ...] = ()
    mu: str = ""
    norm: str = ""
    foil: str = ""
    exclude: tuple[str, ...] = ()
    dark: Mapping[str, float] = field(default_factory=dict)
    mode: str = ""
    absorber: str = ""
    edge: str = ""
    normalized: bool | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def possible(self) -> tuple[str, ...]:
        """The modes for which all signals are named, in the order of `MODES`."""
        return possible_modes(
            i0=self.i0,
            it=self.it,
            ir=self.ir,
            fluorescence=self.fluorescence,
            mu=self.mu,
            norm=self.norm,
        )

    def values(self, name: str) -> Array:
        """Return the readings of a signal; NaN throughout if it was never read."""
        found = self.channels.get(name)
        return np.full(self.energy.shape, np.nan) if found is None else found


def possible_modes(
    *,
    i0: str = "",
    it: str = "",
    ir: str = "",
    fluorescence: tuple[str, ...] = (),
    mu: str = "",
    norm: str = "",
) -> tuple[str, ...]:
    """Return the modes for which all signals are named, in the order of `MODES`."""
    possible = {
        "norm": bool(norm),
        "mu": bool(mu),
        "transmission": bool(i0 and it),
        "fluorescence": bool(i0 and fluorescence),
        "reference": bool(it and ir),
    }
    return tuple(mode for mode in MODES if possible[mode])


def assemble(readings: Readings) -> Spectrum:
    """Choose how mu is made, and make it.

    Parameters
    ----------
    readings : Readings
        What was recorded.

    Returns
    -------
    Spectrum
        Its `used` and `findings` say what was taken, and what was left out.

    Raises
    ------
    SpectrumRejectedError
        `mode_unavailable` if the stated mode has no signals.
    """
    mode = _choose(readings)
    mu, findings, used = _make(readings, mode)
    return Spectrum(
        energy=readings.energy,
        mu=mu,
        absorber=readings.absorber,
        edge=readings.edge,
        mode="mu" if mode == "norm" else mode,
        normalized=True if mode == "norm" else readings.normalized,
        reference=_foil(readings, mode),
        findings=(*findings, *readings.findings),
        used=used,
    )


def _choose(readings: Readings) -> str:
    possible = readings.possible
    if readings.mode and readings.mode not in possible:
        detail = f"{readings.mode} is stated; there is {', '.join(possible) or 'nothing else'}"
        raise SpectrumRejectedError(Finding(Reason.MODE_UNAVAILABLE, detail))
    if not possible:
        raise SpectrumRejectedError(Finding(Reason.SIGNALS_UNKNOWN, ", ".join(readings.channels)))
    if readings.mode:
        return readings.mode
    if possible[0] == "mu":
        return _origin_of_mu(readings)
    alive = [mode for mode in possible if _is_alive(readings, mode)]
    return (alive or possible)[0]


def _is_alive(readings: Readings, mode: str) -> bool:
    """Tell whether the chamber behind the sample counts: it may be named and not connected."""
    if mode != "transmission":
        return True
    it = readings.values(readings.it)
    return not absorption.is_dead(it) and bool(np.count_nonzero(it) * 2 >= it.size)


def _origin_of_mu(readings: Readings) -> str:
    """Tell how the beamline computed mu, where the readings are there too: they say more."""
    given = readings.values(readings.mu)
    made_of = [mode for mode in ("fluorescence", "transmission") if mode in readings.possible]
    whole = replace(readings, exclude=())  # as the beamline summed them
    for mode in made_of if given.size else ():
        if np.allclose(_make(whole, mode)[0], given, rtol=1e-3):
            return mode
    return "mu"


def _make(readings: Readings, mode: str) -> tuple[Array, tuple[Finding, ...], Used]:
    value, dark = readings.values, readings.dark
    energy = f"energy = {readings.energy_name}" if readings.energy_name else ""
    if mode in ("norm", "mu"):
        name = readings.norm if mode == "norm" else readings.mu
        return value(name), (), Used(mode, name, energy, (name,))
    if mode in ("transmission", "reference"):
        above, below = (
            (readings.i0, readings.it) if mode == "transmission" else (readings.it, readings.ir)
        )
        mu = absorption.transmission(
            value(above),
            value(below),
            dark_i0=dark.get(above, 0.0),
            dark_it=dark.get(below, 0.0),
        )
        recorded = {name: value(name) for name in (above, below)}
        found = absorption.inspect_channels(recorded, incident=readings.i0)
        return mu, found, Used(mode, f"ln({above}/{below})", energy, (above, below))
    channels = {name: value(name) for name in readings.fluorescence}
    mu, found = absorption.fluorescence(
        value(readings.i0),
        channels,
        exclude=readings.exclude,
        dark=dark,
        dark_i0=dark.get(readings.i0, 0.0),
    )
    # Dead fluorescence channels are reported with the sum; a dead I0 and saturation are not.
    dead = absorption.inspect_channels({readings.i0: value(readings.i0)}, incident=readings.i0)
    more = tuple(
        finding
        for finding in absorption.inspect_channels(channels)
        if finding.reason != Reason.DEAD_CHANNEL
    )
    names = tuple(channels)
    words = f"({'+'.join(names)})/{readings.i0}" if len(names) > 1 else f"{names[0]}/{readings.i0}"
    return mu, (*found, *dead, *more), Used(mode, words, energy, (readings.i0, *names))


def _foil(readings: Readings, mode: str) -> Array | None:
    if readings.foil:
        return readings.values(readings.foil)
    if mode == "reference" or not (readings.it and readings.ir):
        return None
    return absorption.reference(
        readings.values(readings.it),
        readings.values(readings.ir),
        dark_it=readings.dark.get(readings.it, 0.0),
        dark_ir=readings.dark.get(readings.ir, 0.0),
    )

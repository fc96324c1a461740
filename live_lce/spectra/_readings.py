"""Make mu from detector readings, in one way for documents and data files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import Finding, Reason
from live_lce.spectra import _absorption as absorption, _beam as beam, _channels as channels
from live_lce.spectra._choice import PLAIN, STRONG, choose, find_rise
from live_lce.spectra._thickness import inspect_transmitted, may_be_thick
from live_lce.spectra._types import Array, Spectrum, SpectrumRejectedError, Used

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
    other_fluorescence : tuple of tuple of str
        Other groups of channels, any of which may be the signal instead.
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
        As in :class:`~live_lce.spectra._types.Spectrum`.
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
    other_fluorescence: tuple[tuple[str, ...], ...] = ()
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

    def without(self, lost: NDArray[np.bool_]) -> Readings:
        """Return these readings without some of the points; `lost` of shape (n_points,)."""
        if not lost.any():
            return self
        kept = {name: values[~lost] for name, values in self.channels.items()}
        return replace(self, energy=self.energy[~lost], channels=kept)

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
        `mode_unavailable` if the stated mode has no signals, `signals_unknown` if no mode has,
        and `points_without_beam` if most points have no beam.
    """
    possible = readings.possible
    if readings.mode and readings.mode not in possible:
        detail = f"{readings.mode} is stated; there is {', '.join(possible) or 'nothing else'}"
        raise SpectrumRejectedError(Finding(Reason.MODE_UNAVAILABLE, detail))
    if not possible:
        raise SpectrumRejectedError(Finding(Reason.SIGNALS_UNKNOWN, ", ".join(readings.channels)))
    readings = _upright(_without_padding(readings))
    lost = _without_beam(readings) & np.isfinite(readings.energy)
    findings = beam.remark(readings.energy, lost)
    if 2 * lost.sum() > lost.size:
        raise SpectrumRejectedError(findings[0], readings.findings)
    readings = readings.without(lost)
    readings, grouped = _with_best_channels(readings)
    made, chosen = _choose(readings)
    if made.used.mode == "fluorescence":
        chosen += grouped
    return Spectrum(
        energy=readings.energy,
        mu=made.mu,
        absorber=readings.absorber,
        edge=readings.edge,
        mode="mu" if made.used.mode == "norm" else made.used.mode,
        normalized=True if made.used.mode == "norm" else readings.normalized,
        reference=_foil(readings, made.used.mode),
        findings=(*findings, *chosen, *made.findings, *readings.findings),
        used=replace(made.used, n_without_beam=int(lost.sum())),
    )


def _without_padding(readings: Readings) -> Readings:
    """Return no readings where there is no energy: quality control drops and counts those."""
    padding = ~np.isfinite(readings.energy)
    if not padding.any():
        return readings
    blank = {name: np.where(padding, np.nan, v) for name, v in readings.channels.items()}
    return replace(readings, channels=blank)


def _upright(readings: Readings) -> Readings:
    """Return intensities that are positive, whatever the polarity of each electrometer."""
    flipped, dark = dict(readings.channels), dict(readings.dark)
    groups = (readings.fluorescence, *readings.other_fluorescence)
    for name in {readings.i0, readings.it, readings.ir, *(n for group in groups for n in group)}:
        if name in flipped and absorption.is_negative(flipped[name] - dark.get(name, 0.0)):
            flipped[name] = -flipped[name]
            dark[name] = -dark.get(name, 0.0)
    return replace(readings, channels=flipped, dark=dark)


@dataclass(frozen=True)
class _Made:
    """mu by one of the modes, of shape (n_points,), and what was noticed of its signals."""

    mu: Array
    used: Used
    findings: tuple[Finding, ...] = ()


def _without_beam(readings: Readings) -> NDArray[np.bool_]:
    """Tell at which points there was no beam; of shape (n_points,)."""
    name = readings.i0 or ("" if readings.mu or readings.norm else readings.it)
    if name not in readings.channels:
        return np.zeros(readings.energy.shape, dtype=bool)
    i0 = readings.values(name) - readings.dark.get(name, 0.0)
    behind = readings.it if name == readings.i0 and readings.it else readings.ir
    mu = None
    if behind in readings.channels and not absorption.is_dead(readings.values(behind)):
        mu = absorption.transmission(
            i0, readings.values(behind), dark_it=readings.dark.get(behind, 0.0)
        )
    elif readings.fluorescence:
        mu = absorption.fluorescence(
            i0, {n: readings.values(n) for n in readings.fluorescence}, dark=readings.dark
        )
    return beam.without_beam(i0, mu)


def _with_best_channels(readings: Readings) -> tuple[Readings, tuple[Finding, ...]]:
    """Take the first group of fluorescence channels, unless only another one shows the edge."""
    groups = (readings.fluorescence, *readings.other_fluorescence)
    first = replace(readings, other_fluorescence=())
    if len(groups) == 1 or not readings.i0 or not readings.energy.size:
        return first, ()
    tried = [replace(first, fluorescence=group) for group in groups]
    made = [_summed(one, "") for one in tried]
    rises = (find_rise(readings.energy, m.mu, readings.absorber, readings.edge) for m in made)
    contrasts = [contrast for contrast, _ in rises]
    best = choose(contrasts)
    if best == 0:
        return first, ()
    return tried[best], (_chosen(made[best], made[0], contrasts[0]),)


def _choose(readings: Readings) -> tuple[_Made, tuple[Finding, ...]]:
    """Make mu as stated, else by the first mode, unless only another one shows the edge."""
    possible = readings.possible
    if readings.mode:
        return _make(readings, readings.mode), ()
    if possible[0] == "mu":
        first = _origin_of_mu(readings)
    else:
        first = ([mode for mode in possible if _is_alive(readings, mode)] or possible)[0]
    made = _make(readings, first)
    if first == "reference":
        detail = f"{made.used.signal}, the reference foil, is all that was recorded"
        return made, (Finding(Reason.SIGNAL_CHOSEN, detail),)
    # The foil is no sample: its edge says nothing of the others.
    others = [mode for mode in possible if mode not in (first, "norm", "reference")]
    if not others or first == "norm" or not readings.energy.size:
        return made, ()
    edge = (readings.absorber, readings.edge)
    plain, _ = find_rise(readings.energy, made.mu, *edge)
    if plain >= STRONG:
        return made, ()
    tried = [made, *(_make(readings, mode) for mode in others)]
    contrasts = [plain, *(find_rise(readings.energy, m.mu, *edge)[0] for m in tried[1:])]
    best = choose(contrasts)
    if best == 0:
        return made, ()
    return tried[best], (_chosen(tried[best], made, plain),)


def _chosen(taken: _Made, default: _Made, contrast: float) -> Finding:
    how = "hardly does" if contrast >= PLAIN else "does not"
    detail = f"{taken.used.signal} shows the edge, {default.used.signal} {how}"
    return Finding(Reason.SIGNAL_CHOSEN, detail)


def _is_alive(readings: Readings, mode: str) -> bool:
    """Tell whether the chamber behind the sample counts: it may be named and not connected."""
    if mode != "transmission":
        return True
    it = readings.values(readings.it)
    return not absorption.is_dead(it) and bool(np.count_nonzero(it) * 2 >= it.size)


def _origin_of_mu(readings: Readings) -> str:
    """Tell how the beamline computed mu, where the readings are there too: they say more."""
    given = readings.values(readings.mu)
    if not given.size:
        return "mu"
    i0, possible = readings.values(readings.i0), readings.possible
    made = {}
    if "fluorescence" in possible:  # of all channels, as the beamline summed them
        made["fluorescence"] = absorption.fluorescence(
            i0,
            {name: readings.values(name) for name in readings.fluorescence},
            dark=readings.dark,
            dark_i0=readings.dark.get(readings.i0, 0.0),
        )
    if "transmission" in possible:
        made["transmission"] = _log_ratio(readings, readings.i0, readings.it)
    equal = (m for m, mu in made.items() if np.allclose(mu, given, rtol=1e-3, equal_nan=True))
    return next(equal, "mu")


def _make(readings: Readings, mode: str) -> _Made:
    value = readings.values
    energy = f"energy = {readings.energy_name}" if readings.energy_name else ""
    if mode in ("norm", "mu"):
        name = readings.norm if mode == "norm" else readings.mu
        return _Made(value(name), Used(mode, name, energy, (name,)))
    if mode == "fluorescence":
        return _summed(readings, energy)
    above, below = (
        (readings.i0, readings.it) if mode == "transmission" else (readings.it, readings.ir)
    )
    recorded = {name: value(name) for name in (above, below)}
    mu, found = _without_stuck(_log_ratio(readings, above, below), recorded)
    found += absorption.inspect_channels(recorded, incident=readings.i0)
    incident, behind = (value(name) - readings.dark.get(name, 0.0) for name in (above, below))
    if may_be_thick(mu, behind):
        _, at = find_rise(readings.energy, mu, readings.absorber, readings.edge)
        found += inspect_transmitted(readings.energy, incident, behind, at)
    return _Made(mu, Used(mode, f"ln({above}/{below})", energy, (above, below)), found)


def _summed(readings: Readings, energy: str) -> _Made:
    """Make mu of the fluorescence channels that can be summed."""
    i0, dark = readings.values(readings.i0), readings.dark
    every = {name: readings.values(name) for name in readings.fluorescence}
    out = channels.left_out(i0 - dark.get(readings.i0, 0.0), every, readings.exclude)
    kept = {name: values for name, values in every.items() if name not in out}
    mu = absorption.fluorescence(i0, kept, dark=dark, dark_i0=dark.get(readings.i0, 0.0))
    total = sum(kept.values(), np.zeros(i0.shape))
    mu, found = _without_stuck(mu, {readings.i0: i0, " + ".join(kept): total})
    found += channels.remarks(every, out, readings.exclude)
    found += absorption.inspect_channels({readings.i0: i0, **kept}, incident=readings.i0)
    names = tuple(kept) or tuple(every)
    words = f"({'+'.join(names)})/{readings.i0}" if len(names) > 1 else f"{names[0]}/{readings.i0}"
    used = Used("fluorescence", words, energy, (readings.i0, *names), excluded=tuple(out))
    return _Made(mu, used, found)


def _log_ratio(readings: Readings, above: str, below: str) -> Array:
    return absorption.transmission(
        readings.values(above),
        readings.values(below),
        dark_i0=readings.dark.get(above, 0.0),
        dark_it=readings.dark.get(below, 0.0),
    )


def _without_stuck(mu: Array, recorded: Mapping[str, Array]) -> tuple[Array, tuple[Finding, ...]]:
    """Return mu without the points at which one of its signals did not change, and say so."""
    found = []
    for name, values in recorded.items():
        at = channels.stuck(values)
        if at.any():
            mu = np.where(at, np.nan, mu)
            detail = f"{name} is stuck at {values[at][0]:g} for {at.sum()} points"
            found.append(Finding(Reason.POINTS_DROPPED, detail))
    return mu, tuple(found)


def _foil(readings: Readings, mode: str) -> Array | None:
    if readings.foil:
        return readings.values(readings.foil)
    if mode == "reference" or not (readings.it and readings.ir):
        return None
    return _log_ratio(readings, readings.it, readings.ir)

"""Decide which data keys of a stream make up a spectrum.

From the settings first, then the beamline's preset, then names, units and hints (the names
are in :mod:`live_lce.spectra._names`).  The mode comes from the settings, else the metadata, and
then no other is taken.  Where neither states it, all that there is are candidates, and the
spectrum decides (:mod:`live_lce.spectra._readings`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from live_lce.contract import Finding, Reason
from live_lce.engine import _axis as axis, _metadata as metadata
from live_lce.engine._external import row_shape
from live_lce.engine._presets import Preset, choose
from live_lce.engine._roles import Given, Roles
from live_lce.settings import Signals
from live_lce.spectra import Used, _names as names
from live_lce.spectra._energy import unit_name
from live_lce.spectra._readings import possible_modes

MOST_CHANNELS = 64
"""An array of more values a point is a spectrum or an image, not the channels of a detector."""


@dataclass(frozen=True)
class _Stream:
    """A descriptor with what is needed to look through it."""

    descriptor: Mapping[str, Any]
    signals: Signals
    preset: Preset | None
    absorber: str
    edge: str
    taken: frozenset[str]
    array: bool = False

    @property
    def keys(self) -> list[str]:
        """The data keys that may be signals: one number a point, or a spectrum as the axis is."""
        return [key for key in self.readable if self._has_shape(key)]

    def one(self, role: str) -> str:
        """Return the data key of mu, or of i0, it or ir as far as it is stated; else empty."""
        if stated := str(getattr(self.signals, role)):
            return stated if stated in self.descriptor["data_keys"] else ""
        if self.preset:
            good = [key for key, units in self.units.items() if names.fits(role, units)]
            if found := axis.match(getattr(self.preset, role), good):
                return axis.best(found, self.descriptor, frozenset())
        if role == "mu":
            return next(iter(names.candidates(role, self.units, self._prefer)), "")
        return ""

    def chambers(self, mu: str) -> tuple[str, str, str]:
        """Return the data keys of i0, it and ir, each empty where there is none."""
        stated = {role: self.one(role) for role in ("i0", "it", "ir")}
        used = {mu, *stated.values()}
        rest = {key: units for key, units in self.units.items() if key not in used}
        found = names.chambers(rest, self._prefer)
        i0, it, ir = (
            key if key or getattr(self.signals, role) else found.get(role, "")
            for role, key in stated.items()
        )
        return i0, it, ir

    def channels(self, used: set[str]) -> tuple[tuple[str, ...], ...]:
        """Return the groups of fluorescence channels, the likeliest first."""
        keys = [key for key in self._channel_keys if key not in used]
        if stated := self.signals.fluorescence:
            found = (key for pattern in stated for key in axis.match([pattern], keys))
            return tuple(group for group in (tuple(dict.fromkeys(found)),) if group)
        if self.preset:
            patterns = [p.format(absorber=self.absorber or "?") for p in self.preset.fluorescence]
            if matched := axis.match(patterns, keys):
                return (tuple(matched),)
        units = {key: axis.units_of(self.descriptor, key) for key in sorted(keys)}
        return names.fluorescence(units, self.absorber, self.edge)

    @property
    def readable(self) -> list[str]:
        """All data keys but the axis, for messages."""
        return [key for key in self.descriptor["data_keys"] if key not in self.taken]

    @property
    def units(self) -> dict[str, str]:
        """The units of `keys`."""
        return {key: axis.units_of(self.descriptor, key) for key in self.keys}

    @property
    def positions(self) -> frozenset[str]:
        """The data keys in units of a length or an angle."""
        kinds = {key: names.kind_of(axis.units_of(self.descriptor, key)) for key in self.readable}
        return frozenset(key for key, kind in kinds.items() if kind in {"length", "angle"})

    @property
    def misfits(self) -> str:
        """What is named like a signal and cannot be one, for people; empty if nothing is."""
        units = {key: axis.units_of(self.descriptor, key) for key in self.readable}
        said = [
            f"{key} is in {units[key]}"
            for role in ("mu", "i0", "it", "ir")
            for key in names.unfit(role, units)
        ]
        said += [
            f"{key} holds {_size(self.descriptor, key)} values a point"
            for role in ("mu", "i0", "it", "ir")
            for key in names.candidates(role, units)
            if not self._has_shape(key)
        ]
        said += [
            f"signals.{role} = {stated} is not in the stream"
            for role in ("mu", "i0", "it", "ir")
            if (stated := getattr(self.signals, role))
            and stated not in self.descriptor["data_keys"]
        ]
        return ", ".join(dict.fromkeys(said))

    @property
    def _channel_keys(self) -> list[str]:
        """The data keys that may be fluorescence: a detector may give its channels as one array."""
        if self.array:
            return self.keys
        return [
            key
            for key in self.readable
            if self._has_shape(key) or 1 <= _size(self.descriptor, key) <= MOST_CHANNELS
        ]

    def _has_shape(self, key: str) -> bool:
        if self.array:
            return _is_array(self.descriptor, key)
        data_key = self.descriptor["data_keys"][key]
        if isinstance(data_key, Mapping) and "external" in data_key:
            return True  # what can be read from files is looked at later
        return _size(self.descriptor, key) == 1

    def _prefer(self, key: str) -> tuple[bool, bool, bool, int, str]:
        return axis.order(key, self.descriptor, frozenset())


def resolve(
    start: Mapping[str, Any], descriptor: Mapping[str, Any], signals: Signals
) -> Roles | Finding | None:
    """Find the roles of a stream's data keys.

    Parameters
    ----------
    start, descriptor : mapping
        Documents of the run.
    signals : Signals
        Settings; what they name is not searched for.

    Returns
    -------
    Roles, Finding or None
        None if the stream holds no absorption spectrum (alignment scan, baseline);
        a finding if it scans energy but cannot be read.

    Raises
    ------
    KeyError, TypeError, AttributeError
        If the descriptor is malformed.
    """
    if any("live_lce" in key for key in descriptor["data_keys"].values()):
        signals = Signals()  # a data file: they were applied when it was read
    name = str(descriptor.get("name") or "primary")
    if name == "baseline" or (signals.stream and name != signals.stream):
        return None
    preset = choose(signals.preset, start)
    scan = axis.scanned(start)
    moved = scan.names if name in scan.streams or signals.stream else frozenset[str]()
    energy, bragg, declared = _axis(descriptor, signals, preset, moved)
    if not (energy or bragg):
        if wrong := axis.misfits(descriptor, moved):
            return Finding(Reason.ENERGY_UNITS_UNKNOWN, wrong)
        return None
    stated_axis = bool(signals.energy or signals.bragg)
    array = _is_array(descriptor, energy or bragg) and signals.spectrum_per in {"auto", "event"}
    if scan.stated and not declared and not array and not stated_axis and name in scan.streams:
        return None  # something else was scanned, and energy only read along
    stream = _Stream(
        descriptor,
        signals,
        preset,
        metadata.find_absorber(start, preset),
        metadata.find_edge(start, preset),
        frozenset({energy or bragg}),
        array,
    )
    found = _roles(stream, start, energy, bragg, declared)
    if isinstance(found, Finding):
        # Only a declared energy scan is worth a complaint: monitors and fly streams are not.
        return found if declared and not array else None
    if found.bragg and found.d_spacing is None:
        return Finding(Reason.ENERGY_UNITS_UNKNOWN, f"{bragg} is an angle, without d_spacing")
    return _with_external(found, descriptor["data_keys"], signals.outer)


def _with_external(roles: Roles, data_keys: Mapping[str, Any], outer: str) -> Roles | Finding:
    """Say which data keys are in files that `stream_resource` documents tell of."""
    kinds = {
        key: str(data_keys[key]["external"])
        for key in dict.fromkeys((*roles.read, outer))
        if key in data_keys and "external" in data_keys[key]
    }
    streamed = tuple(key for key, kind in kinds.items() if kind.startswith("STREAM"))
    # Files behind `resource` and `datum` each need a handler of the beamline's own.
    if others := [key for key in roles.needed if key in kinds and key not in streamed]:
        detail = f"{', '.join(others)}: documents of the old kind (resource and datum)"
        return Finding(Reason.EXTERNAL_DATA, detail)
    for key in streamed:
        shape = row_shape(data_keys[key])
        if key in roles.needed and not roles.array and math.prod(shape) != 1:
            return Finding(Reason.EXTERNAL_DATA, f"{key} has the shape {shape} at each point")
    return replace(roles, external=streamed)


def declares_energy(start: Mapping[str, Any], signals: Signals) -> bool:
    """Tell whether a start document says that energy is scanned (for runs without events)."""
    wanted = {key for key in (signals.energy, signals.bragg) if key}
    moved = axis.scanned(start).names
    return any(n in wanted or axis.is_energy_name(n) or axis.is_bragg_name(n) for n in moved)


def named(keys: Iterable[str]) -> list[str]:
    """Return the data keys that are called like the energy or a signal of a spectrum."""
    bare = dict.fromkeys(sorted(keys), "")
    found = [*names.candidates("energy", bare)[:1], *names.candidates("mu", bare)[:1]]
    found += names.chambers(bare).values()
    return found + [key for group in names.fluorescence(bare)[:1] for key in group]


def _axis(
    descriptor: Mapping[str, Any],
    signals: Signals,
    preset: Preset | None,
    moved: frozenset[str],
) -> tuple[str, str, bool]:
    """Return the keys of energy and Bragg angle, and whether it is declared as scanned."""
    keys = descriptor["data_keys"]
    if signals.energy:
        key = signals.energy if signals.energy in keys else ""
        return key, "", bool(key) and axis.is_scanned(key, moved, descriptor)
    if signals.bragg:
        key = signals.bragg if signals.bragg in keys else ""
        return "", key, bool(key) and axis.is_scanned(key, moved, descriptor)
    energy = axis.energy_key(descriptor, preset, moved)
    if energy and axis.is_scanned(energy, moved, descriptor):
        return energy, "", True
    if bragg := axis.bragg_key(descriptor, moved):
        # The energy read along is better than an angle, which needs the crystal.
        return (energy, "", True) if energy else ("", bragg, True)
    return energy, "", False


def _roles(
    stream: _Stream, start: Mapping[str, Any], energy: str, bragg: str, declared: bool
) -> Roles | Finding:
    signals, preset = stream.signals, stream.preset
    mu = stream.one("mu")
    i0, it, ir = stream.chambers(mu)
    groups = stream.channels({i0, it, ir, mu})
    channels = groups[0] if groups else ()
    possible = possible_modes(i0=i0, it=it, ir=ir, fluorescence=channels, mu=mu)
    mode = _stated_mode(signals, metadata.find_mode(start, preset), mu)
    if not possible or (mode and mode not in possible):
        parts = [f"{mode} is stated" if mode else ""]
        parts += [f"there is {', '.join(possible)}" if possible else ""]
        parts += [stream.misfits, f"recorded: {', '.join(sorted(stream.readable)[:12])}"]
        detail = "; ".join(part for part in parts if part)
        return Finding(Reason.MODE_UNAVAILABLE if possible else Reason.SIGNALS_UNKNOWN, detail)
    used = (i0, it, ir, *(key for group in groups for key in group))
    return Roles(
        mode=mode,
        energy=energy,
        bragg=bragg,
        units=_units(stream.descriptor, energy or bragg, signals if energy else None),
        d_spacing=signals.d_spacing or metadata.find_d_spacing(start, preset),
        i0=i0,
        it=it,
        ir=ir,
        mu=mu,
        fluorescence=channels,
        other_fluorescence=groups[1:],
        exclude=signals.exclude,
        dark={**_dark(stream.descriptor, preset, used), **signals.dark},
        declared=declared,
        array=stream.array,
        positions=stream.positions,
        given=_given(stream.descriptor["data_keys"][mu]) if mu else Given(),
    )


def _given(data_key: Mapping[str, Any]) -> Given:
    """Return what a source of ours says of the mu that it computed (a data file)."""
    said = data_key.get("live_lce")
    if not isinstance(said, Mapping):
        return Given()
    return Given(
        mode=str(said["mode"]),
        normalized=said["normalized"],
        findings=tuple(Finding(Reason(reason), detail) for reason, detail in said["findings"]),
        used=Used(signal=str(said["used"])) if said.get("used") else None,
        guessed=tuple(said["guessed"]) if said.get("guessed") else None,
        hint_energy=said.get("hint_energy"),
    )


def _stated_mode(signals: Signals, from_metadata: str, mu: str) -> str:
    """Return the mode that settings or metadata state, or an empty string."""
    if signals.mode != "auto":
        return signals.mode
    return "mu" if signals.mu and mu else from_metadata


def _is_array(descriptor: Mapping[str, Any], key: str) -> bool:
    data_key = descriptor["data_keys"][key]
    shape = list(data_key.get("shape") or ())
    return data_key.get("dtype") == "array" and len(shape) == 1 and shape[0] != 1


def _size(descriptor: Mapping[str, Any], key: str) -> int:
    """Return how many values a point has; negative where that varies or is malformed."""
    data_key = descriptor["data_keys"][key]
    try:
        return math.prod(row_shape(data_key))
    except (AttributeError, TypeError):
        return -1


def _units(descriptor: Mapping[str, Any], key: str, signals: Signals | None) -> str:
    """Return the units of the axis: from the settings (of an energy), else the data key."""
    if signals is not None and signals.energy_units != "auto":
        return signals.energy_units
    stated = axis.units_of(descriptor, key)
    return {"ev": "eV", "kev": "keV"}.get(unit_name(stated), stated or "auto")


def _dark(
    descriptor: Mapping[str, Any], preset: Preset | None, keys: Iterable[str]
) -> dict[str, float]:
    """Return the dark offsets that a beamline keeps in the descriptor's configuration."""
    if preset is None or preset.dark is None:
        return {}
    suffix, replacement = preset.dark
    configuration = descriptor.get("configuration")
    offsets: dict[str, float] = {}
    for device in configuration.values() if isinstance(configuration, Mapping) else ():
        data = device.get("data") if isinstance(device, Mapping) else None
        for key in keys:
            value = data.get(key.removesuffix(suffix) + replacement) if data else None
            if key.endswith(suffix) and isinstance(value, (int, float)):
                offsets[key] = float(value)
    return offsets

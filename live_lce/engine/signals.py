"""Which data keys of a stream make up a spectrum.

From the settings first, then the beamline's preset, then names and hints.  The mode
comes from the settings, else the metadata, else what there is: mu computed by the
beamline, then transmission (I0 and It), then fluorescence (channels and I0), then the
reference foil (It and Ir).  Beamlines that always read both, and do not say which one is
meant, are best told by ``signals.mode``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from live_lce.contract import Finding, Reason
from live_lce.engine import axis, metadata
from live_lce.engine.external import row_shape
from live_lce.engine.presets import Preset, choose
from live_lce.engine.roles import Given, Roles
from live_lce.settings import Signals
from live_lce.spectra.readings import possible_modes
from live_lce.spectra.types import Used

_NAMES = {
    "i0": {"i0", "izero", "ic0", "i00", "io"},
    "it": {"it", "itrans", "i1", "ic1", "trans", "transmission", "transmitted"},
    "ir": {"ir", "iref", "i2", "ic2", "ref", "reference"},
    "mu": {"mu", "xmu", "mutrans", "mufluor", "mut", "muf", "absorption"},
}
_NOT_A_SIGNAL = {
    *("setpoint", "gain", "offset", "range", "time", "std", "sigma", "rms", "dark", "count_time"),
    *("volt", "bias", "flow", "rate", "kill", "timestamp", "state", "energy", "preset"),
}
_FLUORESCENCE = re.compile(
    r"(^|[^a-z])(if|iff|if\d|ifl?uo\w*|fluo\w*|fl|pips|lytle|t?fy|pfy)\d*($|[^a-z])"
    r"|(xs\d*|xsp\w*|xspress\w*|vortex|sdd|ge|mca|me\d)\w*?roi",
    re.IGNORECASE,
)
_ROI = re.compile(r"roi_?(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class _Stream:
    """A descriptor with what is needed to look through it."""

    descriptor: Mapping[str, Any]
    signals: Signals
    preset: Preset | None
    absorber: str
    taken: frozenset[str]

    @property
    def keys(self) -> list[str]:
        return [key for key in self.descriptor["data_keys"] if key not in self.taken]

    def one(self, role: str) -> str:
        """Return the data key of i0, it, ir or mu, or an empty string."""
        if stated := str(getattr(self.signals, role)):
            return stated if stated in self.descriptor["data_keys"] else ""
        if self.preset and (found := axis.match(getattr(self.preset, role), self.keys)):
            return axis.best(found, self.descriptor, frozenset())
        found = [key for key in self.keys if _is_named(key, _NAMES[role])]
        return axis.best(found, self.descriptor, frozenset())

    def channels(self) -> tuple[str, ...]:
        """Return the data keys of the fluorescence channels."""
        if stated := self.signals.fluorescence:
            return tuple(
                dict.fromkeys(key for pattern in stated for key in axis.match([pattern], self.keys))
            )
        if self.preset:
            patterns = [p.format(absorber=self.absorber or "?") for p in self.preset.fluorescence]
            if found := axis.match(patterns, self.keys):
                return tuple(found)
        found = [k for k in self.keys if _FLUORESCENCE.search(k) and not _words(k) & _NOT_A_SIGNAL]
        # Several regions of interest of one detector are several elements: only the first.
        numbers = [int(m.group(1)) for k in found if (m := _ROI.search(k))]
        if numbers:
            found = [k for k in found if (m := _ROI.search(k)) and int(m.group(1)) == min(numbers)]
        return tuple(sorted(found))


def _words(key: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", key.lower()))


def _is_named(key: str, names: set[str]) -> bool:
    words = _words(key)
    return bool(words & names) and not words & _NOT_A_SIGNAL


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
    names = scan.names if name in scan.streams or signals.stream else frozenset[str]()
    energy, bragg, declared = _axis(descriptor, signals, preset, names)
    if not (energy or bragg):
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
        frozenset({energy or bragg}),
    )
    found = _roles(stream, start, energy, bragg, declared, array)
    if isinstance(found, Finding):
        # Only a declared energy scan is worth a complaint: monitors and fly streams are not.
        return found if declared and not array else None
    if found.bragg and found.d_spacing is None:
        return Finding(Reason.ENERGY_UNITS_UNKNOWN, f"{bragg} is an angle")
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
    names = axis.scanned(start).names
    return any(n in wanted or axis.is_energy_name(n) or axis.is_bragg_name(n) for n in names)


def _axis(
    descriptor: Mapping[str, Any],
    signals: Signals,
    preset: Preset | None,
    names: frozenset[str],
) -> tuple[str, str, bool]:
    """Return the keys of energy and Bragg angle, and whether it is declared as scanned."""
    keys = descriptor["data_keys"]
    if signals.energy:
        key = signals.energy if signals.energy in keys else ""
        return key, "", bool(key) and axis.is_scanned(key, names, descriptor)
    if signals.bragg:
        key = signals.bragg if signals.bragg in keys else ""
        return "", key, bool(key) and axis.is_scanned(key, names, descriptor)
    energy = axis.energy_key(descriptor, preset, names)
    if energy and axis.is_scanned(energy, names, descriptor):
        return energy, "", True
    if bragg := axis.bragg_key(descriptor, names):
        # The energy read along is better than an angle, which needs the crystal.
        return (energy, "", True) if energy else ("", bragg, True)
    return energy, "", False


def _roles(
    stream: _Stream, start: Mapping[str, Any], energy: str, bragg: str, declared: bool, array: bool
) -> Roles | Finding:
    signals, preset = stream.signals, stream.preset
    i0, it, ir, mu = (stream.one(role) for role in ("i0", "it", "ir", "mu"))
    channels = tuple(k for k in stream.channels() if k not in {i0, it, ir, mu})
    if array:
        i0, it, ir, mu = (
            key if key and _is_array(stream.descriptor, key) else "" for key in (i0, it, ir, mu)
        )
        channels = tuple(key for key in channels if _is_array(stream.descriptor, key))
    possible = possible_modes(i0=i0, it=it, ir=ir, fluorescence=channels, mu=mu)
    mode = _stated_mode(signals, metadata.find_mode(start, preset), mu)
    if mode and mode not in possible:
        others = f"there is {', '.join(possible)}" if possible else ""
        known = ", ".join(sorted(stream.keys)[:12])
        detail = "; ".join(part for part in (f"{mode} is stated", others, known) if part)
        return Finding(Reason.MODE_UNAVAILABLE if possible else Reason.SIGNALS_UNKNOWN, detail)
    if not possible:
        return Finding(Reason.SIGNALS_UNKNOWN, ", ".join(sorted(stream.keys)[:12]))
    units: str = signals.energy_units
    if energy and units == "auto":
        units = _units(stream.descriptor["data_keys"][energy])
    used = (i0, it, ir, *channels)
    return Roles(
        mode=mode,
        energy=energy,
        bragg=bragg,
        energy_units=units,
        d_spacing=signals.d_spacing or metadata.find_d_spacing(start, preset),
        i0=i0,
        it=it,
        ir=ir,
        mu=mu,
        fluorescence=channels,
        exclude=signals.exclude,
        dark={**_dark(stream.descriptor, preset, used), **signals.dark},
        declared=declared,
        array=array,
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


def _units(data_key: Mapping[str, Any]) -> str:
    units = str(data_key.get("units") or "").strip().lower()
    return {"ev": "eV", "kev": "keV"}.get(units, "auto")


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

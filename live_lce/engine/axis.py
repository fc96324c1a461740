"""The energy axis of a stream: was energy scanned, and which data key holds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from live_lce.engine.presets import Preset

_ENERGY = re.compile(r"energy|(^|[^a-z])(mono|dcm|hhm)?_?en($|[^a-z])", re.IGNORECASE)
# Energies that are no incident photon energy.
_OTHER_ENERGY = re.compile(
    r"emission|spectrometer|analy[sz]er|xes|kinetic|pass_?energy|undulator|(^|_)(und|epu|ivu|ring)",
    re.IGNORECASE,
)
_BRAGG = re.compile(r"bragg|(mono|dcm|hhm)\w*theta", re.IGNORECASE)
_SECONDARY = re.compile(
    r"setpoint|(^|[_-])(sp|offset|velocity|enc)($|[_-])|kill|limit", re.IGNORECASE
)


@dataclass(frozen=True)
class Scanned:
    """What the start document says about the scan.

    Parameters
    ----------
    names : frozenset of str
        Motors and the data keys of the dimensions, other than time.
    streams : frozenset of str
        Streams of the dimensions; ``primary`` where it does not say.
    stated : bool
        Whether it says anything at all.
    """

    names: frozenset[str]
    streams: frozenset[str]
    stated: bool


def dimensions(start: Mapping[str, Any]) -> list[tuple[list[str], str]]:
    """Return ``hints.dimensions`` as (data keys, stream), slowest first; empty if malformed."""
    hints = start.get("hints")
    found = hints.get("dimensions") if isinstance(hints, Mapping) else None
    result: list[tuple[list[str], str]] = []
    for item in found if isinstance(found, (list, tuple)) else ():
        if not (isinstance(item, (list, tuple)) and len(item) == 2):
            continue
        keys, stream = item
        if isinstance(keys, (list, tuple)):
            result.append(([str(key) for key in keys], str(stream)))
    return result


def scanned(start: Mapping[str, Any]) -> Scanned:
    """Return what a start document says about the scanned axes."""
    motors = start.get("motors")
    names = {str(m) for m in motors} if isinstance(motors, (list, tuple)) else set()
    dims = dimensions(start)
    names.update(key for keys, _ in dims for key in keys if key != "time")
    streams = {stream for _, stream in dims} or {"primary"}
    return Scanned(frozenset(names), frozenset(streams), bool(names))


def is_energy_name(name: str) -> bool:
    """Tell whether a name looks like that of the incident photon energy."""
    return bool(_ENERGY.search(name)) and not _OTHER_ENERGY.search(name)


def is_bragg_name(name: str) -> bool:
    """Tell whether a name looks like that of the monochromator's Bragg angle."""
    return bool(_BRAGG.search(name)) and not _OTHER_ENERGY.search(name)


def owner(key: str, descriptor: Mapping[str, Any]) -> str:
    """Return the name of the device that a data key belongs to."""
    data_key = descriptor["data_keys"].get(key)
    name = data_key.get("object_name") if isinstance(data_key, Mapping) else None
    if isinstance(name, str):
        return name
    objects = descriptor.get("object_keys")
    for device, keys in objects.items() if isinstance(objects, Mapping) else ():
        if isinstance(keys, (list, tuple)) and key in keys:
            return str(device)
    return ""


def is_scanned(key: str, names: frozenset[str], descriptor: Mapping[str, Any]) -> bool:
    """Tell whether a data key, or the device it belongs to, is among the scanned names."""
    return key in names or owner(key, descriptor) in names


def hinted(descriptor: Mapping[str, Any]) -> frozenset[str]:
    """Return the data keys that the devices hint at."""
    hints = descriptor.get("hints")
    fields: list[str] = []
    for hint in hints.values() if isinstance(hints, Mapping) else ():
        found = hint.get("fields") if isinstance(hint, Mapping) else None
        if isinstance(found, (list, tuple)):
            fields.extend(str(field) for field in found)
    return frozenset(fields)


def best(keys: Iterable[str], descriptor: Mapping[str, Any], names: frozenset[str]) -> str:
    """Return the likeliest of several keys: scanned, hinted, no setpoint, short; else empty."""
    hints = hinted(descriptor)

    def rank(key: str) -> tuple[bool, bool, bool, int, str]:
        return (
            not is_scanned(key, names, descriptor),
            bool(_SECONDARY.search(key)),
            key not in hints,
            len(key),
            key,
        )

    return min(keys, key=rank, default="")


def match(patterns: Iterable[str], keys: Iterable[str]) -> list[str]:
    """Return the keys that match the first pattern that matches any (case does not matter)."""
    for pattern in patterns:
        if found := [key for key in keys if fnmatchcase(key.lower(), pattern.lower())]:
            return sorted(found)
    return []


def energy_key(descriptor: Mapping[str, Any], preset: Preset | None, names: frozenset[str]) -> str:
    """Return the data key of the photon energy, or an empty string."""
    keys = list(descriptor["data_keys"])
    if preset and (found := match(preset.energy, keys)):
        return best(found, descriptor, names)
    candidates = [
        key
        for key in keys
        if is_energy_name(key)
        or (is_energy_name(owner(key, descriptor)) and is_scanned(key, names, descriptor))
        or (is_scanned(key, names, descriptor) and _in_energy_units(descriptor["data_keys"][key]))
    ]
    return best((k for k in candidates if not _OTHER_ENERGY.search(k)), descriptor, names)


def bragg_key(descriptor: Mapping[str, Any], names: frozenset[str]) -> str:
    """Return the data key of a scanned Bragg angle, or an empty string."""
    keys = [
        key
        for key in descriptor["data_keys"]
        if is_bragg_name(key) and is_scanned(key, names, descriptor)
    ]
    return best(keys, descriptor, names)


def _in_energy_units(data_key: Any) -> bool:
    units = data_key.get("units") if isinstance(data_key, Mapping) else None
    return isinstance(units, str) and units.strip().lower() in {"ev", "kev"}

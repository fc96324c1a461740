"""Find the energy axis of a stream: whether energy was scanned, and its data key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from live_lce.engine._presets import Preset
from live_lce.spectra import _names as names


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
    return names.rank("energy", name) is not None


def is_bragg_name(name: str) -> bool:
    """Tell whether a name looks like that of the monochromator's Bragg angle."""
    return names.rank("bragg", name) is not None


def units_of(descriptor: Mapping[str, Any], key: str) -> str:
    """Return the units that a data key states; empty if it states none."""
    data_key = descriptor["data_keys"].get(key)
    units = data_key.get("units") if isinstance(data_key, Mapping) else None
    return units.strip() if isinstance(units, str) else ""


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


def is_scanned(key: str, moved: frozenset[str], descriptor: Mapping[str, Any]) -> bool:
    """Tell whether a data key, or the device it belongs to, is among the scanned names."""
    return key in moved or owner(key, descriptor) in moved


def hinted(descriptor: Mapping[str, Any]) -> frozenset[str]:
    """Return the data keys that the devices hint at."""
    hints = descriptor.get("hints")
    fields: list[str] = []
    for hint in hints.values() if isinstance(hints, Mapping) else ():
        found = hint.get("fields") if isinstance(hint, Mapping) else None
        if isinstance(found, (list, tuple)):
            fields.extend(str(field) for field in found)
    return frozenset(fields)


def order(
    key: str, descriptor: Mapping[str, Any], moved: frozenset[str]
) -> tuple[bool, bool, bool, int, str]:
    """Return what sorts keys by likelihood: scanned, no setpoint, hinted, short."""
    return (
        not is_scanned(key, moved, descriptor),
        names.is_secondary(key),
        key not in hinted(descriptor),
        len(key),
        key,
    )


def best(keys: Iterable[str], descriptor: Mapping[str, Any], moved: frozenset[str]) -> str:
    """Return the likeliest of several keys, see `order`; empty if there is none."""
    return min(keys, key=lambda key: order(key, descriptor, moved), default="")


def match(patterns: Iterable[str], keys: Iterable[str]) -> list[str]:
    """Return the keys that match the first pattern that matches any (case does not matter)."""
    for pattern in patterns:
        if found := [key for key in keys if fnmatchcase(key.lower(), pattern.lower())]:
            return sorted(found)
    return []


def energy_key(descriptor: Mapping[str, Any], preset: Preset | None, moved: frozenset[str]) -> str:
    """Return the data key of the photon energy, or an empty string."""
    keys = list(descriptor["data_keys"])
    if preset and (found := match(preset.energy, keys)):
        return best(found, descriptor, moved)
    named = [
        key
        for key in keys
        if is_energy_name(key)
        or (is_energy_name(owner(key, descriptor)) and is_scanned(key, moved, descriptor))
    ]
    kinds = {key: names.kind_of(units_of(descriptor, key)) for key in keys}
    candidates = [key for key in named if names.fits("energy", units_of(descriptor, key))]
    candidates += [k for k in keys if kinds[k] == "energy" and is_scanned(k, moved, descriptor)]
    if not candidates:  # an energy may carry the units of the motor below it: its values tell
        candidates = [key for key in named if kinds[key] == "angle"]
    return best((k for k in candidates if not names.is_other_energy(k)), descriptor, moved)


def bragg_key(descriptor: Mapping[str, Any], moved: frozenset[str]) -> str:
    """Return the data key of a scanned Bragg angle, or an empty string."""
    keys = [
        key
        for key in descriptor["data_keys"]
        if is_bragg_name(key)
        and is_scanned(key, moved, descriptor)
        and names.fits("bragg", units_of(descriptor, key))
    ]
    return best(keys, descriptor, moved)


def misfits(descriptor: Mapping[str, Any], moved: frozenset[str]) -> str:
    """Return the scanned keys that are named like an energy and cannot be one, for people."""
    units = {key: units_of(descriptor, key) for key in descriptor["data_keys"]}
    wrong = [*names.unfit("energy", units), *names.unfit("bragg", units)]
    scanned_too = [key for key in wrong if is_scanned(key, moved, descriptor)]
    return ", ".join(f"{key} is in {units[key]}" for key in dict.fromkeys(scanned_too))

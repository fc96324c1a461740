"""Read absorber, edge, mode and sample from a start document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from live_lce.engine._presets import Preset, lookup

_ABSORBER = (
    "XDI.Element.symbol",
    "Element.symbol",
    "element",
    "absorber",
    "scan.element",
    "scan.absorber",
    "xas.element",
    "md.element",
    "sample.element",
    "edge",
    "scan.edge",
)
_EDGE = ("XDI.Element.edge", "Element.edge", "edge", "scan.edge", "xas.edge", "md.edge", "element")
_MODE = (
    *("XDI._mode", "mode", "measurement_mode", "scan.mode", "xas.mode", "detection_mode"),
    *("XDI.Scan.mode", "XDI.scan.mode", "Scan.mode", "md.mode", "scan_mode", "xas_mode"),
    *("detection", "geometry", "measurement"),
)
_SAMPLE = ("XDI.Sample.name", "Sample.name", "sample.name", "sample_name", "sample")
_D_SPACING = ("XDI.Mono.d_spacing", "Mono.d_spacing", "mono.d_spacing", "d_spacing")

_EDGE_NAMES = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5"}

_MODES = {
    "transmission": ("trans",),
    "fluorescence": ("fluo", "flou", "fy", "pfy", "tfy", "xs", "xrf", "sdd", "pips", "lytle"),
    "reference": ("ref",),
}


def _values(
    start: Mapping[str, Any], first: tuple[str, ...], more: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield the paths that hold something, with the text there."""
    for path in dict.fromkeys((*first, *more)):
        value = lookup(start, path)
        if isinstance(value, (list, tuple)) and value:
            value = value[0]
        if isinstance(value, (str, int, float)) and str(value).strip():
            yield path, str(value).strip()


@lru_cache(maxsize=1)
def _elements() -> dict[str, str]:
    """Symbols, by symbol and by name, in lower case."""
    import xraydb

    elements = {}
    for number in range(1, 99):
        symbol = str(xraydb.atomic_symbol(number))
        elements[symbol.lower()] = symbol
        elements[str(xraydb.atomic_name(number)).lower()] = symbol
    return elements


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s_\-/]+", text.strip()) if word]


def element(text: str) -> str:
    """Return the symbol of an element given as ``Fe``, ``fe`` or ``Iron``; else empty."""
    return _elements().get(text.strip().lower(), "")


def edge(text: str) -> str:
    """Return an edge given as ``K``, ``k``, ``LIII`` or ``L3`` as ``K`` or ``L3``; else empty."""
    match = re.fullmatch(r"(K|[LM])([1-5]|I{1,3}|IV|V)?", text.strip().upper())
    if match is None:
        return ""
    shell, number = match.group(1), match.group(2) or ""
    number = _EDGE_NAMES.get(number, number)
    valid = (shell == "K") == (not number) and not (shell == "L" and number in {"4", "5"})
    return shell + number if valid else ""


def find_absorber(start: Mapping[str, Any], preset: Preset | None = None) -> str:
    """Return the absorber's symbol as stated in the start document; empty if it is not.

    Understands ``Fe``, ``iron``, and under ``edge`` also ``Ni_K`` (haven) or ``Fe K edge``.
    """
    for path, text in _values(start, preset.absorber if preset else (), _ABSORBER):
        words = _words(text)
        if path.endswith("edge") and len(words) < 2:
            continue  # "edge": "K" states no potassium
        if words and (symbol := element(words[0])):
            return symbol
    return ""


def find_edge(start: Mapping[str, Any], preset: Preset | None = None) -> str:
    """Return the edge as stated in the start document; empty if it is not."""
    for path, text in _values(start, preset.edge if preset else (), _EDGE):
        words = _words(text)
        if not path.endswith("edge"):
            words = words[1:]  # "element": "K" states potassium, no edge
        for word in reversed(words):
            if name := edge(word):
                return name
    return ""


def find_mode(start: Mapping[str, Any], preset: Preset | None = None) -> str:
    """Return the measurement mode as stated in the start document; empty if it is not.

    ``both``, or transmission and fluorescence in one, states none: the spectrum decides.
    """
    texts = [text for _, text in _values(start, preset.mode if preset else (), _MODE)]
    plan = start.get("plan_name")
    if isinstance(plan, str):  # BMM: "scan_nd xafs trans"
        texts.extend(plan.split()[1:])
    for text in texts:
        words = [word for word in re.split(r"[^a-z]+", text.lower()) if word]
        if words in (["f"], ["t"]):
            return "fluorescence" if words == ["f"] else "transmission"
        found = {
            mode: [n for n, word in enumerate(words) if word.startswith(beginnings)]
            for mode, beginnings in _MODES.items()
        }
        if "both" in words or (found["transmission"] and found["fluorescence"]):
            return ""
        for mode in ("transmission", "fluorescence"):
            if found[mode]:  # a foil that is measured along comes behind it, or is said first
                return "reference" if 0 in found["reference"] else mode
        if 0 in found["reference"]:
            return "reference"
    return ""


def find_sample(start: Mapping[str, Any], preset: Preset | None = None) -> str:
    """Return the sample's name as stated in the start document; empty if it is not."""
    return next((text for _, text in _values(start, preset.sample if preset else (), _SAMPLE)), "")


def find_d_spacing(start: Mapping[str, Any], preset: Preset | None = None) -> float | None:
    """Return the monochromator's lattice spacing (angstrom), or None."""
    for _, text in _values(start, preset.d_spacing if preset else (), _D_SPACING):
        try:
            value = float(text)
        except ValueError:
            continue
        if 0.1 < value < 20.0:
            return value
    return None

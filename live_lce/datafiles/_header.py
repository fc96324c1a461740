"""Read what a header states: absorber, edge, crystal, sample, time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from live_lce.engine import _metadata as metadata

_OF = r"(xdi_|scan_|scan_?parameters_|xas_|classification_|sample_)?"
_ABSORBER = re.compile(rf"{_OF}(element(_symbol)?|absorber|absorbing_(atom|element)|symbol)")
_EDGE = re.compile(rf"{_OF}(element_|absorption_)?edge")
_E0 = re.compile(r"(.*_)?(e_?0|edge_energy|edgeenergy|e_edge)(_k?ev)?")
_SAMPLE = re.compile(r"sample(_?name)?|name|title|sample_title|srstle")
_D_SPACING = re.compile(r"(.*_)?(d_?spacing|mono_d)(_\w+)?")
_D_OF_9809 = re.compile(r"\bD ?= {0,9}(\d{1,2}\.\d+)")
_CRYSTAL = re.compile(r"(?<![A-Za-z])(Si|Ge)[ _]?[(\[]?([1-9])[ ,]?(\d)[ ,]?(\d)(?!\d)")
_LATTICE = {"Si": 5.43102, "Ge": 5.6579}
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[+-]\d\d:?\d\d|Z)?")
_CTIME = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")
_NEXT = re.compile(r"(?<!\s)\s{2,}(?=[A-Za-z][\w.]{0,40}\s?[:=])|\s(?=edge ?:)")


@dataclass(frozen=True)
class Stated:
    """What a header states; empty where it says nothing.

    Parameters
    ----------
    absorber, edge : str
        Element symbol and edge.
    hint_energy : float, optional
        Edge energy (eV).
    sample : str
        Sample's name.
    time : float
        When the scan began (s since 1970), else NaN.
    """

    absorber: str = ""
    edge: str = ""
    hint_energy: float | None = None
    sample: str = ""
    time: float = math.nan


def pairs(lines: Iterable[str]) -> dict[str, str]:
    """Return what lines such as ``# Element.symbol: Fe`` or ``E0 (eV) = 7112`` say.

    Keys are in lower case, their words joined by ``_`` (``element_symbol``); the first of equal
    ones counts.
    """
    found: dict[str, str] = {}
    for line in lines:
        for key, value in _pairs(line.strip().lstrip("#%;!*/ \t")):
            found.setdefault(key, value)
    return found


def stated(header: Mapping[str, str], text: str = "") -> Stated:
    """Return what a header states.

    Parameters
    ----------
    header : mapping
        As from :func:`pairs`.
    text : str
        The header as it stands, searched for the time.
    """
    symbols = (_symbol(value) for key, value in header.items() if _ABSORBER.fullmatch(key))
    edges = (value for key, value in header.items() if _EDGE.fullmatch(key))
    said = {"element": next(filter(None, symbols), ""), "edge": next(edges, "")}
    sample = (value.strip(" '\"") for key, value in header.items() if _SAMPLE.fullmatch(key))
    return Stated(
        absorber=metadata.find_absorber(said),
        edge=metadata.find_edge(said),
        hint_energy=next(_edge_energies(header), None),
        sample=next((name for name in sample if name), ""),
        time=_time(header, text),
    )


def d_spacing(header: Mapping[str, str], text: str) -> float | None:
    """Return the lattice spacing (angstrom) that a header states, or that of its one crystal."""
    for key, value in header.items():
        if _D_SPACING.fullmatch(key) and 0.5 < _float(value) < 20.0:
            return _float(value)
    if match := _D_OF_9809.search(text):
        return float(match[1])
    spacings = {
        _LATTICE[material] / math.hypot(*map(int, plane))
        for material, *plane in _CRYSTAL.findall(text)
    }
    return spacings.pop() if len(spacings) == 1 else None


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Yield ``key: value`` and ``key = value``; of several on a line all."""
    for part in _NEXT.split(line):
        ends = [at for sign in ":=" if (at := part.find(sign)) > 0]
        if not ends or not part[:1].isalpha() or min(ends) > 80:
            continue
        key = re.sub(r"[^a-z0-9]+", "_", part[: min(ends)].lower()).strip("_")
        yield key, part[min(ends) + 1 :].strip()


def _symbol(text: str) -> str:
    words = re.split(r"[\s_,;/-]+", text.strip(" '\""), maxsplit=1)
    return metadata.element(words[0])


def _edge_energies(header: Mapping[str, str]) -> Iterator[float]:
    for key, value in header.items():
        if _E0.fullmatch(key):
            energy = _float(value) * (1000.0 if "kev" in f"{key} {value.lower()}" else 1.0)
            if 100.0 < energy < 200_000.0:
                yield energy


def _float(text: str) -> float:
    try:
        return float(text.split(maxsplit=1)[0].rstrip(",;"))
    except (ValueError, IndexError):
        return math.nan


def _time(header: Mapping[str, str], text: str) -> float:
    """Return when the scan began; without a zone in local time, as beamlines write it.

    Dates whose day and month could be told only by guessing are not read.
    """
    said = (header.get("scan_start_time", ""), header.get("start_time", ""), text)
    for found in said:
        try:
            if match := _ISO.search(found):
                return datetime.fromisoformat(match[0]).timestamp()
            if match := _CTIME.search(found):
                return datetime.strptime(match[0], "%a %b %d %H:%M:%S %Y").timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    return math.nan

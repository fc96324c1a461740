"""Interpret names and units of signals, in one place for data keys and columns.

A name is compared as :func:`simple` writes it, and believed only if the units, where they are
stated, can be those of the role: a data key ``mu`` in degrees is a circle of a diffractometer,
an ``I0`` in eV no intensity.  How to use it::

    units = {"mono_energy": "eV", "I0": "", "mu": "deg", "Det1_Fe": "", "Det1_Ca": ""}
    candidates("energy", units)         # ("mono_energy",): best first
    candidates("mu", units)             # (): the units speak against it
    unfit("mu", units)                  # ("mu",): for the message that says so
    chambers(units)                     # {"i0": "I0"}, also for Mon, Ion1, Ion2
    fluorescence(units, absorber="Fe")  # (("Det1_Fe",),)

:func:`fluorescence` gives groups of channels, each of which is a whole signal; the first is the
likeliest, and which of them shows the edge decides where nobody states one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from live_lce.spectra._energy import ANGLES, unit_name

Prefer = Callable[[str], Any]

_ENERGY = "energ(?:y|ies|ie|ia|i)"
_MONO = r"(?:photon|incident|mono\d?|dcm|hhm|enc|encoder|bragg|zap)"
_NAMES: Mapping[str, tuple[tuple[str, bool], ...]] = {
    "energy": (
        (rf"{_ENERGY}(_?k?ev)?|e_?k?ev|k?ev", False),
        (rf"({_MONO}_?)+{_ENERGY}(_\w+)?", False),
        (r"e|en|ee|ene|nrj|(mono|dcm|hhm)_?(e|en)", False),
        (rf"\w*{_ENERGY}\w*|(mono|dcm|hhm)?_?en", True),
    ),
    "bragg": (
        (r"(mono|dcm|hhm)?\d?_?bragg(_?(angle|theta|rbv|readback))?", False),
        (r"\w*bragg\w*|(mono|dcm|hhm)\w*theta\w*", False),
    ),
    "angle": ((r"angle(_?o)?|theta|th|mono_?(angle|theta)", False), (r"angle(_?c)?", True)),
    "norm": (
        (r"norm|normali[sz]ed(_(xmu|mu|absorption))?|nor", False),
        (r"x?mu_?norm|norm(ali[sz]ed)?_?(xmu|mu|absorption)|flat(tened)?", False),
    ),
    "foil": ((r"mu_?refer(ence)?|x?mu_?(ref|foil)|ln_it_i(r|ref|2)", False),),
    "mu": (
        (r"x?mu(_?e)?|mux|(ln|log)_i0_i(t|1)?|ln_i(t|1)?_i0", True),
        (r"x?mu_?(t|f|trans\w*|fluo\w*|sample)|absorption|absorbance", True),
        (r"abs|od|xafs|xanes", False),
    ),
    "i0": (
        (r"i_?0|i00|ic_?0|io|i_?zero", True),
        (r"mon|monitor|i0_\w+|i_?0\d", False),
    ),
    "it": (
        (r"i_?t|i_?trans|i_?transmission|i_?1|ic_?1", True),
        (r"trans|transmission|transmitted", True),
    ),
    "ir": ((r"i_?ref(er)?|i_?r|i_?2|ic_?2", True), (r"ref|refer|reference", True)),
}
"""Per role, patterns of simple names, likeliest first; and whether a part of a name will do."""
_CHAMBERS = re.compile(r"(?:.*_)?(ion?i?|ion_?ch(?:amber)?|i_?ch(?:amber)?|ic|vfc|i)_?0?([1-9])")
"""Chambers that are counted from 1, in the order of the beam."""
_CHANNELS = (
    r"dtc\d?|(fy|if|fluo\w*)_?c(orr)?\d*",
    r"(xs|xsp|xspress|vortex|sdd|ge|mca|me\d|xmap)\w*?roi\w*",
    r"if|iff|if_?ch\d*|if\d+|ifl?uo?\w*|fluo\w*|fl|ff",
    r"fy|tfy|pfy|(sdd|vortex)\w*|\d+_?el(ement)?|ge_?\d+",
    r"pips|lytle|ketek|canberra|dante|xmap|xrf|tey",
)
"""Parts of names of fluorescence channels, likeliest first; any digits may follow."""
_OTHER_ENERGY = re.compile(
    r"emission|spectrometer|analy[sz]er|xes|kinetic|pass_?energy|binding|loss|undulator|edge"
    r"|relative|(^|_)(und|epu|ivu|ring|roi)",
)
_ERRORS = {"std", "stddev", "sigma", "rms", "esd", "err", "error", "errors", "uncertainty"}
_NOT_A_SIGNAL = {
    *_ERRORS,
    *("setpoint", "gain", "offset", "range", "time", "dark", "count_time"),
    *("volt", "bias", "flow", "rate", "kill", "timestamp", "state", "energy", "preset"),
    *("icr", "ocr", "dt", "deadtime", "dead", "live", "real", "slow", "fast", "epoch"),
}
_SUM = {"sum", "total", "tot", "all"}
_SECONDARY = re.compile(
    r"(^|_)(setpoint|sp|requested|request|offset|velocity|enc)(_|$)|setpoint|kill|limit"
)
_WORDS_TOO = {"in", "as", "at", "no", "be", "he", "am"}
"""Symbols that are words in lower case."""
_DETECTOR_MATERIALS = {"Ge", "Si", "Cd", "Ar", "He", "Kr", "Xe", "Ne"}

_KINDS = {
    "length": r"(n|u|µ|μ|m|c|k)?m|microns?|mil+imet(er|re)s?|å|ang(strom)?s?",
    "time": r"(n|u|µ|m)?s|m?secs?|seconds?|mins?|minutes?|h|hours?",
    "temperature": r"k|kelvin|(deg|°)_?(c|k|f)|celsius",
    "pressure": r"(m|k|h)?(bar|pa|torr)|psi",
    "intensity": r"counts?|cts|cnts?|c?ps|[kmg]?hz|(counts?|cts|ph(otons)?|1)/s(ec)?|ph(otons)?"
    r"|[fpnuµμm]?a|(pico|nano|micro|milli)?amp(ere)?s?|[nuµμm]?v(olts?)?|[pn]c|[nuµmk]?w(atts?)?",
    "per length": r"1/(c|m|u|µ)?m|(c|m|u|µ)?m(\^|\*\*)?-1",
    "none": r"1|none|a\.?\s?u\.?|arb\.?(itrary)?\.?(\s?u(nits?)?\.?)?|dimensionless|%|-",
}
_FITTING = {
    "energy": {"energy"},
    "bragg": {"angle"},
    "angle": {"angle"},
    "mu": {"per length"},
    "norm": set[str](),
    "foil": {"per length"},
}
_INTENSITY = {"intensity"}


def simple(name: str) -> str:
    """Return a name in lower case: words joined by ``_``, without units, brackets and numbering.

    ``eBraggEnergy`` becomes ``e_bragg_energy``, ``1_Energy (keV)`` ``energy``, ``µ(E)`` ``mu``
    and ``ln(I0/I1)`` ``ln_i0_i1``.
    """
    return _joined(name).lower()


def kind_of(units: str) -> str:
    """Return what units measure: energy, angle, length, time, intensity ...; empty if unknown."""
    name = unit_name(units)
    if not name:
        return "none"
    if name in {"ev", "kev"}:
        return "energy"
    if name in ANGLES:
        return "angle"
    text = name.lower()
    return next((kind for kind, regex in _KINDS.items() if re.fullmatch(regex, text)), "")


def fits(role: str, units: str) -> bool:
    """Tell whether a signal in these units can play a role; unknown units fit every role.

    Parameters
    ----------
    role : str
        ``energy``, ``bragg``, ``angle``, ``mu``, ``norm``, ``foil``, ``i0``, ``it``, ``ir`` or
        ``fluorescence``.
    units : str
        As a data key or a header states them.
    """
    kind = kind_of(units)
    return kind in {"", "none"} or kind in _FITTING.get(role, _INTENSITY)


def rank(role: str, name: str) -> int | None:
    """Return how well a name fits a role, 0 being best; None if it does not."""
    text = simple(name)
    words = set(text.split("_"))
    if role == "energy":
        return None if is_other_energy(name) else _level(role, text)
    if role in {"bragg", "angle"}:
        other = _level("energy", text) is not None or is_other_energy(name)
        return None if other else _level(role, text)
    if words & _NOT_A_SIGNAL or (words & {"norm"} and role not in {"norm", "mu"}):
        return None
    if role in {"i0", "it", "ir"} and re.search(r"(^|_)fluo", text):  # Fluo_I0 is a ratio
        return None
    for earlier in ("foil", "norm", "mu"):  # muTrans is no It, xmu_ref no Ir
        if earlier == role:
            break
        if _level(earlier, text) is not None:
            return None
    return _level(role, text)


def candidates(
    role: str, units: Mapping[str, str], prefer: Prefer | None = None
) -> tuple[str, ...]:
    """Return the names that can play a role, best first.

    Parameters
    ----------
    role : str
        As in :func:`fits`, but for ``fluorescence``.
    units : mapping of str to str
        Units by name (empty where not stated), in the order of the data.
    prefer : callable, optional
        Key that sorts names which fit equally well; readbacks before setpoints, then by order,
        if it is not given.
    """
    order = list(units)
    prefer = prefer or (lambda name: (is_secondary(name), order.index(name)))
    ranks = {name: rank(role, name) for name in units if fits(role, units[name])}
    found = [(level, prefer(name), name) for name, level in ranks.items() if level is not None]
    return tuple(name for _, _, name in sorted(found, key=lambda one: one[:2]))


def unfit(role: str, units: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that fit a role whose units speak against it."""
    return tuple(
        name for name in units if not fits(role, units[name]) and rank(role, name) is not None
    )


def is_other_energy(name: str) -> bool:
    """Tell whether a name is that of an energy which is not the incident photons'."""
    return bool(_OTHER_ENERGY.search(simple(name)))


def is_error(name: str) -> bool:
    """Tell whether a name is that of the uncertainties of another signal."""
    return bool(set(simple(name).split("_")) & _ERRORS)


def is_secondary(name: str) -> bool:
    """Tell whether a name is that of a setpoint, an offset or the like, not of a readback."""
    return bool(_SECONDARY.search(simple(name)))


def chambers(units: Mapping[str, str], prefer: Prefer | None = None) -> dict[str, str]:
    """Return the names of i0, it and ir, of those that there are.

    Chambers that are counted from 1 (``Ion1``, ``Ion2``; ``VFC01`` ...) stand in the order of
    the beam, behind a monitor if there is one.

    Parameters
    ----------
    units : mapping of str to str
        Units by name, without names that have another role already.
    prefer : callable, optional
        As in :func:`candidates`.
    """
    found: dict[str, str] = {}
    for role in ("i0", "it", "ir"):
        rest = {name: text for name, text in units.items() if name not in found.values()}
        if names := candidates(role, rest, prefer):
            found[role] = names[0]
    monitor = found.get("i0", "")
    if monitor and rank("i0", monitor) == 0:
        return found  # I0, or a chamber 0: the others are counted from it
    row = _row(units, monitor)
    if row and not (monitor and {"it", "ir"} <= found.keys()):
        row = ([monitor] if monitor else []) + row
        return dict(zip(("i0", "it", "ir"), row, strict=False))
    return found


def fluorescence(
    units: Mapping[str, str], absorber: str = "", edge: str = ""
) -> tuple[tuple[str, ...], ...]:
    """Return groups of fluorescence channels, each of them a signal, the likeliest first.

    Channels named after the absorber or its emission line (``Fe1``, ``Det1_Fe``,
    ``Fe_Ka_mca1``, ``XMAP4:FeKa_Sum``) go before all others, and channels of other elements are
    left out.  Channels that differ in a number are one group; regions of interest of different
    number are different groups, and so are channels and their sum.

    Parameters
    ----------
    units : mapping of str to str
        Units by name, without names that have another role already.
    absorber, edge : str
        Element symbol and edge; empty where unknown: then each element's channels are a group.
    """
    good = [
        name
        for name, text in units.items()
        if fits("fluorescence", text) and not set(simple(name).split("_")) & _NOT_A_SIGNAL
    ]
    named = {name: _element(name, absorber) for name in good}
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name in good:
        symbol, line = named[name]
        generic = _channel_level(name)
        if symbol and (symbol == absorber or not absorber) and _is_of(line, edge):
            key: tuple[Any, ...] = (0, line[1:2] not in {"", "a"}, 0)
        elif generic is not None and not symbol:
            key = (1, False, generic)
        else:
            continue
        words = set(simple(name).split("_"))
        key = (*key, bool(words & _SUM), _roi(name), _stem(name))
        groups.setdefault(key, []).append(name)
    own = absorber and any(key[0] == 0 for key in groups)
    order = sorted(key for key in groups if not own or key[0] == 0)
    return tuple(tuple(groups[key]) for key in order)


def _joined(name: str) -> str:
    text = name.strip().strip("\"'").replace("µ", "mu").replace("μ", "mu")
    if re.fullmatch(r"(x?mu|chi)\s*\(e\)", text.lower()):
        text = text.partition("(")[0]
    if not re.match(r"-?(ln|log)\b", text.lower()):
        without = re.sub(r"[\(\[{][^)\]}]*[\)\]}]", " ", text)
        text = without if re.search(r"[A-Za-z]", without) else text
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", text)
    text = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return re.sub(r"^\d+_(?=[A-Za-z])", "", text)


def _level(role: str, text: str) -> int | None:
    for level, (pattern, partly) in enumerate(_NAMES[role]):
        if re.fullmatch(pattern, text):
            return level
        if partly and re.search(rf"(?<![a-z0-9])({pattern})(?![a-z0-9])", text):
            return level
    return None


def _row(units: Mapping[str, str], monitor: str) -> list[str]:
    """Return chambers of one name that are counted from 1."""
    rows: dict[str, dict[int, str]] = {}
    for name, text in units.items():
        match = _CHAMBERS.fullmatch(simple(name))
        if match and fits("i0", text) and not set(simple(name).split("_")) & _NOT_A_SIGNAL:
            rows.setdefault(match.group(1), {})[int(match.group(2))] = name
    for family, row in rows.items():
        wanted = 1 if monitor else 3 if family in {"i", "ic"} else 2
        if len(row) >= wanted and row.keys() >= set(range(1, min(wanted, 2) + 1)):
            return [row[number] for number in sorted(row)]
    return []


def _channel_level(name: str) -> int | None:
    text = simple(name)
    for level, pattern in enumerate(_CHANNELS):
        if re.search(rf"(?<![a-z])({pattern})\d*(?![a-z])", text):
            return level
    return None


def _roi(name: str) -> int:
    match = re.search(r"roi_?(\d+)", simple(name))
    return int(match.group(1)) if match else 0


def _stem(name: str) -> str:
    return re.sub(r"\d+", "#", simple(name))


def _is_of(line: str, edge: str) -> bool:
    return not line or not edge or line[0] == edge[0].lower()


def _element(name: str, absorber: str) -> tuple[str, str]:
    """Return the element and the emission line that a name carries (``Fe``, ``ka``), or empty."""
    text = _joined(name)
    line = r"(?:_?([KLM])_?(a|b|g|alpha|beta|gamma)?\d{0,2})?"
    if absorber:
        loose = re.search(rf"(?<![a-z]){absorber.lower()}{line.lower()}(?![a-z])", text.lower())
        if loose and (found := _accepted(absorber, loose, text)):
            return found
    if lower := re.search(r"(?<![a-z])([a-z]{2})_?([kl])_?(a|alpha)\d?(?![a-z])", text):
        symbol = lower[1].capitalize()
        if symbol in _symbols():
            return symbol, lower[2] + "a"
    for match in re.finditer(rf"(?<![A-Za-z])([A-Z][a-z]?){line}(?![A-Za-z])", text):
        symbol, series, greek = match.groups()
        if symbol in _symbols() and symbol not in _DETECTOR_MATERIALS | {"Ir"}:
            if series and greek:
                return symbol, (series + greek[0]).lower()
            if len(symbol) == 2:
                return symbol, (series or "").lower()
    return "", ""


def _accepted(absorber: str, match: re.Match[str], text: str) -> tuple[str, str] | None:
    """Return the absorber and its line, unless the letters only happen to be there."""
    series, greek = match.groups()
    found = absorber, (series or "") + (greek or "")[:1]
    written = text[match.start() : match.start() + len(absorber)]
    if series and greek:
        return found
    if len(absorber) == 1:  # V1 to V4 are channels of vanadium, V_bias and I0 are not
        whole = re.fullmatch(rf"{absorber}_?\d+", text)
        behind = re.search(
            r"(det|xs|xsp|mca|sdd|xmap|vortex|roi)\w*_$", text[: match.start()], re.I
        )
        return found if (whole and absorber != "I") or (behind and written == absorber) else None
    return None if written in _WORDS_TOO else found


@cache
def _symbols() -> frozenset[str]:
    import xraydb

    return frozenset(str(xraydb.atomic_symbol(number)) for number in range(1, 99))

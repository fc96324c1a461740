"""Know what signals and metadata are called at common beamlines.

Where the names come from:

- **BMM** (NSLS-II 6-BM): recorded documents of 2019 (``XDI`` metadata, ``dcm_energy``,
  ``I0 It Ir``) and the beamline's profile collection (fluorescence of the four-element
  detector is ``DTC1`` to ``DTC4``, of the Xspress3 ``Fe1`` to ``Fe8``: the element's symbol).
- **QAS** (NSLS-II 7-BM): ``startup/29-apb.py`` (analog pizza box: ``apb_ave_ch1_mean`` is
  I0, then It, Ir, and the PIPS diode; offsets are configuration), ``00-startup.py``
  (``beamline_id`` is ``QAS``), ``mono1_energy``.
- **ISS** (NSLS-II 8-ID): ``startup/60-plan_metadata.py`` and ``67-step_scan_plans.py``
  (``hhm_energy``; ``element``, ``edge``, ``e0``, ``name`` in the start document) and the
  channel table of NSLS-II-ISS/xas (``apb_ave_ch1_mean``..4: i0, it, ir, iff;
  offsets subtracted from the descriptor's configuration).
- **APS bits**: instruments made with BCDA-APS/BITS (``instrument_name`` in ``RE.md``,
  apstools in ``versions``) and spc-group/haven (``edge`` is ``"Ni_K"``): the scaler's
  channels carry the names that the beamline gives them, mostly I0, It, Iref, Fluo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def lookup(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path of nested mappings, or None."""
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


@dataclass(frozen=True)
class Preset:
    """The names of one beamline.  Patterns are shell patterns, tried in order.

    Parameters
    ----------
    name, description : str
        What it is called, and which beamline it is.
    recognize : callable
        Whether a start document is from there.
    energy, i0, it, ir, mu : tuple of str
        Patterns of data keys.
    fluorescence : tuple of str
        Patterns, all of whose matches are channels (the first pattern that matches any);
        ``{absorber}`` stands for the element's symbol.
    dark : tuple of (str, str)
        Suffix of a data key, and what to replace it with to get the configuration key of
        its dark offset.
    absorber, edge, mode, sample, d_spacing : tuple of str
        Dotted paths in the start document.
    """

    name: str
    description: str
    recognize: Callable[[Mapping[str, Any]], bool]
    energy: tuple[str, ...]
    i0: tuple[str, ...]
    it: tuple[str, ...]
    ir: tuple[str, ...] = ()
    mu: tuple[str, ...] = ()
    fluorescence: tuple[str, ...] = ()
    dark: tuple[str, str] | None = None
    absorber: tuple[str, ...] = ("element",)
    edge: tuple[str, ...] = ("edge",)
    mode: tuple[str, ...] = ("mode",)
    sample: tuple[str, ...] = ("sample",)
    d_spacing: tuple[str, ...] = ()


def _beamline(start: Mapping[str, Any], word: str) -> bool:
    keys = ("beamline_id", "beamline", "group", "XDI.Beamline.name", "XDI.Beamline.fullname")
    return any(word in str(lookup(start, key) or "").lower().split() for key in keys)


def _is_bmm(start: Mapping[str, Any]) -> bool:
    return _beamline(start, "bmm") or any(str(key).startswith("BMM_") for key in start)


def _is_aps_bits(start: Mapping[str, Any]) -> bool:
    versions = start.get("versions")
    if not isinstance(versions, Mapping):
        return False
    return bool({"apsbits", "haven"} & set(versions)) or (
        "apstools" in versions and "instrument_name" in start
    )


_PIZZA_BOX: dict[str, Any] = {
    "i0": ("apb_ave_ch1_mean", "apb_ave_ch1", "i0"),
    "it": ("apb_ave_ch2_mean", "apb_ave_ch2", "it"),
    "ir": ("apb_ave_ch3_mean", "apb_ave_ch3", "ir"),
    "fluorescence": (
        "xs_channel*_rois_roi01_value",
        "ge_detector_channels_mca*_R0",
        "apb_ave_ch4_mean",
        "apb_ave_ch4",
        "iff",
    ),
    "dark": ("_mean", "_offset"),
    "sample": ("sample_name", "sample", "name"),
}

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="nsls2-bmm",
            description="NSLS-II 6-BM, Beamline for Materials Measurement",
            recognize=_is_bmm,
            energy=("dcm_energy",),
            i0=("I0",),
            it=("It",),
            ir=("Ir",),
            fluorescence=("{absorber}[1-8]", "DTC[1-4]", "dtc[1-4]"),
            absorber=("XDI.Element.symbol", "XDI._element"),
            edge=("XDI.Element.edge",),
            mode=("XDI._mode", "XDI._user.mode"),
            sample=("XDI.Sample.name",),
            d_spacing=("XDI.Mono.d_spacing",),
        ),
        Preset(
            name="nsls2-qas",
            description="NSLS-II 7-BM, Quick X-ray Absorption and Scattering",
            recognize=lambda start: _beamline(start, "qas"),
            energy=("mono1_energy", "energy"),
            **_PIZZA_BOX,
        ),
        Preset(
            name="nsls2-iss",
            description="NSLS-II 8-ID, Inner Shell Spectroscopy",
            recognize=lambda start: _beamline(start, "iss"),
            energy=("hhm_energy", "energy"),
            **_PIZZA_BOX,
        ),
        Preset(
            name="aps-bits",
            description="An APS instrument made with BITS (or haven)",
            recognize=_is_aps_bits,
            energy=("energy", "mono*_energy", "mono*-energy", "dcm_energy", "energy_readback"),
            i0=("I0", "I0-net_c*", "scaler*_I0", "I0_*", "I00"),
            it=("It", "It-net_c*", "scaler*_It", "It_*", "I1", "Itrans"),
            ir=("Iref", "Iref-net_c*", "scaler*_Iref", "Ir", "I2"),
            fluorescence=("*Fluo*", "vortex*roi1*", "If", "If-net_c*", "*lytle*"),
            absorber=("element", "absorber", "edge"),
            sample=("sample_name", "sample.name", "sample"),
        ),
    )
}


def recognize(start: Mapping[str, Any]) -> Preset | None:
    """Return the preset of the beamline that a start document comes from, or None."""
    for preset in PRESETS.values():
        if preset.recognize(start):
            return preset
    return None


def choose(name: str, start: Mapping[str, Any]) -> Preset | None:
    """Return the preset of that name; without a name, the one that the start document shows.

    Raises
    ------
    KeyError
        If there is no preset of that name.
    """
    return PRESETS[name] if name else recognize(start)


def check_name(name: str) -> None:
    """Check a preset's name, as given in the settings (empty is fine).

    Raises
    ------
    ValueError
        One line with the names that there are.
    """
    if name and name not in PRESETS:
        known = ", ".join(PRESETS)
        raise ValueError(f"signals.preset: there is no preset {name!r}; there are {known}.")

"""Which data key is what: presets, settings, metadata and names."""

from __future__ import annotations

from typing import Any

import pytest

from live_lce.contract import Finding, Reason
from live_lce.engine import PRESETS, Engine, _metadata as metadata
from live_lce.engine._presets import recognize
from live_lce.engine._roles import Roles
from live_lce.engine._signals import resolve
from live_lce.live import LiveLCE
from live_lce.settings import AnalysisSettings, Signals

NUMBER = {"dtype": "number", "shape": [], "source": "PV"}


def descriptor(*keys: str, name: str = "primary", **more: Any) -> dict[str, Any]:
    return {"name": name, "data_keys": dict.fromkeys(keys, NUMBER), "uid": "d", **more}


def start(*motors: str, **more: Any) -> dict[str, Any]:
    dims = [([m], "primary") for m in motors]
    return {"uid": "s", "motors": list(motors), "hints": {"dimensions": dims}, **more}


def roles(start_doc: dict[str, Any], descriptor_doc: dict[str, Any], **settings: Any) -> Roles:
    found = resolve(start_doc, descriptor_doc, Signals(**settings))
    assert isinstance(found, Roles), found
    return found


def test_qas_preset_with_its_offsets() -> None:
    keys = [f"apb_ave_ch{i}_mean" for i in range(1, 9)]
    doc = descriptor(
        "mono1_energy", "mono1_energy_user_setpoint", "apb_ave_time_wf", *keys,
        configuration={"apb": {"data": {"apb_ave_ch1_offset": 3.5, "apb_ave_ch2_offset": -1.0}}},
    )  # fmt: skip
    found = roles(start("mono1_energy", beamline_id="QAS", element="Cu", name="foil"), doc)
    assert (found.energy, found.i0, found.it, found.ir) == ("mono1_energy", *keys[:3])
    assert (found.mode, found.possible[0]) == ("", "transmission")
    assert found.dark == {"apb_ave_ch1_mean": 3.5, "apb_ave_ch2_mean": -1.0}
    fluorescence = roles(start("mono1_energy", beamline_id="QAS"), doc, mode="fluorescence")
    assert fluorescence.fluorescence == ("apb_ave_ch4_mean",)


def test_iss_preset_leaves_emission_scans_alone() -> None:
    signals = ("apb_ave_ch1_mean", "apb_ave_ch2_mean", "apb_ave_ch3_mean", "apb_ave_ch4_mean")
    md = {"beamline_id": "ISS (8-ID)", "element": "Co", "edge": "K", "name": "CoO"}
    found = roles(start("hhm_energy", **md), descriptor("hhm_energy", *signals))
    assert (found.energy, found.i0) == ("hhm_energy", "apb_ave_ch1_mean")
    doc = descriptor("johann_emission_energy", "hhm_energy", *signals)
    assert resolve(start("johann_emission_energy", **md), doc, Signals()) is None


def test_bmm_preset_finds_the_channels_of_the_element() -> None:
    xdi = {"Element": {"symbol": "Mn", "edge": "K"}, "_mode": ["fluorescence"]}
    md = start("dcm_energy", "inttime", XDI=xdi | {"Beamline": {"name": "BMM (06BM)"}})
    doc = descriptor("dcm_energy", "I0", "It", "Ir", "Mn1", "Mn2", "Mn3", "Mn4", "Fe1")
    found = roles(md, doc)
    assert found.mode == "fluorescence"
    assert found.fluorescence == ("Mn1", "Mn2", "Mn3", "Mn4")
    assert found.ir == "Ir"


def test_aps_bits_preset() -> None:
    md = start("energy", versions={"apstools": "1"}, instrument_name="x", edge="Ni_K")
    assert recognize(md) is PRESETS["aps-bits"]
    doc = descriptor("energy", "I0-net_count", "It-net_count", "Iref-net_count")
    found = roles(md, doc)
    assert (found.i0, found.it, found.ir) == ("I0-net_count", "It-net_count", "Iref-net_count")
    assert metadata.find_absorber(md, PRESETS["aps-bits"]) == "Ni"
    assert metadata.find_edge(md, PRESETS["aps-bits"]) == "K"


def test_a_preset_by_name() -> None:
    doc = descriptor("hhm_energy", "apb_ave_ch1", "apb_ave_ch2")
    assert roles(start("hhm_energy"), doc, preset="nsls2-iss").it == "apb_ave_ch2"
    assert isinstance(resolve(start("hhm_energy"), doc, Signals()), Finding)
    with pytest.raises(ValueError, match="no preset 'bmm'; there are nsls2-bmm"):
        Engine(AnalysisSettings(signals=Signals(preset="bmm")))
    with pytest.raises(ValueError, match="there are nsls2-bmm"):
        LiveLCE(AnalysisSettings(signals=Signals(preset="bmm")))


def test_no_beamline_is_needed() -> None:
    assert recognize(start("x")) is None
    found = roles(
        start("mono_energy"), descriptor("mono_energy", "det_i0", "det_it_gain", "det_it")
    )
    assert (found.possible, found.i0, found.it) == (("transmission",), "det_i0", "det_it")


def test_the_readback_is_preferred_to_the_setpoint() -> None:
    doc = descriptor("mono_energy_setpoint", "mono_energy", "I0", "It")
    doc["object_keys"] = {"mono_energy": ["mono_energy_setpoint", "mono_energy"]}
    assert roles(start("mono_energy"), doc).energy == "mono_energy"


def test_a_device_that_is_scanned_as_a_whole() -> None:
    doc = descriptor("mono_bragg", "mono_energy", "I0", "It")
    doc["object_keys"] = {"mono": ["mono_bragg", "mono_energy"]}
    found = roles({"uid": "s", "motors": ["mono"]}, doc)
    assert (found.energy, found.bragg, found.declared) == ("mono_energy", "", True)


def test_bragg_angle_needs_a_crystal() -> None:
    doc = descriptor("mono_bragg", "I0", "It")
    assert roles(start("mono_bragg"), doc, d_spacing=3.1356).bragg == "mono_bragg"
    xdi = {"Mono": {"d_spacing": "3.1353241"}}
    assert roles(start("mono_bragg", XDI=xdi), doc).d_spacing == pytest.approx(3.1353241)
    finding = resolve(start("mono_bragg"), doc, Signals())
    assert isinstance(finding, Finding)
    assert finding.reason is Reason.ENERGY_UNITS_UNKNOWN


def test_settings_come_first() -> None:
    doc = descriptor("mono_energy", "other", "I0", "It", "a", "b", "xs_1_roi1", "xs_2_roi1")
    found = roles(start("other"), doc, energy="other", i0="a", it="b", energy_units="keV")
    assert (found.energy, found.i0, found.it, found.units) == ("other", "a", "b", "keV")
    found = roles(
        start("mono_energy"),
        doc,
        mode="fluorescence",
        fluorescence=("xs_*_roi1",),
        exclude=("xs_2*",),
    )
    assert found.fluorescence == ("xs_1_roi1", "xs_2_roi1")
    assert found.exclude == ("xs_2*",)
    assert roles(start("mono_energy"), doc, mu="a").mode == "mu"
    assert resolve(start("mono_energy"), doc, Signals(energy="absent")) is None
    assert resolve(start("mono_energy"), doc, Signals(stream="fly")) is None


def test_only_the_first_region_of_interest_is_summed() -> None:
    rois = [f"xs_channel{c}_rois_roi0{r}_value" for c in (1, 2) for r in (1, 2)]
    found = roles(start("energy"), descriptor("energy", "I0", *rois))
    assert found.fluorescence == (rois[0], rois[2])


@pytest.mark.parametrize(
    ("keys", "mode"),
    [
        (("I0", "It", "If", "mu"), "mu"),
        (("I0", "It", "If"), "transmission"),
        (("I0", "Fluo"), "fluorescence"),
        (("It", "Iref"), "reference"),
    ],
)
def test_mode_from_what_there_is(keys: tuple[str, ...], mode: str) -> None:
    found = roles(start("energy"), descriptor("energy", *keys))
    assert found.mode == "" and found.possible[0] == mode


def test_mode_from_the_metadata_and_the_plan() -> None:
    doc = descriptor("energy", "I0", "It", "If")
    assert roles(start("energy", mode="Fluorescence"), doc).mode == "fluorescence"
    assert roles(start("energy", plan_name="scan_nd xafs fluo"), doc).mode == "fluorescence"
    found = resolve(
        start("energy", mode="fluorescence"), descriptor("energy", "I0", "It"), Signals()
    )
    assert isinstance(found, Finding) and found.reason is Reason.MODE_UNAVAILABLE
    assert "fluorescence is stated; there is transmission" in found.detail


def test_units_come_from_the_data_key() -> None:
    doc = descriptor("energy", "I0", "It")
    doc["data_keys"]["energy"] = {**NUMBER, "units": "KeV"}
    assert roles(start("energy"), doc).units == "keV"
    assert roles(start("energy"), doc, energy_units="eV").units == "eV"


@pytest.mark.parametrize(
    ("start_doc", "doc"),
    [
        (start("xafs_y"), descriptor("xafs_y", "I0", "It")),
        (start("xafs_y"), descriptor("xafs_y", "mono_energy", "I0", "It")),
        (start("mono_energy"), descriptor("mono_energy", "I0", "It", name="baseline")),
        (start("mono_energy"), descriptor("T", name="T_monitor")),
        (start("mono_energy"), descriptor("mono_energy", name="mono_energy_monitor")),
        ({}, descriptor("mono_energy", "T")),
    ],
)
def test_what_is_no_spectrum_is_left_alone(start_doc: dict[str, Any], doc: dict[str, Any]) -> None:
    assert resolve(start_doc, doc, Signals()) is None


@pytest.mark.parametrize(
    ("document", "absorber", "edge"),
    [
        ({"element": "fe"}, "Fe", ""),
        ({"element": "Iron", "edge": "K"}, "Fe", "K"),
        ({"element": "K", "edge": "K"}, "K", "K"),
        ({"edge": "K"}, "", "K"),
        ({"edge": "Ni_K"}, "Ni", "K"),
        ({"edge": "Fe K edge"}, "Fe", "K"),
        ({"absorber": "Ce", "edge": "LIII"}, "Ce", "L3"),
        ({"XDI": {"Element": {"symbol": "Mn", "edge": "K"}}}, "Mn", "K"),
        ({"scan": {"element": "Cu", "edge": "k"}}, "Cu", "K"),
        ({"element": "Unobtainium", "edge": "Q9"}, "", ""),
        ({"element": 26, "edge": None}, "", ""),
        ({"element": ["Fe"], "sample": "Fe2O3"}, "Fe", ""),
    ],
)
def test_absorber_and_edge(document: dict[str, Any], absorber: str, edge: str) -> None:
    assert metadata.find_absorber(document) == absorber
    assert metadata.find_edge(document) == edge


def test_sample() -> None:
    assert metadata.find_sample({"sample": {"name": "goethite"}}) == "goethite"
    assert metadata.find_sample({"sample_name": "x"}) == "x"
    assert metadata.find_sample({}) == ""


# -- units, shapes and groups of channels -----------------------------------------------------


def described(**units: str) -> dict[str, Any]:
    doc = descriptor(*units)
    doc["data_keys"] = {key: {**NUMBER, "units": unit} for key, unit in units.items()}
    return doc


def test_a_circle_of_the_diffractometer_is_no_absorption() -> None:
    found = roles(start("energy"), described(energy="eV", I0="", It="", mu="deg"))
    assert (found.mu, found.possible) == ("", ("transmission",))


def test_a_signal_of_the_wrong_units_is_said() -> None:
    finding = resolve(start("energy"), described(energy="eV", I0="eV", It=""), Signals())
    assert isinstance(finding, Finding)
    assert finding.reason is Reason.SIGNALS_UNKNOWN
    assert "I0 is in eV" in finding.detail


def test_an_energy_of_the_wrong_units_is_said() -> None:
    finding = resolve(start("energy"), described(energy="mm", I0="", It=""), Signals())
    assert isinstance(finding, Finding)
    assert (finding.reason, finding.detail) == (Reason.ENERGY_UNITS_UNKNOWN, "energy is in mm")
    both = described(energy="mm", mono_energy="eV", I0="", It="")
    found = roles(start("mono_energy"), both)
    assert found.energy == "mono_energy"


def test_units_of_the_axis_reach_the_spectrum() -> None:
    assert roles(start("energy"), described(energy="[KeV]", I0="", It="")).units == "keV"
    doc = described(mono_bragg="mrad", I0="", It="")
    assert roles(start("mono_bragg"), doc, d_spacing=3.1356).units == "mrad"


def test_channels_of_the_absorber_go_first() -> None:
    doc = descriptor("energy", "I0", "It", "Det1_Ca", "Det2_Ca", "Det1_Fe", "Det2_Fe")
    found = roles(start("energy", element="Fe", mode="fluorescence"), doc)
    assert (found.fluorescence, found.other_fluorescence) == (("Det1_Fe", "Det2_Fe"), ())


def test_other_regions_of_interest_are_candidates() -> None:
    doc = descriptor("energy", "I0", "xs1_roi1", "xs2_roi1", "xs1_roi2", "xs2_roi2")
    found = roles(start("energy"), doc)
    assert found.fluorescence == ("xs1_roi1", "xs2_roi1")
    assert found.other_fluorescence == (("xs1_roi2", "xs2_roi2"),)
    assert set(found.read) == {"energy", "I0", "xs1_roi1", "xs2_roi1", "xs1_roi2", "xs2_roi2"}


def test_an_array_of_channels_but_no_spectrum_of_a_detector() -> None:
    doc = descriptor("energy", "I0", "xs_roi1", "If")
    doc["data_keys"]["xs_roi1"] = {"dtype": "array", "shape": [4], "source": "PV"}
    assert roles(start("energy"), doc).fluorescence == ("xs_roi1",)
    doc["data_keys"]["xs_roi1"] = {"dtype": "array", "shape": [4096], "source": "PV"}
    assert roles(start("energy"), doc).fluorescence == ("If",)


def test_both_ways_of_measuring_state_none() -> None:
    for text in ("both", "Both", "transmission and fluorescence", "fluo+trans"):
        assert metadata.find_mode({"mode": text, "plan_name": "scan_nd xafs fluo"}) == ""
    assert metadata.find_mode({"mode": "fluorescence"}) == "fluorescence"


@pytest.mark.parametrize(
    "text", ["F", "xrf", "SDD", "partial fluorescence yield", "in fluorescence", "PIPS"]
)
def test_a_mode_in_other_words(text: str) -> None:
    assert metadata.find_mode({"mode": text}) == "fluorescence"


@pytest.mark.parametrize(
    "start",
    [
        {"scan_mode": "transmission"},
        {"XDI": {"Scan": {"mode": "trans"}}},
        {"detection": "in transmission"},
        {"mode": "T"},
        {"mode": "transmission, reference foil behind"},
    ],
)
def test_a_mode_in_other_places(start: dict[str, Any]) -> None:
    assert metadata.find_mode(start) == "transmission"


@pytest.mark.parametrize("text", ["step", "continuous", "fly", "both", "fluorescence and trans"])
def test_what_is_no_mode_states_none(text: str) -> None:
    assert metadata.find_mode({"scan_mode": text}) == ""

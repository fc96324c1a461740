"""Names and units of signals, for data keys and columns alike."""

from __future__ import annotations

import pytest

from live_lce.spectra import _names as names


def bare(*keys: str) -> dict[str, str]:
    return dict.fromkeys(keys, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eBraggEnergy", "e_bragg_energy"),
        ("1_Energy (keV)", "energy"),
        ("µ(E)", "mu"),
        ("ln(I0/I1)", "ln_i0_i1"),
        ("XMAP4:FeKa_Sum", "xmap4_fe_ka_sum"),
        ("$(EnergyAchieved)", "energy_achieved"),
        ("Mono Energy *", "mono_energy"),
    ],
)
def test_simple(name: str, expected: str) -> None:
    assert names.simple(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("energy", "E", "ee", "Energie", "Energia", "eBraggEnergy", "ZapEnergy", "Energy (eV)"),
        *("dcm_energy", "mono1_energy", "hhm_energy", "enc_energy", "monoE", "pgm_energy_readback"),
    ],
)
def test_energies(name: str) -> None:
    assert names.candidates("energy", bare("I0", name, "It")) == (name,)
    assert names.candidates("bragg", bare(name)) == ()


@pytest.mark.parametrize(
    "name",
    [
        *("emission_energy", "ivu_energy", "pass_energy", "EdgeEnergy", "ring_energy"),
        *("binding_energy", "time", "even", "theta", "I0"),
    ],
)
def test_what_is_no_photon_energy(name: str) -> None:
    assert names.candidates("energy", bare(name)) == ()


def test_the_readback_comes_before_the_setpoint() -> None:
    keys = bare("mono_energy_setpoint", "Requested Energy", "Achieved Energy", "mono_energy")
    assert names.candidates("energy", keys)[0] == "mono_energy"
    assert names.candidates("energy", bare("Requested Energy", "Achieved Energy"))[0] == (
        "Achieved Energy"
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("I0", "I1", "I2"), ("I0", "I1", "I2")),
        (("ic0", "ic1"), ("ic0", "ic1")),
        (("det_i0", "det_it_gain", "det_it"), ("det_i0", "det_it")),
        (("monitor", "It", "Iref"), ("monitor", "It", "Iref")),
        (("Mon", "Ion1", "Ion2"), ("Mon", "Ion1", "Ion2")),
        (("Mon", "Ion1"), ("Mon", "Ion1")),
        (("I0", "Ion1"), ("I0",)),
        (("Ioni1", "Ioni2"), ("Ioni1", "Ioni2")),
        (("VFC01", "VFC02", "VFC03"), ("VFC01", "VFC02", "VFC03")),
    ],
)
def test_chambers(keys: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert tuple(names.chambers(bare(*keys)).values()) == expected


def test_one_name_one_role() -> None:
    keys = bare("I0", "muTrans", "xmu_ref", "ref")
    assert names.chambers(keys) == {"i0": "I0", "ir": "ref"}
    assert names.candidates("mu", keys) == ("muTrans",)
    assert names.candidates("foil", keys) == ("xmu_ref",)


@pytest.mark.parametrize(
    ("role", "name", "units"),
    [
        ("mu", "mu", "deg"),
        ("mu", "mu", "mrad"),
        ("mu", "xmu", "eV"),
        ("i0", "I0", "eV"),
        ("i0", "i0", "mm"),
        ("it", "It", "degC"),
        ("ir", "ref", "s"),
        ("energy", "energy", "mm"),
        ("energy", "mono_energy", "counts"),
        ("bragg", "bragg", "mm"),
    ],
)
def test_units_before_names(role: str, name: str, units: str) -> None:
    assert names.candidates(role, {name: units}) == ()
    assert names.unfit(role, {name: units}) == (name,)
    assert names.candidates(role, {name: ""}) == (name,)
    assert names.candidates(role, {name: "furlongs"}) == (name,)  # unknown: no word against it


@pytest.mark.parametrize("units", ["counts", "cps", "nA", "V", "ph/s", "a.u.", "uW", "1/s"])
def test_units_of_an_intensity(units: str) -> None:
    assert names.chambers({"I0": units, "It": units}) == {"i0": "I0", "it": "It"}
    assert names.fluorescence({"If": units}) == (("If",),)


@pytest.mark.parametrize(
    ("keys", "absorber", "edge", "expected"),
    [
        ("Det1_Ca Det2_Ca Det1_Fe Det2_Fe", "Fe", "K", ["Det1_Fe Det2_Fe"]),
        ("Det1_Ca Det2_Ca Det1_Fe Det2_Fe", "", "", ["Det1_Ca Det2_Ca", "Det1_Fe Det2_Fe"]),
        ("Fe_Ka_mca1 Fe_Ka_mca2 Ca_Ka_mca1", "Fe", "", ["Fe_Ka_mca1 Fe_Ka_mca2"]),
        ("Sum_Fe_Ka Fe_Ka_mca1 Fe_Ka_mca2", "Fe", "K", ["Fe_Ka_mca1 Fe_Ka_mca2", "Sum_Fe_Ka"]),
        ("XMAP4:FeKa_Sum XMAP4:CaKa_Sum", "Fe", "K", ["XMAP4:FeKa_Sum"]),
        ("Fe_Ka Fe_Kb", "Fe", "K", ["Fe_Ka", "Fe_Kb"]),
        ("Ba_Ka Ba_La", "Ba", "L3", ["Ba_La"]),
        ("S1_ifluor S2_ifluor", "S", "K", ["S1_ifluor S2_ifluor"]),
        ("Ifch1 Ifch2 Ifslow1 Iffast1", "Fe", "K", ["Ifch1 Ifch2"]),
        ("V1 V2 V_bias", "V", "K", ["V1 V2"]),
        ("I0 I1", "I", "L3", []),
        ("xs1_roi1 xs2_roi1 xs1_roi2 xs2_roi2", "", "", ["xs1_roi1 xs2_roi1", "xs1_roi2 xs2_roi2"]),
        ("DTC1 DTC2 If pips", "Mn", "K", ["DTC1 DTC2", "If", "pips"]),
        ("ICR_1 OCR_1 Fluo_1 Fluo_2", "Ag", "K", ["Fluo_1 Fluo_2"]),
        ("ge_detector_roi1 temperature det_in", "In", "K", ["ge_detector_roi1"]),
        ("fe_ka_1 fe_ka_2 ca_ka_1", "", "", ["ca_ka_1", "fe_ka_1 fe_ka_2"]),
        ("ketek1 ketek2 TEY iflu", "", "", ["iflu", "ketek1 ketek2", "TEY"]),
    ],
)
def test_groups_of_channels(keys: str, absorber: str, edge: str, expected: list[str]) -> None:
    found = names.fluorescence(bare(*keys.split()), absorber, edge)
    assert [" ".join(group) for group in found] == expected


@pytest.mark.parametrize("name", ["-ln(I/I0)", "log(I0/I1)", "OD", "abs.", "mu(E)"])
def test_absorption(name: str) -> None:
    assert names.candidates("mu", bare("energy", name)) == (name,)


def test_errors_and_a_numbered_monitor() -> None:
    assert names.is_error("mu_std") and names.is_error("errors") and not names.is_error("mu")
    assert names.candidates("norm", bare("flat", "norm")) == ("norm", "flat")
    assert names.chambers(bare("I02", "epoch")) == {"i0": "I02"}

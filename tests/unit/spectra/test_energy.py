"""Energies in eV, Bragg angles, absorbers from energies."""

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.spectra import SpectrumRejectedError, identify, tabulated_edge
from live_lce.spectra._edges import Clues, edge_in_range
from live_lce.spectra._energy import ANGLES, angles_to_ev, bragg_to_energy, to_ev, unit_name
from live_lce.testing import xanes_energy, xanes_mu


@pytest.mark.parametrize("units", ["keV", "KEV", "auto", "", "eV"])
def test_kev_is_converted_whatever_it_is_called(units):
    energy = xanes_energy()
    converted, findings = to_ev(energy / 1000, units)
    np.testing.assert_allclose(converted, energy)
    assert [f.reason for f in findings] == [Reason.UNITS_CONVERTED]


@pytest.mark.parametrize("units", ["eV", "ev", "auto", "counts"])
def test_ev_is_left_alone(units):
    energy = xanes_energy()
    assert to_ev(energy, units)[0] is energy
    assert to_ev(energy, units)[1] == ()


def test_descending_kev_could_be_degrees_and_is_refused():
    with pytest.raises(SpectrumRejectedError) as error:
        to_ev(xanes_energy()[::-1] / 1000)
    assert error.value.finding.reason is Reason.ENERGY_UNITS_UNKNOWN


def test_encoder_steps_are_refused():
    with pytest.raises(SpectrumRejectedError) as error:
        to_ev(np.linspace(3e5, 4e5, 50))
    assert error.value.finding.reason is Reason.ENERGY_UNITS_UNKNOWN


def test_ev_called_kev_is_taken_as_ev_and_said():
    energy = xanes_energy()
    found, (finding,) = to_ev(energy, "keV")
    assert found is energy
    assert finding.reason is Reason.UNITS_CONVERTED and "only be eV" in finding.detail
    hard = np.linspace(115.0, 116.0, 60)  # U K: could be either, so that the statement counts
    assert to_ev(hard, "keV")[0][0] == 115_000.0 and to_ev(hard, "eV")[0][0] == 115.0


@pytest.mark.parametrize("odd", [0.0, -1.0, np.nan, 7.112, 1e9])
def test_a_reading_that_is_no_energy_is_left_out_and_not_the_scan(odd):
    energy = xanes_energy()
    energy[3] = odd
    found, findings = to_ev(energy, "eV")
    assert findings == () and np.flatnonzero(np.isnan(found)).tolist() == [3]
    found, _ = to_ev(energy / 1000, "keV")
    assert np.flatnonzero(np.isnan(found)).tolist() == [3]


def test_padding_of_an_unfinished_scan_is_left_out():
    energy = np.concatenate([xanes_energy(), np.zeros(900)])
    assert np.isnan(to_ev(energy, "auto")[0]).sum() == 900


@pytest.mark.parametrize("energy", [np.zeros(30), np.linspace(-150, 300, 90)])
def test_energies_relative_to_the_edge_and_none_at_all_are_refused(energy):
    with pytest.raises(SpectrumRejectedError) as error:
        to_ev(energy, "eV")
    assert error.value.finding.reason is Reason.ENERGY_UNITS_UNKNOWN


def test_an_angle_is_no_energy():
    mrad = np.linspace(287, 280, 60)
    with pytest.raises(SpectrumRejectedError, match="mrad are an angle"):
        to_ev(mrad, "mrad")
    energy = xanes_energy()
    assert to_ev(energy, "deg")[1][0].reason is Reason.UNITS_CONVERTED  # 7000 degrees are none


ANGLE = np.linspace(16.6, 15.4, 200)
"""Degrees of Si(111) over the Fe K edge."""


@pytest.mark.parametrize("unit", ANGLES)
def test_angles_in_their_units(unit):
    expected = bragg_to_energy(ANGLE, 3.1356)
    found, _ = angles_to_ev(ANGLE / ANGLES[unit], 3.1356, unit)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Degrees", "deg"),
        ("[mrad]", "mrad"),
        ("arc-seconds", "arcsec"),
        ("µrad", "urad"),
        ("(eV)", "ev"),
        ("Electron Volts", "ev"),
        ("auto", ""),
        ("steps", "steps"),
    ],
)
def test_spellings(spelling, name):
    assert unit_name(spelling) == name


@pytest.mark.parametrize("stated", ["auto", "deg"])
def test_an_angle_that_is_no_degrees_is_taken_for_what_it_can_only_be(stated):
    found, (finding,) = angles_to_ev(np.radians(ANGLE), 3.1356, stated)
    np.testing.assert_allclose(found, bragg_to_energy(ANGLE, 3.1356))
    assert finding.reason is Reason.UNITS_CONVERTED and "rad" in finding.detail
    assert angles_to_ev(ANGLE, 3.1356, stated)[1] == ()


@pytest.mark.parametrize(
    ("values", "unit", "said"),
    [
        (ANGLE, "pulses", "units pulses"),
        (ANGLE, "eV", "units eV"),
        (ANGLE * 1000, "auto", "mdeg or arcsec"),
        (np.radians(ANGLE) * 1000, "auto", "mrad or arcmin"),
        (-ANGLE, "auto", "angles from -16.6"),
        (ANGLE * 1e9, "deg", "stated units deg"),
    ],
)
def test_units_of_an_angle_are_refused_by_name(values, unit, said):
    with pytest.raises(SpectrumRejectedError, match=said) as error:
        angles_to_ev(values, 3.1356, unit)
    assert error.value.finding.reason is Reason.ENERGY_UNITS_UNKNOWN


def test_an_angle_of_zero_is_left_out():
    angle = np.append(ANGLE, [0.0, 0.0])
    assert np.isnan(angles_to_ev(angle, 3.1356)[0]).sum() == 2


def test_bragg():
    # Si(111): the Fe K edge lies at 16.1 degrees.
    assert bragg_to_energy(16.140, 3.1356) == pytest.approx(7112, abs=2)
    assert np.isnan(bragg_to_energy([0.0, -3.0, 91.0], 3.1356)).all()
    with pytest.raises(ValueError, match="d_spacing"):
        bragg_to_energy(16.0, 0.0)
    assert bragg_to_energy(16140.0, 3.1356, "mdeg") == pytest.approx(7112, abs=2)
    with pytest.raises(ValueError, match="not 'steps'"):
        bragg_to_energy(16.0, 3.1356, "steps")


def test_tabulated_edges():
    assert tabulated_edge("Fe", "K") == 7112.0
    with pytest.raises(KeyError):
        tabulated_edge("Xx", "K")
    assert edge_in_range("Cu", 8900, 9200) == "K"
    assert edge_in_range("Cu", 7000, 7200) == ""


@pytest.mark.parametrize("absorber", ["Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"])
def test_absorber_is_found_from_the_rise(absorber):
    table = tabulated_edge(absorber)
    energy = xanes_energy(table, after=700)
    found, edge, _ = identify(energy, xanes_mu(energy, e0=table + 9))
    assert (found, edge) == (absorber, "K")


def test_coinciding_edges_are_named():
    energy = xanes_energy(5989.0)
    found, _, findings = identify(energy, xanes_mu(energy, e0=6000.0))
    assert found == "Cr"
    assert findings[0].reason is Reason.EDGES_COINCIDE and "Ba L1" in findings[0].detail


def test_no_edge_in_range():
    with pytest.raises(SpectrumRejectedError) as error:
        identify(np.linspace(6700, 6710, 30))
    assert error.value.finding.reason is Reason.ABSORBER_UNKNOWN


def test_finest_region_stands_in_for_the_rise():
    assert identify(xanes_energy(7112.0))[:2] == ("Fe", "K")


def two_edges(second: float = 1.0):
    """Return a chromium scan that goes past the manganese edge, whose step is `second`."""
    energy = np.arange(5840.0, 6700.0, 1.0)
    mu = xanes_mu(energy, e0=6000.0, step=0.4) + second * xanes_mu(energy, e0=6550.0, step=0.4)
    return energy, mu


@pytest.mark.parametrize("hint", [5989.0, 5989.2, 6001.0])
def test_an_energy_in_the_header_says_which_edge_is_meant(hint):
    energy, mu = two_edges()
    assert identify(energy, mu, Clues(hint))[:2] == ("Cr", "K")
    assert identify(energy, mu, Clues(6539.0))[:2] == ("Mn", "K")


def test_an_energy_in_the_header_may_name_an_l_edge():
    energy = xanes_energy(5475.0)
    mu = xanes_mu(energy, e0=5484.0)
    assert identify(energy, mu)[:2] == ("V", "K")
    found = identify(energy, mu, Clues(5483.0))
    assert found[:2] == ("La", "L3") and "V K 5465 eV" in found[2][0].detail


def test_a_header_of_another_scan_is_no_hint():
    energy = xanes_energy()
    assert identify(energy, xanes_mu(energy), Clues(8979.0))[:2] == ("Fe", "K")


def test_one_of_two_edges_is_not_chosen_by_its_height():
    with pytest.raises(SpectrumRejectedError, match="Cr K 5989 eV and Mn K 6539 eV") as error:
        identify(*two_edges(1.5))
    assert error.value.finding.reason is Reason.ABSORBER_UNKNOWN
    assert identify(*two_edges(0.02))[:2] == ("Cr", "K")


def test_of_two_edges_the_finest_steps_tell_which_is_meant():
    energy, mu = two_edges(1.5)
    fine = np.unique(np.concatenate([energy, np.arange(5970.0, 6040.0, 0.25)]))
    found = identify(fine, np.interp(fine, energy, mu))
    assert found[:2] == ("Cr", "K")
    assert any("the finest steps are at Cr K" in f.detail for f in found[2])


def test_a_guess_of_another_program_is_no_statement():
    energy = xanes_energy(5465.0)
    mu = xanes_mu(energy, e0=5475.0)
    guess = Clues(guessed=("La", "L3"), modelled=frozenset({("V", "K")}))
    found = identify(energy, mu, guess)
    assert found[:2] == ("V", "K")
    (finding,) = found[2]
    assert finding.reason is Reason.EDGES_COINCIDE
    assert "V K 5465 eV" in finding.detail and "guessed La L3" in finding.detail
    own = Clues(guessed=("La", "L3"), modelled=frozenset({("La", "L3")}))
    assert identify(energy, mu, own)[:2] == ("La", "L3")

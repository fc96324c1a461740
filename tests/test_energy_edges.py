"""Energies in eV, Bragg angles, absorbers from energies."""

import numpy as np
import pytest
from synthetic import xanes_energy, xanes_mu

from live_lce.contract import Reason
from live_lce.spectra.edges import edge_in_range, identify, tabulated_edge
from live_lce.spectra.energy import bragg_to_energy, to_ev
from live_lce.spectra.types import SpectrumRejectedError


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


def test_bragg():
    # Si(111): the Fe K edge lies at 16.1 degrees.
    assert bragg_to_energy(16.140, 3.1356) == pytest.approx(7112, abs=2)
    assert np.isnan(bragg_to_energy([0.0, -3.0, 91.0], 3.1356)).all()
    with pytest.raises(ValueError, match="d_spacing"):
        bragg_to_energy(16.0, 0.0)


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

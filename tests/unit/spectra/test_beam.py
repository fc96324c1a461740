"""Points without beam, found from I0."""

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Readings, SpectrumRejectedError, assemble, normalize
from live_lce.spectra._beam import without_beam
from live_lce.testing import xanes_energy, xanes_mu

ENERGY = xanes_energy()
MU = xanes_mu(ENERGY)
RNG = np.random.default_rng(0)
I0 = 1e5 * np.linspace(1, 0.95, ENERGY.size) * RNG.normal(1, 2e-3, ENERGY.size)
SETTINGS = AnalysisSettings()


def _recorded(lost=slice(0, 0), dark=(5.0, 4.0), beam=1.0, sign=1.0):
    i0 = I0 * beam
    it = i0 * np.exp(-MU)
    i0[lost], it[lost] = (level * RNG.normal(1, 0.05, i0[lost].size) for level in dark)
    return sign * i0, sign * it


def _spectrum(i0, it, **more):
    recorded = {"I0": i0, "It": it}
    return assemble(Readings(ENERGY, recorded, i0="I0", it="It", absorber="Fe", edge="K", **more))


@pytest.mark.parametrize("dark", [(5.0, 4.0), (0.0, 0.0), (900.0, 100.0), (8e3, 3e3)])
@pytest.mark.parametrize("lost", [slice(5, 15), slice(0, 8), slice(100, 101), slice(-60, None)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_loss_is_found_at_any_dark_level(lost, dark, sign):
    i0, it = _recorded(lost, dark, sign=sign)
    expected = np.zeros(ENERGY.size, dtype=bool)
    expected[lost] = True
    mu = np.full(it.shape, np.nan)
    np.divide(i0, it, out=mu, where=it != 0)
    np.testing.assert_array_equal(without_beam(i0, np.log(mu)), expected)


def test_what_varies_smoothly_is_no_loss():
    x = np.linspace(-1, 1, ENERGY.size)
    for beam in (
        np.ones(x.size),
        np.exp(-6 * (x + 1)),  # an undulator off its peak: down to 6e-6
        1 - 0.9 * np.exp(-((x / 0.03) ** 2)),  # a glitch of the monochromator
        np.where(x > 0, 0.3, 1.0),  # a part of the beam lost
        np.where(np.abs(x) < 0.1, 0.1, 1.0),
        1 + 0.5 * np.sin(40 * x),
    ):
        i0, it = _recorded(beam=beam)
        assert not without_beam(i0, np.log(i0 / it)).any()
        assert not without_beam(i0).any()
    assert not without_beam(np.ones(50)).any()
    assert not without_beam(np.ones(5)).any() and not without_beam(np.zeros(50)).any()
    assert not without_beam(np.full(50, np.nan)).any()


def test_the_point_that_was_exposed_in_part_goes_too():
    i0, it = _recorded(slice(40, 50))
    i0[50], it[50] = 0.4 * i0[50], 0.1 * it[50]
    assert np.flatnonzero(without_beam(i0)).tolist() == list(range(40, 51))


def test_points_without_beam_are_left_out_counted_and_said():
    whole = normalize(_spectrum(*_recorded()), SETTINGS)
    spectrum = _spectrum(*_recorded(slice(5, 15)))
    assert spectrum.used.n_without_beam == 10 and spectrum.energy.size == ENERGY.size - 10
    (finding,) = spectrum.findings
    assert finding.reason is Reason.POINTS_WITHOUT_BEAM
    assert finding.detail == f"10 of {ENERGY.size} points, at 6987.0 to 7032.0 eV"
    found = normalize(spectrum, SETTINGS)
    assert found.edge_step == pytest.approx(whole.edge_step, rel=0.02)
    assert found.n_dropped == 0


def test_a_hole_in_the_edge_is_no_answer():
    edge = np.flatnonzero((ENERGY > 7095) & (ENERGY < 7126))
    for lost in (slice(edge[0], edge[-1]), slice(edge[20], edge[-1])):
        spectrum = _spectrum(*_recorded(lost))
        with pytest.raises(SpectrumRejectedError) as error:
            normalize(spectrum, SETTINGS)
        assert error.value.finding.reason is Reason.POINTS_WITHOUT_BEAM
    single = _spectrum(*_recorded(slice(edge[20], edge[21])))
    assert normalize(single, SETTINGS).edge_step > 0


def test_too_many_are_no_answer():
    with pytest.raises(SpectrumRejectedError) as error:
        _spectrum(*_recorded(slice(20, None)))
    assert error.value.finding.reason is Reason.POINTS_WITHOUT_BEAM


def test_a_recorded_dark_level_tells_more():
    i0, it = _recorded()
    i0[30:40], it[30:40] = 4e4 + RNG.normal(0, 100, 10), 1e4 + RNG.normal(0, 100, 10)
    assert _spectrum(i0, it, dark={"I0": 4e4}).used.n_without_beam == 10

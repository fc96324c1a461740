"""Samples too thick for transmission."""

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import (
    Readings,
    Spectrum,
    SpectrumRejectedError,
    assemble,
    normalize,
)
from live_lce.testing import xanes_energy, xanes_mu

ENERGY = xanes_energy()
SETTINGS = AnalysisSettings()


def _recorded(step, dark=0.0, flicker=2e-3, counted=False):
    rng = np.random.default_rng(0)
    i0 = 1e6 * np.linspace(1, 0.9, ENERGY.size) * rng.normal(1, flicker, ENERGY.size)
    it = i0 * np.exp(-xanes_mu(ENERGY, step=step, noise=0.0)) + dark
    return i0, rng.poisson(it).astype(float) if counted else it


def _readings(i0, it, **more):
    recorded = {"I0": i0, "It": it}
    return Readings(ENERGY, recorded, i0="I0", it="It", absorber="Fe", edge="K", **more)


def _reason(readings):
    try:
        found = normalize(assemble(readings), SETTINGS)
    except SpectrumRejectedError as error:
        return error.finding.reason
    return [finding.reason for finding in found.findings]


@pytest.mark.parametrize("step", [0.1, 1.0, 2.5, 4.0])
def test_what_can_be_measured_is_not_remarked(step):
    assert _reason(_readings(*_recorded(step))) == []
    assert _reason(_readings(*_recorded(step, counted=True))) in ([], [Reason.SPIKES])


@pytest.mark.parametrize("step", [7.0, 8.0, 10.0])
def test_an_edge_step_that_nothing_transmits_is_refused(step):
    assert _reason(_readings(*_recorded(step))) is Reason.TOO_THICK


def test_a_dark_level_that_was_not_recorded_is_found():
    # Of It above the edge, 15 to 40 % do not follow the beam, or most of it.
    before = 1e6 * np.exp(-xanes_mu(ENERGY, step=3.0, noise=0.0))
    after = float(np.median(before[ENERGY > 7180]))
    assert _reason(_readings(*_recorded(3.0, dark=0.5 * after))) == [Reason.THICK_SAMPLE]
    assert _reason(_readings(*_recorded(3.0, dark=4 * after))) is Reason.TOO_THICK


def test_it_at_its_recorded_dark_level_is_refused():
    i0, it = _recorded(9.0)
    noisy = it + 1000 + np.random.default_rng(1).normal(0, 60, it.size)
    readings = _readings(i0, noisy, dark={"It": 1000.0})
    spectrum = assemble(readings)
    assert Reason.TOO_THICK in {finding.reason for finding in spectrum.findings}
    assert _reason(readings) is Reason.TOO_THICK


def test_it_at_the_last_digit_of_its_electrometer_is_refused():
    i0, it = _recorded(7.0)
    coarse = np.maximum(it, float(np.percentile(it, 40)))
    assert _reason(_readings(i0, coarse)) is Reason.TOO_THICK


def test_given_mu_is_remarked_only_where_its_noise_is_that_of_a_logarithm():
    mu = xanes_mu(ENERGY, step=8.0, noise=1e-4)
    assert _reason_of(mu) == []  # fluorescence can be of any size
    rng = np.random.default_rng(2)
    it = np.exp(-mu) + rng.normal(0, 1e-5, mu.size)
    assert Reason.THICK_SAMPLE in _reason_of(-np.log(np.abs(it)))
    assert _reason_of(500 * mu) == []


def _reason_of(mu):
    found = normalize(Spectrum(ENERGY, mu, "Fe", "K"), SETTINGS)
    return [finding.reason for finding in found.findings]

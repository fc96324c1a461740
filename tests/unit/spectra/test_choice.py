"""Which of several signals is taken."""

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.spectra import Readings, SpectrumRejectedError, assemble
from live_lce.spectra._choice import PLAIN, STRONG, find_rise
from live_lce.testing import xanes_energy, xanes_mu

ENERGY = xanes_energy()
MU = xanes_mu(ENERGY)
RNG = np.random.default_rng(0)
I0 = np.linspace(1e5, 9e4, ENERGY.size)
PLAIN_IT = I0 * np.exp(-1.5 * (ENERGY / 7112) ** -2.7) * RNG.normal(1, 1e-3, ENERGY.size)
SIGNALS = {
    "I0": I0,
    "It": I0 * np.exp(-MU),
    "dilute": PLAIN_IT,
    "If": I0 * 0.1 * (MU + 0.1),
    "Ir": I0 * np.exp(-MU) * np.exp(-MU),
    "foil": PLAIN_IT * np.exp(-MU),
    "mu": np.asarray(MU) * 1.1,
    "flat": RNG.normal(0.3, 1e-3, ENERGY.size),
}


def _used(**roles):
    found = assemble(Readings(ENERGY, SIGNALS, absorber="Fe", edge="K", **roles))
    return found.used.signal, [finding.reason for finding in found.findings]


def test_the_default_stands_where_it_shows_the_edge():
    assert _used(i0="I0", it="It", fluorescence=("If",)) == ("ln(I0/It)", [])
    assert _used(i0="I0", it="It", fluorescence=("If",), mu="mu") == ("mu", [])


def test_the_signal_that_alone_shows_the_edge_is_taken_and_said():
    chosen = [Reason.SIGNAL_CHOSEN]
    assert _used(i0="I0", it="dilute", fluorescence=("If",)) == ("If/I0", chosen)
    assert _used(i0="I0", it="It", mu="flat") == ("ln(I0/It)", chosen)


def test_a_weak_edge_gives_way_to_a_strong_one():
    weak = I0 * np.exp(-0.006 * MU - 0.16) * RNG.normal(1, 1e-3, ENERGY.size)
    contrast, _ = find_rise(ENERGY, np.log(I0 / weak), "Fe", "K")
    assert PLAIN < contrast < STRONG
    readings = Readings(
        ENERGY, SIGNALS | {"weak": weak}, absorber="Fe", edge="K", i0="I0", it="weak",
        fluorescence=("If",),
    )  # fmt: skip
    found = assemble(readings)
    assert found.used.signal == "If/I0"
    (remark,) = (f for f in found.findings if f.reason is Reason.SIGNAL_CHOSEN)
    assert remark.detail == "If/I0 shows the edge, ln(I0/weak) hardly does"


def test_what_is_stated_is_never_replaced():
    roles = {"i0": "I0", "it": "dilute", "fluorescence": ("If",)}
    assert _used(**roles, mode="transmission") == ("ln(I0/dilute)", [])
    with pytest.raises(SpectrumRejectedError) as error:
        _used(i0="I0", it="It", mode="fluorescence")
    assert error.value.finding.reason is Reason.MODE_UNAVAILABLE


def test_the_foil_never_replaces_the_sample():
    assert _used(i0="I0", it="dilute", ir="foil") == ("ln(I0/dilute)", [])
    assert _used(it="dilute", ir="foil") == ("ln(dilute/foil)", [Reason.SIGNAL_CHOSEN])


def test_without_any_edge_the_default_stands():
    assert _used(i0="I0", it="dilute", mu="flat") == ("flat", [])


@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.02, 0.1])
def test_an_edge_stands_out_and_noise_or_drift_does_not(noise):
    contrast, at = find_rise(ENERGY, xanes_mu(ENERGY, noise=noise), "Fe", "K")
    assert contrast > PLAIN and abs(at - 7122) < 8
    assert find_rise(ENERGY[::-1], xanes_mu(ENERGY, noise=noise)[::-1])[0] == pytest.approx(
        contrast, rel=0.5
    )
    drift = 0.5 - 1e-4 * (ENERGY - 7000) + 1e-7 * (ENERGY - 7000) ** 2
    assert find_rise(ENERGY, drift + noise * RNG.normal(size=ENERGY.size), "Fe", "K")[0] < PLAIN


def test_what_is_too_short_or_empty_has_no_edge():
    assert find_rise(ENERGY[:5], MU[:5])[0] == 0.0
    assert find_rise(ENERGY, np.full(ENERGY.size, np.nan))[0] == 0.0
    assert find_rise(ENERGY, MU, "Xx", "K")[0] > PLAIN
    assert find_rise(ENERGY, MU, "Cu", "K")[0] == 0.0


def test_mu_that_falls_throughout_is_an_angle():
    angle = np.degrees(np.arcsin(12398.42 / (2 * 3.1356 * ENERGY)))
    assert find_rise(ENERGY, angle, "Fe", "K")[0] == 0
    found = assemble(
        Readings(ENERGY, SIGNALS | {"mu": angle}, mu="mu", i0="I0", it="It", absorber="Fe")
    )
    assert found.used.signal == "ln(I0/It)"
    assert [finding.reason for finding in found.findings] == [Reason.SIGNAL_CHOSEN]


def test_a_foil_without_a_sample_is_said():
    found = assemble(Readings(ENERGY, SIGNALS, absorber="Fe", it="It", ir="Ir"))
    (finding,) = found.findings
    assert finding.reason is Reason.SIGNAL_CHOSEN and "reference foil" in finding.detail
    stated = assemble(Readings(ENERGY, SIGNALS, absorber="Fe", it="It", ir="Ir", mode="reference"))
    assert stated.findings == ()


@pytest.mark.parametrize("negative", [("I0",), ("It",), ("I0", "It"), ("If",), ("I0", "If")])
@pytest.mark.parametrize("dark", [0.0, 500.0])
def test_each_electrometer_may_have_its_polarity(negative, dark):
    for roles in ({"it": "It"}, {"fluorescence": ("If",)}):
        plain = assemble(Readings(ENERGY, SIGNALS, i0="I0", absorber="Fe", **roles))
        turned = {
            name: (-values if name in negative else values) + dark
            for name, values in SIGNALS.items()
        }
        offsets = dict.fromkeys(SIGNALS, dark)
        found = assemble(Readings(ENERGY, turned, i0="I0", absorber="Fe", dark=offsets, **roles))
        np.testing.assert_allclose(found.mu, plain.mu, rtol=1e-9)
        assert found.findings == plain.findings

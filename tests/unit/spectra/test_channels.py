"""Channels that cannot be summed, and readings that are stuck."""

import numpy as np
import pytest

from live_lce.contract import Reason
from live_lce.spectra import Readings, assemble
from live_lce.spectra._channels import left_out, odd_channels, remarks, stuck
from live_lce.testing import xanes_energy, xanes_mu

ENERGY = xanes_energy()
I0 = np.linspace(1e5, 9e4, ENERGY.size)


def _parts(seed=0):
    rng = np.random.default_rng(seed)
    rate = 0.1 * (xanes_mu(ENERGY, noise=0.0) + 0.1)
    return {
        f"xs_{n}": rng.poisson(I0 * rate * f).astype(float) for n, f in enumerate((1, 0.8, 1.2))
    }


def test_channels_are_left_out_by_name_whatever_the_case():
    parts = _parts() | {"XS_9": np.zeros(ENERGY.size)}
    out = left_out(I0, parts, ("XS_1*", "xs_0"))
    assert out == {"xs_0": "excluded", "xs_1": "excluded", "XS_9": "dead"}
    (finding,) = remarks(parts, out, ("XS_1*", "xs_0"))
    assert finding.reason is Reason.CHANNELS_EXCLUDED and "1 of 4" in finding.detail
    assert "xs_0" in finding.detail and "XS_9" in finding.detail


def test_a_pattern_that_matches_nothing_is_said():
    parts = _parts()
    (finding,) = remarks(parts, {}, ("xs_7",))
    assert finding.reason is Reason.EXCLUDE_UNMATCHED and "xs_7" in finding.detail


def test_without_any_channel_there_is_no_mu():
    zeros = {"a": np.zeros(ENERGY.size)}
    (finding,) = remarks(zeros, left_out(I0, zeros))
    assert finding.reason is Reason.DEAD_CHANNEL
    spectrum = assemble(Readings(ENERGY, {"I0": I0, **zeros}, i0="I0", fluorescence=("a",)))
    assert np.isnan(spectrum.mu).all()


@pytest.mark.parametrize("others", [1, 2, 3])
def test_a_paralysed_channel_is_found_among_others(others):
    parts = dict(list(_parts().items())[:others])
    last = parts["xs_0"]
    parts["bad"] = np.round(last * 30 * np.exp(-3 * last / last.max()))
    assert odd_channels(I0, parts) == {"bad": "falls where the others rise"}


def test_good_channels_of_different_backgrounds_stay():
    parts = _parts()
    parts["xs_1"] = parts["xs_1"] + 3e4
    parts["xs_2"] = np.random.default_rng(1).poisson(0.02 * parts["xs_2"]).astype(float)
    assert left_out(I0, parts) == {}


def test_a_channel_that_counts_too_slowly_is_left_out_and_a_dead_time_is_not():
    parts = _parts()
    last = parts["xs_2"]
    parts["xs_2"] = np.round(3 * last * np.exp(-1.5 * last / last.max()))
    assert left_out(I0, parts) == {"xs_2": "rises less and less with the others"}
    parts["xs_2"] = np.round(last / (1 + 0.5 * last / last.max()))
    assert left_out(I0, parts) == {}


def test_a_channel_that_sticks_dies_or_clips_is_left_out():
    for fault in ("sticks", "dies", "clips"):
        parts = _parts()
        last = parts["xs_2"]
        after = ENERGY > 7130
        parts["xs_2"] = {
            "sticks": np.where(after, last[after][0], last),
            "dies": np.where(after, 0.0, last),
            "clips": np.minimum(last, 0.8 * last.max()),
        }[fault]
        assert list(left_out(I0, parts)) == ["xs_2"]
        spectrum = assemble(
            Readings(ENERGY, {"I0": I0, **parts}, i0="I0", fluorescence=tuple(parts))
        )
        assert spectrum.used.excluded == ("xs_2",)
        assert spectrum.used.signal == "(xs_0+xs_1)/I0"
        good = (parts["xs_0"] + parts["xs_1"]) / I0
        np.testing.assert_allclose(spectrum.mu, good)


def test_one_saturated_channel_alone_is_refused_later():
    last = _parts()["xs_0"]
    clipped = {"a": np.minimum(last, 0.8 * last.max())}
    spectrum = assemble(Readings(ENERGY, {"I0": I0, **clipped}, i0="I0", fluorescence=("a",)))
    assert Reason.SATURATED in {f.reason for f in spectrum.findings}


def test_stuck_readings_are_found_where_equal_neighbours_are_not_usual():
    it = np.random.default_rng(2).normal(1e5, 100, 200)
    assert not stuck(it).any()
    it[50:62] = it[50]
    assert np.flatnonzero(stuck(it)).tolist() == list(range(50, 62))
    assert not stuck(np.round(it / 1e4)).any()  # coarse digits
    assert not stuck(np.random.default_rng(3).poisson(0.3, 500).astype(float)).any()
    assert not stuck(np.ones(50)).any() and not stuck(np.ones(3)).any()
    assert not stuck(np.full(50, np.nan)).any()


def test_points_at_which_a_chamber_is_stuck_are_left_out_and_said():
    it = I0 * np.exp(-xanes_mu(ENERGY))
    it[-12:] = it[-12]
    spectrum = assemble(Readings(ENERGY, {"I0": I0, "It": it}, i0="I0", it="It"))
    (finding,) = spectrum.findings
    assert finding.reason is Reason.POINTS_DROPPED and "It is stuck" in finding.detail
    assert np.isnan(spectrum.mu[-12:]).all() and np.isfinite(spectrum.mu[:-12]).all()


def test_a_counter_that_dies_early_is_left_out():
    parts = _parts()
    parts["xs_2"] = np.where(ENERGY[ENERGY.size // 4] < ENERGY, 0.0, parts["xs_2"])
    assert list(left_out(I0, parts)) == ["xs_2"]
    assert "stuck at 0" in left_out(I0, parts)["xs_2"]

"""Building mu and finding dead and saturated channels."""

import numpy as np
from hypothesis import given, strategies as st

from live_lce.contract import Reason
from live_lce.spectra import _absorption as absorption


def test_transmission_and_dark():
    i0, it = np.array([100.0, 110.0]), np.array([37.0, 20.0])
    np.testing.assert_allclose(absorption.transmission(i0, it), np.log(i0 / it))
    with_dark = absorption.transmission(i0 + 2, it + 1, dark_i0=2, dark_it=1)
    np.testing.assert_allclose(with_dark, np.log(i0 / it))


def test_zero_and_negative_intensities_are_nan_not_errors():
    mu = absorption.transmission([0.0, 1.0, -1.0, 2.0], [1.0, 0.0, 1.0, 1.0])
    assert np.isnan(mu[:3]).all() and np.isfinite(mu[3])


def test_reference():
    np.testing.assert_allclose(absorption.reference([10.0], [1.0]), np.log(10))


def test_fluorescence_is_the_sum_over_i0():
    ramp = np.linspace(1, 2, 30)
    mu = absorption.fluorescence(2.0 + ramp, {"a": ramp, "b": 2 * ramp}, dark={"a": 0.5})
    np.testing.assert_allclose(mu, (3 * ramp - 0.5) / (2.0 + ramp))
    assert np.isnan(absorption.fluorescence(np.ones(10), {})).all()


def test_dead_and_saturated_channels_are_named():
    rng = np.random.default_rng(0)
    good = 1e5 + rng.normal(0, 100, 50)
    clipped = np.minimum(good * np.linspace(0.5, 1.5, 50), 1.2e5)
    found = absorption.inspect_channels({"I0": good, "It": np.zeros(50), "If": clipped})
    assert [(f.reason, f.detail) for f in found] == [
        (Reason.DEAD_CHANNEL, "It"),
        (Reason.SATURATED, "If"),
    ]
    assert absorption.inspect_channels({"I0": good}) == ()


def test_i0_may_be_constant_but_not_zero():
    ones, zeros = np.ones(50), np.zeros(50)
    assert absorption.inspect_channels({"I0": ones}, incident="I0") == ()
    assert absorption.inspect_channels({"I0": zeros}, incident="I0")[0].detail == "I0"
    assert absorption.inspect_channels({"I0": zeros * np.nan}, incident="I0")[0].detail == "I0"
    assert absorption.inspect_channels({"It": ones}, incident="I0")[0].detail == "It"


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30))
def test_any_readings_are_judged_without_error(values):
    absorption.inspect_channels({"x": np.array(values)})
    mu = absorption.transmission(values, values)
    assert mu.shape == (len(values),) and not np.isinf(mu).any()


def test_few_counts_are_not_saturation():
    counts = np.array([0, 3, 3, 3, 3, 3, 3, 1, 2, 0], dtype=float)
    assert not absorption.is_saturated(counts)
    assert absorption.is_saturated(counts * 1000.0)

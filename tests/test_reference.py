"""The edge reference stays on the main edge, whatever the scale, offset and sampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_lce.spectra.reference import edge_reference, edge_references


def model(energy, edge=5480.0, peak=0.0):
    step = 0.5 + np.arctan((energy - edge) / 1.5) / np.pi
    white = 0.4 * np.exp(-(((energy - edge - 5) / 3) ** 2))
    return step + white + peak * np.exp(-(((energy - edge + 13) / 1.2) ** 2))


ENERGY = np.arange(5330.0, 5700.0, 0.4)


def test_a_high_pre_edge_peak_does_not_catch_it_as_it_does_the_derivative():
    norm = model(ENERGY, peak=0.9)
    steepest = ENERGY[np.argmax(np.gradient(norm, ENERGY))]
    assert steepest < 5470
    assert edge_reference(ENERGY, norm, steepest) == pytest.approx(5480.5, abs=1.0)
    plain = edge_reference(ENERGY, model(ENERGY))
    assert edge_reference(ENERGY, norm) == pytest.approx(plain, abs=0.3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 50), st.floats(-3, 3), st.floats(-20, 20), st.floats(0, 1))
def test_scale_and_offset_change_nothing_and_energy_shifts_go_along(scale, offset, shift, peak):
    norm = model(ENERGY, peak=peak)
    plain = edge_reference(ENERGY, norm, 5480.0)
    changed = edge_reference(ENERGY + shift, scale * norm + offset, 5480.0 + shift)
    assert changed - shift == pytest.approx(plain, abs=0.02)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 1.5), st.floats(0, 1))
def test_sampling_hardly_matters(step, start):
    energy = np.arange(5440.0 + start, 5560.0, step)
    plain = edge_reference(ENERGY, model(ENERGY), 5480.0)
    assert edge_reference(energy, model(energy), 5480.0) == pytest.approx(plain, abs=0.25)


@pytest.mark.parametrize("beyond", [17.0, 25.0, 60.0])
def test_a_scan_that_goes_on_does_not_move_it(beyond):
    norm = model(ENERGY, peak=0.6)
    whole = edge_reference(ENERGY, norm, 5480.0)
    kept = whole + beyond > ENERGY
    assert edge_reference(ENERGY[kept], 0.75 * norm[kept], 5480.0) == pytest.approx(whole, abs=0.1)


def test_too_short_a_scan_is_refused_also_where_it_shows_a_pre_edge_peak():
    norm = model(ENERGY, peak=0.6)
    kept = ENERGY < 5484
    with pytest.raises(ValueError, match="before 15 eV past the edge"):
        edge_reference(ENERGY[kept], norm[kept], 5480.0)
    with pytest.raises(ValueError, match="no edge reference"):
        edge_reference(ENERGY[:5], norm[:5])
    with pytest.raises(ValueError, match="do not fit together"):
        edge_reference(ENERGY, norm[:-1])


def test_a_stack_equals_its_rows():
    stack = np.array(
        [model(ENERGY, edge=e, peak=p) for e, p in ((5478, 0), (5480, 1), (5484, 0.5))]
    )
    e0 = np.array([5478.0, 5467.0, 5484.0])
    together = edge_reference(ENERGY, stack, e0)
    alone = [edge_reference(ENERGY, row, guess) for row, guess in zip(stack, e0, strict=True)]
    assert together.shape == (3,)
    np.testing.assert_allclose(together, alone, atol=0.02)
    stack[1] = 0.0
    assert list(np.isnan(edge_references(ENERGY, stack, e0))) == [False, True, False]

"""The edge reference stays on the main edge, whatever the scale, offset and sampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from live_lce.spectra import edge_references
from live_lce.spectra._reference import EARLIEST, edge_reference


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


@pytest.mark.parametrize("beyond", [10.8, 12.0, 13.0, 14.0, 16.0])
@pytest.mark.parametrize("peak", [0.0, 0.6])
def test_an_unfinished_scan_is_placed_once_10_ev_lie_behind_its_edge(beyond, peak):
    norm = model(ENERGY, peak=peak)
    whole = edge_reference(ENERGY, norm, 5480.0)
    assert edge_reference(ENERGY, norm, 5480.0, EARLIEST) == whole
    assert edge_reference(ENERGY, norm, behind=EARLIEST) == edge_reference(ENERGY, norm)
    kept = whole + beyond > ENERGY
    early = edge_reference(ENERGY[kept], norm[kept], 5480.0, EARLIEST)
    assert early == pytest.approx(whole, abs=0.6)
    kept = whole + 9.0 > ENERGY
    with pytest.raises(ValueError, match="before 10 eV past the edge"):
        edge_reference(ENERGY[kept], norm[kept], 5480.0, EARLIEST)


@pytest.mark.parametrize("peak", [0.3, 0.6, 0.9, 1.2])
def test_no_scan_is_placed_on_its_pre_edge_peak_wherever_it_ends(peak):
    norm = model(ENERGY, peak=peak)
    whole = edge_reference(ENERGY, norm, 5480.0)
    placed = 0
    for end in np.arange(-10.0, 30.0, 0.5):
        kept = whole + end > ENERGY
        for e0 in (5466.5, 5480.0):  # the derivative's maximum may be on either
            found = edge_references(ENERGY[kept], norm[kept][None], e0, EARLIEST)[0]
            assert np.isnan(found) or found == pytest.approx(whole, abs=0.7)
            placed += np.isfinite(found)
    assert placed > 60


def test_a_rise_that_does_not_last_is_no_edge():
    # A molecule's peak 9 eV below its edge, which already lifts the level behind the peak.
    norm = 0.5 + np.arctan((ENERGY - 5479) / 0.8) / np.pi
    norm += 0.5 * np.exp(-(((ENERGY - 5470) / 1.2) ** 2))
    kept = ENERGY < 5488
    assert edge_references(ENERGY[kept], norm[kept][None], 5469.0)[0] < 5470
    assert np.isnan(edge_references(ENERGY[kept], norm[kept][None], 5469.0, EARLIEST)[0])
    assert edge_reference(ENERGY, norm, 5469.0, EARLIEST) == pytest.approx(5479, abs=0.5)


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

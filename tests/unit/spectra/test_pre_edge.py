"""The stacked normalization equals xraylarch's on the same ranges."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from live_lce.settings import AnalysisSettings, Normalization
from live_lce.spectra import NormalizedSpectrum, Spectrum, normalize
from live_lce.spectra._normalize import normalize_stack
from live_lce.spectra._pre_edge import larch_pre_edge, stacked_pre_edge
from live_lce.spectra._ranges import choose_ranges
from live_lce.testing import xanes_energy, xanes_mu


@settings(max_examples=60, deadline=None)
@given(
    after=st.floats(20, 700),
    before=st.floats(20, 250),
    e0=st.floats(7118, 7126),
    step=st.floats(0.01, 5),
    seed=st.integers(0, 100),
)
def test_stack_equals_larch(after, before, e0, step, seed):
    energy = xanes_energy(before=before, after=after)
    mu = np.stack([xanes_mu(energy, step=step, seed=seed + i) for i in range(3)])
    ranges = choose_ranges(energy, e0, Normalization())
    stacked = stacked_pre_edge(energy, mu, e0, ranges)
    for row, norm, found in zip(mu, stacked.norm, stacked.edge_step, strict=True):
        one = larch_pre_edge(energy, row, e0, ranges)
        np.testing.assert_allclose(norm, one.norm, atol=1e-9, rtol=0)
        np.testing.assert_allclose(found, one.edge_step, atol=1e-9, rtol=0)
        for name in ("pre1", "pre2", "norm1", "norm2", "nnorm", "npre"):
            assert getattr(stacked.used, name) == pytest.approx(getattr(one.used, name))


def test_stack_of_one_row_has_no_stack_axis():
    energy = xanes_energy()
    ranges = choose_ranges(energy, 7124.0, Normalization())
    one = stacked_pre_edge(energy, xanes_mu(energy), 7124.0, ranges)
    assert one.norm.shape == energy.shape and one.edge_step.shape == ()


def test_true_step_is_found():
    energy = xanes_energy(after=400)
    done = normalize(Spectrum(energy, xanes_mu(energy, step=0.8), "Fe", "K"), AnalysisSettings())
    assert done.edge_step == pytest.approx(0.8, rel=0.05)  # an arctangent is not yet 1 there
    assert (done.pre1, done.pre2, done.norm1, done.nnorm) == (-150.0, -30.0, 50.0, 2)


def test_normalize_stack_equals_normalize():
    energy = xanes_energy()
    mu = np.stack([xanes_mu(energy, seed=i, step=0.5 + 0.1 * i) for i in range(4)])
    mu[2] = 1.0  # one flat row does not stop the others
    many = normalize_stack(energy, mu, "Fe", "K", AnalysisSettings())
    for i, one in enumerate(many):
        if i == 2:
            assert not isinstance(one, NormalizedSpectrum)
            assert one.finding.reason == "flat_signal"
            continue
        assert isinstance(one, NormalizedSpectrum)
        alone = normalize(Spectrum(energy, mu[i], "Fe", "K"), AnalysisSettings())
        np.testing.assert_allclose(one.norm, alone.norm, atol=1e-9)
        assert one.e0 == alone.e0
        assert one.findings == alone.findings


def test_larch_leaves_warnings_and_logging_as_they_were():
    """In a fresh process, since the import happens once."""
    code = """
import logging, warnings
logging.getLogger().setLevel(logging.INFO)
warnings.simplefilter("error", UserWarning)
before = list(warnings.filters)
from live_lce.spectra._larch_import import load_larch_xafs
load_larch_xafs()
assert warnings.filters == before, warnings.filters
assert logging.getLogger().level == logging.INFO
"""
    subprocess.run([sys.executable, "-c", code], check=True)

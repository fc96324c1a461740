"""Quality control, normalization and decision: every bad input ends in a reason."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from live_lce.contract import Reason
from live_lce.settings import AnalysisSettings, Normalization, Quality
from live_lce.spectra import (
    NormalizedSpectrum,
    Spectrum,
    SpectrumRejectedError,
    normalize,
)
from live_lce.spectra._absorption import inspect_channels, transmission
from live_lce.spectra._quality_control import clean
from live_lce.testing import foil_mu, xanes_energy, xanes_mu

E = xanes_energy()
MU = xanes_mu(E)
DEFAULTS = AnalysisSettings()


def run(energy=E, mu=MU, config=DEFAULTS, absorber="Fe", **more) -> NormalizedSpectrum:
    return normalize(Spectrum(energy, mu, absorber, "K" if absorber else "", **more), config)


def refused(*args, **more) -> Reason:
    with pytest.raises(SpectrumRejectedError) as error:
        run(*args, **more)
    assert error.value.finding.sentence
    return error.value.finding.reason


def reasons(done: NormalizedSpectrum) -> list[Reason]:
    return [f.reason for f in done.findings]


def test_good_spectrum_has_no_remarks():
    done = run()
    assert reasons(done) == []
    assert done.e0 == pytest.approx(7124, abs=1)
    assert done.edge_reference == pytest.approx(7124, abs=2)
    assert abs(done.norm[done.energy < done.e0 - 30].mean()) < 0.02
    assert done.noise == pytest.approx(0.001, rel=0.4)


@pytest.mark.parametrize("order", ["descending", "shuffled"])
def test_order_does_not_matter(order):
    index = np.arange(E.size)[::-1]
    if order == "shuffled":
        index = np.random.default_rng(1).permutation(E.size)
    done, straight = run(E[index], MU[index]), run()
    np.testing.assert_array_equal(done.energy, straight.energy)
    np.testing.assert_array_equal(done.norm, straight.norm)


def test_duplicated_energies_are_averaged():
    noise = np.random.default_rng(3).normal(0, 1e-4, E.size)
    done = run(np.concatenate([E, E]), np.concatenate([MU + noise, MU - noise]))
    assert reasons(done) == [Reason.ENERGIES_MERGED]
    np.testing.assert_allclose(done.norm, run().norm, atol=1e-9)


def test_non_finite_points_are_dropped_and_counted():
    mu = MU.copy()
    mu[[5, 60]] = np.nan, np.inf
    done = run(mu=mu)
    assert reasons(done) == [Reason.POINTS_DROPPED] and done.n_dropped == 2
    assert done.n_points == E.size - 2


def test_kev_is_converted():
    done = run(E / 1000)
    assert reasons(done) == [Reason.UNITS_CONVERTED]
    assert done.e0 == pytest.approx(7124, abs=1)


def test_empty_and_short():
    assert refused(np.array([]), np.array([])) is Reason.NO_POINTS
    assert refused(E[:5], MU[:5]) is Reason.TOO_FEW_POINTS
    assert refused(E, MU[:-1]) is Reason.UNEQUAL_LENGTHS


def test_dead_i0_is_named():
    i0, it = np.zeros(E.size), np.exp(-MU)
    findings = inspect_channels({"I0": i0, "It": it})
    assert refused(mu=transmission(i0, it), findings=findings) is Reason.DEAD_CHANNEL
    assert refused(mu=transmission(i0, it)) is Reason.NO_FINITE_POINTS


def test_saturated_detector():
    it = np.minimum(np.exp(-MU), np.exp(-MU)[60])
    findings = inspect_channels({"It": it})
    assert refused(mu=-np.log(it), findings=findings) is Reason.SATURATED


def test_constant_mu():
    assert refused(mu=np.full(E.size, 0.7)) is Reason.FLAT_SIGNAL
    assert refused(mu=np.zeros(E.size)) is Reason.FLAT_SIGNAL


@pytest.mark.parametrize("end", [7085.0, 7092.0, 7108.0, 7116.0, 7125.0])
def test_before_the_edge_nothing_is_said(end):
    keep = end >= E
    assert refused(E[keep], MU[keep]) is Reason.EDGE_NOT_REACHED


def test_wrong_absorber():
    assert refused(absorber="Co") is Reason.ABSORBER_OUT_OF_RANGE
    assert refused(absorber="Zn") is Reason.ABSORBER_OUT_OF_RANGE
    assert refused(absorber="V") is Reason.ABSORBER_OUT_OF_RANGE
    assert refused(absorber="Qq") is Reason.ABSORBER_UNKNOWN


def test_absorber_unknown_without_an_edge():
    assert refused(np.linspace(6700, 6710, 40), MU[:40], absorber="") is Reason.ABSORBER_UNKNOWN


def test_absorber_from_the_energies():
    done = run(absorber="")
    assert (done.absorber, done.edge) == ("Fe", "K")


def test_rise_far_from_the_table():
    mu = xanes_mu(E, e0=7190.0)
    assert refused(mu=mu) is Reason.E0_OFF_EDGE


def test_no_pre_edge():
    keep = E > 7124 - 8
    assert refused(E[keep], MU[keep]) is Reason.NO_PRE_EDGE


def test_short_pre_edge_is_a_remark():
    keep = E > 7124 - 20
    assert Reason.PRE_EDGE_SHORT in reasons(run(E[keep], MU[keep]))


def test_short_post_edge_is_a_remark():
    keep = E < 7124 + 40
    assert Reason.POST_EDGE_SHORT in reasons(run(E[keep], MU[keep]))


def test_inverted_mu():
    assert refused(mu=2 - MU) is Reason.EDGE_STEP_TOO_SMALL


def test_step_within_the_noise():
    assert refused(mu=xanes_mu(E, noise=0.3)) is Reason.EDGE_STEP_TOO_SMALL


def test_too_noisy():
    limits = AnalysisSettings(quality=Quality(max_noise=0.02))
    assert refused(mu=xanes_mu(E, noise=0.04), config=limits) is Reason.TOO_NOISY


def test_coarse_grid():
    coarse = np.arange(6962.0, 7312.0, 6.0)
    assert refused(coarse, xanes_mu(coarse)) is Reason.GRID_TOO_COARSE


def test_spike_is_reported_and_does_not_move_e0():
    mu = MU.copy()
    mu[[8, 100]] += 5.0, 1.2
    done = run(mu=mu)
    assert reasons(done) == [Reason.SPIKES]
    assert done.e0 == run().e0
    assert done.norm[100] == pytest.approx(run().norm[100] + 1.5, abs=0.05)


def test_spike_is_removed_when_asked():
    mu = MU.copy()
    mu[100] += 1.2
    done = run(mu=mu, config=AnalysisSettings(quality=Quality(remove_spikes=True)))
    assert reasons(done) == [Reason.SPIKES_REMOVED]
    assert done.norm[100] == pytest.approx(run().norm[100], abs=0.02)


def test_normalized_input_is_recognized_and_left_alone():
    norm = run().norm
    done = run(mu=norm)
    assert reasons(done) == [Reason.ALREADY_NORMALIZED] and done.norm_method == "as_given"
    np.testing.assert_array_equal(done.norm, norm)
    assert np.isnan(done.edge_step) and np.isnan(done.pre1) and done.nnorm is None


def test_normalized_input_can_be_declared_either_way():
    scaled = 0.6 * run().norm
    assert run(mu=scaled).norm_method == "pre_edge"
    assert run(mu=scaled, normalized=True).norm_method == "as_given"
    raw = AnalysisSettings(normalization=Normalization(normalized=False))
    assert run(mu=run().norm, config=raw).norm_method == "pre_edge"


def test_over_absorption_is_suspected_in_fluorescence_only():
    damped = xanes_mu(E, white_line=0.1)
    assert Reason.OVER_ABSORPTION in reasons(run(mu=damped, mode="fluorescence"))
    assert Reason.OVER_ABSORPTION not in reasons(run(mu=damped, mode="transmission"))


def test_shifted_edge_is_a_remark():
    assert Reason.E0_SHIFTED in reasons(run(E - 20, MU))


def test_constant_shift_keeps_the_raw_energy():
    config = AnalysisSettings(normalization=Normalization(shift="constant", shift_value=1.5))
    done = run(config=config)
    assert done.energy_shift == 1.5
    np.testing.assert_allclose(done.raw_energy, E)
    np.testing.assert_allclose(done.energy, E + 1.5)


def test_shift_from_the_foil():
    config = AnalysisSettings(normalization=Normalization(shift="foil"))
    done = run(config=config, reference=foil_mu(E, e0=7114.5))
    assert done.energy_shift == pytest.approx(-2.5, abs=0.1)
    noise = np.random.default_rng(0).normal(size=E.size)
    for useless in (None, np.full(E.size, np.nan), noise, MU, xanes_mu(E, e0=7114.5)):
        done = run(config=config, reference=useless)
        assert done.energy_shift == 0.0 and Reason.FOIL_UNUSABLE in reasons(done)


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(
        st.tuples(
            st.floats(allow_nan=True, allow_infinity=True, width=32),
            st.floats(allow_nan=True, allow_infinity=True, width=32),
        ),
        max_size=60,
    ),
    absorber=st.sampled_from(["Fe", "", "Cu"]),
)
def test_garbage_is_refused_or_normalized_never_raised(data, absorber):
    energy = np.array([d[0] for d in data], dtype=float)
    mu = np.array([d[1] for d in data], dtype=float)
    try:
        done = run(energy, mu, absorber=absorber)
    except SpectrumRejectedError as error:
        assert error.finding.reason in Reason
    else:
        assert np.isfinite(done.norm).all()


@settings(max_examples=30, deadline=None)
@given(cut=st.floats(7000, 7320), seed=st.integers(0, 50))
def test_partial_scans_are_refused_or_near_the_full_scan(cut, seed):
    mu = xanes_mu(E, seed=seed)
    keep = cut >= E
    full = run(mu=mu)
    try:
        part = run(E[keep], mu[keep])
    except SpectrumRejectedError:
        return
    if np.isfinite(part.edge_reference):
        assert part.edge_reference == pytest.approx(full.edge_reference, abs=1.0)


def test_a_metal_like_edge_is_recognized():
    x = E - 7117.0
    norm = 0.45 / (1 + np.exp(-(x + 1) / 0.8)) + 0.55 / (1 + np.exp(-(x - 8) / 1.5))
    assert Reason.METAL_LIKE in reasons(run(mu=0.3 + 0.8 * norm))
    assert Reason.METAL_LIKE not in reasons(run())


def sentence(*args, **more) -> str:
    with pytest.raises(SpectrumRejectedError) as error:
        run(*args, **more)
    assert (error.value.absorber, error.value.edge) == ("Fe", "K")
    return str(error.value)


def test_a_refusal_names_the_edge_that_it_assumed():
    flat = xanes_mu(E, e0=7190.0)
    assert "mu rises most at 7190 eV; Fe K at 7112 eV, as stated" in sentence(mu=flat)
    assert "Fe K at 7112 eV, by its energies" in sentence(E[::3], MU[::3] * -1, absorber="")
    hinted = sentence(mu=flat, absorber="", hint_energy=7111.0)
    assert "by the edge energy 7111 eV in the header" in hinted
    coarse = np.arange(6962.0, 7400.0, 6.0)
    guessed = {"absorber_guessed": True, "absorber": "Fe"}
    assert "as another program guessed" in sentence(coarse, xanes_mu(coarse), **guessed)
    config = AnalysisSettings(normalization=Normalization(absorber="Fe", edge="K"))
    assert "Fe K at 7112 eV, as set" in sentence(E[E > 7114], MU[E > 7114], config=config)
    assert "Fe K at 7112 eV, as stated" in sentence(E - 1000, MU)


@pytest.mark.parametrize(
    ("mode", "words"),
    [("transmission", "I0 and It"), ("reference", "It and Ir"), ("fluorescence", "the line")],
)
def test_what_falls_at_the_edge_is_called_by_its_mode(mode, words):
    said = sentence(mu=-MU, mode=mode)
    assert words in said and f"mu of {mode} falls" in said


def _twice(first, other):
    energy = xanes_energy()
    return np.tile(energy, 2), np.concatenate([first, other])


def test_repeated_readings_are_averaged_without_a_word_where_they_agree():
    energy = xanes_energy()
    first, other = (xanes_mu(energy, noise=0.01, seed=n) for n in (1, 2))
    other[[10, 60]] += 0.3  # spikes
    found = clean(*_twice(first, other))
    assert reasons(found) == [Reason.ENERGIES_MERGED]
    assert reasons(clean(*_twice(first, other * 1.01))) == [Reason.ENERGIES_MERGED]


def test_readings_that_differ_are_remarked():
    energy = xanes_energy()
    first = xanes_mu(energy, noise=0.001)
    for other in (xanes_mu(energy, noise=0.001, e0=7124.4), 0.8 * first, first + 0.2):
        found = clean(*_twice(first, other))
        assert reasons(found) == [Reason.ENERGIES_MERGED, Reason.READINGS_DIFFER]


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01])
def test_two_spectra_are_not_averaged(noise):
    energy = xanes_energy()
    first = xanes_mu(energy, noise=noise)
    for other in (
        xanes_mu(energy, white_line=0.0, noise=noise, seed=1),
        xanes_mu(energy, white_line=0.0, step=0.4, noise=noise, seed=1),
        xanes_mu(energy, e0=7127.0, noise=noise, seed=1),
    ):
        for mixed in (_twice(first, other), (np.repeat(energy, 2), np.ravel([first, other], "F"))):
            with pytest.raises(SpectrumRejectedError) as error:
                clean(*mixed)
            assert error.value.finding.reason is Reason.SEVERAL_SPECTRA


def test_one_sample_between_two_sweeps_of_another_is_found():
    one, other = xanes_mu(E), xanes_mu(E, white_line=0.0, seed=1)
    with pytest.raises(SpectrumRejectedError) as error:
        clean(np.tile(E, 3), np.concatenate([one, other, one]))
    assert error.value.finding.reason is Reason.SEVERAL_SPECTRA


def test_a_few_points_read_again_are_not_compared():
    energy = xanes_energy()
    mu = xanes_mu(energy)
    again = np.concatenate([energy, energy[40:45]]), np.concatenate([mu, mu[40:45] + 0.3])
    assert reasons(clean(*again)) == [Reason.ENERGIES_MERGED]


def test_an_edge_step_spoilt_by_another_edge_is_refused():
    energy = xanes_energy()
    e0 = 7122.0
    mu = xanes_mu(energy) - 0.7 * np.clip((energy - e0 - 35.0) / 10.0, 0.0, 1.0)
    spoilt = Spectrum(energy, mu, absorber="Fe", edge="K")
    with pytest.raises(SpectrumRejectedError, match="is another edge between norm1 and norm2"):
        normalize(spoilt, DEFAULTS)

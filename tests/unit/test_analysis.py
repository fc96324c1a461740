"""One spectrum in, one decision out, with the shipped models."""

import dataclasses

import numpy as np
import pytest

from live_lce.analysis import analyse
from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.settings import AnalysisSettings, Classification, Normalization
from live_lce.spectra import Spectrum
from live_lce.testing import xanes_energy, xanes_mu

ALWAYS = AnalysisSettings(classification=Classification(min_confidence=0.0, max_ood_score=1e9))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def spectrum(**more) -> Spectrum:
    energy = xanes_energy()
    return Spectrum(energy, xanes_mu(energy), "Fe", "K", **more)


def test_an_answer_names_everything(registry):
    analysis = analyse(spectrum(), registry, ALWAYS)
    prediction = analysis.prediction
    assert prediction.status is Status.OK and prediction.answered
    assert prediction.label == prediction.label_set[0]
    assert prediction.confidence == pytest.approx(prediction.probabilities.max())
    assert prediction.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert prediction.model.provider.endswith("ExecutionProvider")
    assert len(prediction.model.sha256) == 64
    assert analysis.normalized is not None


def test_a_short_scan_is_answered_as_partial(registry):
    full = spectrum()
    keep = full.energy < 7124 + 40
    short = dataclasses.replace(full, energy=full.energy[keep], mu=full.mu[keep])
    prediction = analyse(short, registry, ALWAYS).prediction
    assert prediction.status is Status.PARTIAL
    assert prediction.findings[0].reason is Reason.POST_EDGE_SHORT


def test_a_metal_is_not_answered_however_sure_the_model_is(registry):
    energy = xanes_energy()
    x = energy - 7117.0
    norm = 0.45 / (1 + np.exp(-(x + 1) / 0.8)) + 0.55 / (1 + np.exp(-(x - 8) / 1.5))
    prediction = analyse(Spectrum(energy, norm + 0.2, "Fe", "K"), registry, ALWAYS).prediction
    assert prediction.status is Status.ABSTAIN
    assert prediction.findings[0].reason is Reason.METAL_LIKE
    assert (prediction.label, prediction.confidence) == ("", 0.0)
    assert prediction.probabilities is not None


def test_a_rejected_spectrum_names_the_model_that_would_have_spoken(registry):
    flat = dataclasses.replace(spectrum(), mu=np.ones_like(spectrum().mu))
    prediction = analyse(flat, registry, ALWAYS).prediction
    assert prediction.status is Status.REJECTED
    assert prediction.findings[0].reason is Reason.FLAT_SIGNAL
    assert prediction.model.sha256 == analyse(spectrum(), registry, ALWAYS).prediction.model.sha256


def test_no_model_for_the_absorber(registry):
    energy = xanes_energy(9659.0)
    prediction = analyse(
        Spectrum(energy, xanes_mu(energy, e0=9668.0), "Zn", "K"), registry, ALWAYS
    ).prediction
    assert prediction.status is Status.REJECTED
    assert prediction.findings[0].reason is Reason.NO_MODEL
    assert prediction.model.sha256 == ""


def test_settings_override_the_metadata(registry):
    chosen = AnalysisSettings(normalization=Normalization(absorber="Co"))
    prediction = analyse(spectrum(), registry, chosen).prediction
    assert prediction.absorber == "Co"
    assert prediction.findings[0].reason is Reason.ABSORBER_OUT_OF_RANGE


def test_our_own_failures_are_decisions_with_a_traceback_in_the_log(registry, caplog):
    broken = dataclasses.replace(spectrum(), energy=np.array(["a", "b", "c"]))
    prediction = analyse(broken, registry, ALWAYS).prediction
    assert prediction.status is Status.FAILED
    assert prediction.findings[0].reason is Reason.INTERNAL_ERROR
    assert "ValueError" in prediction.findings[0].detail
    assert "Traceback" in caplog.text

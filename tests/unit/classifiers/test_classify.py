"""Decisions by the shipped models."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from live_lce.classifiers import Registry
from live_lce.classifiers._classify import _decide, classify, classify_stack
from live_lce.classifiers._registry import default_folder
from live_lce.contract import Finding, Reason, Status
from live_lce.settings import AnalysisSettings, Classification
from live_lce.spectra import NormalizedSpectrum

REMARK = Finding(Reason.SPIKES, "one")


@pytest.fixture(scope="module")
def registry():
    return Registry()


def spectrum(absorber="Fe", reference=7124.0, peak=0.1, stop=200.0, white=1.3, edge="K"):
    energy = np.arange(reference - 100, reference + stop, 0.5)
    x = energy - reference
    norm = 0.5 + np.arctan(x / 1.2) / np.pi + white * np.exp(-(((x - 4) / 3) ** 2))
    norm += peak * np.exp(-(((x + 11) / 1.3) ** 2)) + 0.05 * np.sin(x / 6) * (x > 0)
    return NormalizedSpectrum(
        energy, norm, energy, absorber, edge, reference, reference, findings=(REMARK,)
    )


def limits(**changes):
    return AnalysisSettings(classification=Classification(**changes))


ALWAYS = limits(min_confidence=0.0, max_ood_score=1e6)


def test_an_answer(registry):
    decision = classify(spectrum(), registry, ALWAYS)
    assert decision.status is Status.OK
    assert decision.answered
    assert decision.label == decision.label_set[0] in decision.classes
    assert (
        decision.confidence == decision.probability(decision.label) == decision.probabilities.max()
    )
    assert decision.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert decision.coverage == 1.0
    assert np.isfinite(decision.ood_score)
    assert decision.model.name == "lce_Fe_K"
    assert decision.model.provider.endswith("ExecutionProvider")
    assert decision.findings == (REMARK,)


@pytest.mark.parametrize(("family", "offset"), [("lce", 0.0), ("carbone-cnn", -0.2)])
def test_the_scale_does_not_matter_to_the_networks(registry, family, offset):
    one = spectrum()
    other = replace(one, norm=3.0 * one.norm + offset)
    always = limits(min_confidence=0.0, max_ood_score=1e6, family=family)
    np.testing.assert_allclose(
        classify(one, registry, always).probabilities,
        classify(other, registry, always).probabilities,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"min_confidence": 1.0, "max_ood_score": 1e6}, Reason.LOW_CONFIDENCE),
        ({"min_confidence": 0.0, "max_ood_score": 1e-3}, Reason.OUT_OF_DISTRIBUTION),
        ({"min_confidence": 1.0, "max_ood_score": 1e-3}, Reason.OUT_OF_DISTRIBUTION),
    ],
)
def test_abstaining_keeps_the_numbers_but_gives_no_label(registry, changes, reason):
    decision = classify(spectrum(), registry, limits(**changes))
    assert decision.status is Status.ABSTAIN
    assert decision.findings[0].reason is reason
    assert decision.findings[-1] == REMARK
    assert (decision.label, decision.confidence, decision.answered) == ("", 0.0, False)
    assert decision.probabilities is not None
    assert decision.label_set


def test_nonsense_is_out_of_distribution_with_the_shipped_threshold(registry):
    one = spectrum()
    noise = np.random.default_rng(0).normal(0.5, 0.5, one.energy.size)
    decision = classify(replace(one, norm=noise), registry, AnalysisSettings())
    assert decision.status is Status.ABSTAIN
    assert decision.findings[0].reason is Reason.OUT_OF_DISTRIBUTION


def test_a_window_not_covered(registry):
    decision = classify(spectrum(stop=10.0), registry, ALWAYS)
    assert decision.status is Status.ABSTAIN
    assert decision.findings[0].reason is Reason.WINDOW_NOT_COVERED
    assert 0.5 < decision.coverage < 1
    assert decision.probabilities is None
    assert decision.model.name
    unknown = replace(spectrum(), edge_reference=float("nan"))
    decision = classify(unknown, registry, ALWAYS)
    assert decision.findings[0].reason is Reason.WINDOW_NOT_COVERED
    assert decision.coverage == 0.0


def test_no_model(registry):
    for one in (spectrum("Zn"), spectrum(edge="L3")):
        decision = classify(one, registry, ALWAYS)
        assert decision.status is Status.REJECTED
        assert decision.findings[0].reason is Reason.NO_MODEL
    decision = classify(spectrum(), registry, limits(family="none"))
    assert decision.reason.split(";")[0] == "no_model"


@pytest.mark.parametrize("suffix", ["onnx", "json"])
def test_a_damaged_model_fails_and_the_others_answer(tmp_path, suffix):
    folder = shutil.copytree(default_folder(), tmp_path / "models")
    (folder / f"lce_Fe_K.{suffix}").write_bytes(b"broken")
    damaged = Registry(folder)
    decisions = classify_stack([spectrum(), spectrum("Ti")], damaged, ALWAYS)
    assert [v.status for v in decisions] == [Status.FAILED, Status.OK]
    assert decisions[0].findings[0].reason is Reason.MODEL_DAMAGED
    assert "lce_Fe_K" in decisions[0].findings[0].detail


def test_output_that_is_not_finite_is_a_failure(registry):
    status, why = _decide(False, 0.9, 0.1, "T4", Classification())
    assert status is Status.FAILED
    assert why[0].reason is Reason.INTERNAL_ERROR
    one = spectrum()
    decision = classify(replace(one, norm=one.norm * np.nan), registry, ALWAYS)
    assert decision.status is Status.FAILED
    assert decision.probabilities is None
    assert decision.label_set == ()


def test_a_stack_equals_one_by_one_in_order(registry):
    spectra = [
        spectrum(a, peak=p, white=w)
        for a in ("Fe", "Zn", "V", "Cu")
        for p in (0.05, 0.6)
        for w in (0.1, 0.9)
    ]
    spectra.append(spectrum(stop=10.0))
    for one, decision in zip(spectra, classify_stack(spectra, registry, ALWAYS), strict=True):
        alone = classify(one, registry, ALWAYS)
        assert (alone.status, alone.label, alone.findings) == (
            decision.status,
            decision.label,
            decision.findings,
        )
        if alone.probabilities is not None:
            np.testing.assert_allclose(alone.probabilities, decision.probabilities, atol=1e-6)
            assert alone.ood_score == pytest.approx(decision.ood_score, rel=1e-5)
    assert classify_stack([], registry, ALWAYS) == []

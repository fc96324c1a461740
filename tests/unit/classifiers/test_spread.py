"""The spread of a model's members goes with its probabilities."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_parts import make_registry
from evaluation_parts import make_members
from publish_parts import a_result

from live_lce.analysis import analyse
from live_lce.classifiers import Registry
from live_lce.classifiers._classify import classify_stack
from live_lce.contract import Status, prediction_columns
from live_lce.publish._documents import stop_summary
from live_lce.records import published_row
from live_lce.settings import AnalysisSettings, Classification
from live_lce.spectra import Spectrum, normalize, to_grid
from live_lce.testing import xanes_energy, xanes_mu

ALWAYS = AnalysisSettings(
    classification=Classification(min_confidence=0.0, max_ood_score=1e6, family="carbone-cnn")
)


def spectrum(white_line: float = 0.6) -> Spectrum:
    energy = xanes_energy()
    return Spectrum(energy, xanes_mu(energy, white_line=white_line), "Fe", "K")


def test_it_is_the_standard_deviation_over_the_members() -> None:
    registry = Registry()
    found = analyse(spectrum(), registry, ALWAYS)
    prediction, normalized = found.prediction, found.normalized
    assert normalized is not None and prediction.spread is not None
    card = registry.find("Fe", "K", "carbone-cnn")
    assert card is not None and card.members > 1
    grid = card.grid.energies
    values = to_grid(normalized.energy, normalized.norm, normalized.edge_reference, grid)[0]
    said = registry.session(card).run(values[None])
    assert said.members is not None
    for name, of_class in zip(prediction.classes, said.members[0].T, strict=True):
        mean = sum(of_class) / len(of_class)
        variance = sum((p - mean) ** 2 for p in of_class) / len(of_class)
        assert prediction.spread_of(name) == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert prediction.spread.max() > 0
    assert math.isnan(prediction.spread_of("no such class"))


def test_it_is_of_all_members_also_where_one_answers(tmp_path: Path) -> None:
    registry = make_members(tmp_path)  # the two members say the opposite of each other
    settings = AnalysisSettings(classification=Classification(min_confidence=0, max_ood_score=1e6))
    normalized = normalize(spectrum(0.9), settings)
    both, one = classify_stack([normalized] * 2, registry, settings, members=[-1, 0])
    assert both.probabilities is not None and one.probabilities is not None
    assert one.probabilities.max() > 0.99 > both.probabilities.max()
    assert both.spread is not None and one.spread is not None
    np.testing.assert_allclose(both.spread, one.spread)
    assert one.spread_of("O6") == pytest.approx(0.5, abs=0.01)


def test_models_without_members_have_none(tmp_path: Path) -> None:
    found = analyse(spectrum(), make_registry(tmp_path), AnalysisSettings()).prediction
    assert found.probabilities is not None and found.spread is None
    assert math.isnan(found.spread_of("O6"))


def test_it_is_published() -> None:
    result = a_result()
    spread = np.array([0.25, 0.125, 0.0])
    known = replace(result, prediction=replace(result.prediction, spread=spread))
    columns = prediction_columns(("T4", "S5", "O6"))
    row = published_row(known, columns, 0.0)
    assert [row[f"spread_{c}"] for c in ("T4", "S5", "O6")] == [0.25, 0.125, 0.0]
    assert math.isnan(published_row(result, columns, 0.0)["spread_T4"])
    stop = stop_summary(known, 1, [])
    assert stop["spread"] == {"T4": 0.25, "S5": 0.125, "O6": 0.0}
    assert stop["probabilities"] == {"T4": 0.0625, "S5": 0.0625, "O6": 0.875}
    assert stop["label_set"] == ["O6"]
    rejected = stop_summary(a_result(status=Status.REJECTED), 1, [])
    for summary in (rejected, stop_summary(None, 0, [])):
        assert summary["probabilities"] == summary["spread"] == {} and summary["label_set"] == []

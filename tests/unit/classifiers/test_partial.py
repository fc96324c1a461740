"""A model that says how far it needs the spectrum answers for unfinished scans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_parts import GRID, make_registry
from evaluation_parts import computed_row, write_table
from pydantic import ValidationError

from live_lce.analysis import analyse
from live_lce.classifiers import Registry
from live_lce.classifiers._card import Needs
from live_lce.classifiers._classify import classify, classify_stack
from live_lce.classifiers._files import write_files
from live_lce.contract import Reason, Status
from live_lce.datasets import read_labelled
from live_lce.evaluation import choose, evaluate
from live_lce.settings import AnalysisSettings, Classification
from live_lce.spectra import Spectrum, normalize
from live_lce.testing import xanes_energy, xanes_mu

SETTINGS = AnalysisSettings(classification=Classification(max_ood_score=100.0))
NEEDS = Needs(start=-8.0, stop=10.0)


def make_masking(folder, needs=NEEDS):
    """Write the model of `engine_parts` so that it takes what is missing (NaN) as 0."""
    import onnx
    from onnx import helper, numpy_helper

    card = make_registry(folder).cards()[0]
    model = onnx.load(folder / f"{card.name}.onnx")
    graph = model.graph
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == "norm":
                node.input[index] = "seen"
    graph.initializer.append(numpy_helper.from_array(np.zeros(1, dtype=np.float32), "zero"))
    graph.node.insert(0, helper.make_node("IsNaN", ["norm"], ["missing"]))
    graph.node.insert(1, helper.make_node("Where", ["missing", "zero", "norm"], ["seen"]))
    write_files(model, card.model_copy(update={"needs": needs}), folder)
    return Registry(folder)


def scan(stop, white_line=0.6):
    """Return an Fe scan up to `stop` eV past the finished scan's edge reference."""
    energy = xanes_energy()
    mu = xanes_mu(energy, white_line=white_line, seed=0)
    whole = Spectrum(energy, mu, "Fe", "K")
    kept = energy <= normalize(whole, SETTINGS).edge_reference + stop
    return replace(whole, energy=energy[kept], mu=mu[kept])


def test_it_answers_once_what_it_needs_is_measured(tmp_path):
    registry = make_masking(tmp_path)
    whole = analyse(scan(200), registry, SETTINGS)
    assert whole.prediction.status is Status.OK
    for stop in (12.0, 15.0, 25.0):
        early = analyse(scan(stop), registry, SETTINGS)
        assert early.prediction.status is Status.PARTIAL
        assert early.prediction.findings[0].reason is Reason.POST_EDGE_SHORT
        assert early.prediction.label == whole.prediction.label
        assert early.prediction.coverage == 1.0
        moved = early.normalized.edge_reference - whole.normalized.edge_reference
        assert moved == pytest.approx(0, abs=0.3)
    alone = classify_stack([early.normalized, whole.normalized], registry, SETTINGS)
    assert [one.label for one in alone] == [whole.prediction.label] * 2


def test_it_says_what_it_misses(tmp_path):
    registry = make_masking(tmp_path, needs=Needs(start=-8.0, stop=20.0))
    decision = analyse(scan(15.0), registry, SETTINGS).prediction
    assert decision.status is Status.ABSTAIN
    assert decision.findings[0].reason is Reason.WINDOW_NOT_COVERED
    assert decision.findings[0].detail.startswith("needs -8 to +20 eV around")
    assert 0.8 < decision.coverage < 1


@pytest.mark.parametrize(("begins", "answered"), [(-12.0, True), (-7.0, False)])
def test_a_scan_may_begin_late(tmp_path, begins, answered):
    late = normalize(scan(60.0), SETTINGS)
    kept = late.energy > late.edge_reference + begins
    late = replace(late, energy=late.energy[kept], norm=late.norm[kept])
    decision = classify(late, make_masking(tmp_path), SETTINGS)
    assert (decision.status is Status.OK) is answered
    assert (Reason.WINDOW_NOT_COVERED in {f.reason for f in decision.findings}) is not answered


def test_a_model_without_needs_wants_all_of_its_grid(tmp_path):
    decision = analyse(scan(25.0), make_registry(tmp_path), SETTINGS).prediction
    assert decision.findings[0].detail.startswith("needs -20 to +40 eV around")


@pytest.mark.parametrize(
    "needs", [(-20.0, -20.0), (-20.5, 10.0), (-8.0, 40.5), (10.0, -8.0), (0.1, 0.2)]
)
def test_a_card_cannot_need_what_its_grid_has_not(tmp_path, needs):
    card = make_registry(tmp_path).cards()[0]
    assert card.needed.tolist() == GRID.energies.tolist()
    with pytest.raises(ValidationError, match=r"not part of the grid's -20 to 40 eV"):
        type(card).model_validate(
            card.model_dump() | {"needs": dict(zip(("start", "stop"), needs, strict=True))}
        )


def test_the_curve_says_how_often_the_answer_stays(tmp_path):
    (tmp_path / "models").mkdir()
    registry = make_masking(tmp_path / "models")
    rows = [computed_row("O6", i, duplicate_group=f"g{i}") for i in range(4)]
    data = read_labelled(write_table(tmp_path / "data.parquet", rows))
    points = evaluate(data, choose(registry, "lce"), SETTINGS).last_energy
    cuts = {point.value: point for point in points}
    assert (cuts[5].n_answered, cuts[5].n_both) == (0, 0)
    assert np.isnan(cuts[5].same_as_full)
    for past in (12, 15, 20, 30):
        assert cuts[past].n_both == cuts[past].n_answered == 4
        # These models' only feature ends at +9 eV: what comes later changes nothing.
        assert cuts[past].same_as_full == 1.0
        assert cuts[past].forced_macro_f1 >= cuts[past].macro_f1

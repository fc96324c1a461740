"""The rules of an evaluation: who judges, what counts, and the baselines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_parts import make_registry
from evaluation_parts import computed_row, make_members, write_table

from live_lce.contract import Reason, Status
from live_lce.datasets import read_labelled
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import prepare
from live_lce.evaluation import Choice, choose, evaluate
from live_lce.evaluation._arrays import NONE
from live_lce.evaluation._choice import SEEN, WHOLE, ModelNotFoundError, turns
from live_lce.evaluation._neighbours import neighbours_answers, vote
from live_lce.evaluation._published import PUBLISHED
from live_lce.evaluation._rows_file import row_values
from live_lce.settings import AnalysisSettings, Classification

# The small model's distance knows nothing: never far.
SETTINGS = AnalysisSettings(classification=Classification(max_ood_score=100.0))
FAMILY = "lce"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def labelled(tmp_path, rows):
    for number, row in enumerate(rows):
        row.setdefault("duplicate_group", f"g{number}")
    return read_labelled(write_table(tmp_path / "data.parquet", rows))


def run(rows, registry, **options):
    return evaluate(rows, choose(registry, FAMILY), SETTINGS, **{"curves": False, **options})


def test_the_model_is_right_where_it_should_be(tmp_path, folder):
    rows = labelled(tmp_path, [computed_row(n, i) for i, n in enumerate(["O6", "T4", "O6"])])
    found = run(rows, make_registry(folder)).overall.metrics
    assert (found.n, found.n_answered, found.accuracy, found.macro_f1) == (3, 3, 1.0, 1.0)
    assert found.majority_accuracy == pytest.approx(2 / 3)
    assert found.recall == {"T4": 1.0, "S5": None, "O6": 1.0}


def test_abstentions_are_wrong_and_counted_by_reason(tmp_path, folder):
    rows = [computed_row("O6", 0), computed_row("O6", 1), computed_row("O6", 2, absorber="Co")]
    rows[1]["mu"] = -rows[1]["mu"]
    found = run(labelled(tmp_path, rows), make_registry(folder))
    overall = found.overall
    assert (overall.metrics.n, overall.metrics.n_answered, overall.metrics.abstained) == (3, 1, 2)
    assert overall.metrics.accuracy == pytest.approx(1 / 3)
    assert overall.metrics.accuracy_answered == 1.0
    assert overall.counts.abstained_by_reason == {"negative absorption": 1, "no_model": 1}
    assert found.with_model.metrics.accuracy == pytest.approx(1 / 2)
    assert found.absorbers["Co"].metrics.accuracy == 0.0
    assert any("absorbers without a model (Co)" in note for note in found.notes)


def test_other_and_mixed_rows_enter_one_number_each(tmp_path, folder):
    plain = [computed_row("O6", 0), computed_row("T4", 1)]
    before = run(labelled(tmp_path, plain), make_registry(folder)).overall.metrics
    more = [
        computed_row("O6", 2, label="other"),
        computed_row("O6", 3, label="mixed", fractions="O6:0.5;T4:0.5"),
        computed_row("T4", 4, label="ambiguous"),
    ]
    found = run(labelled(tmp_path, [*plain, *more]), make_registry(folder)).overall.metrics
    assert found.n == before.n == 2
    assert (found.accuracy, found.macro_f1, found.ece) == (
        before.accuracy,
        before.macro_f1,
        before.ece,
    )
    assert before.ood_auroc is None
    assert before.fraction_mae is None
    assert (found.ood_n_other, found.ood_n_scored, found.n_mixed) == (1, 2, 1)
    assert found.fraction_mae == pytest.approx(1 / 3, abs=0.01)  # says O6 with all its might
    assert (found.n_other, found.other_answered) == (1, 1)


def fingerprints(rows):
    return [row.fingerprint for row in rows]


def test_a_row_seen_in_training_is_judged_by_the_member_that_did_not_see_it(tmp_path, folder):
    rows = labelled(tmp_path, [computed_row("O6", n) for n in range(3)])
    names = fingerprints(rows)
    registry = make_members(folder, (names[0], names[1]))
    found = run(rows, registry)
    assert [one.turn.member for one in found.judged] == [0, 1, WHOLE]
    # Member 1 says T4 for O6; both together are undecided.
    assert [one.forced for one in found.judged[:2]] == ["O6", "T4"]
    assert found.judged[2].top == pytest.approx(0.5, abs=0.01)
    assert found.overall.counts.n_seen_by_member == 2
    assert found.overall.counts.n_seen == 0
    assert found.overall.metrics.n == 3


def test_a_row_of_a_seen_group_goes_to_the_same_member_or_is_not_scored(tmp_path, folder):
    rows = [computed_row("O6", n, duplicate_group=g) for n, g in enumerate("aabbba")]
    rows[5]["label"] = "other"
    rows = labelled(tmp_path, rows)
    names = fingerprints(rows)
    registry = make_members(folder, (names[2], names[0] + names[3]))
    got = turns(rows, choose(registry, FAMILY))
    assert [turn.member for turn in got] == [1, 1, 0, 1, WHOLE, WHOLE]
    assert [turn.seen for turn in got] == ["itself", "group", "itself", "itself", "group", ""]
    assert [turn.why_not for turn in got] == ["", "", "", "", SEEN, ""]


def test_without_members_what_was_seen_is_not_scored(tmp_path, folder):
    from live_lce.classifiers import Registry
    from live_lce.classifiers._files import rewrite_card

    rows = labelled(tmp_path, [computed_row("O6", 0), computed_row("T4", 1)])
    card = make_registry(folder).cards()[0]
    assert any("do not name their training" in n for n in run(rows, Registry(folder)).notes)
    training = card.training.model_copy(update={"spectra": (rows[0].fingerprint,)})
    rewrite_card(card.model_copy(update={"training": training}), folder)
    found = run(rows, Registry(folder))
    assert (found.overall.metrics.n, found.overall.counts.n_seen) == (1, 1)
    assert found.overall.counts.not_scored == {SEEN: 1}
    assert any("1 of 2 rows were in this model's training" in note for note in found.notes)


def test_one_model_by_name_leaves_other_absorbers_out(tmp_path, folder):
    make_registry(folder, "Co")
    registry = make_registry(folder, "Fe")
    rows = labelled(tmp_path, [computed_row("O6", 0), computed_row("O6", 1, absorber="Co")])
    found = evaluate(rows, choose(registry, "lce_Fe_K"), SETTINGS, curves=False)
    assert found.overall.metrics.n == 1
    assert found.overall.counts.not_scored == {"the model is for Fe": 1}
    with pytest.raises(ModelNotFoundError, match=r"families lce and the models .*_Co_K"):
        choose(registry, "best")


def test_a_damaged_model_fails_its_rows_only(tmp_path, folder):
    registry = make_registry(folder)
    (folder / "lce_Fe_K.onnx").write_bytes(b"no model")
    found = run(labelled(tmp_path, [computed_row("O6", 0)]), registry)
    assert found.judged[0].prediction.status is Status.FAILED
    assert found.overall.metrics.accuracy == 0.0


def test_curves_cut_and_noise_the_raw_spectra(tmp_path, folder):
    rows = labelled(tmp_path, [computed_row(n, i) for i, n in enumerate(["O6", "T4"] * 3)])
    rows = [*rows, replace(rows[0], id="other", label="other", group="o")]
    found = run(rows, make_registry(folder), curves=True, seed=1)
    # The model reads up to +40 eV, the data end at +60: nothing is left to answer when cut.
    assert [point.value for point in found.last_energy] == [5, 10, 12, 15, 20, 30]
    assert [(p.n, p.n_changed, p.n_answered) for p in found.last_energy] == [(6, 6, 0)] * 6
    assert [point.value for point in found.noise] == [0.01, 0.02, 0.05, 0.1]
    assert found.noise[0].accuracy == 1.0
    # Nothing is known of scans that are too short, and that is said.
    (cut,) = {(p.n_with_probabilities, p.abstained_share) for p in found.last_energy}
    assert cut == (0, 1.0)
    assert all(np.isnan([p.ece, p.top, *p.label_set.values()]).all() for p in found.last_energy)
    for point in found.noise:
        assert point.n_with_probabilities == 6
        assert point.ece >= abs(point.top - point.top_right) - 1e-12  # the mean of gaps
        assert 1 <= point.label_set["size"] <= 3
    again = run(rows, make_registry(folder), curves=True, seed=1)
    assert again.noise == found.noise


def test_the_nearest_neighbours_never_vote_for_their_own_group(tmp_path):
    # Each class has one group: its own spectra would be nearest, and are barred.
    names = ["O6", "O6", "T4", "T4"]
    rows = [computed_row(n, i, duplicate_group=n) for i, n in enumerate(names)]
    prepared = prepare(labelled(tmp_path, rows), SETTINGS)
    assert neighbours_answers(prepared).tolist() == [0, 0, 2, 2]
    apart = [replace(p, row=replace(p.row, group=str(i))) for i, p in enumerate(prepared)]
    assert neighbours_answers(apart).tolist() == [2, 2, 0, 0]
    assert neighbours_answers(apart[:1]).tolist() == [NONE]


def test_a_reference_loses_what_equals_a_row_of_the_group(tmp_path):
    rows = [computed_row("O6", 0, duplicate_group="a"), computed_row("O6", 1, duplicate_group="a")]
    asked = prepare(labelled(tmp_path, rows), SETTINGS)
    same_formula = {**computed_row("O6", 7), "formula": "F1"}
    reference = [computed_row("O6", 0), same_formula, computed_row("T4", 8)]
    for row in reference:
        row.pop("duplicate_group", None)
    reference[0]["formula"] = "X"  # found by its fingerprint
    known = prepare(labelled(tmp_path, reference), SETTINGS)
    assert neighbours_answers(asked, known).tolist() == [0, 0]
    assert neighbours_answers(asked, known[:2]).tolist() == [NONE, NONE]


def test_votes_weigh_by_inverse_distance():
    y = np.array([[0.0], [3.0], [3.0], [3.0], [50.0], [90.0]])
    label = np.array([0, 2, 2, 2, 1, 1])
    barred = np.zeros((2, 6), dtype=bool)
    assert vote(np.array([[0.1], [2.0]]), y, label, barred).tolist() == [0, 2]


def test_a_spectrum_too_short_for_the_comparison_is_not_answered(tmp_path):
    rows = [computed_row("O6", n) for n in range(3)]
    keep = rows[0]["energy"] < rows[0]["energy"][0] + 34
    rows[0] |= {"energy": rows[0]["energy"][keep], "mu": rows[0]["mu"][keep]}
    prepared = prepare(labelled(tmp_path, rows), SETTINGS)
    assert neighbours_answers(prepared).tolist() == [NONE, 2, 2]


def test_an_undecided_model_is_covered_by_larger_sets(tmp_path, folder):
    rows = labelled(tmp_path, [computed_row(n, i) for i, n in enumerate(["O6", "T4", "O6"])])
    registry = make_members(folder)  # the two members say the opposite of each other
    found = {}
    for mass in (0.3, 0.9):
        limits = Classification(max_ood_score=100.0, label_set_mass=mass)
        settings = AnalysisSettings(classification=limits)
        found[mass] = evaluate(rows, choose(registry, FAMILY), settings, curves=False)
    sizes = {mass: one.overall.metrics.label_set["size"] for mass, one in found.items()}
    assert sizes == {0.3: 1.0, 0.9: 2.0}
    wide = found[0.9].overall.metrics
    assert wide.label_set["coverage"] == wide.label_set["coverage_by_group"] == 1.0
    assert wide.label_set["single"] == 0.0
    assert (wide.n_with_probabilities, wide.n_answered) == (3, 0)  # not answered, but covered
    assert set(row_values(found[0.9])[0]["label_set"].split(",")) == {"O6", "T4"}


def test_published_numbers_are_those_of_the_papers():
    cnn = {p.absorber: p.value for p in PUBLISHED if p.model == "CNN"}
    assert (len(cnn), cnn["V"], cnn["Ni"], cnn[""]) == (9, 0.86, 0.88, 0.86)
    values = [v for a, v in cnn.items() if a]
    assert round(np.mean(values), 2) == cnn[""]
    assert [p.value for p in PUBLISHED if "Zheng" in p.source] == [0.854, 0.821]
    assert round(23 / 28, 3) == 0.821


def test_real_standards_through_the_shipped_models(shared):
    from live_lce.classifiers import Registry

    rows = read_labelled(shared / "data" / "experimental")
    chosen = [row for row in rows if row.absorber in {"V", "Cr"}]
    found = evaluate(chosen, Choice(Registry(), FAMILY), AnalysisSettings(), curves=False)
    scored = [one for one in found.judged if one.enters is Enters.SCORES]
    assert found.overall.metrics.n == len(scored) >= 33
    assert found.overall.metrics.n_answered > 15
    assert {one.turn.member for one in found.judged} == {WHOLE}  # nobody trains on these
    metals = [one for one in found.judged if one.row.family == "metal"]
    assert metals
    assert all(one.enters is Enters.OOD_AUROC for one in metals)
    assert sum(np.isinf(one.distance) for one in metals) >= len(metals) - 1


def test_a_model_that_knows_other_environments_abstains_on_them(tmp_path, folder):
    from live_lce.classifiers import Registry
    from live_lce.classifiers._files import rewrite_card

    card = make_registry(folder).cards()[0]
    rewrite_card(card.model_copy(update={"classes": ("T4", "S5", "other")}), folder)
    rows = labelled(tmp_path, [computed_row("O6", 0), computed_row("O6", 1, label="other")])
    found = run(rows, Registry(folder))
    assert [one.reason for one in found.judged] == [Reason.OTHER_ENVIRONMENT.value] * 2
    assert [one.forced for one in found.judged] == ["other", "other"]
    assert found.overall.metrics.forced["accuracy"] == 0.0  # the truth is O6
    assert found.overall.metrics.other_answered == 0
    assert {"p_O6", "p_other"} <= set(row_values(found)[0])
    assert row_values(found)[0]["p_O6"] is None  # no such class

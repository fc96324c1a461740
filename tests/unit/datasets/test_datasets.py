"""Reading labelled spectra: what is scored, what is not, and what is refused."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from evaluation_parts import computed_row, write_table

from live_lce.datasets import DataError, read_labelled
from live_lce.datasets._computed import CARRIED, cut_or_reason, noised_or_reason
from live_lce.datasets._labelled import Enters, known_fractions
from live_lce.datasets._prepared import prepare
from live_lce.datasets._rows import FINE
from live_lce.datasets._split import joined
from live_lce.settings import AnalysisSettings
from live_lce.testing import xanes_energy, xanes_mu

SETTINGS = AnalysisSettings()


def test_each_label_enters_what_it_may(tmp_path):
    rows = [
        computed_row("O6", number, label=label)
        for number, label in enumerate(
            ["T4", "S5", "O6", "other", "ambiguous", "unknown", None, "mixed", "mixed", "O6", "O6"]
        )
    ]
    for row in rows:
        row["fractions"] = None
    rows[8]["fractions"] = "O6:0.75;T4:0.25"
    rows[9]["edge"] = "L3"
    rows[10]["certainty"] = "unknown"
    found = read_labelled(write_table(tmp_path / "a.parquet", rows))
    scores, nothing = Enters.SCORES, Enters.NOTHING
    expected = [scores, scores, scores, Enters.OOD_AUROC, nothing, nothing, nothing, nothing]
    assert [row.enters for row in found] == [*expected, Enters.FRACTION_MAE, nothing, nothing]
    assert found[8].fractions == {"O6": 0.75, "T4": 0.25}
    assert found[7].why_not == "mixed, but no fractions given"
    assert found[9].why_not == "edge L3"
    assert found[10].why_not == "certainty unknown"


@pytest.mark.parametrize("column", ["absorber", "label", "energy", "mu"])
def test_a_missing_column_is_named(tmp_path, column):
    row = computed_row("O6", 0)
    del row[column]
    with pytest.raises(DataError, match=f"no column `{column}`"):
        read_labelled(write_table(tmp_path / "a.parquet", [row]))


def test_spectra_that_are_no_lists_are_refused(tmp_path):
    path = write_table(tmp_path / "a.parquet", [computed_row("O6", 0, mu=1.0)])
    with pytest.raises(DataError, match="column `mu` holds no lists"):
        read_labelled(path)


def test_a_row_without_a_spectrum_is_rejected_and_others_are_read(tmp_path):
    rows = [computed_row("O6", 0), computed_row("O6", 1, energy=None, mu=None)]
    found = prepare(read_labelled(write_table(tmp_path / "a.parquet", rows)), SETTINGS)
    assert [one.rejected for one in found] == ["", "fewer than 8 points"]


def test_only_four_columns_are_needed(tmp_path):
    whole = computed_row("O6", 0)
    row = {name: whole[name] for name in ("absorber", "label", "energy", "mu")}
    (found,) = read_labelled(write_table(tmp_path / "a.parquet", [row]))
    assert (found.id, found.spectrum.edge, found.computed) == ("row 0", "K", True)


def test_an_unknown_label_is_refused(tmp_path):
    path = write_table(tmp_path / "a.parquet", [computed_row("O6", 0, label="Oh")])
    with pytest.raises(DataError, match=r"O6-0: no label 'Oh': use one of T4, S5, O6"):
        read_labelled(path)


@pytest.mark.parametrize("text", ["O6:0.5", "O6", "O6:x", "Oh:1", "O6:1.5;T4:-0.5"])
def test_fractions_that_cannot_be_are_refused(text):
    with pytest.raises(DataError, match="fractions"):
        known_fractions(text, "here")


def test_what_is_no_data_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_labelled(tmp_path / "absent.parquet")
    with pytest.raises(DataError, match=r"neither index\.csv nor"):
        read_labelled(tmp_path)
    (tmp_path / "b.parquet").write_text("no table")
    with pytest.raises(DataError, match="no Parquet file"):
        read_labelled(tmp_path / "b.parquet")


def test_origin_by_theory_or_else_by_where_the_spectrum_begins(tmp_path):
    energy = xanes_energy()
    wide = {"absorber": "Fe", "label": "O6", "energy": energy, "mu": xanes_mu(energy)}
    near = {name: computed_row("O6", 0)[name] for name in wide}
    found = read_labelled(write_table(tmp_path / "a.parquet", [wide, near]))
    assert [row.computed for row in found] == [False, True]
    rows = [{**wide, "theory": "FEFF"}, {**near, "theory": None}]
    found = read_labelled(write_table(tmp_path / "b.parquet", rows))
    assert [row.computed for row in found] == [True, False]


def test_groups_are_those_given_or_near_duplicates_and_equal_formulas(tmp_path):
    rows = [computed_row("O6", 0), computed_row("O6", 0), computed_row("T4", 9)]
    rows[1]["formula"] = "another"
    rows.append({**computed_row("S5", 5), "formula": rows[2]["formula"]})
    found = prepare(read_labelled(write_table(tmp_path / "a.parquet", rows)), SETTINGS)
    a, b, c, d = (one.row.group for one in found)
    assert a == b
    assert c == d
    assert a != c
    rows[0]["label"] = "other"  # a neighbour that counts for something else joins nobody
    found = prepare(read_labelled(write_table(tmp_path / "o.parquet", rows)), SETTINGS)
    assert len({one.row.group for one in found}) == 3
    given = [{**row, "duplicate_group": f"g{i}"} for i, row in enumerate(rows)]
    found = prepare(read_labelled(write_table(tmp_path / "b.parquet", given)), SETTINGS)
    assert [one.row.group for one in found] == ["g0", "g1", "g2", "g3"]


def test_unusable_spectra_are_grouped_by_formula_only():
    norm = np.full((3, FINE.size), np.nan)
    number = joined(norm, np.array(["A", "A", ""]))
    assert number[0] == number[1] != number[2]


def test_a_computed_spectrum_that_fails_a_check_is_rejected_with_the_reason(tmp_path):
    rows = [computed_row("O6", 0), computed_row("O6", 1), computed_row("O6", 2)]
    rows[1]["mu"] = -rows[1]["mu"]
    rows[2]["mu"] = rows[2]["mu"][:5]
    found = prepare(read_labelled(write_table(tmp_path / "a.parquet", rows)), SETTINGS)
    assert [one.rejected for one in found] == ["", "negative absorption", "fewer than 8 points"]
    normalized = found[0].normalized
    assert normalized.energy[0] == rows[0]["energy"][0] - CARRIED
    assert normalized.norm[0] == normalized.norm[1]


def test_a_cut_or_noised_computed_spectrum_is_aligned_again(tmp_path):
    path = write_table(tmp_path / "a.parquet", [computed_row("O6", 0)])
    whole = prepare(read_labelled(path), SETTINGS)[0].normalized
    part = cut_or_reason(whole, whole.edge_reference + 20)
    assert part.energy[-1] == pytest.approx(whole.edge_reference + 20, abs=0.5)
    assert part.edge_reference == pytest.approx(whole.edge_reference, abs=0.1)
    assert cut_or_reason(whole, whole.edge_reference + 5) == "no edge reference"
    same = noised_or_reason(whole, np.zeros(whole.norm.size))
    assert same.norm == pytest.approx(whole.norm)
    assert same.edge_reference == pytest.approx(whole.edge_reference)


def write_folder(folder, rows):
    energy = xanes_energy()
    np.savetxt(folder / "a.dat", np.column_stack([energy, xanes_mu(energy)]), header="energy mu")
    pd.DataFrame(rows).to_csv(folder / "index.csv", index=False)
    return folder


def test_a_folder_of_ones_own_needs_three_columns(tmp_path):
    folder = write_folder(tmp_path, [{"file": "a.dat", "absorber": "fe", "label": "O6"}])
    (row,) = read_labelled(folder)
    assert (row.id, row.absorber, row.group, row.computed) == ("a", "Fe", "a", False)
    assert prepare([row], SETTINGS)[0].normalized.norm_method == "pre_edge"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"file": "b.dat", "absorber": "Fe", "label": "O6"}, "no file"),
        ({"file": "a.dat", "absorber": "Fe", "label": "octahedral"}, "no label 'octahedral'"),
        ({"file": "a.dat", "absorber": "", "label": "O6"}, "no absorber"),
        ({"file": "a.dat", "label": "O6"}, "no column `absorber`"),
        ({"file": "index.csv", "absorber": "Fe", "label": "O6"}, "not two columns of numbers"),
        ({"file": "a.dat", "absorber": "Fe", "label": "O6", "set": "mine"}, "no set main"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path, row, problem):
    with pytest.raises(DataError, match=problem):
        read_labelled(write_folder(tmp_path, [row]))


def test_the_shared_sets(shared):
    folder = shared / "data" / "experimental"
    main = read_labelled(folder)
    with (folder / "index.csv").open(encoding="utf-8") as file:
        wanted = {row["id"] for row in csv.DictReader(file) if row["set"] == "main"}
    assert {row.id for row in main} == wanted and len(wanted) > 300
    not_scored = [row for row in main if row.why_not]
    assert {row.why_not for row in not_scored} <= {"certainty unknown", "quality bad"}
    assert len(read_labelled(folder, "zheng2020-benchmark")) == 30
    with pytest.raises(DataError, match="there are main, zheng2020-benchmark"):
        read_labelled(folder, "nothing")


def test_the_shared_tables_are_computed_and_ambiguous_rows_are_not_scored(shared):
    rows = read_labelled(shared / "data" / "computed" / "feff10.parquet")
    assert all(row.computed for row in rows)
    assert {row.why_not for row in rows} == {"", "label ambiguous"}

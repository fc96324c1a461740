"""The page of a family of models: written by a command, with the numbers of `evaluate`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_parts import computed_row, make_judgements, make_members, write_table

from live_lce.classifiers import Registry
from live_lce.datasets import read_labelled, read_standards
from live_lce.datasets._labelled import Enters
from live_lce.evaluation import Choice, evaluate
from live_lce.evaluation._measure import measure
from live_lce.settings import AnalysisSettings
from live_lce.testing import xanes_energy, xanes_mu
from research.model_page.calibration import calibrated, label_sets
from research.model_page.cards import BENCHMARK, COMPUTED, EXPERIMENTAL, read_sets
from research.model_page.compare import MAJORITY, NEAR, NEAR_COMPUTED
from research.model_page.compounds import silent, taken_for_oxides, wrong
from research.model_page.page import END, START, identity, main, reading
from research.model_page.reach import by_group, reach
from research.model_page.study import study
from research.model_page.tables import judges, with_interval

pytestmark = pytest.mark.slow

SETTINGS = AnalysisSettings()
KINDS = ("O6", "T4", "S5", "O6", "T4", "S5")
MEASURED = (
    *(("O6", "main", 1.0), ("O6", "main", 1.0), ("T4", "main", 1.0), ("other", "main", 1.0)),
    *(("mixed", "main", 1.0), ("O6", BENCHMARK, 1.0)),
)
"""Label, set and white line: the model says O6 of all of them."""
FIGURES = ("classes", "reliability", "risk", "worse", "wrong")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return data in the layout of the shared ones, and a model that names what it saw."""
    root = tmp_path_factory.mktemp("page")
    for name in (COMPUTED, EXPERIMENTAL, "models"):
        (root / name).mkdir()
    energy = xanes_energy()
    rows = []
    for number, (label, name, line) in enumerate(MEASURED):
        mu = xanes_mu(energy, white_line=line, seed=number)
        np.savetxt(root / EXPERIMENTAL / f"{number}.dat", np.column_stack([energy, mu]))
        row = {"file": f"{number}.dat", "absorber": "Fe", "label": label, "set": name}
        fractions = "O6:0.75;T4:0.25" if label == "mixed" else ""
        compound = f"compound {max(number, 1)}"  # the first two are one
        rows.append({**row, "compound": compound, "fractions": fractions})
    pd.DataFrame(rows).to_csv(root / EXPERIMENTAL / "index.csv", index=False)
    table = root / COMPUTED / "a.parquet"
    write_table(table, [computed_row(kind, n) for n, kind in enumerate(KINDS)])
    names = [row.fingerprint for row in read_labelled(table)]
    make_members(root / "models", ("".join(names), ""))
    return root


@pytest.fixture(scope="module")
def found(folder):
    """Return the study of it."""
    sets = {
        COMPUTED: read_labelled(folder / COMPUTED),
        EXPERIMENTAL: list(read_standards(folder / EXPERIMENTAL)),
        BENCHMARK: list(read_standards(folder / EXPERIMENTAL, BENCHMARK)),
    }
    return study(sets, Registry(folder / "models"), "lce", SETTINGS)


def test_the_numbers_are_those_of_evaluate(folder, found):
    rows = list(read_standards(folder / EXPERIMENTAL))
    choice = Choice(Registry(folder / "models"), "lce")
    alone = evaluate(rows, choice, SETTINGS, curves=False).overall
    lines = found.sets[EXPERIMENTAL].lines
    assert list(lines) == [MAJORITY, NEAR, NEAR_COMPUTED, "lce"]
    assert lines["lce"] == alone.metrics
    assert (lines[MAJORITY], lines[NEAR]) == (alone.majority, alone.neighbours)
    assert NEAR_COMPUTED not in found.sets[COMPUTED].lines
    cells = judges(found.sets[EXPERIMENTAL]).splitlines()
    (accuracy,) = (line for line in cells if line.startswith("| accuracy |"))
    assert accuracy.split(" | ")[-1].removesuffix(" |") == with_interval(alone.metrics, "accuracy")


def test_curves_begin_with_the_rows_as_they_are(found):
    one = found.sets[EXPERIMENTAL]
    assert one.curves is not None
    assert one.curves.whole == one.found.overall.metrics
    assert {point.n for point in one.curves.last_energy} == {one.curves.whole.n}
    assert found.sets[BENCHMARK].curves is None


def test_the_command_writes_page_and_figures_and_keeps_what_people_wrote(folder, capsys):
    out = folder / "out"
    command = ["--data", str(folder), "--models", str(folder / "models"), "--out", str(out)]
    command += ["--family", "lce"]
    main(command)
    page = out / "lce.md"
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text()
    for name in FIGURES:
        figure = out / f"lce-{name}.png"
        assert figure.read_bytes().startswith(b"\x89PNG")
        assert figure.stat().st_size < 120_000
        assert f"({figure.name})" in text
    page.write_text(text.replace(END, f"Magnetite is hard.\n{END}"))
    main(command)
    assert page.read_text() == text.replace(END, f"Magnetite is hard.\n{END}")


def test_a_reading_of_other_models_is_marked(found):
    mine = identity(found)
    written = f"{START}00000000 -->\nOld words.\n{END}"
    assert reading("", mine) == f"{START}{mine} -->\n{END}"
    assert reading(f"before {written} after", "00000000") == written
    marked = reading(f"before {written} after", mine)
    assert marked.endswith(written)
    assert "earlier models" in marked
    assert reading(marked, mine) == marked  # the remark does not pile up


def test_a_family_that_is_not_there_is_named(folder, capsys):
    command = ["--data", str(folder), "--models", str(folder / "models"), "--out", "x"]
    with pytest.raises(SystemExit):
        main([*command, "--family", "nothing"])
    assert "no family nothing: there are lce" in capsys.readouterr().err


def test_compounds_are_listed_once_with_all_their_spectra(found):
    judged = found.sets[EXPERIMENTAL].found.judged
    listed = [*wrong(judged), *silent(judged)]
    scored = [one for one in judged if one.enters.value == "scores"]
    right = [one for one in scored if one.prediction.label == one.row.label]
    assert sum(len(one.spectra) for one in listed) == len(scored) - len(right)
    assert {one.of for one in listed if one.name == "compound 1"} <= {2}
    others = [one for one in judged if one.row.label == "other" and one.prediction.answered]
    assert [one.first for one in taken_for_oxides(judged)] == others


def test_each_compound_counts_as_one():
    rows = make_judgements([2, 2, 2, 0, 1], [2, -1, 0, 0, -1], group=[0, 0, 0, 1, 2])
    values = by_group(rows, np.ones((1, 5)))
    assert values["right"][0] == pytest.approx((1 / 2 + 1) / 2)
    assert values["abstained"][0] == pytest.approx((1 / 3 + 0 + 1) / 3)
    assert measure(rows, 0).accuracy_by_group == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_what_was_to_be_reached_says_by_how_much_it_was_missed(found):
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in reach(found).splitlines()]
    by_name = {cells[0]: cells for cells in lines[2:]}
    metrics = found.sets[EXPERIMENTAL].found.overall.metrics
    (mixed,) = (cells for name, cells in by_name.items() if name.startswith("mixed"))
    assert metrics.fraction_mae is not None
    assert mixed[2].startswith(f"{metrics.fraction_mae:.2f}")
    missing = metrics.fraction_mae - 0.15
    assert mixed[3] == ("reached" if missing <= 0 else f"missed by {missing:.3f}")


def _cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_label_sets_by_absorber(found):
    one = found.sets[EXPERIMENTAL]
    head, _, overall, *absorbers = _cells(label_sets(found, one))
    metrics = one.found.overall.metrics
    assert [cells[0] for cells in absorbers] == ["Fe"]
    assert absorbers[0][1] == "0.900"  # the card's
    assert overall[2:] == absorbers[0][2:]  # there is only iron
    assert overall[2] == f"{metrics.n_with_probabilities} ({metrics.label_set_groups})"
    at = head.index("by compound")
    assert overall[at] == with_interval(metrics, "label_set.coverage_by_group")
    assert float(overall[head.index("one label")]) == round(metrics.label_set["single"], 2)


def test_what_probabilities_are_worth_on_worse_spectra(found):
    curves = found.sets[EXPERIMENTAL].curves
    assert curves is not None
    head, _, asis, *points = _cells(calibrated(curves, "noise"))
    assert [cells[0] for cells in (asis, *points)] == ["as it is", "0.01", "0.02", "0.05", "0.1"]
    for cells, point in zip(points, curves.noise, strict=True):
        assert cells[1] == f"{point.n_with_probabilities} of {point.n}"
        assert cells[head.index("ECE")] == f"{point.ece:.2f}"
    assert asis[head.index("ECE")] == f"{curves.whole.ece:.2f}"
    short = _cells(calibrated(curves, "last_energy"))[3]
    assert short[:3] == ["5", f"0 of {curves.whole.n}", "–"]  # the model reads further


def test_whether_a_cut_scan_is_calibrated_is_told(found):
    lines = {cells[0]: cells for cells in _cells(reach(found))}
    curves = found.sets[EXPERIMENTAL].curves
    assert curves is not None
    at = replace(
        curves,
        last_energy=tuple(
            replace(p, ece=curves.whole.ece + 0.07, n_with_probabilities=9, top=0.8, top_right=0.5)
            for p in curves.last_energy
        ),
    )
    name = "experimental, cut at +15 eV: calibration error above the full scan"
    # This model says nothing of unfinished scans; of one that is too sure it is said by how much.
    assert lines[name][1:] == ["at most 0.05", "– (–: says –, right –, of 0)", ""]
    sets = {**found.sets, EXPERIMENTAL: replace(found.sets[EXPERIMENTAL], curves=at)}
    (told,) = (c for c in _cells(reach(replace(found, sets=sets))) if c[0] == name)
    said = f"0.07 ({curves.whole.ece + 0.07:.2f}: says 0.80, right 0.50, of 9)"
    assert told[1:] == ["at most 0.05", said, "missed by 0.020"]


def test_the_shared_standards_of_one_absorber(shared):
    sets = {name: _some(rows) for name, rows in read_sets(shared / "data").items()}
    found = study(sets, Registry(), "carbone-cnn", SETTINGS)
    one = found.sets[EXPERIMENTAL]
    assert one.absorbers == ("V",)
    assert set(one.lines) == {MAJORITY, NEAR, NEAR_COMPUTED} | {
        card.family for card in Registry().cards() if card.absorber == "V"
    }
    scored = [row for row in sets[EXPERIMENTAL] if row.enters is Enters.SCORES]
    expected = (len(scored), len({row.group for row in scored}))
    for metrics in one.lines.values():
        assert (metrics.n, metrics.n_groups) == expected


def _some(rows):
    """Return the rows of vanadium; of computed ones, those of one theory."""
    return [row for row in rows if row.absorber == "V" and "feff10" not in row.id]

"""The reproduction of Carbone et al.: their protocol, and tables that say what was measured."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("pandas", reason="needs the extra `train`")


@pytest.fixture(scope="module")
def of_cr(shared):
    from research.carbone2019.tasks import rows_of

    return rows_of(shared / "data" / "computed", "label_carbone")["Cr"]


@pytest.fixture(scope="module")
def spectra(of_cr):
    from research.carbone2019.spectra import on_relative_grid, without_duplicates

    return on_relative_grid(without_duplicates(of_cr))


@pytest.fixture(scope="module")
def outcomes(spectra):
    """Return what one epoch gives: for the form of the report, not for its numbers."""
    from research.carbone2019.protocol import Variant, measure

    found = []
    for network, region in (("MLP", "full"), ("CNN", "full"), ("CNN", "pre")):
        kinds = ("stratified", "grouped")
        variant = Variant(network, region, epochs=1)
        found += measure("Cr", "label_carbone", spectra, variant, kinds, True, n_tested=2)
    return found


def test_the_papers_tables_are_copied_right():
    from research.carbone2019.paper import TABLE_I, TABLE_II, TABLE_II_AVERAGE

    assert np.sum(list(TABLE_I.values()), axis=0).tolist() == [4033, 2441, 11710]
    values = np.array([[float(cell[:4]) for cell in row] for row in TABLE_II.values()])
    averages = [float(cell[:4]) for cell in TABLE_II_AVERAGE]
    np.testing.assert_allclose(values.mean(axis=0), averages, atol=0.0051)


def test_no_two_spectra_left_are_duplicates(of_cr):
    from live_lce.datasets._rows import FINE
    from research.carbone2019.spectra import without_duplicates

    left = without_duplicates(of_cr)
    spectra = left.norm[:, (FINE >= -15) & (FINE <= 15)]
    spectra = spectra / spectra.max(axis=1, keepdims=True)
    apart = np.abs(spectra[:, None] - spectra).mean(axis=2)
    assert apart[~np.eye(len(left), dtype=bool)].min() >= 0.015
    assert 0 < len(of_cr) - len(left) < 100


def test_spectra_are_as_in_the_paper(spectra):
    from research.carbone2019.spectra import SHIFTS

    assert spectra.base().shape[1] == 100
    np.testing.assert_allclose(spectra.base().max(axis=1), 1)
    assert spectra.energies[spectra.n_pre - 1] < -5 <= spectra.energies[spectra.n_pre]
    # Shifted by +2 eV, a spectrum rises 2 eV later.
    half = [float(np.interp(0.4, one.mean(axis=0)[:70], spectra.energies[:70])) for one in
            (spectra.at(0.0), spectra.at(2.0))]  # fmt: skip
    assert half[1] - half[0] == pytest.approx(2, abs=0.3)
    assert {-2.0, -1.0, 0.0, 1.0, 2.0} <= set(SHIFTS)


def test_folds_are_stratified_or_keep_groups_whole(spectra):
    from research.carbone2019.protocol import FOLDS

    shares = np.bincount(spectra.label) / len(spectra.label)
    for kind, deal in FOLDS.items():
        fold = deal(spectra)
        together = [set(fold[spectra.group == g]) for g in np.unique(spectra.group)]
        assert (max(map(len, together)) == 1) == (kind == "grouped")
        for k in range(10):
            of_fold = np.bincount(spectra.label[fold == k], minlength=3)
            assert np.abs(of_fold - shares * (fold == k).sum()).max() <= 1.5


def test_outcomes_survive_the_file(outcomes):
    from research.carbone2019.protocol import NOISES, SHIFTS, Outcome

    for one in outcomes:
        assert Outcome.from_json(json.loads(json.dumps(one.to_json()))) == one
        assert np.shape(one.f1) == (2, 3)
        assert np.shape(one.shift_curve) == (len(SHIFTS), 2)
        assert np.shape(one.noise_curve) == (len(NOISES), 2)
        np.testing.assert_allclose(one.shift_curve[6], np.mean(one.f1, axis=1), atol=1e-4)
        np.testing.assert_allclose(one.noise_curve[0], np.mean(one.f1, axis=1), atol=1e-4)


def test_a_measurement_is_repeated_digit_by_digit(spectra, outcomes):
    from research.carbone2019.protocol import Variant, measure

    kinds = ("stratified", "grouped")
    variant = Variant("MLP", epochs=1)
    again = measure("Cr", "label_carbone", spectra, variant, kinds, True, n_tested=2)
    assert again == outcomes[:2]


def test_pages_say_what_is_missing(outcomes, spectra):
    from research.carbone2019.paper import TABLE_I, TABLE_II
    from research.carbone2019.report import page
    from research.carbone2019.tables import MISSING, Results, table_ii, with_last_digits

    assert with_last_digits(0.8449, 0.021) == "0.84(2)"
    results = Results(replace(one, variant=replace(one.variant, epochs=50)) for one in outcomes)
    cells = {row.split(" | ")[0][2:]: row.split(" | ") for row in table_ii(results).splitlines()}
    assert cells["Cr"][1] == TABLE_II["Cr"][0] and cells["Ti"][1] == TABLE_II["Ti"][0]
    assert cells["Cr"][2] == with_last_digits(*outcomes[0].macro())
    assert cells["Cr"][6] == with_last_digits(*outcomes[3].macro())
    assert cells["Ti"][2] == MISSING
    assert cells["average"][2].endswith("of 1")
    text = page(results, dict.fromkeys(TABLE_I, spectra), dict.fromkeys(TABLE_I, 9), 7)
    assert "7 of " in text and "{" not in text


def test_figures_are_small(outcomes, spectra, tmp_path):
    from research.carbone2019.figures import figure_2, figure_3, figure_5, figure_6
    from research.carbone2019.paper import TABLE_I
    from research.carbone2019.tables import Results

    figure_2(dict.fromkeys(TABLE_I, spectra), tmp_path / "2.png")
    for draw in (figure_3, figure_5, figure_6):
        draw(
            Results(replace(o, variant=replace(o.variant, epochs=50)) for o in outcomes),
            tmp_path / f"{draw.__name__}.png",
        )
    sizes = [path.stat().st_size for path in tmp_path.glob("*.png")]
    assert len(sizes) == 4 and min(sizes) > 2_000 and max(sizes) < 150_000

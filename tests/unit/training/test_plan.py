"""What a user's spectra are enough for, and when training stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from train_parts import write_table

pytest.importorskip("torch", reason="needs the extra `train`")

from live_lce.datasets import read_labelled
from live_lce.settings import AnalysisSettings
from live_lce.training._own_model import Naming, next_version, schedule_for, train_own
from live_lce.training._own_plan import Plan, TooFewError, make_plan
from live_lce.training._own_rows import GivenSpectrum, OwnRows, own_rows

MANY = {"T4": (-0.42, -0.3, -0.18, -0.06, 0.06), "O6": (0.35, 0.55, 0.8, 1.1, 1.5)}
NAMING = Naming("Fe", "user-cnn", "1.0.0", "CC0", "tests", {"own": "0" * 64})


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnRows:
    path = write_table(tmp_path_factory.mktemp("train") / "own.parquet", MANY)
    given = [GivenSpectrum(row, "own") for row in read_labelled(path)]
    return own_rows(given, AnalysisSettings())[0]["Fe"]


@pytest.fixture(scope="module")
def plan(own: OwnRows) -> Plan:
    return make_plan(own, 5, seed=0)


def test_measured_spectra_are_normalized_as_live_ones_are(own: OwnRows) -> None:
    from live_lce.spectra import Spectrum, normalize, to_grid
    from live_lce.testing import xanes_energy, xanes_mu
    from live_lce.training._augment import resample

    energy = xanes_energy()
    mu = xanes_mu(energy, white_line=-0.42, noise=0.004, seed=1)
    live = normalize(Spectrum(energy, mu, "Fe", "K"), AnalysisSettings())
    grid = make_plan(own, 5, seed=0).grid
    seen = resample(own.rows.norm[:1], grid)[0]
    wanted, _ = to_grid(live.energy, live.norm, live.edge_reference, grid.energies)
    np.testing.assert_allclose(seen, wanted, atol=0.01)


def test_every_fold_has_every_class_and_whole_groups(plan: Plan) -> None:
    assert plan.classes == ("T4", "O6") and plan.n_folds == 5
    label = plan.own.rows.label
    for one in range(plan.n_folds):
        assert set(label[plan.fold == one]) == {0, 1}
    for group in np.unique(plan.own.group):
        assert len(set(plan.fold[plan.own.group == group])) == 1


def test_added_spectra_follow_their_group_and_judge_nothing(own: OwnRows) -> None:
    judged = np.ones(len(own.judged), dtype=bool)
    judged[::2] = False  # of each compound one scan
    plan = make_plan(replace(own, judged=judged), 5, seed=0)
    assert plan.n_spectra() == {"T4": 5, "O6": 5}
    assert (plan.fold[::2] == plan.fold[1::2]).all()
    _, card = train_own(plan, schedule_for(plan, 1, 0, 0, "cpu"), NAMING)
    assert card.training.rows == {"T4": 10, "O6": 10}
    metrics = card.metrics["cross-validated"]
    assert metrics["n"] == 10 and metrics["added"] == 10


def test_a_class_of_one_compound_is_left_out_and_counted(own: OwnRows) -> None:
    alone = own.group == own.group[0]
    label = np.where(alone, 1, own.rows.label)  # S5
    plan = make_plan(replace(own, rows=replace(own.rows, label=label)), 5, seed=0)
    assert plan.classes == ("T4", "O6")
    assert plan.own.rows.dropped == {"class S5: fewer than 2 groups": int(alone.sum())}
    with pytest.raises(TooFewError, match="T4 2 in 1"):
        make_plan(own.take(alone | (own.rows.label == 2)), 5, seed=0)


def test_short_scans_do_not_shorten_the_window_of_the_others(own: OwnRows) -> None:
    first = own.rows.first.copy()
    first[3] = -10.0
    plan = make_plan(replace(own, rows=replace(own.rows, first=first)), 5, seed=0)
    assert plan.own.rows.dropped == {"begins after the window does": 1}
    assert plan.grid == make_plan(own, 5, seed=0).grid


def test_it_stops_on_a_fold_that_is_neither_seen_nor_judged_on(plan: Plan) -> None:
    schedule = schedule_for(plan, 200, 4, 0, "cpu")
    told: list[int] = []
    fitted, card = train_own(plan, schedule, NAMING, lambda epoch, loss: told.append(epoch))
    history = fitted.history
    ran = len(history.loss)
    assert ran < 200 and told == list(range(1, ran + 1)) and card.training.epochs == ran
    assert (history.best == history.judged.argmin(axis=0) + 1).all()
    assert ran - history.best.max() >= 4 > 0, "nobody had improved for so long"
    assert card.metrics["cross-validated"]["epochs_kept"] == history.best.tolist()
    assert "best on fold k+1, which it did not see either" in card.training.split


def test_without_a_fold_to_spare_there_is_no_early_stopping(own: OwnRows, plan: Plan) -> None:
    assert schedule_for(plan, 50, None, 0, "cpu").patience is None, "few groups: not by default"
    few = make_plan(own, 3, seed=0)
    assert schedule_for(few, 50, 5, 0, "cpu").patience is None
    _, card = train_own(few, schedule_for(few, 1, 5, 0, "cpu"), NAMING)
    assert "no early stopping: too few groups" in card.training.split
    assert 50 <= schedule_for(plan, None, None, 0, "cpu").epochs <= 500


def test_versions_go_up(plan: Plan) -> None:
    _, card = train_own(plan, schedule_for(plan, 1, 0, 0, "cpu"), NAMING)
    assert next_version(None) == "1.0.0" and next_version(card) == "1.1.0"
    assert next_version(card.model_copy(update={"version": "odd"})) == "1.0.0"

"""What an evaluation leaves on a model's card."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from engine_parts import make_registry
from evaluation_parts import computed_row, make_members, write_table

from live_lce.classifiers import Registry
from live_lce.datasets import read_labelled
from live_lce.evaluation._measure import LABEL_SET
from live_lce.testing import xanes_energy, xanes_mu
from research.model_page.cards import main

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    """Return data in the layout of the shared ones, and a model of two members."""
    (tmp_path / "computed").mkdir()
    experimental = tmp_path / "experimental"
    experimental.mkdir()
    energy = xanes_energy()
    rows = []
    for number, (label, name) in enumerate(
        [("O6", "main"), ("T4", "main"), ("other", "main"), ("O6", "zheng2020-benchmark")]
    ):
        mu = xanes_mu(energy, white_line=1.0, seed=number)
        np.savetxt(experimental / f"{number}.dat", np.column_stack([energy, mu]))
        row = {"file": f"{number}.dat", "absorber": "Fe", "label": label, "set": name}
        rows.append({**row, "compound": f"compound {number}"})
    pd.DataFrame(rows).to_csv(experimental / "index.csv", index=False)
    table = tmp_path / "computed" / "a.parquet"
    write_table(table, [computed_row(k, n) for n, k in enumerate(["O6", "T4", "O6", "T4"])])
    names = [row.fingerprint for row in read_labelled(table)]
    (tmp_path / "models").mkdir()
    make_members(tmp_path / "models", ("".join(names), ""))
    return tmp_path


def test_results_go_on_the_card_and_the_model_stays_whole(folder, capsys):
    models = folder / "models"
    (before,) = Registry(models).cards()
    main([str(folder), "--models", str(models)])
    assert Registry(models).cards() == (before,)  # only printed
    assert "lce, computed: 4 of 4 answered, accuracy 1.000" in capsys.readouterr().out
    main([str(folder), "--models", str(models), "--write"])
    (card,) = Registry(models).cards()
    assert Registry(models).session(card)
    computed = card.metrics["computed"]
    assert (computed["n"], computed["n_seen_by_member"]) == (4, 4)
    assert (computed["n_with_probabilities"], computed["label_set_groups"]) == (4, 2)
    assert computed["label_set"] == dict.fromkeys(LABEL_SET, 1.0)
    assert computed["intervals"]["label_set.coverage_by_group"] == [1.0, 1.0]
    assert card.metrics["experimental"]["n"] == 2
    assert card.metrics["zheng2020-benchmark"]["n"] == 1
    silent = card.metrics["not_answered"]
    assert [entry["compound"] for entry in silent] == ["compound 0", "compound 1", "compound 3"]
    assert [entry.get("set") for entry in silent] == [None, None, "zheng2020-benchmark"]
    first = card
    main([str(folder), "--models", str(models), "--write"])
    assert Registry(models).cards() == (first,)  # the same again, to the bit


def test_the_compounds_it_fails_on_are_named(folder, capsys):
    models = folder / "models"
    shutil.rmtree(models)
    models.mkdir()
    make_registry(models)  # answers, but does not name its training spectra
    main([str(folder), "--models", str(models), "--write"])
    (card,) = Registry(models).cards()
    # Where it is not known what a model saw, computed spectra prove nothing.
    assert "computed" not in card.metrics
    (wrong,) = card.metrics["fails_on"]
    assert (wrong["compound"], wrong["truth"], wrong["said"]) == ("compound 1", "T4", "O6")
    assert wrong["confidence"] > 0.7
    assert [entry["compound"] for entry in card.metrics["others_answered"]] == ["compound 2"]
    assert "Fe wrong: 1 (compound 1): T4, said O6" in capsys.readouterr().out

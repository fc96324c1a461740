"""``live-lce evaluate``: JSON, rows from which the numbers follow, tables, errors."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from cli_parts import cli
from evaluation_parts import computed_row, write_table
from sklearn.metrics import f1_score, roc_auc_score

from live_lce.testing import xanes_energy, xanes_mu

__all__ = ["cli"]  # a fixture

METRICS = {
    *("n", "n_answered", "accuracy", "accuracy_answered", "accuracy_by_group", "macro_f1", "f1"),
    *("recall", "majority_accuracy", "ece", "abstained", "ood_auroc", "fraction_mae", "n_mixed"),
    "intervals",
}


@pytest.fixture
def data(tmp_path):
    kinds = ["O6", "T4", "O6", "O6", "T4", "O6", "S5", "S5"]
    rows = [computed_row(kind, n, duplicate_group=f"g{n // 2}") for n, kind in enumerate(kinds)]
    rows[3]["label"] = "T4"
    rows[5]["absorber"] = "Sc"
    rows += [
        computed_row("O6", 10, label="other", duplicate_group="o1"),
        computed_row("T4", 11, label="other", duplicate_group="o2"),
        computed_row("O6", 12, label="mixed", duplicate_group="m", fractions="O6:0.7;S5:0.3"),
        computed_row("O6", 13, label="ambiguous", duplicate_group="a"),
    ]
    return write_table(tmp_path / "data.parquet", rows)


@pytest.fixture
def standards(tmp_path):
    """A folder of measured scans: three of high white line, and one foil-like."""
    folder = tmp_path / "standards"
    folder.mkdir()
    energy = xanes_energy()
    rows = []
    for number, height in enumerate((0.9, 0.8, 0.7, 0.0)):
        mu = xanes_mu(energy, white_line=height, seed=number)
        np.savetxt(folder / f"{number}.dat", np.column_stack([energy, mu]))
        label = "other" if height == 0 else "O6"
        rows.append({"file": f"{number}.dat", "absorber": "Fe", "label": label, "set": "main"})
    pd.DataFrame(rows).to_csv(folder / "index.csv", index=False)
    return folder


def close(one, other):
    return one == (other if other is None else pytest.approx(other))


def check_numbers(found, rows):
    """Compute a scope's numbers from its rows, by other means."""
    scored = [row for row in rows if row["scored"]]
    right = [row["predicted"] == row["label"] for row in scored]
    assert found["n"] == len(scored)
    assert found["n_answered"] == sum(row["predicted"] != "" for row in scored)
    assert found["abstained"] == found["n"] - found["n_answered"]
    assert close(found["accuracy"], np.mean(right))
    groups = {row["group"] for row in scored}
    of = {g: [r for r, row in zip(right, scored, strict=True) if row["group"] == g] for g in groups}
    assert close(found["accuracy_by_group"], np.mean([np.mean(of[g]) for g in groups]))
    truth = [row["label"] for row in scored]
    said = [row["predicted"] or "none" for row in scored]
    present = sorted(set(truth))
    assert close(
        found["macro_f1"],
        f1_score(truth, said, labels=present, average="macro", zero_division=0),
    )
    for label in ("T4", "S5", "O6"):
        mine = [r for r, t in zip(right, truth, strict=True) if t == label]
        assert close(found["recall"][label], np.mean(mine) if mine else None)
    known = [row for row in scored if row["confidence"] is not None]
    if known:
        top = np.array([row["confidence"] for row in known])
        hit = np.array([row["forced"] == row["label"] for row in known])
        bins = np.minimum((top * 10).astype(int), 9)
        error = sum(abs((top - hit)[bins == b].sum()) for b in range(10)) / len(known)
        assert close(found["ece"], error)
        assert close(found["top"], top.mean())
        assert close(found["top_right"], hit.mean())
        sets = [row["label_set"].split(",") for row in known]
        held = [row["label"] in names for row, names in zip(known, sets, strict=True)]
        assert found["label_set"] == {
            "coverage": pytest.approx(np.mean(held)),
            "coverage_by_group": pytest.approx(
                pd.Series(held).groupby([row["group"] for row in known]).mean().mean()
            ),
            "size": pytest.approx(np.mean([len(names) for names in sets])),
            "single": pytest.approx(np.mean([len(names) == 1 for names in sets])),
        }
    else:
        assert found["top"] is None
        assert set(found["label_set"].values()) == {None}
    assert found["n_with_probabilities"] == len(known)
    far = [row for row in rows if row["enters"] in ("scores", "ood_auroc")]
    far = [row for row in far if row["metal_like"] or row["ood_score"] is not None]
    sides = [row["enters"] == "ood_auroc" for row in far]
    if len(set(sides)) == 2:
        distance = [1e9 if row["metal_like"] else row["ood_score"] for row in far]
        assert close(found["ood_auroc"], roc_auc_score(sides, distance))
    else:
        assert found["ood_auroc"] is None
    mixed = [row for row in rows if row["enters"] == "fraction_mae" and row["p_O6"] is not None]
    assert found["n_mixed"] == len(mixed)
    errors = []
    for row in mixed:
        shares = dict(part.split(":") for part in row["fractions"].split(";"))
        errors += [abs(row[f"p_{c}"] - float(shares.get(c, 0))) for c in ("T4", "S5", "O6")]
    assert close(found["fraction_mae"], np.mean(errors) if errors else None)
    assert close(
        found["majority_accuracy"], np.mean([row["majority"] == row["label"] for row in scored])
    )


def test_the_numbers_follow_from_the_rows(cli, data, tmp_path):
    path = tmp_path / "rows.jsonl"
    done = cli("evaluate", data, "--json", "--no-curves", "--rows", path)
    assert done.code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found = done.json
    assert found["overall"].keys() >= METRICS
    check_numbers(found["overall"], rows)
    assert set(found["absorbers"]) == {"Fe", "Sc"}
    for name, scope in found["absorbers"].items():
        assert scope.keys() >= METRICS
        check_numbers(scope, [row for row in rows if row["absorber"] == name])
    knn = [row["knn"] == row["label"] for row in rows if row["scored"]]
    assert close(found["baselines"]["knn"]["overall"]["accuracy"], np.mean(knn))
    assert found["overall"]["not_scored"] == {"label ambiguous": 1}
    assert found["overall"]["n"] == 8
    assert found["curves"]["last_energy"] == []
    low, high = found["overall"]["intervals"]["accuracy"]
    assert low <= found["overall"]["accuracy"] <= high


def test_the_rows_are_the_same_in_every_format(cli, data, tmp_path):
    for suffix in ("csv", "jsonl", "parquet"):
        assert (
            cli("evaluate", data, "--json", "--no-curves", "--rows", tmp_path / f"r.{suffix}").code
            == 0
        )
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    table = pd.read_parquet(tmp_path / "r.parquet").to_dict("records")
    with (tmp_path / "r.csv").open(newline="") as file:
        texts = list(csv.DictReader(file))
    assert len(lines) == len(table) == len(texts) == 12
    for line, row, text in zip(lines, table, texts, strict=True):
        assert {k: v for k, v in row.items() if v is not None and v == v} == {
            k: v for k, v in line.items() if v is not None
        }
        assert text == {k: "" if v is None else str(v) for k, v in line.items()}


def test_measured_scans_with_curves(cli, standards):
    done = cli("evaluate", standards, "--json", "--seed", "3")
    assert done.code == 0
    found = done.json
    assert found["overall"]["n"] == 3
    assert found["data"]["n_computed"] == 0
    cuts = {point["last_energy"]: point for point in found["curves"]["last_energy"]}
    assert set(cuts) == {5, 10, 12, 15, 20, 30}
    assert cuts[30]["n_changed"] == 3
    assert cuts[5]["n_answered"] == 0  # the model reads further than that
    noise = {point["noise"]: point for point in found["curves"]["noise"]}
    assert noise[0.01]["accuracy"] >= noise[0.1]["accuracy"]
    assert noise[0.1]["n_changed"] == 3
    assert noise[0.01]["n_with_probabilities"] == 3
    assert noise[0.01]["label_set"]["coverage"] <= 1
    assert cuts[5]["ece"] is cuts[5]["label_set"]["coverage"] is None  # strict JSON
    assert cli("evaluate", standards, "--json", "--seed", "3").json == found


def test_published_numbers_are_marked(cli, standards):
    published = cli("evaluate", standards, "--json", "--no-curves").json["published"]
    assert len(published) == 20
    assert all(one["published"] is True and one["source"] and one["data"] for one in published)


def test_tables_for_people(cli, data):
    done = cli("evaluate", data)
    assert done.code == 0
    for text in (
        "Label sets",
        "Calibration against noise",
        "majority",
        "kNN",
        "overall",
        "with model",
        "PUBLISHED",
        "noise",
        "last energy",
    ):
        assert text in done.out, text
    assert "NOTE: 1 scored rows are of absorbers without a model (Sc)" in done.out
    assert "not scored: 1 (label ambiguous)" in done.out


def test_a_reference_for_the_baseline(cli, data, tmp_path):
    rows = [computed_row(kind, n) for n, kind in enumerate(["O6", "T4", "S5"], start=20)]
    reference = write_table(tmp_path / "reference.parquet", rows)
    found = cli("evaluate", data, "--json", "--no-curves", "--reference", reference).json
    knn = found["baselines"]["knn"]
    assert knn["fitted_on"] == str(reference)
    assert knn["overall"]["n_answered"] == 7  # the reference knows no Sc


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["absent.parquet"], 2, "absent.parquet: no such file or folder"),
        (["DATA", "--model", "best"], 2, "no model or family best: there are the families"),
        (["DATA", "--rows", "r.txt"], 2, "end it in .csv, .jsonl or .parquet"),
        (["DATA", "--rows", "absent/r.csv"], 2, "there is no folder absent"),
        (["DATA", "--reference", "absent"], 2, "absent: no such file or folder"),
        (["index.csv"], 1, "no Parquet file that can be read"),
        (["."], 1, "no column `label`"),
    ],
)
def test_errors_are_one_line_with_the_fix(cli, data, tmp_path, arguments, code, problem):
    (tmp_path / "index.csv").write_text("file,absorber\na.dat,Fe\n")
    done = cli("evaluate", *(str(data) if a == "DATA" else a for a in arguments))
    assert done.code == code
    assert problem in done.err.splitlines()[-1]


def test_a_damaged_model_is_an_error(cli, data, tmp_path):
    (tmp_path / "models" / "lce_Fe_K.onnx").write_bytes(b"nothing")
    done = cli("evaluate", data, "--json", "--no-curves")
    assert done.code == 1
    assert "a model failed" in done.err
    assert done.json["overall"]["abstained_by_reason"]["model_damaged"] == 7

"""`live-lce train`: own spectra in, a registered model out that list, classify, evaluate know."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from cli_parts import Cli, cli
from train_parts import REPEATS, WHITE_LINES, write_folder, write_table

from live_lce.classifiers import Registry

__all__ = ["cli"]  # a fixture
torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnxscript", reason="needs the extra `train`")
# torch 2.13 uses functions of its own that it deprecated, while exporting.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
N = {label: REPEATS * len(heights) for label, heights in WHITE_LINES.items()}


def test_a_model_from_a_folder_is_listed_used_and_judged_by_who_did_not_see(
    cli: Cli, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "own")
    index = pd.read_csv(folder / "index.csv")
    (folder / "torn.xdi").write_bytes(b"\0\1")
    more = pd.DataFrame([{"file": "torn.xdi", "label": "O6"}, {"file": "no.xdi", "label": "T4"}])
    pd.concat([index, more]).to_csv(folder / "index.csv", index=False)
    done = cli("train", "own", "--epochs", "60", "--json", "--licence", "CC0")
    assert done.code == 0, done.err
    assert "60/60" in done.err and "loss" in done.err
    (made,) = done.json["models"]
    assert made["name"] == "user-cnn_Fe_K" and made["classes"] == ["T4", "O6"]
    assert made["spectra"] == N and made["groups"] == {"T4": 3, "O6": 4}
    assert made["n_folds"] == 3 and made["patience"] is None, "as many folds as groups of T4"
    assert made["macro_f1"] > 0.9 > made["majority_macro_f1"]
    assert {one["id"] for one in done.json["left_out"]} == {"torn", "no"}

    (row,) = [m for m in cli("models", "list", "--json").json if m["family"] == "user-cnn"]
    assert row["problem"] == "" and row["version"] == "1.0.0"
    card = Registry(tmp_path / "models").find("Fe", "K", "user-cnn")
    assert card is not None and card.licence == "CC0" and card.members == 3
    assert card.training.dropped == {"file cannot be read": 2}
    assert card.created_by == "live-lce train own --epochs 60 --licence CC0"
    assert [file.name for file in card.training.files] == ["own/index.csv"]
    atlas = Registry(tmp_path / "models").session(card).atlas
    assert atlas is not None and atlas.projection is not None
    assert [one.label for one in atlas.medoids] == list(card.classes)
    assert all(one.source == "own/index.csv (CC0)" for one in atlas.medoids)
    assert set(atlas.projection.labels) == set(card.classes)

    (said,) = cli("classify", "--family", "user-cnn", "--json", "own/O6-1-0.xdi").json
    assert said["model"]["name"] == "user-cnn_Fe_K" and said["label"] == "O6", said["reason"]
    _check_turns(folder, tmp_path / "models", card.training.fold_of())
    index.to_csv(folder / "index.csv", index=False)
    judged = cli("evaluate", "own", "--model", "user-cnn", "--json", "--no-curves").json
    assert judged["overall"]["n"] == sum(N.values())
    forced = judged["overall"]["forced"]["accuracy"]
    assert forced == pytest.approx(made["accuracy"], abs=1e-3), "the same members on the same rows"

    done = cli("train", "own", "--epochs", "1")
    assert done.code == 2 and "is there already: use --replace" in done.err
    done = cli("train", "own", "--epochs", "1", "--replace", "--absorber", "fe")
    assert done.code == 0 and "Fe K" in done.out and "--family user-cnn" in done.out
    card = Registry(tmp_path / "models").find("Fe", "K", "user-cnn")
    assert card is not None and card.version == "1.1.0"


def _check_turns(folder: Path, models: Path, fold_of: dict[str, int]) -> None:
    from live_lce.cli._evaluation import file_reader
    from live_lce.datasets import read_labelled
    from live_lce.evaluation import Choice
    from live_lce.evaluation._choice import turns
    from live_lce.settings import Signals

    read = file_reader(Signals())
    rows = read_labelled(folder, read=read, unreadable=lambda *_: None)
    who = turns(rows, Choice(Registry(models), "user-cnn"))
    assert [turn.member for turn in who] == [fold_of[row.fingerprint] for row in rows]
    of_compound = {(row.group, turn.member) for row, turn in zip(rows, who, strict=True)}
    assert len(of_compound) == 7, "a compound lies in one fold"


def test_the_same_seed_gives_the_same_model(cli: Cli, tmp_path: Path) -> None:
    write_table(tmp_path / "own.parquet")
    made = []
    for out, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        options = ("--epochs", "2", "--seed", seed, "--device", "cpu", "--json")
        done = cli("train", "own.parquet", "--out", out, *options)
        assert done.code == 0, done.err
        (one,) = done.json["models"]
        made.append(Registry(tmp_path / out).cards()[0].metrics | {"f1": one["f1"]})
    assert made[0] == made[1]
    weights = [_weights(tmp_path / out) for out in "abc"]
    assert weights[0] == weights[1] != weights[2]


def _weights(folder: Path) -> list[bytes]:
    import onnx

    model = onnx.load(next(folder.glob("*.onnx")))
    return [one.raw_data for one in model.graph.initializer]


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    write_table(tmp_path / "own.parquet")
    # A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    code += "from live_lce.cli.app import main; main()"
    command = [sys.executable, "-c", code, "train", "own.parquet", "--epochs", "1000000"]
    command += ["--out", "models"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVE_LCE_")}
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=kept | {"TTY_COMPATIBLE": "1"}
    )
    assert process.stderr is not None
    try:
        while "training Fe" not in (line := process.stderr.readline()):
            assert line, "it ended"
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.stderr.close()
    assert "no model of Fe was written" in rest and "Traceback" not in rest
    assert not list((tmp_path / "models").glob("*"))

"""`live-lce train` on what cannot be trained: one line, and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from cli_parts import Cli, cli
from train_parts import write_folder, write_table

__all__ = ["cli"]  # a fixture


def test_without_torch_the_extra_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = cli("train", ".")
    assert done.code == 1 and done.err.count("\n") == 1
    assert "needs the module torch" in done.err and "'live_lce[train]'" in done.err


class TestWithTorch:
    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        pytest.importorskip("torch", reason="needs the extra `train`")
        pytest.importorskip("onnxscript", reason="needs the extra `train`")

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (("nowhere",), "nowhere: no such file or folder"),
            (("own.parquet", "--absorber", "Qq"), "Qq is no element"),
            (("own.parquet", "--family", "a/b"), "use letters"),
            (("own.parquet", "--family", "carbone-cnn"), "came with live_lce: use another name"),
            (("own.parquet", "--folds", "1"), "folds"),
            (("own.parquet", "--out", "own.parquet/models"), "models cannot be written there"),
        ],
    )
    def test_what_is_asked_for_wrongly(
        self, cli: Cli, tmp_path: Path, options: tuple[str, ...], says: str
    ) -> None:
        write_table(tmp_path / "own.parquet")
        done = cli("train", *options)
        assert done.code == 2 and says in done.err and not done.out

    def test_a_gpu_that_is_not_there(self, cli: Cli, tmp_path: Path) -> None:
        import torch

        from live_lce.training import JobError
        from live_lce.training._own_job import torch_device

        if torch.cuda.is_available():
            assert torch_device("auto") == torch_device("cuda") == "cuda"
        else:
            assert torch_device("auto") == "cpu"
            with pytest.raises(JobError, match="torch finds no GPU"):
                torch_device("cuda")

    def test_columns_and_labels_are_checked(self, cli: Cli, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "own")
        index = pd.read_csv(folder / "index.csv")
        index.drop(columns="label").to_csv(folder / "index.csv", index=False)
        done = cli("train", "own")
        assert done.code == 1 and "no column `label`" in done.err
        index.assign(label="octahedral").to_csv(folder / "index.csv", index=False)
        done = cli("train", "own")
        assert done.code == 1 and "no label 'octahedral': use one of T4, S5, O6" in done.err
        assert done.err.count("\n") == 1

    def test_too_few_is_said_with_the_counts(self, cli: Cli, tmp_path: Path) -> None:
        write_table(tmp_path / "own.parquet", {"T4": (-0.3,), "O6": (0.6, 1.0)})
        done = cli("train", "own.parquet", "--absorber", "Fe", "--absorber", "Mn", "--json")
        assert done.code == 1
        why = {one["absorber"]: one["why"] for one in done.json["not_trained"]}
        assert why["Mn"] == "no usable spectrum"
        assert "T4 2 in 1, O6 4 in 2 (spectra in groups)" in why["Fe"]
        assert "2 classes with 2 groups each" in why["Fe"]
        assert not list((tmp_path / "models").glob("user-*"))

    def test_one_spectrum_with_two_labels_is_not_trained_on(self, tmp_path: Path) -> None:
        from live_lce.datasets import read_labelled
        from live_lce.settings import AnalysisSettings
        from live_lce.training._own_rows import GivenSpectrum, own_rows

        table = pd.read_parquet(write_table(tmp_path / "own.parquet"))
        again = table.iloc[[0]].assign(id="again", label="O6")
        pd.concat([table, again]).to_parquet(tmp_path / "own.parquet")
        given = [GivenSpectrum(row, "own") for row in read_labelled(tmp_path / "own.parquet")]
        rows, left_out = own_rows(given, AnalysisSettings())
        assert [one.id for one in left_out] == ["T4-0-0", "again"]
        assert left_out[0].reason == "the same spectrum has the labels O6 and T4"
        assert rows["Fe"].rows.dropped == {left_out[0].reason: 2}

    @pytest.mark.parametrize("there", [False, True], ids=["new", "replaced"])
    def test_a_model_is_placed_whole_or_not_at_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
    ) -> None:
        import onnx
        from engine_parts import make_registry

        from live_lce.classifiers import Registry
        from live_lce.classifiers._files import SUFFIXES, write_files

        made, target = tmp_path / "made", tmp_path / "models"
        made.mkdir()
        target.mkdir()
        card = make_registry(made).cards()[0]
        model = onnx.load(made / f"{card.name}.onnx")
        if there:
            for suffix in SUFFIXES:
                (target / f"{card.name}.{suffix}").write_text(f"the old {suffix}")
        really = Path.replace

        def interrupted(self: Path, target: Path) -> Path:
            if self.suffix == ".json" and self.parent.name == "new":
                raise KeyboardInterrupt
            return really(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", interrupted)
            with pytest.raises(KeyboardInterrupt):
                write_files(model, card, target)
        before = {f"{card.name}.{s}": f"the old {s}" for s in SUFFIXES} if there else {}
        assert {path.name: path.read_text() for path in target.iterdir()} == before
        written = write_files(model, card, target)
        assert {path.name for path in target.iterdir()} == {f"{card.name}.{s}" for s in SUFFIXES}
        assert Registry(target).session(written).provider

"""`live-lce classify`: files in, table or JSON out, and into Tiled."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from cli_parts import Cli, cli, write_scan

from live_lce.archives._data_files import read_data_runs
from live_lce.cli._output import label_cell
from live_lce.contract import Reason
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli"]  # a fixture

KEYS = {
    *("file", "absorber", "edge", "status", "reason", "label", "probabilities", "confidence"),
    *("e0", "edge_step", "coverage", "model"),
}


def test_json_of_a_good_file(cli: Cli, tmp_path: Path) -> None:
    done = cli("classify", "--json", write_scan(tmp_path / "fe.xdi"))
    (row,) = done.json
    assert done.code == 0, done.err
    assert row.keys() >= KEYS
    assert (row["absorber"], row["edge"], row["status"], row["label"]) == ("Fe", "K", "ok", "O6")
    assert math.isclose(sum(row["probabilities"].values()), 1, abs_tol=1e-6)
    assert row["confidence"] == max(row["probabilities"].values())
    assert abs(row["e0"] - 7124) < 2 and abs(row["edge_step"] - 0.8) < 0.05
    assert row["coverage"] == 1.0
    assert row["used"] == "xmu, energy = energy" and row["messages"] == []
    assert row["model"]["name"] == "lce_Fe_K" and len(row["model"]["sha256"]) == 64


def test_the_table_says_the_same(cli: Cli, tmp_path: Path) -> None:
    write_scan(tmp_path / "fe.xdi")
    done = cli("classify", "fe.xdi")
    assert done.code == 0
    for word in ("fe.xdi", "Fe K", "ok", "O6", "1 spectrum: 1 ok"):
        assert word in done.out


def test_what_is_not_answered_is_null_and_explained(cli: Cli, tmp_path: Path) -> None:
    write_scan(tmp_path / "short.xdi", last=7090)
    (row,) = cli("classify", "--json", "short.xdi").json
    assert row["status"] == "rejected" and row["reason"].startswith(Reason.EDGE_NOT_REACHED)
    assert row["e0"] is None and row["probabilities"] is None and row["label"] == ""
    done = cli("classify", "short.xdi")
    assert done.code == 0, "nothing went wrong"
    assert "edge_not_reached: The scan ends before the edge" in done.out


def test_a_file_that_cannot_be_read_fails_alone(cli: Cli, tmp_path: Path) -> None:
    write_scan(tmp_path / "fe.xdi")
    (tmp_path / "bad.dat").write_bytes(b"\0\1\2")
    done = cli("classify", "--json", "bad.dat", "fe.xdi", "missing.dat")
    assert done.code == 1
    assert [row["status"] for row in done.json] == ["failed", "ok", "failed"]
    assert done.json[0]["reason"] == Reason.UNREADABLE_FILE
    (tmp_path / "torn.dat").write_text("7000 1\n7001\n")
    (row,) = cli("classify", "--json", "torn.dat").json
    assert (row["status"], row["reason"]) == ("rejected", Reason.TOO_FEW_POINTS)


def test_folders_and_patterns(cli: Cli, tmp_path: Path) -> None:
    inner = tmp_path / "data" / "more"
    inner.mkdir(parents=True)
    for name in ("a.xdi", "b.001", "more/c.dat"):
        write_scan(tmp_path / "data" / name)
    assert len(cli("replay", "--json", "data").json["predictions"]), "the same files"
    (inner / "README.md").write_text("no data")
    assert len(cli("classify", "--json", "data").json) == 3
    assert len(cli("classify", "--json", "data/*.xdi", "data/**/*.dat").json) == 2
    assert len(cli("classify", "--json", str(tmp_path / "data/*.xdi"), "data/a.xdi").json) == 1
    done = cli("classify", "nothing*.dat")
    assert done.code == 2 and done.err.count("\n") == 1


def test_options_override_the_file(cli: Cli, tmp_path: Path) -> None:
    write_scan(tmp_path / "fe.xdi")
    (row,) = cli("classify", "--json", "--absorber", "mn", "fe.xdi").json
    assert row["status"] == "rejected" and row["absorber"] == "Mn"
    (row,) = cli("classify", "--json", "--normalized", "fe.xdi").json
    assert row["norm_method"] in ("as_given", "none") and row["edge_step"] is None
    (row,) = cli("classify", "--json", "--columns", "energy=1,norm=2", "fe.xdi").json
    assert row["columns"] == "xmu, energy = energy"
    for wrong in ("energy", "energy=1,mu"):
        assert cli("classify", "--columns", wrong, "fe.xdi").code == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--absorber", "Qq"), "Qq is no element: give a symbol"),
        (("--absorber", "Fe", "--edge", "L9"), "Fe has no edge L9: give e.g. --edge K"),
        (("--family", "other"), "no model family other: there are"),
    ],
)
def test_a_typing_error_is_no_rejected_spectrum(
    cli: Cli, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    write_scan(tmp_path / "fe.xdi")
    done = cli("classify", *options, "fe.xdi")
    assert done.code == 2 and says in done.err and done.out == ""
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("energy", "'energy': give columns as in energy=1,mu=4"),
        ("mu=2", "--columns mu=2: say where the energy is, by energy=1 or angle=1"),
        ("energy=1,angle=2,mu=3", "say where the energy is, by"),
        ("energy=1", "--columns energy=1: say what was measured, by mu=2, norm=2, i0=2,it=3,"),
        ("energy=1,i0=2", "say what was measured"),
        ("energy=1,mu=1", "column 1 is named for two things"),
        ("energy=1,i0=2,if=3+3", "column 3 is named for two things"),
        ("energy=1,i0=2,if=3,if=4", "if is given twice: give it once (several channels are joined"),
        ("energy=1,Energy=2,mu=3", "energy is given twice: give it once\n"),
    ],
)
def test_wrong_columns_are_said_before_any_file_is_read(
    cli: Cli, tmp_path: Path, columns: str, says: str
) -> None:
    write_scan(tmp_path / "fe.xdi")
    done = cli("classify", "--columns", columns, "fe.xdi")
    assert done.code == 2 and says in done.err and done.out == ""
    assert done.err.count("\n") == 1


def test_a_narrow_screen_keeps_label_and_reason(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tmp_path / "fe.xdi")
    write_scan(tmp_path / "short.xdi", last=7090)
    monkeypatch.setenv("COLUMNS", "80")
    done = cli("classify", "fe.xdi", "short.xdi")
    assert done.code == 0
    assert "O6" in done.out and "│ edge_not_reached" in done.out and "coverage" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_low_confidence_names_what_remains() -> None:
    assert label_cell("O6", ("O6",), "") == "O6"
    assert label_cell("", ("O6", "S5"), "low_confidence;post_edge_short") == "O6/S5?"
    assert label_cell("", ("O6", "S5"), "metal_like;low_confidence") == "-"
    assert label_cell("", (), "low_confidence") == "-"


def test_an_athena_project_gives_a_row_per_group(cli: Cli, tmp_path: Path) -> None:
    from larch import Group
    from larch.io import create_athena

    from live_lce.testing import xanes_energy, xanes_mu

    project = create_athena(str(tmp_path / "two.prj"))
    for name, height in (("first", 0.0), ("second", 0.9)):
        energy = xanes_energy()
        mu = xanes_mu(energy, white_line=height)
        project.add_group(Group(energy=energy, mu=mu, label=name))
    project.save()
    rows = cli("classify", "--json", "two.prj").json
    assert [row["label"] for row in rows] == ["T4", "O6"]
    assert rows[0]["witness"]["says"] == ["T4", "S5"]
    assert "O6" in rows[1]["witness"]["says"]
    assert len({row["name"] for row in rows}) == 2


def test_a_damaged_model_is_a_failure(cli: Cli, tmp_path: Path) -> None:
    model = tmp_path / "models" / "lce_Fe_K.onnx"
    model.write_bytes(model.read_bytes()[:-10])
    write_scan(tmp_path / "fe.xdi")
    done = cli("classify", "--json", "fe.xdi")
    assert done.code == 1
    assert done.json[0]["reason"].split(";")[0] == Reason.MODEL_DAMAGED
    assert cli("models", "list").code == 1


def test_publishing_and_again(
    cli: Cli, tmp_path: Path, server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tmp_path / "fe.xdi")
    assert cli("classify", "--tiled", "fe.xdi").code == 2, "no server is configured"
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    done = cli("classify", "--tiled", "fe.xdi")
    assert done.code == 0, done.err
    assert "1 published" in done.err
    client = server.client()
    try:
        (run,) = client["processed"].values()
        assert run.metadata["start"]["live_lce"]["source"] == "file"
        assert run.metadata["start"]["sample"] == "test"
        assert run.metadata["stop"]["live_lce"]["label"] == "O6"
        (row,) = cli("classify", "--json", "fe.xdi").json
        table = run["predictions"].read()
        assert float(table["confidence"][-1]) == pytest.approx(row["confidence"])
        done = cli("classify", "--tiled", "fe.xdi")
        assert done.code == 0 and "1 there already" in done.err
        assert len(client["processed"]) == 1
    finally:
        client.context.close()


@pytest.mark.parametrize("first", ["classify", "replay"])
def test_a_file_is_one_run_for_classify_and_replay(
    cli: Cli, tmp_path: Path, server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    (tmp_path / "data" / "copies").mkdir(parents=True)
    write_scan(tmp_path / "data" / "fe.xdi")
    shutil.copy(tmp_path / "data" / "fe.xdi", tmp_path / "data" / "copies" / "copy.dat")
    ways = {
        "classify": ("classify", "--tiled", "--json", "data"),
        "replay": ("replay", "--json", "data"),
    }
    client = server.client()
    try:
        said = cli(*ways.pop(first))
        assert said.code == 0, said.err
        [(uid, run)] = client["processed"].items()
        start, rows = run.metadata["start"], run["predictions"].read()
        assert start["sample"] == "test" and len(rows["status"]) > 5
        [(_, other)] = ways.items()
        done = cli(*other)
        assert done.code == 0, done.err
        assert list(client["processed"]) == [uid], "published once, by whatever command"
        (found,) = cli("results", "--json").json
        assert found["used"] == "xmu, energy = energy"
        assert "xmu, energy = energy" in cli("results").out
    finally:
        client.context.close()


def test_other_columns_are_another_run(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "fe.xdi")
    wanted = [
        None,
        {"energy": "1", "mu": "2"},
        {"mu": "2", "energy": "1"},
        {"energy": "1", "norm": "2"},
    ]
    uids = [read_data_runs(path, columns=columns)[0].uid for columns in wanted]
    assert uids[1] == uids[2] and len(set(uids)) == 3


def test_a_server_that_is_away_keeps_the_run_on_disk(cli: Cli, tmp_path: Path) -> None:
    write_scan(tmp_path / "fe.xdi")
    done = cli("classify", "--uri", "http://127.0.0.1:9", "--json", "fe.xdi")
    assert done.code == 1 and done.json[0]["status"] == "ok"
    assert "kept on disk" in done.err
    assert len(list((tmp_path / "state/live_lce/spool").glob("*.jsonl"))) == 1

"""The other commands: help, errors of one line, models, presets, config, replay."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_parts import Cli, cli

from live_lce.testing import xanes_energy, xanes_mu
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["cli"]  # a fixture

COMMANDS = ("demo", "serve", "check", "classify", "replay", "republish", "retry", "presets")
LIVE_LCE = str(Path(sys.executable).parent / "live-lce")


@pytest.mark.serial
def test_help_lists_every_command_and_is_quick(cli: Cli) -> None:
    done = cli("--help")
    assert done.code == 0
    for command in (*COMMANDS, "models", "config"):
        assert command in done.out
    assert "Exit codes" in done.out
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([LIVE_LCE, "--help"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times) < 1.0  # of the processor; 0.35 s where it was measured; larch alone takes 2 s


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(cli: Cli, command: str) -> None:
    done = cli(command, "--help")
    assert done.code == 0
    assert f"live-lce {command}" in done.out


def test_version(cli: Cli) -> None:
    from live_lce import __version__

    assert cli("--version").out.split() == ["live_lce", __version__]


def test_wrong_usage(cli: Cli) -> None:
    assert cli("classify").code == 2
    assert cli("bogus").code == 2
    assert cli("classify", "--bogus", "x").code == 2


def test_a_wrong_configuration_is_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "live_lce.toml").write_text("[tiled]\nurl = 1\n")
    for arguments in (("config", "show"), ("classify", "x.dat"), ("models", "list")):
        done = cli(*arguments)
        assert done.code == 2
        assert (
            done.err.startswith("live-lce: live_lce.toml: tiled.url") and done.err.count("\n") == 1
        )


def test_an_error_nobody_thought_of_is_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = cli("config", "show", "--config", "loop")
    assert done.code == 2 and done.err.count("\n") == 1
    script = "from live_lce.cli import _output\n_output.die(RuntimeError('a\\nb'))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "RuntimeError: a b" in run.stderr


def test_a_missing_extra_names_the_pip_command() -> None:
    script = (
        "import sys; sys.modules['ophyd'] = None\n"
        "from live_lce.cli import _output\n"
        "try:\n    import ophyd\nexcept ImportError as error:\n    _output.die(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "pip install 'live_lce[sim]'" in run.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("x = 1\n")
    command = [LIVE_LCE, "--debug", "config", "show", "--config", "bad.toml"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 1 and "Traceback" in run.stderr


def test_config(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("config", "path").out == ""
    (tmp_path / "live_lce.toml").write_text('[tiled]\nuri = "http://a"\n')
    assert cli("config", "path").out.strip() == str(tmp_path / "live_lce.toml")
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", "topsecret")
    done = cli("config", "show")
    assert done.json["tiled"]["uri"] == "http://a"
    assert "topsecret" not in done.out + done.err
    assert cli("config", "schema").json["title"] == "live_lce configuration"


def test_presets(cli: Cli) -> None:
    from live_lce.engine import PRESETS

    assert [p["name"] for p in cli("presets", "--json").json] == list(PRESETS)
    assert "nsls2-bmm" in cli("presets").out


def test_models(cli: Cli, tmp_path: Path) -> None:
    rows = {row["name"]: row for row in cli("models", "list", "--json").json}
    row = rows["lce_Fe_K"]  # the one in the folder of one's own
    assert (row["absorber"], row["problem"]) == ("Fe", "")
    assert {row["absorber"] for row in rows.values()} > {"Fe", "V"}  # and those of live_lce
    assert "lce_Fe_K" in cli("models", "list").out
    (card,) = cli("models", "show", "lce_Fe_K", "--json").json
    assert card["sha256"] == row["sha256"]
    assert row["sha256"] in cli("models", "show", "Fe").out
    done = cli("models", "show", "Zz")
    assert done.code == 2 and "there are: " in done.err and "Fe" in done.err
    (tmp_path / "models" / "lce_Mn_K.json").write_text("{")
    assert cli("models", "list").code == 1


def test_without_a_folder_of_ones_own_there_are_those_of_live_lce(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_LCE_MODELS", str(tmp_path / "nowhere"))
    done = cli("models", "list")
    assert done.code == 0 and "nowhere" not in done.out


def write_documents(path: Path) -> Path:
    """Write the documents of an Fe scan and of an alignment scan."""
    import event_model

    energy = xanes_energy()
    mu = xanes_mu(energy, white_line=0.6)
    lines = []
    for motor, detector, x, y in (
        ("energy", "mu", energy, mu),
        ("table_y", "diode", range(20), range(20)),
    ):
        metadata = {
            "plan_name": "scan", "motors": [motor], "scan_id": 7, "element": "Fe", "edge": "K",
            "hints": {"dimensions": [[[motor], "primary"]]},
        }  # fmt: skip
        run = event_model.compose_run(metadata=metadata)
        keys = {
            name: {"source": "test", "dtype": "number", "shape": []} for name in (motor, detector)
        }
        if motor == "energy":
            keys["energy"]["units"] = "eV"
        stream = run.compose_descriptor(
            name="primary", data_keys=keys, hints={motor: {"fields": [motor]}},
            object_keys={motor: [motor], detector: [detector]},
        )  # fmt: skip
        lines += [["start", run.start_doc], ["descriptor", stream.descriptor_doc]]
        for a, b in zip(x, y, strict=True):
            data = {motor: float(a), detector: float(b)}
            lines.append(
                ["event", stream.compose_event(data=data, timestamps=dict.fromkeys(data, 1.0))]
            )
        lines.append(["stop", run.compose_stop()])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_replay_prints_predictions_as_the_scan_grows(cli: Cli, tmp_path: Path) -> None:
    write_documents(tmp_path / "scans.jsonl")
    done = cli("replay", "--json", "scans.jsonl")
    assert done.code == 0, done.err
    assert "not published" in done.err
    rows = done.json["predictions"]
    assert len(rows) > 5 and [r["final"] for r in rows] == [False] * (len(rows) - 1) + [True]
    energies = [r["last_energy"] for r in rows if r["last_energy"] is not None]
    assert energies == sorted(energies)
    assert (rows[-1]["status"], rows[-1]["label"]) == ("ok", "O6")
    assert len(done.json["left_alone"]) == 1, "the alignment scan"
    done = cli("replay", "scans.jsonl")
    assert done.code == 0 and "No spectrum: left alone." in done.out and "final" in done.out


def test_replay_into_tiled(cli: Cli, tmp_path: Path, server: EmbeddedTiled) -> None:
    write_documents(tmp_path / "scans.jsonl")
    uri = f"{server.uri}?api_key={server.api_key}"
    done = cli("replay", "--tiled", uri, "scans.jsonl")
    assert done.code == 0, done.err
    client = server.client()
    try:
        (run,) = client["processed"].values()
        assert run.metadata["start"]["live_lce"]["source"] == "replay"
        assert run.metadata["stop"]["live_lce"]["label"] == "O6"
    finally:
        client.context.close()


def test_replay_of_what_is_no_document(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("no numbers\n")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "binary.jsonl").write_bytes(b"\x89\0\1")
    for name in ("words.txt", "empty.jsonl", "binary.jsonl", "missing.jsonl"):
        done = cli("replay", "--json", name)
        assert done.code == 1, name
        assert name in done.json["problems"][0]


def test_replay_of_the_recorded_scans(cli: Cli, shared: Path) -> None:
    folder = shared / "data" / "documents"
    done = cli("replay", "--json", *sorted(folder.glob("*.jsonl")))
    assert done.code == 0, done.err
    assert len(done.json["left_alone"]) == 1
    uids = {row["uid"] for row in done.json["predictions"]}
    assert len(uids) == 1 and done.json["predictions"][-1]["absorber"] == "Fe"


def test_replay_of_a_path_that_holds_no_runs(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = cli("replay", "folder", "missing.jsonl")
    assert done.code == 1
    assert "folder: holds no runs: check the path" in done.err
    assert "missing.jsonl: no such file or folder: check the path" in done.err


def test_replay_explains_its_codes_once(cli: Cli, shared: Path) -> None:
    done = cli("replay", str(shared / "data" / "documents" / "bmm_fe_xafs_ac694ff6.jsonl"))
    assert done.out.count("window_not_covered: The scan does not cover") == 1
    assert "scan_running" not in done.out

"""`live-lce results` and `live-lce export`, the page about them, and keys that may only read."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from access_parts import configuration, define_tags
from cli_parts import Cli, cli
from publish_parts import a_result
from refused_parts import serving
from results_parts import FIRST, FIRST_RUN, SECOND, THIRD, publish, runs, server

from live_lce import RunQuery
from live_lce._support.text import csv_cell
from live_lce.results import ResultsError, analyses, predictions, spectra
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli", "runs", "server"]  # fixtures

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "results.md"


@pytest.fixture
def connected(cli: Cli, server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, configured for the server."""
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    return cli


def test_a_table_of_runs(connected: Cli) -> None:
    done = connected("results")
    assert done.code == 0, done.err
    lines = [line for line in done.out.splitlines() if re.search(r"2025-10-09", line)]
    assert len(lines) == 3
    assert all(
        w in lines[0] for w in ("08:53:20", FIRST[:8], "7", "hematite", "Fe K", "O6", "0.88")
    )
    assert "rejected" in lines[1] and "abstain" in lines[2]
    assert "superseded" not in done.out


def test_a_table_of_predictions_says_why(connected: Cli) -> None:
    done = connected("results", SECOND[:8], "--predictions")
    assert done.code == 0 and "dead_channel;spikes" in done.out and FIRST[:8] not in done.out


def test_json_is_strict_and_complete(connected: Cli) -> None:
    rows = connected("results", "--json").json
    assert [row["raw_uid"] for row in rows] == [FIRST, SECOND, THIRD]
    assert rows[0]["started"] == "2025-10-09T08:53:20+00:00" and rows[1]["scan_id"] is None
    rows = connected("results", "--json", "--predictions", "--status", "rejected").json
    assert [row["status"] for row in rows] == ["ok", "rejected"]
    assert rows[1]["p_O6"] is None and rows[1]["seq_num"] == 2


def test_csv_is_read_back(connected: Cli, tmp_path: Path, runs: Any) -> None:
    done = connected("results", "--predictions", "--csv", tmp_path / "out.csv")
    assert done.code == 0 and done.out == "" and "5 rows" in done.err
    read = pd.read_csv(tmp_path / "out.csv", keep_default_na=False, na_values={"p_O6": [""]})
    frame = predictions(runs).reset_index()
    for name in ("seq_num", "confidence", "p_O6", "label", "sample", "raw_uid"):
        # A name that a spreadsheet would compute has an apostrophe in the file.
        written = frame[name].map(csv_cell).astype(read[name].dtype)
        assert read[name].equals(written), name


def test_options_choose(connected: Cli) -> None:
    def uids(*options: str) -> list[str]:
        return [row["raw_uid"] for row in connected("results", "--json", *options).json]

    assert uids("--sample", "hematite") == uids("--label", "O6") == [FIRST]
    assert uids("--absorber", "Ni") == uids("--status", "abstain") == [THIRD]
    assert uids("--since", "2025-10-09T09:00+00:00", "--until", "2025-10-09T10:00+00:00") == [
        SECOND
    ]
    assert uids("--since", "1d") == []
    assert connected("results", "--since", "1d").err.strip() == "Nothing was found."


def test_export_writes_what_the_query_wants(connected: Cli, tmp_path: Path) -> None:
    done = connected("export", "fe.prj", "--label", "O6", "--json")
    assert done.code == 0, done.err
    assert done.json["format"] == "athena" and done.json["files"] == ["fe.prj"]
    assert [s["raw_uid"] for s in done.json["spectra"]] == [FIRST]
    assert connected("export", "xdi", FIRST[:8], SECOND).code == 0
    assert len(list((tmp_path / "xdi").glob("*.xdi"))) == 2
    again = connected("export", "fe.prj")
    assert again.code == 2 and "exists" in again.err
    assert connected("export", "fe.prj", "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("results", "1234"), 2, "8 characters"),
        (("results", "--status", "good"), 2, "choose of ok"),
        (("results", "--since", "soon"), 2, "--since soon"),
        (("results", "--tiled", "http://127.0.0.1:9"), 1, "does not answer"),
        (("results", "--csv", "no/such/folder.csv"), 2, "cannot be written"),
        (("export", "out.txt"), 2, ".prj"),
        (("export", "out.prj", "--sample", "no such"), 1, "Nothing was found"),
    ],
)
def test_problems_are_one_line(
    connected: Cli, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = connected(*arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err and len(done.err.strip().splitlines()) == 1


def test_without_a_server_it_says_what_to_set(cli: Cli) -> None:
    done = cli("results")
    assert done.code == 2 and "LIVE_LCE_TILED__URI" in done.err


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A server with access control, a published run, and a key that may only read."""
    from tiled.client import from_context
    from tiled.client.context import Context, password_grant
    from tiled.structures.core import Spec

    monkeypatch.delenv("TILED_API_KEY", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "config.yml").write_text(json.dumps(configuration(tmp_path)))  # JSON is YAML
    with serving(tmp_path, "config", "config.yml") as uri:
        asyncio.run(define_tags(tmp_path))
        context, _ = Context.from_any_uri(uri)
        (provider,) = context.server_info.authentication.providers
        auth = provider.links["auth_endpoint"]
        context.configure_auth(password_grant(context.http_client, auth, "toy", "alice", "secret"))
        spec = Spec("CatalogOfBlueskyRuns", version="3.0")
        container = from_context(context).create_container(
            "processed", specs=[spec], access_tags=["top"]
        )
        publish(container, tmp_path / "spool", a_result(run=FIRST_RUN))
        key = context.create_api_key(scopes=["read:metadata", "read:data"])["secret"]
        context.close()
        yield uri, key


def test_a_key_that_may_only_read_is_enough(reader: tuple[str, str]) -> None:
    uri, key = reader
    assert analyses(uri, api_key=key)["label"].tolist() == ["O6"]
    assert predictions(uri, api_key=key)["label"].tolist() == ["O6"]
    assert len(spectra(uri, RunQuery(), api_key=key)) == 1
    with pytest.raises(ResultsError, match="no container elsewhere"):  # and none is made
        analyses(uri, api_key=key, path="elsewhere")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_commands_on_the_page_run(connected: Cli) -> None:
    lines = [line for line in "".join(blocks("bash")).splitlines() if line.startswith("live-lce ")]
    assert {shlex.split(line)[1] for line in lines} == {"results", "export", "report"}
    for line in lines:
        done = connected(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)


def test_python_on_the_page_runs(
    connected: Cli, server: EmbeddedTiled, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    assert len(blocks("python")) >= 2
    for text in blocks("python"):
        here = text.replace("http://localhost:8000", server.uri)
        exec(here.replace('"secret"', repr(server.api_key)), names)
    assert f"{FIRST} O6 0.875" in capsys.readouterr().out
    assert all(
        Path(f).is_file() for f in ("hematite.prj", "trend.csv", "trend.svg", "spectrum.png")
    )

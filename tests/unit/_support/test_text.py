"""Text that leaves: no terminal obeys it, no spreadsheet computes it, no key is in it."""

from __future__ import annotations

import ast
import csv
import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, strategies as st

from live_lce._support.text import (
    Cleaner,
    clean_logs,
    csv_cell,
    csv_comment,
    has_key,
    hide_keys,
    printable,
    printable_json,
    shown,
)
from live_lce.cli import _output
from live_lce.cli.results import _spreadsheet_safe

CLI = Path(_output.__file__).parent
ESCAPE = "a\x1b]0;renamed\x1b\\b\x9b31m\u202egpj\x07"
SECRET = "CANARY0123456789"


@given(st.text())
def test_no_control_character_is_printed(text: str) -> None:
    found = printable(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e]", found)
    assert found.isprintable() or set("\n\t") & set(found) or not text.isprintable()


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_keeps_its_values(value: Any) -> None:
    text = printable_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize(
    "address",
    [
        f"http://tiled:8000?api_key={SECRET}",
        f"http://tiled:8000/api/v1?a=1&API_KEY={SECRET}&b=2",
        f"https://user:{SECRET}@tiled/api",
        f"https://user:a:{SECRET}@tiled/api",
        f"Authorization: Apikey {SECRET}",
        f"'http://tiled?api_key={SECRET}': refused",
        f"http://tiled?api-key={SECRET}",
        f"http%3A%2F%2Ftiled%3Fapi_key%3D{SECRET}",
        f"https://user:p@{SECRET}@tiled/api",
        f"{{'api_key': '{SECRET}'}}",
        f'api_key = "{SECRET}"',
        f"LIVE_LCE_TILED__API_KEY={SECRET}",
        f"Authorization: Basic {SECRET}",
    ],
)
def test_no_key_and_no_password_is_shown(address: str) -> None:
    assert has_key(address)
    found = shown(f"cannot reach {address} (x)")
    assert SECRET not in found and "********" in found and found.endswith("(x)")
    assert hide_keys(found) == found


@pytest.mark.parametrize(
    "text", ["http://tiled:8000/a?b=c", "a@b.org", "file://localhost/data/x.h5", "mono_energy = 1"]
)
def test_what_holds_no_key_stays(text: str) -> None:
    assert shown(text) == text and not has_key(text)


def is_formula(cell: str) -> bool:
    text = cell.lstrip("\t\r\n ")
    if not text or text[0] not in "=+-@":
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


@given(st.text(alphabet=st.sampled_from("=+-@,;\t\r\n 'a1\"")))
def test_no_cell_is_a_formula(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([csv_cell(text), csv_cell(1.5), csv_cell(None)])
    (row,) = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert not is_formula(row[0]) and row[1] == "1.5"
    line = csv_comment("# sample: " + " ".join(text.split()))
    for cell in re.split("[,;\t]", line):
        assert not is_formula(cell)


@pytest.mark.parametrize(
    "text", ["\u3000=1", "\xa0=1", "\x0b=1", "\ufeff=1", "a;=1", "a\n =1", "a\t=1"]
)
def test_what_other_spreadsheets_cut_is_no_formula(text: str) -> None:
    for cell in re.split("[;\t\n]", csv_cell(text)):
        assert not cell.strip(" \u3000\xa0\x0b\ufeff").startswith("=")


def test_signs_beyond_the_first_plane_are_written() -> None:
    assert printable("\U000e0041\u206a") == "\\U000e0041\\u206a"
    assert json.loads(printable_json('"\U000e0041"')) == "\U000e0041"


def test_numbers_stay_numbers() -> None:
    assert csv_cell("-1.5e3") == "-1.5e3" and csv_cell("+inf") == "+inf" and csv_cell("-") == "'-"


def test_a_table_of_results_holds_no_formulas() -> None:
    frame = pd.DataFrame({"sample": ["=1+1", None], "e0": [-1.0, 2.0]})
    frame["sample"] = frame["sample"].astype("string")
    found = _spreadsheet_safe(frame)
    assert found["sample"][0] == "'=1+1" and pd.isna(found["sample"][1])
    assert found["e0"].tolist() == [-1.0, 2.0]


def test_logs_are_clean_wherever_they_go(caplog: pytest.LogCaptureFixture) -> None:
    clean_logs()
    clean_logs()
    logger = logging.getLogger("live_lce")
    assert sum(isinstance(one, Cleaner) for one in logger.handlers) == 1
    with caplog.at_level(logging.INFO):
        try:
            raise ValueError(f"{ESCAPE} http://tiled?api_key={SECRET}")
        except ValueError:
            logging.getLogger("live_lce.x").exception("run %s", ESCAPE)
    (record,) = caplog.records
    assert "\x1b" not in caplog.text and SECRET not in caplog.text
    assert record.getMessage() == "run a\\x1b]0;renamed\\x1b\\b\\x9b31m\\u202egpj\\x07"


def test_warnings_are_seen_where_nobody_has_set_up_logging() -> None:
    script = (
        "import logging, live_lce\n"
        "logging.getLogger('live_lce.publish').warning('away \\x1b[31m %s', 1)\n"
        "logging.getLogger('live_lce.publish').info('not this')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "away \\x1b[31m 1\n"


def test_tables_and_notes_are_printable(capsys: pytest.CaptureFixture[str]) -> None:
    console = _output.console()
    console.print(_output.table("", ("sample", "x"), [(ESCAPE, f"api_key={SECRET}")]))
    console.print(ESCAPE, markup=False)
    _output.note(ESCAPE)
    _output.echo(ESCAPE)
    _output.print_json({"sample": ESCAPE, "uri": f"http://x?api_key={SECRET}"})
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert not set(text) & set("\x1b\x9b\u202e\x07") and SECRET not in text
        assert "renamed" in text


def test_the_command_line_prints_in_one_place() -> None:
    allowed = {"_output.py", "app.py"}  # the version
    wrong = []
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or path.name in allowed:
                continue
            called = ast.unparse(node.func)
            if called in {"typer.echo", "typer.secho", "click.echo", "print"}:
                wrong.append(f"{path.name}:{node.lineno}: {called}")
    assert wrong == []


@pytest.mark.parametrize("command", ["classify", "replay"])
def test_names_of_files_are_not_obeyed(command: str, tmp_path: Path) -> None:
    rows = "\n".join(f"{7000 + n} {int(n > 112)}" for n in range(300))
    (tmp_path / f"{ESCAPE.replace('/', '')}.dat").write_text(f"# energy mu\n{rows}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIVE_LCE_")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "live_lce", command, *os.listdir(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment | {"XDG_STATE_HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "400"},
    )
    assert "renamed" in done.stdout + done.stderr
    assert not set(done.stdout + done.stderr) & set("\x1b\x9b\u202e\x07")

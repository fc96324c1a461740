"""Other readers of what is published: a notebook, Grafana's queries, Tiled's own page.

With ``LIVE_LCE_PICTURES=docs/images`` the picture of docs/how-to/other-views.md is taken anew.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("bokeh", reason="needs the extra `dashboard`")

from dashboard_parts import FERRITE, HEMATITE, Beam, a_scan, browser
from playwright.sync_api import Browser, expect

from live_lce.results import analyses
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["browser"]  # a fixture

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "how-to" / "other-views.md").read_text(encoding="utf-8")
NOTEBOOK = json.loads((DOCS / "examples" / "results.ipynb").read_text(encoding="utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
SERVED = "http://localhost:8000"
_QUERY = re.compile(r"^```bash\n(curl .*?)^```.*?^```jq\n(.*?)^```(.*?)(?=^#|\Z)", re.M | re.S)
_ROW = re.compile(r"^\| (`.*`) \| (.*) \|$", re.MULTILINE)


def queries() -> list[tuple[list[str], str, dict[str, str]]]:
    """Return of each query of the page: words of its command, its JQ program, types of columns."""
    found = []
    for command, program, table in _QUERY.findall(PAGE):
        types = {name: kind for names, kind in _ROW.findall(table) for name in names.split(", ")}
        columns = {name.strip("`"): kind for name, kind in types.items()}
        found.append((shlex.split(command.replace("\\\n", " ")), program, columns))
    return found


RUNS, TABLE = queries()


@pytest.fixture(scope="module")
def beam(server: EmbeddedTiled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beam]:
    """Two scans are published, of hematite and of a ferrite."""
    beam = Beam(server.uri, server.api_key, tmp_path_factory.mktemp("spool"))
    beam.send(a_scan(HEMATITE, sample="hematite"))
    beam.send(a_scan(FERRITE, sample="ferrite"))
    yield beam
    beam.close()


def uid_of(server: EmbeddedTiled, sample: str) -> str:
    """Return the uid of the analysis run of a sample."""
    table = analyses(server.uri, api_key=server.api_key)
    return str(table.index[table["sample"] == sample][0])


def asked(server: EmbeddedTiled, words: list[str], run: str = "") -> httpx.Response:
    """Ask what a command of the page asks, of this server."""
    address = words[2].replace(SERVED, server.uri).replace("RUN", run)
    options = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(text.split(": ", 1) for name, text in options if name == "--header")
    headers["Authorization"] = headers["Authorization"].replace("secret", server.api_key)
    data = [text.split("=", 1) for name, text in options if name == "--data-urlencode"]
    return httpx.get(address, params=[(key, value) for key, value in data], headers=headers)


def strictly(text: str) -> Any:
    """Read JSON as other languages do: without NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def rows_of(response: httpx.Response, program: str) -> list[dict[str, Any]]:
    """Return what JQ makes of an answer."""
    if shutil.which("jq") is None:
        pytest.skip("needs jq: apt-get install jq")
    done = subprocess.run(
        ["jq", program], input=response.text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def fits(row: dict[str, Any], columns: dict[str, str]) -> None:
    """Assert that a row has the columns that the page says, of these types."""
    kinds: dict[str, Any] = {
        "String": str,
        "Number": (int, float, type(None)),
        "Time (UNIX ms)": int,
    }
    assert set(row) >= set(columns)
    for name, kind in columns.items():
        assert isinstance(row[name], kinds[kind]), (name, row[name])


def test_the_page_has_the_queries() -> None:
    assert [words[:2] for words, *_ in (RUNS, TABLE)] == [["curl", "--get"]] * 2
    assert "Untested with a Grafana server" in PAGE


@pytest.mark.usefixtures("beam")
def test_runs_by_label(server: EmbeddedTiled) -> None:
    words, *_ = RUNS
    found = asked(server, words)
    assert found.status_code == 200, found.text
    [run] = strictly(found.text)["data"]
    assert run["id"] == uid_of(server, "hematite")
    said = run["attributes"]["metadata"]["selected"]
    assert (said["label"], said["sample"], said["status"]) == ("O6", "hematite", "ok")
    assert sum(said["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    later = [word.replace("value]=0", f"value]={said['time'] + 1e6}") for word in words]
    assert strictly(asked(server, later).text)["data"] == []
    at = next(n for n, word in enumerate(words) if "filter[eq]" in word) - 1
    everything = strictly(asked(server, words[:at] + words[at + 4 :]).text)["data"]
    labels = [one["attributes"]["metadata"]["selected"]["label"] for one in everything]
    assert sorted(labels) == ["O6", "T4"]


@pytest.mark.usefixtures("beam")
def test_rows_of_runs(server: EmbeddedTiled) -> None:
    words, program, columns = RUNS
    [row] = rows_of(asked(server, words), program)
    fits(row, columns)
    assert (row["label"], row["run"]) == ("O6", uid_of(server, "hematite"))
    selected = {"time": 1.5, "label": None, "probabilities": None}
    still_open = {"data": [{"id": "u", "attributes": {"metadata": {"selected": selected}}}]}
    open_run = httpx.Response(200, text=json.dumps(still_open))
    assert rows_of(open_run, program) == [{"run": "u", "time": 1500, "label": None}]


@pytest.mark.usefixtures("beam")
def test_predictions_of_a_run(server: EmbeddedTiled) -> None:
    words, *_ = TABLE
    found = asked(server, words, uid_of(server, "ferrite"))
    assert found.status_code == 200, found.text
    table = strictly(found.text)
    assert len({len(column) for column in table.values()}) == 1
    assert (table["label"][-1], table["status"][-1]) == ("T4", "ok")
    assert None in asked(server, words, uid_of(server, "hematite")).json()["p_T4"]  # not computed
    assert asked(server, words, "none-such").status_code == 404


@pytest.mark.usefixtures("beam")
def test_rows_of_predictions(server: EmbeddedTiled) -> None:
    words, program, columns = TABLE
    found = asked(server, words, uid_of(server, "ferrite"))
    rows = rows_of(found, program)
    assert len(rows) == len(found.json()["time"]) > 5
    for row in rows:
        fits(row, columns)
    assert [row["seq_num"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["p_T4"] == found.json()["p_T4"][-1]
    twice = {name: column * 2 for name, column in found.json().items()}
    assert rows_of(httpx.Response(200, text=json.dumps(twice)), program) == rows


def test_the_notebook_is_cleared() -> None:
    assert (NOTEBOOK["nbformat"], len(CELLS)) == (4, 7)
    for cell in CELLS:
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_the_notebook_runs(
    beam: Beam, server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    names: dict[str, Any] = {"__name__": "__main__"}
    scanning = threading.Thread(
        target=lambda: beam.send(a_scan(FERRITE, sample="while the notebook looks"))
    )
    try:
        for number, cell in enumerate(CELLS):
            text = "".join(cell["source"])
            exec(compile(text, f"results.ipynb, cell {number}", "exec"), names)
            if "subscribe_to_streams(" in text:
                scanning.start()
    finally:
        if scanning.ident is not None:
            scanning.join(60)
        names["plt"].close("all")
    assert names["runs"]["label"].tolist()[:2] == ["O6", "T4"]
    assert len(names["final"]) >= 2
    assert {line.get_label() for line in names["axes"].lines} == set(names["classes"])
    scan = names["scan"]
    assert len(scan) > 5
    assert (scan[-1]["final"], scan[-1]["status"], scan[-1]["label"]) == (1, "ok", "T4")


@pytest.mark.usefixtures("beam")
def test_tileds_page(server: EmbeddedTiled, browser: Browser, tmp_path: Path) -> None:
    run = uid_of(server, "ferrite")
    context = browser.new_context(viewport={"width": 1250, "height": 640})
    page = context.new_page()
    try:
        page.goto(f"{server.uri}/ui/?api_key={server.api_key}")
        page.get_by_text("processed", exact=True).click()
        page.get_by_text(run, exact=True).click()
        page.get_by_role("tab", name="Metadata").click()
        for text in ("original_run_uid", "ferrite", "label_set"):
            expect(page.get_by_text(text).first).to_be_attached()
        table = f"{server.uri}/ui/browse/processed/{run}/predictions/internal"
        page.goto(table)
        expect(page.get_by_text("No rows")).to_be_visible()  # else change the page
        page.goto(f"{table}/p_T4")
        expect(
            page.locator("svg .recharts-line-curve, svg path.recharts-curve").first
        ).to_be_visible()
        folder = Path(os.environ.get("LIVE_LCE_PICTURES", tmp_path))
        page.mouse.move(0, 0)
        page.wait_for_timeout(2000)  # the line is drawn slowly
        page.screenshot(path=folder / "tiled-ui.png")
    finally:
        context.close()
    assert 5_000 < (folder / "tiled-ui.png").stat().st_size < 200_000


def test_the_picture_is_there() -> None:
    assert (DOCS / "images" / "tiled-ui.png").stat().st_size < 200_000
    assert "(../images/tiled-ui.png)" in PAGE

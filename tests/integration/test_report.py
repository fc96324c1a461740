"""Reports: one HTML file that loads nothing, whatever names samples have."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_parts import Cli, cli
from publish_parts import MODEL, a_result, a_run
from results_parts import (
    AWKWARD,
    FIRST,
    SECOND,
    T0,
    THIRD,
    by_another_model,
    publish,
    runs,
    server,
)
from trend_parts import NOT, a_point

from live_lce import RunQuery
from live_lce.contract import Reason, Status
from live_lce.publish import republish
from live_lce.results import find, report, trend
from live_lce.results._presentation import reason_words
from live_lce.results._report import NothingFoundError
from live_lce.results._report_data import MOST_SERIES, Series as Line, drawn, evenly, flat
from live_lce.results._report_html import Html, element, safe
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli", "runs", "server"]  # fixtures

HOSTILE = "</title><script>alert('x')</script><img src=x onerror=alert(1)> \"&' \x00\x1b[0m"
CLASS = "D4h<script>&"
VOID = {"meta", "br"}
CARD = {
    "licence": "BSD-3-Clause <b>",
    "needs": {"start": -8.0, "stop": 10.0},
    "metrics": {"experimental": {"n": 85, "n_answered": 75, "accuracy_answered": 0.9871}, "x": 1},
}


class Page(HTMLParser):
    """A page taken apart; its elements must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def check_alone(text: str) -> Page:
    """Check that a page loads nothing and runs nothing; return it."""
    page = Page(text)
    assert page.names["script"] == page.names["img"] == page.names["link"] == 0
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for name, value in page.attributes:
        if name in ("href", "xlink:href", "src"):
            assert value.startswith(("#", "data:image/png;")), value
        if name == "style":
            assert "url(" not in value.replace("url(#", "")
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert "@import" not in text
    return page


def test_a_report_says_all_and_loads_nothing(runs: Any) -> None:
    text = report(runs, cards={MODEL.sha256: CARD}, now=lambda: T0)
    page = check_alone(text)
    said = page.words
    for uid in (FIRST, SECOND, THIRD):
        assert uid in said
    assert "hematite" in said and " ".join(AWKWARD.split()) in said
    assert "4 spectra of 3 runs" in said and "2 answered, 2 not answered" in said
    for code in ("dead_channel", "spikes"):
        assert reason_words(code) in said
    assert "octahedral (6 neighbours)" in said and "carbone-cnn-Fe" in said
    assert MODEL.sha256 in said and "BSD-3-Clause <b>" in said and "-8 to 10" in said
    assert "0.987" in said and "right of the answered" in said
    assert "normalization.pre1" in said and "xraylarch" in said
    assert "2025-10-09 08:53:20" in said
    assert "All spectra that could be normalized" in said
    # two normalized spectra; of the one Ni spectrum no trend is drawn
    assert page.names["polyline"] == 2 and page.names["svg"] == 3
    assert ("aria-label", "Trend of 2 samples: Fe K") in page.attributes
    assert "color-scheme: dark" in text and "@media print" in text


def test_the_same_series_is_the_same_report(runs: Any) -> None:
    made = [report(runs, now=lambda: T0) for _ in range(2)]
    assert made[0] == made[1] and "2025-10-09 08:53:20 UTC from what was published" in made[0]


def test_a_query_and_a_title(runs: Any) -> None:
    text = report(runs, RunQuery(sample="hematite", since=T0), now=lambda: T0)
    page = check_alone(text)
    assert "Local environments: hematite" in page.words and SECOND not in text
    assert "Asked for: sample hematite, from 2025-10-09 08:53:20 UTC." in page.words
    assert "The cards of carbone-cnn-Fe are not installed" in page.words
    page = check_alone(report(runs, RunQuery(uids=(FIRST,)), title=HOSTILE, now=lambda: T0))
    assert "alert('x')" in page.words
    with pytest.raises(NothingFoundError, match="nothing to report on"):
        report(runs, RunQuery(sample="no such"))


@pytest.fixture
def hostile(server: EmbeddedTiled, tmp_path: Path) -> Iterator[Any]:
    client = server.client()
    container = client.create_container("hostile")
    for number in range(4):
        run = a_run(
            uid=f"4444444{number}-0000-4000-8000-000000000000", time=T0 + 60 * number,
            sample=HOSTILE, scan_id=number,
        )  # fmt: skip
        status = Status.ABSTAIN if number == 2 else Status.OK
        reasons = (Reason.LOW_CONFIDENCE,) if number == 2 else ()
        result = a_result(run=run, status=status, reasons=reasons)
        if number == 3:
            result = by_another_model(result, "T4", CLASS)
            prediction = replace(
                result.prediction, label=CLASS, probabilities=np.array([0.25, 0.75])
            )
            result = replace(result, prediction=prediction)
        publish(container, tmp_path / str(number), result)
    yield container
    client.context.close()


def test_hostile_names_are_text(hostile: Any) -> None:
    cards = {MODEL.sha256: CARD | {"licence": HOSTILE}}
    text = report(hostile, title=HOSTILE, cards=cards, now=lambda: T0)
    page = check_alone(text)
    assert "\x00" not in text and "\x1b" not in text
    assert page.words.count("onerror=alert(1)") >= 8
    assert page.names["pattern"] >= 3  # hatches, also of the scan without an answer
    assert "No class is probable enough" in page.words


def test_what_is_drawn_together() -> None:
    def line(sample: str, n: int) -> Line:
        return Line(sample, "Fe", "K", tuple(a_point(i, sample=sample) for i in range(n)))

    long, short = [line("a", 5), line("b", 3)], [line("c", 2), line("d", 1)]
    found = drawn([*long, *short])
    assert [(one.sample, len(one.points)) for one in found] == [
        ("a", 5),
        ("b", 3),
        ("2 samples", 3),
    ]
    assert found[2].title == "2 samples: Fe K"
    assert drawn([line("c", 2)])[0].sample == "c" and drawn([line("d", 1)]) == ()
    many = [line(f"s{n}", 3) for n in range(20)]
    assert len(drawn(many)) == MOST_SERIES + 1
    assert sum(len(one.points) for one in drawn(many)) == 60


def test_spectra_are_chosen_evenly() -> None:
    points = [a_point(n) for n in range(9)]
    assert evenly(points, 9) == points
    assert [p.scan_id for p in evenly(points, 5)] == [0, 2, 4, 6, 8]
    assert evenly([a_point(1, **NOT)], 60) == [a_point(1, **NOT)]


def test_html_by_functions() -> None:
    assert safe("<b>&\"'\n\x00") == "&lt;b&gt;&amp;&quot;&#x27;  "
    made = element("p", "a<b", Html("<br>"), 3, class_='"x"')
    assert made == '<p class="&quot;x&quot;">a&lt;b<br>3</p>'
    assert safe(made) is made
    assert flat({"a": {"b": [1, 2], "c": None}, "d": {}}) == {"a.b": "1, 2", "a.c": "", "d": "{}"}


def test_the_command(
    cli: Cli, server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    done = cli("report", "fe.html", "--sample", "hematite", "--title", "My series")
    assert (done.code, done.out) == (0, "") and "fe.html written" in done.err
    page = check_alone((tmp_path / "fe.html").read_text(encoding="utf-8"))
    assert "My series" in page.words and FIRST in page.words and SECOND not in page.words
    assert server.api_key not in page.words and server.uri not in page.words
    again = cli("report", "fe.html")
    assert again.code == 2 and "--overwrite" in again.err
    assert cli("report", "fe.html", FIRST[:8], "--overwrite").code == 0
    nothing = cli("report", "no.html", "--sample", "no such")
    assert nothing.code == 1 and "Nothing was found" in nothing.err
    assert not (tmp_path / "no.html").exists()
    assert cli("report", "fe.pdf").code == 2
    lost = cli("report", "no/folder/fe.html")
    assert lost.code == 2 and "cannot be written" in lost.err


def test_a_trend_against_a_recorded_signal(cli: Cli, server: EmbeddedTiled, tmp_path: Path) -> None:
    client = server.client()
    for uid, warm in ((FIRST, 20.0), (SECOND, 30.0)):
        start = {"uid": uid, "time": T0, "series": {"temperature": warm}}
        client["raw"].create_container(uid, metadata={"start": start})
    client.context.close()
    there = ("--tiled", f"{server.uri}?api_key={server.api_key}")
    name = "start.series.temperature"
    assert cli("report", "hot.html", "--against", name, *there).code == 0
    page = check_alone((tmp_path / "hot.html").read_text(encoding="utf-8"))
    assert f"Against {name}, where it was recorded" in page.words
    assert "time (UTC)" not in page.words and page.words.count(name) == 2  # also at the axis
    wrong = cli("report", "cold.html", FIRST, "--against", "primary.furnace", *there)
    assert wrong.code == 2 and f"the newest recorded {name}" in wrong.err


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_runs_of_older_contracts_are_reported(
    server: EmbeddedTiled, version: str, tmp_path: Path
) -> None:
    packed = Path(__file__).parents[1] / "data" / f"contract-{version}.jsonl.gz"
    (tmp_path / "old.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    client = server.client()
    container = client.create_container(f"old-{version}")
    assert republish(tmp_path, container).published == 1
    (point,) = trend(container, find(container))
    assert point.label == "O6" and point.probabilities["O6"] == point.confidence > 0.5
    assert point.spread == {}
    page = check_alone(report(container, now=lambda: T0))
    assert point.raw_uid in page.words and "rust" in page.words and page.names["polyline"] == 1
    client.context.close()

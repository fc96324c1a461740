"""Predictions in words: whole, plain, and harmless."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from engine_parts import make_registry
from feed_parts import HOSTILE, data_of, grown, raw_run
from hypothesis import given, strategies as st
from publish_parts import a_result

from live_lce.contract import Reason, Status
from live_lce.dashboard import _fragments as fragments, _links as links
from live_lce.dashboard._board import Begun, Link, LinkState
from live_lce.dashboard._hysteresis import shown
from live_lce.dashboard._words import ago, codes, flags, headline, lasting, moment, percent, subline
from live_lce.results._trend import point_of_row


def row_of(result: Any) -> dict[str, Any]:
    (row,) = data_of(result).rows
    return dict(row)


def is_code(text: str, code: str) -> bool:
    return (code in text and "_" in code) or text.strip() == code


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_told_in_words(reason: Reason) -> None:
    row = row_of(a_result(status=Status.ABSTAIN, reasons=(reason,))) | {"label_set": "O6,T4"}
    (flag,) = flags(row)
    assert flag.code == reason and flag.decides and len(flag.words) > 8
    said = [flag.words, flag.advice, subline(row), fragments.advice(row).replace(f'"{reason}"', "")]
    assert not any(is_code(text, reason.value) for text in said)
    assert subline(row)[0].islower() and not subline(row).endswith(".")
    assert headline(row) == "no answer"


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_told_in_words(status: Status) -> None:
    row = row_of(a_result(status=status))
    answered = status in (Status.OK, Status.PARTIAL)
    assert headline(row) == ("octahedral" if answered else "no answer")
    assert subline(row) == "88 %" if answered else subline(row) not in set(Status)
    assert len(subline(row)) > 3 and not subline(row).endswith(".")


def test_what_newer_contracts_say_is_told_too() -> None:
    row = row_of(a_result(status=Status.ABSTAIN)) | {"reason": "from_the_future;spikes"}
    deciding, remark = flags(row)
    assert deciding.decides and "docs/reference/contract.md" in deciding.advice
    assert not remark.decides and "spikes" in remark.words
    assert subline(row | {"reason": "", "status": "dreaming"}) == "the status is dreaming"


def test_growing_scans_say_how_far_they_are() -> None:
    row = row_of(grown(200, status=Status.PARTIAL))
    assert subline(row, 31.4) == "88 %, at 31 eV past the edge"
    assert subline(row) == subline(row, math.nan) == "88 %"
    assert subline(row | {"final": 1}, 31.4) == "88 %", "a whole scan has no such place"
    undecided = row | {"answered": 0, "reason": "low_confidence", "label_set": "T4,S5"}
    assert subline(undecided) == "undecided between tetrahedral and five-coordinate"


@given(st.floats(0, 1))
def test_no_probability_is_certain(p: float) -> None:
    said = percent(p)
    assert said == "> 99 %" or said == "< 1 %" or abs(int(said[:-2]) - 100 * p) <= 0.5
    assert said not in ("0 %", "100 %")


@given(st.floats(-1e4, 1e9))
def test_durations_are_short_and_right(seconds: float) -> None:
    said = ago(seconds)
    assert said == "now" if seconds < 2 else said == f"{lasting(seconds)} ago"
    number, unit = lasting(seconds).split()
    size = {"s": 1, "min": 60, "h": 3600, "days": 86400}[unit]
    assert abs(int(number) * size - max(seconds, 0)) <= size / 2


def test_times_are_of_this_computer() -> None:
    assert moment(math.nan) == "" and re.fullmatch(r"2023-11-1\d \d\d:\d\d:20", moment(1.7e9))


class Checked(HTMLParser):
    """Collects what a browser would make of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.values: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


HARMLESS = {"div", "b", "p", "i", "span", "table", "tr", "th", "td", "small", "ul", "li", "a"}
ATTRIBUTES = {
    "class", "style", "title", "role", "href", "download", "target", "rel",
    "aria-live", "aria-hidden",
}  # fmt: skip


def assert_harmless(text: str) -> Checked:
    found = Checked(text)
    assert found.tags <= HARMLESS and found.names <= ATTRIBUTES
    assert not any(value.lower().startswith("javascript:") for value in found.values)
    return found


@pytest.fixture
def hostile() -> Any:
    """A run in which everything that may be text is hostile."""
    run = raw_run(1, sample=HOSTILE, scan_id=3)
    found = data_of(grown(200, run=run), grown(run=run), ended=False)
    return replace(
        found,
        run=replace(
            found.run, source=HOSTILE, edge=HOSTILE, model=HOSTILE, model_version=HOSTILE,
            contract=HOSTILE, versions={HOSTILE: HOSTILE}, classes=(*found.run.classes, HOSTILE),
            analysis=replace(
                found.run.analysis, uid=HOSTILE, raw_uid=HOSTILE, stream=HOSTILE,
                settings_hash=HOSTILE, model_sha256=HOSTILE, absorber=HOSTILE,
                superseded_by=HOSTILE,
            ),
        ),
        rows=tuple(
            row | {"label": HOSTILE, "reason": f"{HOSTILE};spikes", "label_set": HOSTILE,
                   f"p_{HOSTILE}": 0.5, f"spread_{HOSTILE}": 0.1}
            for row in found.rows
        ),
    )  # fmt: skip


def test_hostile_metadata_is_only_text(hostile: Any, tmp_path: Path) -> None:
    found = shown(hostile.rows)
    assert found is not None
    row = hostile.rows[-1]
    (card,) = make_registry(tmp_path).cards()
    card = card.model_copy(update={"licence": HOSTILE, "architecture": HOSTILE})
    begun = [Begun(HOSTILE, HOSTILE, 3, 0.0)]
    point = point_of_row(hostile.run, row)
    fits = [
        fragments.words(hostile, found, 30.0, 1e9),
        fragments.words(hostile, shown([row | {"answered": 0}]), 30.0, 1e9),  # type: ignore[arg-type]
        fragments.probabilities(row, hostile.run.classes),
        fragments.advice(row),
        fragments.provenance(hostile, row, f"http://tiled/{HOSTILE}"),
        fragments.provenance(hostile, row, ""),
        fragments.model_card(hostile.run, card),
        fragments.model_card(hostile.run, None),
        fragments.waiting(LinkState(Link.GONE, 0.0, HOSTILE), begun, 0, 1.0),
        fragments.waiting(LinkState(Link.POLLING, 0.0), begun, 0, 1.0),
        links.spectrum_links(HOSTILE, 0),
        links.trend_links((HOSTILE, HOSTILE), [point]),
    ]
    for text in fits:
        said = assert_harmless(text)
        assert "alert(1)" in said.text + unquote("".join(said.values)), "nothing is hidden either"
    assert_harmless(fragments.status(LinkState(Link.GONE, 0.0, HOSTILE), begun, 1.0))
    hidden = assert_harmless(fragments.status(LinkState(Link.STREAMING, 0.0, HOSTILE), begun, 1.0))
    assert HOSTILE in hidden.values


def test_classes_without_names_differ_in_colour() -> None:
    row = {"p_oct": 0.5, "p_tet": 0.5}
    text = fragments.probabilities(row, ("oct", "tet"))
    assert len(set(re.findall(r"background:(#\w+)", text))) == 2


def test_the_state_of_the_link_is_told() -> None:
    def said(link: Link, seconds: float = 0.0, reached: bool = True) -> str:
        state = LinkState(link, 100.0, "", reached)
        return Checked(fragments.status(state, (), 100.0 + seconds)).text

    assert said(Link.STREAMING) == "live" and "asking" in said(Link.POLLING)
    assert said(Link.GONE) == "Tiled is gone, for 0 s"
    assert said(Link.GONE, 300) == "Tiled is gone, for 5 min"
    assert said(Link.GONE, 9, reached=False) == "Tiled was not reached yet, for 9 s"
    assert "connecting" in said(Link.CONNECTING)


def test_what_is_waited_for_is_told() -> None:
    def said(link: Link, begun: Any = (), n_runs: int = 0, reached: bool = True) -> str:
        state = LinkState(link, 0.0, "detail.", reached, "http://tiled:8000")
        return Checked(fragments.waiting(state, begun, n_runs, 9.0)).text

    assert said(Link.CONNECTING).startswith("connecting")
    assert said(Link.GONE) == "Tiled is gonedetail. Trying again every two seconds."
    assert said(Link.GONE, reached=False).startswith(
        "Tiled was not reached yetAt http://tiled:8000. detail. Trying again"
    )
    assert said(Link.STREAMING).startswith("waiting") and "3 analysed" in said(Link.POLLING, (), 3)
    measuring = said(Link.STREAMING, [Begun("u", "Fe foil", 7, 0.0)])
    assert measuring.startswith("measuringFe foil (scan 7, started 9 s ago)")
    assert "A run (started" in said(Link.STREAMING, [Begun("u", "", None, 0.0)])


def test_an_open_scan_without_news_is_stale() -> None:
    data = replace(data_of(grown(200), ended=False), heard=1000.0)
    found = shown(data.rows)
    assert found is not None
    text = Checked(fragments.words(data, found, 30.0, 1000.0 + 30)).text
    assert "scan running; last news 30 s ago" in text
    assert not fragments.is_stale(data, 1119.0) and fragments.is_stale(data, 1121.0)
    assert "no news for 5 min: is the scan paused?" in fragments.words(data, found, 30.0, 1300.0)
    assert not fragments.is_stale(data_of(grown(200), ended=True), 1e10)


def test_a_contrary_prediction_is_told_beside_what_is_shown() -> None:
    data = data_of(grown(100, label="O6"), grown(150, label="O6"), grown(200, label="T4"))
    found = shown(data.rows)
    assert found is not None and found.label == "O6" and found.held
    text = Checked(fragments.words(data, found, 30.0, 0.0)).text
    assert "octahedral" in text and "the newest prediction says tetrahedral, once so far" in text


def test_codes_are_split() -> None:
    assert codes({"reason": ""}) == [] and codes({"reason": "a;b"}) == ["a", "b"]
    assert fragments.advice({"reason": "", "answered": 1}) == (
        '<p class="faint">Nothing to object to.</p>'
    )
    assert "No probabilities" in fragments.probabilities({}, ("T4",))


def test_the_signals_used_are_told_under_the_title() -> None:
    data = data_of(grown(200))
    found = shown(data.rows)
    assert found is not None
    assert "used" not in fragments.words(data, found, 30.0, 0.0)
    for odd in (None, "text", {}, {"words": None}):
        start = {**data.start, "live_lce": {**data.start["live_lce"], "used": odd}}
        assert fragments.used(start) == ""
    ours = data.start["live_lce"] | {"used": {"words": "ln(I0/It), energy = <i>mono"}}
    told = fragments.words(replace(data, start={**data.start, "live_lce": ours}), found, 30.0, 0.0)
    text = assert_harmless(told).text
    assert text.index("Fe K") < text.index("ln(I0/It), energy = <i>mono") < text.index("octahedral")

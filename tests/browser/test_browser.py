"""The dashboard in a real browser: what arrives, what is clicked, what is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_parts import (
    ABORTED,
    FERRITE,
    FOIL,
    FURNACE,
    HEMATITE,
    KEY,
    Beam,
    Served,
    a_scan,
    browser,
    cut,
    looking,
    serving,
    until,
)
from playwright.sync_api import Browser, Page, expect

from live_lce.dashboard import Dashboard, _fragments as fragments
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["browser"]


@pytest.fixture(scope="module")
def tiled() -> Iterator[EmbeddedTiled]:
    with EmbeddedTiled(api_key=KEY) as server:
        yield server


@pytest.fixture(scope="module")
def beam(tiled: EmbeddedTiled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beam]:
    beam = Beam(tiled.uri, KEY, tmp_path_factory.mktemp("spool"))
    yield beam
    beam.close()


@pytest.fixture(scope="module")
def dashboard(tiled: EmbeddedTiled) -> Iterator[Dashboard]:
    with serving(tiled.uri, KEY) as dashboard:
        yield dashboard


def headline(page: Page) -> str:
    return page.locator("#now .headline").inner_text()


def choose(page: Page, view: str) -> None:
    page.get_by_role("tab", name=view).click()


def test_it_waits_then_a_scan_grows_without_reload(
    browser: Browser, tiled: EmbeddedTiled, beam: Beam, dashboard: Dashboard
) -> None:
    with looking(browser, dashboard.uri) as (page, seen):
        expect(page.locator("#now .headline")).to_contain_text("waiting")
        page.evaluate("window.mark = 'the same page'")
        first, rest = cut(a_scan(HEMATITE, sample="rust"), 0.8)
        beam.send(first, raw=True)
        expect(page.locator("#now .headline")).to_contain_text("rust, Fe K, scan 1")
        expect(page.locator("#now .headline")).to_contain_text("octahedral")
        expect(page.locator("#now .headline")).to_contain_text(
            re.compile(r"at \d+ eV past the edge")
        )
        expect(page.locator("#now .flags")).to_contain_text("The scan is still running")
        drawn = page.evaluate(POINTS)
        assert 60 < drawn["measured"] <= len(first), drawn
        assert drawn["reference"] > 50, "the medoid of the class is not drawn"
        beam.send(rest, raw=True)
        expect(page.locator("#now .headline")).to_contain_text("scan ended")
        expect(page.locator("#now .bars")).to_contain_text("O6")
        assert page.evaluate(POINTS)["measured"] > drawn["measured"]
        assert page.evaluate("window.mark") == "the same page"
    assert seen.errors == []


POINTS = """() => {
  const plot = (name) => Bokeh.documents[0].get_model_by_name(name);
  const size = (name, glyph) => plot(name).renderers[glyph].data_source.data.energy.length;
  return { reference: size("now_norm", 0), measured: size("now_raw", 0) };
}"""


def test_a_run_that_begins_is_told_before_its_first_prediction(
    browser: Browser, beam: Beam, dashboard: Dashboard
) -> None:
    documents = a_scan(FERRITE, sample="begun", scan_id=77)
    first, rest = cut(documents, 0.05)
    with looking(browser, dashboard.uri) as (page, seen):
        beam.send(first, raw=True)
        expect(page.locator("header")).to_contain_text("measuring: begun, scan 77")
        beam.send(rest, raw=True)
        expect(page.locator("#now .headline")).to_contain_text("begun, Fe K, scan 77")
        expect(page.locator("header")).not_to_contain_text("measuring")
    assert seen.errors == []


def test_an_abstention_says_why_and_what_to_do(
    browser: Browser, beam: Beam, dashboard: Dashboard
) -> None:
    beam.send(a_scan(FOIL, sample="a foil"))
    with looking(browser, dashboard.uri) as (page, seen):
        expect(page.locator("#now .headline")).to_contain_text("no answer")
        expect(page.locator("#now .headline")).to_contain_text("looks like a metal")
        expect(page.locator("#now .flags .decides")).to_contain_text("do not use a label")
    assert seen.errors == []


def test_a_rejected_run_that_is_read_back_says_what_to_do(
    browser: Browser, tiled: EmbeddedTiled, beam: Beam
) -> None:
    odd = {"I0": "amp_a", "It": "amp_b", "Ir": "amp_c"}  # names that nobody knows
    text = re.sub(r'"(I[0tr])"', lambda m: f'"{odd[m[1]]}"', json.dumps(a_scan(sample="odd")))
    documents = json.loads(text)
    beam.send(documents)
    # Asking alone, and after the run has ended: its numbers come from Tiled's table.
    with (
        serving(tiled.uri, KEY, streaming=False) as dashboard,
        looking(browser, dashboard.uri) as (page, seen),
    ):
        expect(page.locator("#now .headline")).to_contain_text("odd")
        expect(page.locator("#now .headline")).to_contain_text("no answer")
        expect(page.locator("#now")).to_contain_text("the model was not asked")
        expect(page.locator("#now .flags .decides")).to_contain_text("name them in")
        choose(page, "Trend")
        expect(page.locator("#trend .links").first).to_contain_text("CSV")
    assert seen.errors == []


def test_a_view_that_cannot_be_drawn_leaves_the_others_alone(
    browser: Browser,
    beam: Beam,
    dashboard: Dashboard,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> str:
        raise TypeError("a number that is none")

    beam.send(a_scan(sample="one that is drawn"))
    with looking(browser, dashboard.uri) as (page, seen):
        expect(page.locator("#now .headline")).to_contain_text("one that is drawn")
        monkeypatch.setattr(fragments, "advice", fails)
        beam.send(a_scan(sample="one that is not"))
        expect(page.locator("#now .headline")).to_contain_text("Now cannot be drawn")
        expect(page.locator(".scan select").first).to_contain_text("one that is not")
        page.wait_for_timeout(2500)  # ages are told every second: not instead of the failure
        expect(page.locator("#now .headline")).to_contain_text("Now cannot be drawn")
        choose(page, "Trend")
        expect(page.locator("#trend .links").first).to_contain_text("CSV")
        choose(page, "Why")
        expect(page.locator("#why .which")).to_contain_text("one that is not")
        monkeypatch.undo()
        choose(page, "Now")
        expect(page.locator("#now .headline")).to_contain_text("one that is not")
        expect(page.locator("#now .headline")).not_to_contain_text("cannot be drawn")
    logged = [r.message for r in caplog.records if "cannot be drawn" in r.message]
    assert logged and len(logged) <= 3, "once a page and a fault, not at each tick"
    assert seen.errors == []


def test_a_column_of_the_trend_is_clicked_and_its_spectrum_shown(
    browser: Browser, beam: Beam, dashboard: Dashboard
) -> None:
    for number in range(3):
        beam.send(a_scan(FURNACE + number, sample=f"furnace {number}"), raw=True)
    with looking(browser, dashboard.uri) as (page, seen):
        choose(page, "Trend")
        # The furnace records its temperature: the trend against it is of those three alone.
        page.get_by_label("Against").select_option("primary.furnace_temperature")
        until(
            page,
            "Bokeh.documents[0].get_model_by_name('trend_plots').children[0]"
            "?.renderers[0].data_source.data.x.length === 3",
        )
        page.wait_for_timeout(500)
        left, top, width, height = page.evaluate(FRAME)
        page.mouse.click(left + 0.15 * width, top + 0.5 * height)
        expect(page.get_by_role("tab", name="Now")).to_have_attribute("aria-selected", "true")
        expect(page.locator("#now .headline")).to_contain_text("furnace 0")
        assert page.url.endswith("#now")
    assert seen.errors == []


FRAME = """() => {
  const plot = Bokeh.documents[0].get_model_by_name("trend_plots").children[0];
  const view = Bokeh.index.find_one(plot);
  const box = view.el.getBoundingClientRect(), frame = view.frame.bbox;
  return [box.left + frame.left, box.top + frame.top, frame.width, frame.height];
}"""


def test_why_names_energies_neighbours_model_and_raw_run(
    browser: Browser, beam: Beam, dashboard: Dashboard
) -> None:
    documents = a_scan(HEMATITE, sample="explained")
    beam.send(documents)
    with looking(browser, dashboard.uri) as (page, seen):
        choose(page, "Why")
        expect(page.locator("#why")).to_contain_text("What speaks for octahedral")
        expect(page.locator("#why")).to_contain_text("edge and white line")
        expect(page.locator("#why")).to_contain_text("Training spectra next to it on the map")
        expect(page.locator("#why")).to_contain_text("lce_Fe_K")
        expect(page.locator("#why")).to_contain_text(documents[0][1]["uid"])
        weights = page.evaluate(
            "Array.from(Bokeh.documents[0].get_model_by_name('why_energies')"
            ".renderers[0].data_source.data.weight)"
        )
        assert max(weights) > 0.1
        spot = page.evaluate(
            "Array.from(Bokeh.documents[0].get_model_by_name('why_map')"
            ".renderers[0].data_source.data.x)"
        )
        assert len(spot) == 1
    assert seen.errors == []


def test_past_finds_by_label_and_opens(browser: Browser, beam: Beam, dashboard: Dashboard) -> None:
    beam.send(a_scan(ABORTED, sample="stopped early", scan_id=500))
    with looking(browser, dashboard.uri) as (page, seen):
        choose(page, "Past")
        page.get_by_label("Sample (whole name)").fill("stopped early")
        page.get_by_label("Sample (whole name)").press("Enter")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#past")).to_contain_text("1 runs")
        page.locator("#past .slick-cell", has_text="stopped early").click()
        expect(page.locator("#now .headline")).to_contain_text("stopped early")
        expect(page.locator("#now .headline")).to_contain_text("tetrahedral")
        expect(page.locator("#now .flags")).to_contain_text("aborted")
        choose(page, "Past")
        page.get_by_label("Sample (whole name)").fill("no such sample")
        page.get_by_label("Sample (whole name)").press("Enter")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#past")).to_contain_text("Nothing was found")
    assert seen.errors == []


def test_files_are_downloaded_from_links(
    browser: Browser, beam: Beam, dashboard: Dashboard, tmp_path: Path
) -> None:
    beam.send(a_scan(HEMATITE, sample="exported"))
    with looking(browser, dashboard.uri) as (page, seen):
        choose(page, "Why")
        for kind, start in (("CSV", b"#"), ("PNG", b"\x89PNG"), ("SVG", b"<?xml")):
            with page.expect_download() as download:
                page.locator("#why").get_by_role("link", name=kind).click()
            file = tmp_path / download.value.suggested_filename
            download.value.save_as(file)
            assert file.suffix == f".{kind.lower()}"
            assert file.read_bytes().startswith(start)
        choose(page, "Trend")
        with page.expect_download() as download:
            page.locator("#trend").get_by_role("link", name="CSV").first.click()
        download.value.save_as(tmp_path / "trend.csv")
        assert "exported" in (tmp_path / "trend.csv").read_text()
        with page.context.expect_page() as opened:
            page.locator("#trend").get_by_role("link", name="report").first.click()
        report = opened.value
        expect(report.locator("body")).to_contain_text("exported")
        assert report.locator("script").count() == 0
    assert seen.errors == []


def test_the_server_goes_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    tiled = Served("serve", "--directory", str(tmp_path / "tiled"))
    try:
        tiled.start()
        beam = Beam(tiled.uri, KEY, tmp_path / "spool")
        with serving(tiled.uri, KEY) as dashboard, looking(browser, dashboard.uri) as (page, seen):
            beam.send(a_scan(HEMATITE, sample="before"))
            expect(page.locator("#now .headline")).to_contain_text("before")
            tiled.kill()
            expect(page.locator("header .status")).to_contain_text("Tiled is gone")
            expect(page.locator("#now .headline")).to_contain_text("before")  # still to be seen
            tiled.start()
            expect(page.locator("header .status")).to_have_text("live")
            beam.close()
            beam = Beam(tiled.uri, KEY, tmp_path / "spool")
            beam.send(a_scan(FERRITE, sample="after"))
            expect(page.locator("#now .headline")).to_contain_text("after")
            beam.close()
        assert seen.errors == []
    finally:
        tiled.kill()


def test_the_dashboard_goes_and_comes_back(
    browser: Browser, tiled: EmbeddedTiled, beam: Beam
) -> None:
    beam.send(a_scan(HEMATITE, sample="kept in Tiled"))
    served = Served("dashboard", "--tiled", tiled.uri)
    try:
        served.start()
        with looking(browser, served.uri) as (page, _):
            expect(page.locator("#now .headline")).to_contain_text("kept in Tiled")
            served.kill()
            expect(page.locator("#away")).to_be_visible()
            served.start()
            expect(page.locator("#away")).to_be_hidden()
            expect(page.locator("#now .headline")).to_contain_text("kept in Tiled")
    finally:
        served.kill()

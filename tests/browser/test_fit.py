"""Whether the dashboard is fit for use: sizes, themes, keys, proxies, many viewers, no secrets."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dashboard_parts import (
    FERRITE,
    HEMATITE,
    KEY,
    Beam,
    a_scan,
    browser,
    free_port,
    looking,
    serving,
    until,
)
from playwright.sync_api import Browser, Page, expect

from live_lce.dashboard import Dashboard
from live_lce.tiled import EmbeddedTiled

pytestmark = pytest.mark.slow

__all__ = ["browser"]

HOSTILE = (
    "<img src=x onerror=\"document.title='broken'\"> & <script>document.title='broken'</script>"
)


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTiled]:
    """A server with three scans, one of them with a hostile name."""
    with EmbeddedTiled(api_key=KEY) as server:
        beam = Beam(server.uri, KEY, tmp_path_factory.mktemp("spool"))
        for number, sample in ((HEMATITE, "first"), (HEMATITE, HOSTILE), (FERRITE, "last")):
            beam.send(a_scan(number, sample=sample), raw=True)
        beam.close()
        yield server


@pytest.fixture(scope="module")
def dashboard(tiled: EmbeddedTiled) -> Iterator[Dashboard]:
    with serving(tiled.uri, KEY) as dashboard:
        yield dashboard


def shows(page: Page, text: str) -> None:
    expect(page.locator("#now .headline")).to_contain_text(text)


def test_keys_go_through_scans_and_views(browser: Browser, dashboard: Dashboard) -> None:
    with looking(browser, dashboard.uri) as (page, seen):
        shows(page, "last")
        page.keyboard.press("ArrowLeft")
        shows(page, "onerror")
        page.keyboard.press("ArrowLeft")
        shows(page, "first")
        page.keyboard.press("ArrowLeft")  # there is no older one
        page.keyboard.press("ArrowRight")
        shows(page, "onerror")
        page.keyboard.press("f")
        shows(page, "last")
        for key, view in (("2", "Trend"), ("3", "Why"), ("4", "Past"), ("1", "Now")):
            page.keyboard.press(key)
            expect(page.get_by_role("tab", name=view)).to_have_attribute("aria-selected", "true")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#keys")).to_be_hidden()
        page.keyboard.press("4")
        page.get_by_label("Sample (whole name)").focus()
        page.keyboard.type("1 2 fdl")  # what is typed into a field is no command
        expect(page.get_by_role("tab", name="Past")).to_have_attribute("aria-selected", "true")
        assert page.evaluate("document.documentElement.dataset.large") == "no"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement !== document.body")
    assert seen.errors == []


def test_what_comes_from_metadata_is_text_and_no_code(
    browser: Browser, dashboard: Dashboard
) -> None:
    with looking(browser, dashboard.uri) as (page, seen):
        shows(page, "last")
        page.keyboard.press("ArrowLeft")
        shows(page, HOSTILE)
        for key in "2341":
            page.keyboard.press(key)
            page.wait_for_timeout(400)
        assert page.title() == "live_lce"
        assert page.locator("#now img").count() == 0
    assert seen.errors == []


@pytest.mark.parametrize(("width", "height"), [(360, 740), (412, 915), (800, 600), (1920, 1080)])
def test_nothing_runs_off_the_side(
    browser: Browser, dashboard: Dashboard, width: int, height: int
) -> None:
    with looking(browser, dashboard.uri, viewport={"width": width, "height": height}) as (
        page,
        seen,
    ):
        for key in "1l234":
            page.keyboard.press(key)
            page.wait_for_timeout(500)
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (key, over)
        page.keyboard.press("1")
        box = page.locator("#now .headline").bounding_box()
        assert box is not None
        assert box["width"] <= width
    assert seen.errors == []


def test_large_letters_and_themes_are_remembered(browser: Browser, dashboard: Dashboard) -> None:
    with looking(browser, dashboard.uri, color_scheme="dark") as (page, seen):
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        shows(page, "last")
        assert _paper(page) == "rgb(20, 24, 29)"
        small = _size(page)
        page.keyboard.press("l")
        assert _size(page) > 2 * small
        # A letter of 110 px and more can be read at 3 m: 0.3 degrees are 16 mm, which a screen of
        # 0.28 mm a pixel shows with 56.
        assert _size(page) >= 110
        page.keyboard.press("d")
        assert _paper(page) == "rgb(255, 255, 255)"
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        assert page.evaluate(
            "[...Object.values(document.documentElement.dataset)].sort()"
        ) == sorted(["light", "yes", "yes"])
        until(
            page,
            "Bokeh.documents[0].get_model_by_name('now_norm').border_fill_color === '#ffffff'",
        )
    assert seen.errors == []


def _size(page: Page) -> float:
    found = page.locator("#now .headline b").evaluate(
        "e => parseFloat(getComputedStyle(e).fontSize)"
    )
    return float(found)


def _paper(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_the_key_never_reaches_a_browser(
    browser: Browser, tiled: EmbeddedTiled, dashboard: Dashboard
) -> None:
    bodies: list[bytes] = []
    with looking(browser, dashboard.uri) as (page, seen):
        page.on("response", lambda r: bodies.append(r.url.encode() + r.body()) if r.ok else None)
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        shows(page, "last")
        for key in "234":
            page.keyboard.press(key)
            page.wait_for_timeout(600)
        bodies.append(page.content().encode())
    received = seen.received + bodies
    assert len(seen.received) > 5, "the frames of the websocket were not seen"
    assert sum(map(len, bodies)) > 100_000
    assert not [part for part in received if KEY.encode() in part]


def test_viewers_look_at_different_things(browser: Browser, dashboard: Dashboard) -> None:
    with (
        looking(browser, dashboard.uri) as (one, seen_one),
        looking(browser, dashboard.uri) as (other, seen_other),
    ):
        shows(one, "last")
        shows(other, "last")
        one.keyboard.press("ArrowLeft")
        one.keyboard.press("d")
        shows(one, "onerror")
        shows(other, "last")
        assert _paper(other) != _paper(one)
    with looking(browser, dashboard.uri) as (page, seen):
        shows(page, "last")
    assert seen_one.errors + seen_other.errors + seen.errors == []


def test_an_address_opens_a_scan(browser: Browser, dashboard: Dashboard) -> None:
    with looking(browser, dashboard.uri) as (page, _):
        shows(page, "last")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        shows(page, "first")
        page.keyboard.press("3")
        link = page.locator("#why").get_by_role("link", name="link to this scan")
        address = link.evaluate("e => e.href")
    with looking(browser, address) as (page, seen):
        shows(page, "first")
    assert seen.errors == []
    with looking(browser, f"{dashboard.uri}?run=no-such-run-at-all") as (page, seen):
        shows(page, "if this stays, Tiled has no such run")
        page.keyboard.press("f")
        shows(page, "last")
    assert seen.errors == []


@contextmanager
def proxied(folder: Path, port: int, to: str, prefix: str) -> Iterator[str]:
    """Run nginx before a server, as docs/how-to/dashboard.md says."""
    path = shutil.which("nginx")
    if path is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(f"""
        daemon off; pid {folder}/pid; error_log {folder}/error.log;
        events {{}}
        http {{
          access_log off; {temporary}
          server {{
            listen 127.0.0.1:{port};
            location {prefix}/ {{
              proxy_pass {to};
              proxy_http_version 1.1;
              proxy_set_header Upgrade $http_upgrade;
              proxy_set_header Connection "upgrade";
              proxy_set_header Host $host:$server_port;
              proxy_read_timeout 1h;
            }}
          }}
        }}""")
    log = ["-e", str(folder / "error.log")]
    with subprocess.Popen(
        [path, *log, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    ) as nginx:
        time.sleep(0.5)
        try:
            yield f"http://127.0.0.1:{port}{prefix}/"
        finally:
            nginx.terminate()


def test_it_works_behind_a_proxy_with_a_prefix(
    browser: Browser, tiled: EmbeddedTiled, tmp_path: Path
) -> None:
    port, prefix = free_port(), "/beamline/live"
    with (
        serving(
            tiled.uri, KEY, prefix=prefix, port=free_port(), origins=[f"127.0.0.1:{port}"]
        ) as dashboard,
        proxied(tmp_path, port, dashboard.uri.removesuffix(f"{prefix}/"), prefix) as uri,
        looking(browser, uri) as (page, seen),
    ):
        shows(page, "last")
        page.keyboard.press("3")
        with page.expect_download() as download:
            page.locator("#why").get_by_role("link", name="CSV").click()
        assert download.value.url.startswith(f"{uri}export/")
        assert Path(download.value.path()).read_bytes().startswith(b"#")
    assert seen.errors == []

"""What the dashboard's web server lets in: names, many at once, scripts of its own."""

from __future__ import annotations

import ast
import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from live_lce.classifiers import Registry
from live_lce.dashboard import (
    Dashboard,
    DashboardSource,
    _guard as guard,
    _serve as serve,
    _style as style,
)
from live_lce.dashboard._guard import BusyError, Headers, RequestLimit, names, own_scripts, policy

DASHBOARD = Path(serve.__file__).parent


@pytest.fixture(scope="module")
def page() -> Iterator[Dashboard]:
    """A dashboard of a server that is not there: its page is there all the same."""
    found = Dashboard(
        DashboardSource("http://user:CANARY@127.0.0.1:9"),
        Registry(),
        prefix="/live",
        origins=["ours.org:80"],
    )
    yield found
    found.close()


def test_other_names_are_refused(page: Dashboard) -> None:
    port = page.uri.split(":")[2].split("/")[0]
    for path in ("", "health", "ws", "static/js/bokeh.min.js", "export/trend.csv"):
        for host in (
            "evil.example",
            f"evil.example:{port}",
            "localhost.evil.example",
            "127.0.0.1.x",
        ):
            found = httpx.get(page.uri + path, headers={"Host": host}, timeout=60)
            assert found.status_code == 421 and "--origin" in found.text, (path, host)
    for host in ("localhost", f"LOCALHOST:{port}", f"127.0.0.1:{port}", "[::1]:80", "ours.org"):
        found = httpx.get(page.uri + "health", headers={"Host": host}, timeout=60)
        assert found.status_code == 200, host


@pytest.mark.parametrize(
    ("host", "origins", "ours", "others"),
    [
        ("127.0.0.1", (), ("localhost", "127.0.0.1"), ("10.0.0.1", "a", "xlocalhost", "")),
        ("0.0.0.0", (), ("10.0.0.1", "[fe80::1]", "localhost"), ("a.org", "10.0.0.1.nip.io")),
        ("10.0.0.7", ("a.org:443", "b.org"), ("10.0.0.7", "a.org", "b.org"), ("10.0.0.8", "c.org")),
        ("ws3", ("*.lab.org",), ("ws3", "x.lab.org"), ("lab.org", "x.lab.org.evil")),
        ("::1", ("*",), ("anything",), ()),
    ],
)
def test_names(host: str, origins: tuple[str, ...], ours: tuple[str, ...], others: object) -> None:
    pattern = names(host, origins)
    assert all(pattern.fullmatch(name) for name in ours)
    assert not any(pattern.fullmatch(name) for name in others)  # type: ignore[attr-defined]


def test_many_pages_keep_nobody_waiting(page: Dashboard) -> None:
    done: list[int] = []
    first = threading.Event()

    def ask() -> None:
        done.append(httpx.get(page.uri, timeout=300).status_code)
        first.set()

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    first.wait(300)
    before = len(done)
    assert httpx.get(page.uri + "health", timeout=300).status_code == 200
    assert len(done) - before <= 3, "a monitor waits for the page that is being made"
    for thread in threads:
        thread.join()
    assert done == [200] * 12


def test_only_so_many_wait() -> None:
    async def several() -> list[str]:
        turns, order = RequestLimit(1, 3), list[str]()
        entered = asyncio.Event()

        async def one(name: str) -> None:
            try:
                async with turns.one():
                    entered.set()
                    await asyncio.sleep(0)
                    order.append(name)
            except BusyError:
                order.append(f"no {name}")

        await asyncio.gather(*(one(name) for name in "abcd"))
        await one("e")
        return order

    assert asyncio.run(several()) == ["no d", "a", "b", "c", "e"]


def test_a_page_too_many_is_tried_again(page: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_PAGES", 0)
    found = httpx.get(page.uri, timeout=60)
    assert found.status_code == 503 and found.headers["Retry-After"] == "5"
    assert 'http-equiv="refresh"' in found.text


def test_only_the_pages_own_scripts_run(page: Dashboard) -> None:
    numbers = set()
    for _ in range(2):
        found = httpx.get(page.uri, timeout=60)
        said = found.headers["Content-Security-Policy"]
        (number,) = re.findall(r"'nonce-([^']+)'", said)
        numbers.add(number)
        assert "script-src 'self' 'nonce-" in said and "default-src 'none'" in said
        scripts = re.findall(r"<script\b[^>]*>", found.text)
        assert scripts and all(f'nonce="{number}"' in script for script in scripts)
        assert "mathjax" not in found.text.lower() and "CANARY" not in found.text
    assert len(numbers) == 2
    assert "'unsafe-inline'" not in policy("x").partition("script-src")[2].partition(";")[0]
    assert httpx.get(page.uri + "health", timeout=60).headers["X-Content-Type-Options"] == "nosniff"
    for path in ("autoload.js", "metadata"):
        assert httpx.get(page.uri + path, timeout=60).status_code == 404


def test_a_number_is_as_long_as_its_place() -> None:
    """Else the length of the answer, which was told before, would be wrong."""
    html = own_scripts("<script>1</script>").encode()
    line = RequestStartLine("GET", "/", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "x"}))
    transform = Headers(request)
    _, headers, chunk = transform.transform_first_chunk(200, HTTPHeaders(), html, True)
    assert len(chunk) == len(html) and chunk != html
    assert chunk.decode().split('"')[1] in headers["Content-Security-Policy"]


def test_words_are_no_formulas() -> None:
    """Whatever shows names says so: MathJax would run the addresses in them."""
    assert style.words("x", "$$a$$").disable_math
    wrong = []
    for path in DASHBOARD.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in {"Div", "Paragraph", "PreText", "Markup"} and path.name != "_style.py":
                wrong.append(f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]
    assert wrong == []

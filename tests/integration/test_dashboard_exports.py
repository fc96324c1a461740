"""Files over HTTP from a running dashboard, without a browser."""

from __future__ import annotations

import csv
import gc
import io
import socket
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from feed_parts import HOSTILE, grown, raw_run, uid, within
from results_parts import publish

from live_lce.classifiers import Registry
from live_lce.dashboard import Dashboard, DashboardError, DashboardSource
from live_lce.results import (
    PublishedRun,
    find,
    spectra,
    trend,
    trend_csv,
)
from live_lce.tiled import EmbeddedTiled

PREFIX = "/beam/live"


@pytest.fixture(scope="module")
def published(server: EmbeddedTiled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A container with a series of one sample, a hostile one, and two spectra in one run."""
    client = server.client()
    container, spool = client["processed"], tmp_path_factory.mktemp("spool")
    for number in range(3):
        run = raw_run(number)
        publish(container, spool, grown(200, run=run), grown(run=run, confidence=0.8))
    hostile = raw_run(3, sample=HOSTILE)
    publish(container, spool, grown(run=hostile, label="T4"))
    two = raw_run(4, sample="two")
    publish(container, spool, grown(run=two), grown(index=1, run=two, label="S5"))
    yield container
    client.context.close()


@pytest.fixture(scope="module")
def page(server: EmbeddedTiled, published: Any) -> Iterator[Dashboard]:
    dashboard = Dashboard(DashboardSource(server.uri, server.api_key), Registry(), prefix=PREFIX)
    yield dashboard
    dashboard.close()


@pytest.fixture
def http(page: Dashboard, server: EmbeddedTiled) -> Iterator[httpx.Client]:
    """A client that checks each answer: never the key, never a second line of reasons."""

    def check(response: httpx.Response) -> None:
        response.read()
        assert server.api_key.encode() not in response.content
        assert all(server.api_key not in value for value in response.headers.values())
        if response.status_code >= 400:
            assert "Traceback" not in response.text and "\n" not in response.reason_phrase

    with httpx.Client(
        base_url=page.uri, timeout=60, trust_env=False, event_hooks={"response": [check]}
    ) as client:
        yield client


def run_of(container: Any, number: int) -> PublishedRun:
    (run,) = [r for r in find(container) if r.analysis.raw_uid == uid(number)]
    return run


def cells(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def test_a_spectrum_as_csv_is_what_was_published(http: httpx.Client, published: Any) -> None:
    run = run_of(published, 4)
    wanted = spectra(published, run.analysis.uid)
    assert len(wanted) == 2
    for number, spectrum in enumerate(wanted):
        found = http.get(f"export/spectrum.csv?run={run.analysis.uid}&spectrum={number}")
        assert found.status_code == 200 and found.headers["content-type"].startswith("text/csv")
        lines = [line for line in found.text.splitlines() if not line.startswith("#")]
        assert lines[0] == "energy,norm"
        values = np.array([line.split(",") for line in lines[1:]], dtype=float)
        np.testing.assert_array_equal(values, np.column_stack([spectrum.energy, spectrum.norm]))
        assert f"label: {spectrum.row['label']}" in found.text and run.analysis.uid in found.text


def test_a_trend_as_csv_is_what_was_published(http: httpx.Client, published: Any) -> None:
    found = http.get("export/trend.csv?sample=sample&absorber=Fe")
    assert found.headers["content-disposition"] == 'attachment; filename="live_lce_sample.csv"'
    points = [p for p in trend(published, find(published)) if p.sample == "sample"]
    assert found.text == trend_csv(points)
    rows = cells(found.text)
    assert [row["scan_id"] for row in rows] == ["0", "1", "2"]
    assert {row["label"] for row in rows} == {"O6"} and {row["confidence"] for row in rows} == {
        "0.8"
    }
    every = cells(http.get("export/trend.csv").text)
    assert len(every) == 6 and len(cells(http.get("export/trend.csv?label=S5").text)) == 2


def test_times_bound_a_trend(http: httpx.Client) -> None:
    second = raw_run(1).start["time"]
    for since, until in ((second, second), (f"{second - 1:.0f}", f"{second + 1:.0f}")):
        rows = cells(http.get(f"export/trend.csv?since={since}&until={until}").text)
        assert [row["scan_id"] for row in rows] == ["1"]
    assert len(cells(http.get("export/trend.csv?since=2023-11-01").text)) == 6
    assert http.get("export/trend.csv?since=2033-01-01").status_code == 404


@pytest.mark.parametrize("what", ["spectrum", "trend"])
def test_figures_can_be_read(http: httpx.Client, published: Any, what: str) -> None:
    from matplotlib.image import imread

    asked = f"run={run_of(published, 0).analysis.uid}" if what == "spectrum" else "sample=sample"
    image = http.get(f"export/{what}.png?{asked}")
    assert image.headers["content-type"] == "image/png"
    assert min(imread(io.BytesIO(image.content)).shape[:2]) > 300
    drawing = http.get(f"export/{what}.svg?{asked}")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert ET.fromstring(drawing.text).tag.endswith("svg")
    assert drawing.headers["x-content-type-options"] == "nosniff"


def test_a_report_is_one_page(http: httpx.Client) -> None:
    found = http.get("report.html?sample=sample")
    assert found.status_code == 200 and found.headers["content-type"].startswith("text/html")
    assert found.text.lstrip().lower().startswith("<!doctype html>")
    assert uid(0) in found.text and uid(2) in found.text and uid(3) not in found.text
    for outside in ('src="http', 'href="http', "<script src"):
        assert outside not in found.text


def test_hostile_names_are_only_text(http: httpx.Client, published: Any) -> None:
    for kind in ("csv", "png", "svg"):
        found = http.get(f"export/trend.{kind}", params={"sample": HOSTILE})
        assert found.status_code == 200
        name = found.headers["content-disposition"].removeprefix("attachment; filename=")
        assert name.isascii() and name[0] == name[-1] == '"' and name.count('"') == 2
        assert not set(name[1:-1]) & set("/\\<>;\r\n ") and name.endswith(f'.{kind}"')
    assert "<script>alert" not in http.get("export/trend.svg", params={"sample": HOSTILE}).text
    assert "<script>alert" not in http.get("report.html", params={"sample": HOSTILE}).text
    run = run_of(published, 3).analysis.uid
    assert "<script>alert" not in http.get(f"export/spectrum.svg?run={run}").text
    long = http.get("export/trend.csv", params={"sample": "x" * 2000})
    assert long.status_code == 404 and len(long.headers.get("content-disposition", "")) < 200


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("export/spectrum.csv", 400, "give at least 8 characters"),
        ("export/spectrum.csv?run=12", 400, "give at least 8 characters"),
        ("export/spectrum.csv?run=00000000-aaaa-4aaa-8aaa-000000000000", 404, "nothing of that"),
        ("export/spectrum.csv?run={run}&spectrum=7", 404, "nothing of that"),
        ("export/spectrum.csv?run={run}&spectrum=-1", 400, "give its number"),
        ("export/spectrum.csv?run={run}&spectrum=%C2%B2", 400, "give its number"),
        ("export/spectrum.csv?run={run}&spectrum=" + 9 * "99999", 400, "give its number"),
        ("export/spectrum.csv?run={raw}", 404, "nothing of that"),
        ("export/spectrum.exe?run={run}", 404, ""),
        ("export/trend.csv?status=great", 400, "choose of"),
        ("export/trend.csv?since=2&until=1", 400, "exchange them"),
        ("export/trend.csv?since=nan", 400, "is no time"),
        ("export/trend.csv?since=yesterday", 400, "is no time"),
        ("export/trend.csv?sample=unknown", 404, "nothing of that"),
        ("export/trend.csv?sample=%FF", 400, ""),
        ("report.html?sample=unknown", 404, "nothing of that"),
        ("report.html?status=<b>", 400, "&lt;b&gt;"),
        ("nothing/here", 404, ""),
    ],
)
def test_what_cannot_be_had_is_told_in_one_line(
    http: httpx.Client, published: Any, address: str, status: int, words: str
) -> None:
    run = run_of(published, 0).analysis
    found = http.get(address.format(run=run.uid, raw=run.raw_uid))
    assert found.status_code == status and words in found.text
    if words:
        assert found.text.count("<p>") == 1 and found.headers["cache-control"] == "no-store"


def test_nothing_can_be_written(http: httpx.Client, page: Dashboard) -> None:
    for address in ("export/trend.csv", "report.html", "health"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert http.request(method, address).status_code in (403, 405)


def test_health_is_told_below_the_prefix(http: httpx.Client, page: Dashboard) -> None:
    assert page.uri.endswith(f"{PREFIX}/")
    within(20, lambda: http.get("health").json()["tiled"] == "streaming")
    assert set(http.get("health").json()) == {"tiled", "since", "runs"}
    within(20, lambda: http.get("health").json()["runs"] == 5)
    outside = httpx.get(page.uri.replace(f"{PREFIX}/", "/health"), trust_env=False)
    assert outside.status_code == 404
    assert http.get("").status_code == 200 and "live_lce" in http.get("").text


def test_a_taken_port_is_told(server: EmbeddedTiled) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DashboardError, match=f"Port {port} cannot be used .*choose another"):
            Dashboard(DashboardSource(server.uri, server.api_key), Registry(), port=port)
    gc.collect()


def test_tiled_away_is_told(published: Any) -> None:
    page = Dashboard(DashboardSource("http://127.0.0.1:9", "key"), Registry())
    try:
        with httpx.Client(base_url=page.uri, timeout=30, trust_env=False) as http:
            within(10, lambda: http.get("health").json()["tiled"] == "gone")
            for address in ("export/trend.csv", "report.html", f"export/spectrum.png?run={uid(0)}"):
                found = http.get(address)
                assert found.status_code == 503
                assert "Tiled does not answer: check the server" in found.text
            assert http.get("").status_code == 200, "the page itself is there, and says so"
    finally:
        page.close()


def test_several_exports_leave_the_page_alone(http: httpx.Client, published: Any) -> None:
    """Exports wait in other threads: what answers the browsers is not held up by them."""
    run = run_of(published, 0).analysis.uid
    addresses = [f"export/spectrum.png?run={run}", "export/trend.png", "report.html"] * 2
    waits: list[float] = []
    with ThreadPoolExecutor(len(addresses)) as pool:
        asked = [pool.submit(http.get, address) for address in addresses]
        while not all(one.done() for one in asked):
            began = time.monotonic()
            assert http.get("health").status_code == 200
            waits.append(time.monotonic() - began)
            time.sleep(0.02)
    assert [one.result().status_code for one in asked] == [200] * len(addresses)
    # one drawing takes 0.1 to 0.3 s here, and holds Python's lock for a part of that
    assert np.median(waits) < 0.3 and max(waits) < 3.0, sorted(waits)[-5:]

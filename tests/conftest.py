"""Fixtures shared by all tests, and what may skip."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from live_lce.tiled import EmbeddedTiled

NO_SHARED = "needs ../shared/data, which is not part of the project"
MAY_SKIP = {NO_SHARED}
REQUIRE_ALL = os.environ.get("LIVE_LCE_REQUIRE_ALL", "") not in ("", "0")
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared data beside the project; skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(NO_SHARED)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedTiled]:
    """Return a Tiled server of the module's own."""
    from live_lce.tiled import EmbeddedTiled

    with EmbeddedTiled() as server:
        yield server


@pytest.fixture
def runs(server: EmbeddedTiled) -> Iterator[Any]:
    """Return the server's container of analysis runs, empty."""
    from live_lce.tiled._run import remove_run

    client = server.client()
    container = client["processed"]
    for key in list(container):
        remove_run(container, key)
    yield container
    client.context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow files first, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skips of tests and fixtures."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skips of whole modules."""
    return _judged((yield))


def _judged(report: Report) -> Report:
    """Turn a skip that nothing excuses into a failure, where LIVE_LCE_REQUIRE_ALL is set."""
    if not REQUIRE_ALL or not report.skipped:
        return report
    path, line, text = report.longrepr if isinstance(report.longrepr, tuple) else ("?", 0, "?")
    reason = text.removeprefix("Skipped: ")
    if reason not in MAY_SKIP:
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: skipped, but LIVE_LCE_REQUIRE_ALL is set: {reason}"
    return report

"""The line on each scan where the scientist sits, and how the callback stands."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_parts import make_registry
from publish_parts import a_result, a_run

from live_lce.classifiers import Registry
from live_lce.contract import Finding, Reason, Status
from live_lce.live import LiveLCE
from live_lce.live._voice import MOST_LINES, Voice, sentence
from live_lce.publish import SpoolPublisher
from live_lce.settings import AnalysisSettings
from live_lce.testing import SCAN, compose, spectrum_rows


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


def scan(number: int, white_line: float = 0.7, **start: Any) -> list[Any]:
    return compose(spectrum_rows(white_line), start={**SCAN, "scan_id": number, **start})


def watch(live: LiveLCE, *runs: list[Any]) -> None:
    for documents in runs:
        for name, doc in documents:
            live(name, doc)
    assert live.flush(60)


def test_one_line_a_scan(registry: Registry) -> None:
    lines: list[str] = []
    with LiveLCE(registry=registry, voice=lines.append) as live:
        assert "0 documents" in repr(live) and live.last is None
        flat = scan(13)
        for name, doc in flat:
            if name == "event":
                doc["data"]["It"] = doc["data"]["I0"]
        watch(live, scan(12), flat)
        assert live.last is not None and live.last.final
        assert repr(live.last).startswith("<Result final, run ") and len(repr(live.last)) < 200
        assert live.last.prediction.status is Status.REJECTED
        assert "ready" in repr(live) and "scan 13 Fe K: rejected: " in repr(live)
    first, second = lines
    assert first.startswith("live_lce: scan 12 Fe K: O6 ") and " %, ln(I0/It)" in first
    sentence_of = live.last.prediction.findings[0].sentence
    assert second == f"live_lce: scan 13 Fe K: rejected: {sentence_of}"
    assert "closed" in repr(live)


def test_by_default_it_is_printed(registry: Registry, capfd: pytest.CaptureFixture[str]) -> None:
    with LiveLCE(registry=registry) as live:
        watch(live, scan(1))
    assert capfd.readouterr().err.count("live_lce: scan 1 Fe K: O6 ") == 1
    with LiveLCE(registry=registry, voice=False) as live:
        watch(live, scan(2))
    assert "scan 2" not in "".join(capfd.readouterr())


def test_the_configuration_switches_it_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVE_LCE_PUBLISH__SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("LIVE_LCE_PUBLISH__DEAD_LETTER", str(tmp_path / "letters"))
    for set_to, given, speaks in (
        ("true", None, True),
        ("false", None, False),
        ("false", True, True),
    ):
        monkeypatch.setenv("LIVE_LCE_LIVE__VOICE", set_to)
        live = LiveLCE.from_config(voice=given)
        assert (live._voice is not None) is speaks
        live.close()


def test_a_terminal_that_hangs_or_raises_holds_nothing_up(registry: Registry) -> None:
    gate = threading.Event()

    def hang(line: str) -> None:
        gate.wait(60)
        raise OSError("the terminal is gone")

    results: list[Any] = []
    live = LiveLCE(registry=registry, voice=hang, on_result=results.append)
    watch(live, scan(1), scan(2))
    assert len([r for r in results if r.final]) == 2
    assert live.close(60)
    gate.set()


def test_names_cannot_command_the_terminal(registry: Registry) -> None:
    odd = "\x1b]0;owned\x07\x1b[2Jrust\u202e\n\udcff" + "x" * 500
    lines: list[str] = []
    with LiveLCE(registry=registry, voice=lines.append) as live:
        watch(live, scan(1, sample_name=odd, scan_id=odd, plan_name=odd))
        texts = [*lines, repr(live), str(live.status())]
    assert len(lines) == 1 and "rust" in lines[0] and len(lines[0]) < 300
    for text in texts:
        assert all(c.isprintable() or c == "\n" for c in text)
    assert "\n" not in lines[0]


def test_a_map_of_many_spectra_says_how_many_more() -> None:
    lines: list[str] = []
    voice = Voice(lines.append)
    run = a_run(scan_id=5)
    for index in range(MOST_LINES + 90):
        voice.result(replace(a_result(index), run=run))
    from live_lce.engine import RunClosed

    voice.closed(RunClosed(run.uid, "success"))
    voice.wait(10)
    assert len(lines) == MOST_LINES + 1
    assert lines[1].startswith("live_lce: scan 5 spectrum 2 ")
    assert "90 more spectra" in lines[-1]


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_line(status: Status) -> None:
    result = a_result(status=status, reasons=(Reason.SCAN_ABORTED,))
    finding = Finding(Reason.SCAN_ABORTED, "abort")
    answered = status in {Status.OK, Status.PARTIAL}
    prediction = replace(
        result.prediction, status=status, findings=(finding,), label="O6" if answered else ""
    )
    line = sentence(replace(result, prediction=prediction))
    assert ("O6" in line) is answered
    assert status is Status.OK or finding.sentence in line
    assert "\n" not in line


def test_how_it_stands(registry: Registry, tmp_path: Path) -> None:
    settings = AnalysisSettings()
    publisher = SpoolPublisher(tmp_path, settings=settings, source="RE")
    live = LiveLCE(settings, registry=registry, publisher=publisher, voice=False)
    watch(live, scan(1))
    live("event", {"descriptor": np.array([1, 2])})
    assert live.flush(60)
    status = live.status()
    assert (status.state, status.waiting, status.open_runs) == ("ready", 0, 0)
    assert status.troubles == {"malformed": 1, "runs_spooled": 1}
    assert "live-lce republish" in str(status) and "scan 1 Fe K: O6" in str(status)
    assert live.close(60)
    assert live.status().state == "closed"

"""`live-lce demo` end to end: embedded Tiled, RunEngine, models, subscription."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("uvicorn", reason="needs the extra `server`")

RUN = "from live_lce.cli.app import main; raise SystemExit(main())"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", RUN, "demo", "--headless", *arguments]


@pytest.mark.timeout(400)
def test_demo_headless() -> None:
    done = subprocess.run(
        command("--duration", "5"), capture_output=True, text=True, timeout=380, check=False
    )
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert "\nPASSED\n" in out
    right, scored = map(int, re.search(r"(\d+) of (\d+) scored", out).groups())
    assert scored >= 12 and right / scored >= 0.8
    assert len(re.findall(r"^ +\d+ final ", out, re.M)) == 15
    assert "classified while it grows" in out and "Next, with your own data" in out
    for words in ("[paused]", "[aborted]", "[glitch]", "scan_aborted", "spikes", "window_not"):
        assert words in out, words
    # Partial predictions are seen before the scan's final one.
    assert out.index(" 1 partial") < out.index(" 1 final")
    assert float(re.search(r"median (\d+) ms", out).group(1)) < 10_000
    assert "fault" not in out and "Traceback" not in out + done.stderr
    # Readable: what says nothing new is left out, and nothing is wider than a terminal.
    assert len(out.splitlines()) < 100
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.timeout(200)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_is_clean() -> None:
    process = subprocess.Popen(
        command("--duration", "120"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("scan  1"):
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)  # the RunEngine takes one as "at the next checkpoint"
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 130, out
    assert "Interrupted." in out and "Traceback" not in out


@pytest.mark.timeout(200)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("--duration", "120"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("scan  1"):
            break
    process.terminate()
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 128 + signal.SIGTERM, out
    assert "Traceback" not in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(200)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_its_dashboard_ends_when_the_demo_is_killed() -> None:
    pytest.importorskip("bokeh", reason="needs the extra `dashboard`")
    code = """
        import sys, time
        from live_lce.cli._dashboard import DashboardProcess
        page = DashboardProcess("http://127.0.0.1:9", "key")
        print(page._process.pid, page.uri or page.problem, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid, _, said = parent.stdout.readline().partition(" ")
    assert "http://" in said
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(600):
        if not alive(int(pid)):
            return
        time.sleep(0.1)
    os.kill(int(pid), signal.SIGKILL)
    pytest.fail("the dashboard outlived its parent")


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody waits for any more does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"

"""The journal of runs without a spectrum: kept over kills, and never in the way."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from live_lce.replaying._journal import FILE, Journal, journal_key

KEY = journal_key("/data/scans.jsonl", "settings", ["b", "a"], "1.0")


def test_the_key_tells_sources_settings_models_and_releases_apart() -> None:
    assert journal_key("/data/scans.jsonl", "settings", ["a", "b"], "1.0") == KEY
    others = {
        journal_key("/data/more.jsonl", "settings", ["a", "b"], "1.0"),
        journal_key("/data/scans.jsonl", "others", ["a", "b"], "1.0"),
        journal_key("/data/scans.jsonl", "settings", ["a", "c"], "1.0"),
        journal_key("/data/scans.jsonl", "settings", ["a", "b"], "1.1"),
    }
    assert len(others | {KEY}) == 5


def test_what_was_added_is_known_under_its_key(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state")
    uids = [f"uid-{number}" for number in range(1200)]
    for uid in uids[::2]:
        journal.add(KEY, uid)
        journal.add(KEY, uid)
    journal.close()
    again = Journal(tmp_path / "state")
    assert again.known(KEY, uids) == {*uids[::2]}
    assert again.known("another key", uids) == set()
    assert again.known(KEY, []) == set()
    again.close()


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from live_lce.replaying._journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for number in range(20): journal.add('key', str(number))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    journal = Journal(tmp_path)
    assert journal.known("key", map(str, range(30))) == {str(n) for n in range(20)}
    journal.close()


def test_a_damaged_journal_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 1000)
    journal = Journal(tmp_path)
    journal.add(KEY, "uid")
    assert journal.known(KEY, ["uid"]) == {"uid"}
    journal.close()


def test_without_a_folder_all_runs_are_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "state")
    journal.add(KEY, "uid")
    assert journal.known(KEY, ["uid"]) == set()
    journal.close()
    assert "runs without a spectrum are looked at again" in caplog.text


def test_what_another_program_locks_is_no_reason_to_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_lce.replaying._journal.PATIENCE", 0.05)
    journal = Journal(tmp_path)
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("BEGIN EXCLUSIVE")
    journal.add(KEY, "uid")
    other.rollback()
    other.close()
    assert "database is locked" in caplog.text
    assert journal.known(KEY, ["uid"]) == set()

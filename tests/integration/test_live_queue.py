"""The queue between RunEngine and worker."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from live_lce._support.spill_queue import LostItemError, SpillQueue
from live_lce.live import LiveLCE
from live_lce.publish import DeadLetters


@given(st.lists(st.booleans(), max_size=200), st.integers(0, 5))
def test_order_is_kept_whatever_spills(puts: list[bool], size: int) -> None:
    queue: SpillQueue[int] = SpillQueue(size)
    put, got = 0, []
    for is_put in puts:
        if is_put:
            queue.put(put)
            put += 1
        elif len(queue):
            got.append(queue.get())
    got += [queue.get() for _ in range(len(queue))]
    assert got == list(range(put))
    queue.close()


def test_what_does_not_fit_goes_to_disk_and_comes_back() -> None:
    queue: SpillQueue[dict[str, int]] = SpillQueue(10)
    for number in range(1000):
        queue.put({"number": number})
    assert queue.spilled == 990
    assert [queue.get()["number"] for _ in range(1000)] == list(range(1000))
    queue.put({"number": 1})
    assert (queue.spilled, len(queue)) == (990, 1)
    queue.close()


def test_what_cannot_be_pickled_stays_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    queue: SpillQueue[object] = SpillQueue(1)
    items = [1, threading.Lock(), 2, threading.Lock()]
    for item in items:
        queue.put(item)
    assert [queue.get() for _ in items] == items
    assert "stay in memory" in caplog.text
    queue.close()


def test_a_full_disk_loses_nothing() -> None:
    """A real limit, in a process of its own: the system refuses a part of a record."""
    said = child("""
        import resource
        from live_lce._support.spill_queue import SpillQueue

        queue = SpillQueue(2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        items = [(number, "y" * 1500) for number in range(100)]
        for item in items:
            queue.put(item)
        assert 10 < queue.spilled < 50, queue.spilled
        assert [queue.get() for _ in range(50)] == items[:50]
        for item in items[:50]:  # the file was read to its end: it has room again
            queue.put(item)
        assert [queue.get() for _ in range(100)] == items[50:] + items[:50]
        queue.close()
    """)
    assert said.count("stay in memory") == 1


def test_the_worker_outlives_a_full_disk() -> None:
    said = child("""
        import resource, threading
        from live_lce import LiveLCE

        gate = threading.Event()
        live = LiveLCE(max_documents=50)
        process = live._process
        live._process = lambda *given: (gate.wait(60), process(*given))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        for number in range(400):
            live("start", {"uid": str(number), "time": 0.0, "pad": "y" * 2000})
        assert 50 < live.counters["spilled"] < 200
        gate.set()
        assert live.flush(60)
        live("start", {"uid": "later", "time": 0.0})
        assert live.flush(60) and live.close(60)
        assert live.counters["waiting"] == live.counters["documents_lost"] == 0
    """)
    assert "Traceback" not in said


class Stubborn:
    """What is written, but cannot be made again."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


def test_what_cannot_be_read_back_takes_nothing_with_it() -> None:
    queue: SpillQueue[object] = SpillQueue(1)
    for item in (1, Stubborn(), 2):
        queue.put(item)
    assert queue.get() == 1
    with pytest.raises(LostItemError, match="no number"):
        queue.get()
    assert queue.get() == 2
    queue.close()


def test_a_document_that_cannot_be_read_back_is_counted_and_said(tmp_path: Path) -> None:
    gate = threading.Event()
    letters = DeadLetters(tmp_path, 10**8)
    live = LiveLCE(max_documents=2, dead_letters=letters)
    process = live._process
    live._process = lambda *given: (gate.wait(60), process(*given))[1]  # type: ignore[method-assign]
    live("start", {"uid": "a", "time": 0.0})
    for _ in range(4):
        live("event", {"descriptor": "x"})
    live("event", {"descriptor": Stubborn()})
    live("stop", {"uid": "b", "run_start": "a", "time": 1.0, "exit_status": "success"})
    gate.set()
    assert not live.flush(60)  # not all of them were processed
    assert not live.close(60)
    assert live.counters["documents_lost"] == live.counters["dead_letters"] == 1
    assert live.counters["waiting"] == 0


def child(code: str) -> str:
    """Run code in a process of its own, which has to succeed; return what it said."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_reader_waits_for_a_writer() -> None:
    queue: SpillQueue[int] = SpillQueue()
    got: list[int] = []
    reader = threading.Thread(target=lambda: got.extend(queue.get() for _ in range(2000)))
    reader.start()
    for number in range(2000):
        queue.put(number)
    reader.join(10)
    assert got == list(range(2000))

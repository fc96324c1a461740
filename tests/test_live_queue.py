"""The queue between RunEngine and worker."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_lce.sources.queue import SpillQueue


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
    class Full:
        def seek(self, position: int) -> None:
            raise OSError("no space left on device")

        def close(self) -> None: ...

    queue: SpillQueue[int] = SpillQueue(1)
    queue._file = Full()  # type: ignore[assignment]
    for number in range(5):
        queue.put(number)
    assert [queue.get() for _ in range(5)] == list(range(5))
    assert queue.spilled == 0
    queue.close()


def test_a_reader_waits_for_a_writer() -> None:
    queue: SpillQueue[int] = SpillQueue()
    got: list[int] = []
    reader = threading.Thread(target=lambda: got.extend(queue.get() for _ in range(2000)))
    reader.start()
    for number in range(2000):
        queue.put(number)
    reader.join(10)
    assert got == list(range(2000))

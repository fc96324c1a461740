"""Runs that could not be processed wholly are kept whole, whatever their documents hold."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import event_model
import pytest
from bluesky import RunEngine
from engine_parts import make_registry
from fault_parts import SETTINGS, expected, live, raw_uid, registry, rows_wanted, scan as composed
from live_parts import Beamline, run_engine
from poison_parts import POISON

from live_lce.archives import Document, read_documents
from live_lce.classifiers import Registry
from live_lce.config import PublishSettings
from live_lce.engine import Engine
from live_lce.engine._run import Run
from live_lce.live import LiveLCE
from live_lce.publish import DeadLetters, Failure, SpoolPublisher
from live_lce.publish._dead_letter import COUNTERS, UNKNOWN, file_name, jsonable, read_letter
from live_lce.publish._keeping import SPOOL_LIMIT
from live_lce.publish._kept_runs import MOST_RUNS, FailedRuns
from live_lce.publish._spool import in_use, waiting

__all__ = ["registry", "run_engine"]  # fixtures

PLENTY = 100_000_000


@cache
def scan(number: int) -> tuple[Document, ...]:
    """Return the documents of a good scan as JSON gives them back."""
    pairs = json.loads(json.dumps(composed(number)))
    return tuple((name, doc) for name, doc in pairs)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "dead", PLENTY)


@pytest.fixture
def watch(registry: Registry, tmp_path: Path) -> Iterator[Callable[..., LiveLCE]]:
    """Return a function that lets the callback see documents, and closes it."""

    def run(letters: DeadLetters, *documents: Document, **options: Any) -> LiveLCE:
        publisher = SpoolPublisher(tmp_path / "spool", settings=SETTINGS, source="test")
        callback = live(options.pop("registry", registry), publisher, dead_letters=letters)
        for name, doc in documents:
            callback(name, doc)
        assert callback.close(60)
        return callback

    return run


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "case", ["it raises", "its numbers are no doubles", "it refers to no stream"]
)
def test_the_run_of_a_poison_document_is_kept_whole(
    case: str, letters: DeadLetters, watch: Callable[..., LiveLCE]
) -> None:
    hurt, whole = scan(1), scan(2)
    before = datetime.now(UTC).replace(microsecond=0)
    poison = POISON[case](hurt[-5])
    callback = watch(letters, *hurt[:-5], poison, *hurt[-4:], *whole)
    assert callback.counters["malformed"] == callback.counters["dead_letters"] == 1
    assert callback.counters["dead_letters_not_kept"] == 0
    (path,) = waiting(letters.room.folder)
    assert path.name == f"{raw_uid(hurt)}.jsonl"
    found = lines(path)
    assert [line["name"] for line in found] == [name for name, _ in hurt]
    rest = [(line["name"], line["doc"]) for line in found if "error" not in line]
    assert rest == [*hurt[:-5], *hurt[-4:]]
    (failed,) = [line for line in found if "error" in line]
    assert set(failed) == {
        "name", "doc", "error", "traceback", "time", "source", "run", "exact"
    }  # fmt: skip
    assert failed["error"].startswith("event: ") and "Error" in failed["error"]
    assert "Traceback" in failed["traceback"] and "engine.py" in failed["traceback"]
    assert before <= datetime.fromisoformat(failed["time"]) <= datetime.now(UTC)
    assert (failed["source"], failed["run"]) == ("RE", raw_uid(hurt))
    letter = read_letter(path)
    assert letter.whole == failed["exact"] == (case != "it raises")
    assert letter.errors == (failed["error"],)


def test_a_scan_of_the_run_engine(
    run_engine: RunEngine,
    registry: Registry,
    letters: DeadLetters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handled = Run.event

    def fails(self: Run, document: Any, *, partials: bool) -> Any:
        if document["seq_num"] == 30:
            raise RuntimeError("a bug of ours")
        return handled(self, document, partials=partials)

    monkeypatch.setattr(Run, "event", fails)
    publisher = SpoolPublisher(tmp_path / "spool", settings=SETTINGS, source="test")
    callback = live(registry, publisher, dead_letters=letters)
    seen: list[Document] = []
    run_engine.subscribe(callback)
    run_engine.subscribe(lambda name, doc: seen.append((name, doc)))
    run_engine(Beamline().scan())
    assert callback.close(60)
    (path,) = waiting(letters.room.folder)
    letter = read_letter(path)
    assert letter.whole and letter.errors == ("event: RuntimeError: a bug of ours",)
    kept = list(letter.documents())
    assert kept == [(name, jsonable(doc)[0]) for name, doc in seen]
    assert list(read_documents(path)) == kept, "a replay can read it too"
    monkeypatch.undo()
    assert rows_wanted(expected(registry, kept)) == rows_wanted(expected(registry, seen))


def test_nothing_is_kept_of_runs_that_go_well(
    letters: DeadLetters, watch: Callable[..., LiveLCE]
) -> None:
    twice = scan(3)  # the start document comes twice, which the engine counts as malformed
    callback = watch(letters, *scan(1), twice[0], *twice)
    assert callback.counters["malformed"] == 1 and callback.counters["dead_letters"] == 0
    assert not letters.room.folder.exists()


@pytest.mark.parametrize("place", [0, 1, -1], ids=["start", "descriptor", "stop"])
def test_the_documents_around_the_events(
    place: int,
    letters: DeadLetters,
    watch: Callable[..., LiveLCE],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documents = scan(1)
    handled = Engine._handle

    def fails(self: Engine, name: str, doc: Any, partials: bool) -> Any:
        if name == documents[place][0]:
            raise KeyError("odd metadata")
        return handled(self, name, doc, partials)

    monkeypatch.setattr(Engine, "_handle", fails)
    watch(letters, *documents)
    (path,) = waiting(letters.room.folder)
    letter = read_letter(path)
    assert letter.whole and list(letter.documents()) == list(documents)


def test_a_bad_row_of_a_page(letters: DeadLetters, watch: Callable[..., LiveLCE]) -> None:
    documents = scan(1)
    page = event_model.pack_event_page(*(doc for name, doc in documents if name == "event"))
    page["seq_num"][5] = page["seq_num"][7] = None
    paged = [*documents[:2], ("event_page", page), documents[-1]]
    callback = watch(letters, *paged)
    assert (callback.counters["malformed"], callback.counters["dead_letters"]) == (2, 1)
    (path,) = waiting(letters.room.folder)
    (error,) = read_letter(path).errors
    assert error.startswith("event: ") and error.endswith("(and 1 more in it)")


def test_a_document_that_tells_no_run_is_kept_with_all_open_ones(
    letters: DeadLetters, watch: Callable[..., LiveLCE]
) -> None:
    a, b = scan(1), scan(2)
    watch(letters, *a[:9], *b[:9], ("event", None), *a[9:], *b[9:])
    assert {p.stem for p in waiting(letters.room.folder)} == {raw_uid(a), raw_uid(b)}
    for path, documents in ((letters.room.folder / f"{raw_uid(r)}.jsonl", r) for r in (a, b)):
        kept = [document for document in read_letter(path).documents() if document[1] is not None]
        assert kept == list(documents)


def test_without_an_open_run_it_is_kept_alone(
    letters: DeadLetters, watch: Callable[..., LiveLCE]
) -> None:
    late = scan(1)
    bad = ("descriptor", {"run_start": raw_uid(late), "uid": "d", "data_keys": 3})
    callback = watch(letters, ("start", {"time": 1}), bad, *scan(2))
    names = {f"{UNKNOWN}.incomplete.jsonl", f"{raw_uid(late)}.incomplete.jsonl"}
    assert {path.name for path in waiting(letters.room.folder)} == names
    assert callback.counters["dead_letters_not_kept"] == 2
    found = [read_letter(path) for path in waiting(letters.room.folder)]
    assert {letter.uid for letter in found} == {UNKNOWN, raw_uid(late)}
    assert not any(letter.whole for letter in found)
    assert all("not all of the run" in letter.lacks for letter in found)


def test_an_engine_that_cannot_start_keeps_every_run(
    letters: DeadLetters, watch: Callable[..., LiveLCE], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ImportError("a library is broken")

    monkeypatch.setattr("live_lce.engine.Engine", fails)
    scans = [scan(1), scan(2)]
    callback = watch(letters, *scans[0], *scans[1])
    assert callback.counters["dead_letters"] == 2
    for path, documents in zip(
        waiting(letters.room.folder), sorted(scans, key=raw_uid), strict=True
    ):
        assert list(read_letter(path).documents()) == list(documents)


def test_a_damaged_model_keeps_the_run(
    letters: DeadLetters, watch: Callable[..., LiveLCE], tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    damaged = make_registry(tmp_path / "models")
    (model,) = (tmp_path / "models").glob("*.onnx")
    model.write_bytes(model.read_bytes()[:-50])
    documents = scan(1)
    watch(letters, *documents, registry=damaged)
    (path,) = waiting(letters.room.folder)
    letter = read_letter(path)
    assert letter.whole and letter.errors[0].startswith("model_damaged: ")
    kept = list(letter.documents())
    assert [d for d in kept if d[0] != "prediction"] == list(documents)
    assert kept[-2] == ("prediction", {"stream": "primary", "spectrum_index": 0})


KILLED = """
import os, signal, sys
from pathlib import Path
from live_lce.publish import DeadLetters
from live_lce.archives import read_documents
from live_lce.live import LiveLCE
live = LiveLCE(dead_letters=DeadLetters(Path(sys.argv[2]), 10**8))
for number, (name, doc) in enumerate(read_documents(sys.argv[1])):
    if number == 60:
        live("event", {"descriptor": doc["descriptor"], "seq_num": "x"})
    if number == 80:
        break
    live(name, doc)
assert live.flush(60)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_does_not_take_what_failed(letters: DeadLetters, tmp_path: Path) -> None:
    documents = scan(1)
    raw = tmp_path / "raw.jsonl"
    raw.write_text("".join(json.dumps(pair) + "\n" for pair in documents))
    folder = letters.room.folder
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(raw), str(folder)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    (path,) = waiting(folder)
    assert not in_use(path)
    with path.open("a") as file:
        file.write('{"name": "event", "doc": {"torn')
    letter = read_letter(path)
    kept = list(letter.documents())
    assert kept[:60] == list(documents[:60]) and kept[61:] == list(documents[60:80])
    assert not letter.whole and "before the run's stop" in letter.lacks
    failed = FailedRuns(letters, "again")  # what a replay of the whole run keeps replaces it
    for number, (name, doc) in enumerate(documents):
        if number == 60:
            failed.failed(name, ValueError("still"))
        failed.take(name, doc)
    assert list(read_letter(path).documents()) == list(documents)


def keep(letters: DeadLetters, documents: Sequence[Document], bad: int = 50) -> None:
    """Let one document of a run fail."""
    failed = FailedRuns(letters, "test")
    for number, (name, doc) in enumerate(documents):
        if number == bad:
            failed.failed(name, ValueError("bad"))
        failed.take(name, doc)
    failed.close()


def test_a_run_is_kept_once(letters: DeadLetters) -> None:
    keep(letters, scan(1))
    (path,) = waiting(letters.room.folder)
    before = path.read_bytes()
    keep(letters, scan(1), 70)
    assert path.read_bytes() == before and letters.counters["dead_letters"] == 2


def test_two_processes_keep_it_once(letters: DeadLetters) -> None:
    first = letters.open("a-run", "here")
    first.append("start", {"uid": "a-run"}, Failure("x"))
    second = DeadLetters(letters.room.folder, PLENTY).open("a-run", "there")
    second.append("start", {"uid": "a-run"}, Failure("y"))
    second.close()
    first.close()
    (path,) = waiting(letters.room.folder)
    assert [line["source"] for line in lines(path)] == ["here"]


def test_the_limit_of_the_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(DeadLetters(tmp_path, PLENTY), scan(1))
    (path,) = waiting(tmp_path)
    size = path.stat().st_size
    small = DeadLetters(tmp_path, size + size // 2)
    for number in (2, 3, 4):
        keep(small, scan(number))
    assert small.counters == {"dead_letters": 3, "dead_letters_not_kept": 3}
    assert small.room.used <= size + size // 2 + 5000
    (sentence,) = errors(caplog)
    assert "publish.dead_letter_limit" in sentence and "MB are taken" in sentence
    (cut,) = [p for p in waiting(tmp_path) if p != path]
    assert cut.name.endswith(".incomplete.jsonl")
    assert not read_letter(cut).whole and read_letter(cut).uid == raw_uid(scan(2))
    assert read_letter(path).whole
    path.unlink()  # the user made room
    later = DeadLetters(tmp_path, PLENTY)
    keep(later, scan(3))
    assert later.counters["dead_letters_not_kept"] == 0


def test_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters = DeadLetters(tmp_path, PLENTY)
    for number in (1, 2):
        (tmp_path / f"{raw_uid(scan(number))}.jsonl").symlink_to("/dev/full")
        keep(letters, scan(number))
    assert letters.counters == {"dead_letters": 2, "dead_letters_not_kept": 2}
    (sentence,) = errors(caplog)
    assert "No space left" in sentence and "live-lce retry" in sentence
    blocked = tmp_path / "file"
    blocked.write_text("")
    keep(DeadLetters(blocked / "folder", PLENTY), scan(3))


def test_long_runs_and_many_runs_have_limits(
    letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_lce.publish._kept_runs.MOST_BYTES", 10_000)
    documents = scan(1)
    keep(letters, documents, bad=len(documents) - 2)
    (path,) = waiting(letters.room.folder)
    assert path.name.endswith(".incomplete.jsonl")
    assert list(read_letter(path).documents()) == list(documents[-2:])
    failed = FailedRuns(letters, "test")
    for number in range(5 * MOST_RUNS):
        failed.take("start", {"uid": f"run-{number}", "time": 1.0})
        failed.take("descriptor", {"uid": f"d-{number}", "run_start": f"run-{number}"})
    assert len(failed._runs) == len(failed._owners) == MOST_RUNS


def test_names_of_files() -> None:
    assert file_name("0b1ffa52-2222") == "0b1ffa52-2222"
    odd = {file_name(uid) for uid in ("../../etc/passwd", "a b", "x" * 300, "é", ".hidden")}
    assert len(odd) == 5 and all(len(name) == 36 for name in odd)


def test_defaults() -> None:
    assert PublishSettings().spool_limit == SPOOL_LIMIT
    assert set(DeadLetters(Path("x"), 1).counters) == set(COUNTERS)
    assert os.fspath(PublishSettings().dead_letter).endswith("dead-letter")

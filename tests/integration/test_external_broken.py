"""Files that cannot be read: always an answer with a reason, never a crash, never a hang."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from engine_parts import feed, finals, make_registry, results
from external_parts import COLUMNS, address, columns, data_keys, run, said, write

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.external import Hdf5Files
from live_lce.live import LiveLCE


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def files() -> Iterator[Hdf5Files]:
    reader = Hdf5Files()
    yield reader
    reader.shutdown()


def _garbage(path: Path) -> None:
    path.write_bytes(b"no HDF5" * 1000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _text(path: Path) -> None:
    write(path, {key: ["a", "b"] for key in COLUMNS})


def _wide(path: Path) -> None:
    write(path, {key: np.ones((99, 7)) for key in COLUMNS})


def _linked_away(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for key in COLUMNS:
            file[f"entry/{key}"] = h5py.ExternalLink("nowhere.h5", "/x")


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "gone": (Path.unlink, "is not there"),
    "garbage": (_garbage, "OSError"),
    "empty": (_empty, "OSError"),
    "truncated": (_truncated, "truncated"),
    "pipe": (_pipe, "is no file"),
    "directory": (_directory, "is no file"),
    "text": (_text, "no array of numbers"),
    "wide": (_wide, "another shape"),
    "link": (_linked_away, "leads to nowhere.h5, which is not there"),
}
SAID: dict[str, tuple[dict[str, Any], str]] = {
    "dataset": ({"parameters": {"dataset": "/entry/x"}}, "no dataset /entry/x"),
    "no dataset": ({"parameters": {}}, "names no dataset"),
    "template": ({"parameters": {"dataset": "x", "template": "%d.h5"}}, "'template' is not"),
    "slice": ({"parameters": {"dataset": "x", "slice": "::2"}}, "'slice' is not"),
    "mimetype": ({"mimetype": "application/x-zarr"}, "application/x-zarr"),
    "host": ({"uri": "file://ioc7/data/a.h5"}, "not there; it is on the host ioc7"),
    "scheme": ({"uri": "s3://bucket/a.h5"}, "no address of a file"),
    "odd uri": ({"uri": "file://[/a.h5"}, "Invalid IPv6 URL"),
}
KINDS = pytest.mark.parametrize("external", [COLUMNS, ("I0", "It")])


@KINDS
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_file_is_said(
    registry: Registry, files: Hdf5Files, tmp_path: Path, name: str, external: Any
) -> None:
    spoil, words = BROKEN[name]
    data = columns()
    uri = write(tmp_path / "file.h5", data)
    spoil(tmp_path / "file.h5")
    check_rejected(Engine(registry=registry, files=files), run(uri, data, external=external), words)


@KINDS
@pytest.mark.parametrize("name", SAID)
def test_what_is_wrong_with_a_resource_is_said(
    registry: Registry, files: Hdf5Files, tmp_path: Path, name: str, external: Any
) -> None:
    change, words = SAID[name]
    data = columns()
    documents = run(write(tmp_path / "file.h5", data), data, external=external, resources=change)
    check_rejected(Engine(registry=registry, files=files), documents, words)


def check_rejected(engine: Engine, documents: Any, words: str) -> None:
    (only,) = results(feed(engine, documents))
    assert only.final and only.prediction.status is Status.REJECTED
    assert [f.reason for f in only.prediction.findings] == [Reason.EXTERNAL_DATA]
    assert words in only.prediction.findings[0].detail
    assert engine.counters["malformed"] == 0


@pytest.mark.parametrize("missing", ["stream_resource", "stream_datum"])
def test_documents_that_never_came(
    registry: Registry, files: Hdf5Files, tmp_path: Path, missing: str
) -> None:
    data = columns()
    documents = run(write(tmp_path / "a.h5", data), data, external=("It",))
    documents = [pair for pair in documents if pair[0] != missing]
    (only,) = results(feed(Engine(registry=registry, files=files), documents))
    assert only.prediction.findings[0].reason is Reason.EXTERNAL_DATA
    assert missing in only.prediction.findings[0].detail


@pytest.mark.parametrize("shape", [(5,), (None,), (1, 3)])
def test_several_values_a_point_are_no_point(
    registry: Registry, files: Hdf5Files, tmp_path: Path, shape: Any
) -> None:
    data = columns()
    documents = run(write(tmp_path / "a.h5", data), data, external=("It",))
    documents[1][1]["data_keys"] |= data_keys(("It",), ("It",), shape)
    (only,) = results(feed(Engine(registry=registry, files=files), documents))
    assert only.prediction.findings[0].reason is Reason.EXTERNAL_DATA
    assert "shape" in only.prediction.findings[0].detail


def test_a_file_with_too_few_rows_gives_a_provisional_answer(
    registry: Registry, files: Hdf5Files, tmp_path: Path
) -> None:
    data = columns()
    n = len(data["It"])
    uri = write(tmp_path / "short.h5", data | {"It": data["It"][: n - 30]})
    (final,) = finals(feed(Engine(registry=registry, files=files), run(uri, data)))
    assert final.prediction.status is Status.PARTIAL
    assert final.n_points == n - 30
    assert final.prediction.findings[0].reason is Reason.ROWS_MISSING
    assert "rows of It" in final.prediction.findings[0].detail


def test_a_file_that_goes_away_in_mid_run(
    registry: Registry, files: Hdf5Files, tmp_path: Path
) -> None:
    data = columns()
    documents = run(write(tmp_path / "away.h5", data), data)
    engine = Engine(registry=registry, files=files)
    partial = results(feed(engine, documents[:-1]))
    assert partial
    (tmp_path / "away.h5").unlink()
    (final,) = finals(feed(engine, documents[-1:]))
    assert final.prediction.status is Status.PARTIAL and final.prediction.label == "O6"
    assert final.prediction.findings[0].reason is Reason.ROWS_MISSING
    assert "not at its end" in final.prediction.findings[0].detail


def hanging(folder: Path) -> Path:
    """Return a file that HDF5 reads without end: cut off while a writer had it open."""
    with h5py.File(folder / "open.h5", "w", libver="latest") as file:
        for key in COLUMNS:
            file.create_dataset(f"entry/{key}", (3000,), maxshape=(None,), dtype="f8")
        file.swmr_mode = True
        shutil.copy(folder / "open.h5", folder / "hangs.h5")
    os.truncate(folder / "hangs.h5", 100)
    return folder / "hangs.h5"


@pytest.mark.serial
def test_a_file_that_makes_hdf5_hang_costs_a_bounded_time(
    registry: Registry, tmp_path: Path
) -> None:
    data = columns()
    files = Hdf5Files(answer=1.5)
    engine = Engine(registry=registry, files=files)
    began = time.monotonic()
    (only,) = results(feed(engine, run(address(hanging(tmp_path)), data)))
    assert time.monotonic() - began < 8
    assert only.prediction.findings[0].reason is Reason.EXTERNAL_DATA
    assert "took longer than 1.5 s" in only.prediction.findings[0].detail
    files = Hdf5Files()
    (final,) = finals(
        feed(Engine(registry=registry, files=files), run(write(tmp_path / "a.h5", data), data))
    )
    files.shutdown()
    assert final.prediction.status is Status.OK


def test_the_reading_process_may_be_killed(registry: Registry, tmp_path: Path) -> None:
    data = columns()
    files = Hdf5Files()
    engine = Engine(registry=registry, files=files)
    documents = run(write(tmp_path / "a.h5", data), data)
    outputs = feed(engine, documents[:20])
    assert files._process is not None
    os.kill(files._process._process.pid, signal.SIGKILL)
    outputs += feed(engine, documents[20:])
    files.shutdown()
    assert finals(outputs)[0].prediction.status is Status.OK


def test_the_reading_process_ends_with_its_program(tmp_path: Path) -> None:
    script = (
        "from live_lce.external._files import Hdf5Files, _RowProcess\n"
        "p = _RowProcess(); print(p._process.pid, flush=True)\n"
        "import os; os._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    pid, end = int(done.stdout), time.monotonic() + 20
    while Path(f"/proc/{pid}/stat").exists():
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            break
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def live(registry: Registry) -> Iterator[tuple[LiveLCE, list[Any]]]:
    seen: list[Any] = []
    with LiveLCE(registry=registry, on_result=seen.append) as callback:
        yield callback, seen


def test_a_late_file_is_waited_for(live: tuple[LiveLCE, list[Any]], tmp_path: Path) -> None:
    callback, seen = live
    data = columns()
    documents = run(address(tmp_path / "late.h5"), data)
    for name, doc in documents:
        callback(name, doc)
    time.sleep(1.0)
    assert not seen
    write(tmp_path / "hidden.h5", data)
    (tmp_path / "hidden.h5").rename(tmp_path / "late.h5")
    assert callback.flush(30)
    assert seen[-1].final and seen[-1].prediction.status is Status.OK


@pytest.mark.serial
def test_a_lost_file_holds_the_next_run_up_for_seconds_only(
    live: tuple[LiveLCE, list[Any]], tmp_path: Path
) -> None:
    callback, seen = live
    data = columns()
    callback.wait_until_ready(60)
    began = time.monotonic()
    for name, doc in run(address(tmp_path / "never.h5"), data):
        callback(name, doc)
    for name, doc in run(write(tmp_path / "a.h5", data), data):
        callback(name, doc)
    assert time.monotonic() - began < 0.5  # what the RunEngine waits
    assert callback.flush(30)
    assert time.monotonic() - began < 12
    assert seen[0].prediction.findings[0].reason is Reason.EXTERNAL_DATA
    assert said(seen[-1])[2] is Status.OK

"""Signals in HDF5 files: read while a scan runs, in whatever order and pieces they are told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from engine_parts import closed, feed, finals, make_registry, numbers, results
from external_parts import COLUMNS, address, columns, data_keys, datum, run, said, write
from hypothesis import HealthCheck, given, settings, strategies as st

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine
from live_lce.external import Hdf5Files
from live_lce.external._rows import RowReader
from live_lce.testing import SCAN, compose, spectrum_rows


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def files() -> Iterator[Hdf5Files]:
    reader = Hdf5Files()
    yield reader
    reader.shutdown()


@pytest.fixture
def engine(registry: Registry, files: Hdf5Files) -> Engine:
    return Engine(registry=registry, files=files)


@pytest.fixture(scope="module")
def expected(registry: Registry) -> list[Any]:
    """Return what the same scan says with its signals in events."""
    return [said(r) for r in results(feed(Engine(registry=registry), compose(spectrum_rows(0.7))))]


@pytest.mark.parametrize("external", [COLUMNS, ("I0", "It"), ("It",)])
@pytest.mark.parametrize("chunk", [1, 37, 10_000])
def test_files_say_what_events_say(
    engine: Engine, tmp_path: Path, expected: list[Any], external: Any, chunk: int
) -> None:
    data = columns()
    uri = write(tmp_path / "a b.h5", data).replace(" ", "%20")
    outputs = feed(engine, run(uri, data, external=external, chunk=chunk))
    assert [said(r) for r in results(outputs)] == expected
    assert len(expected) > 3 and finals(outputs)[0].prediction.label == "O6"
    assert engine.counters["malformed"] == 0
    last = results(outputs)[-1]
    assert (last.raw_seq_num_first, last.raw_seq_num_last) == (1, len(data["I0"]))
    assert np.isnan(last.raw_time) == (len(external) == 3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.randoms(use_true_random=False), cuts=st.lists(st.integers(1, 200), max_size=8))
def test_order_and_pieces_do_not_matter(
    seed: Any, cuts: list[int], shuffled: tuple[Engine, Path], expected: list[Any]
) -> None:
    engine, path = shuffled
    data = columns()
    external = COLUMNS if seed.random() < 0.5 else ("I0", "It")
    whole = run(address(path), data, external=external)
    start, descriptor, stop = whole[0], whole[1], whole[-1]
    told = [doc for name, doc in whole if name == "stream_resource"]
    n, uid = len(data["I0"]), descriptor[1]["uid"]
    middle = [pair for pair in whole if pair[0] in ("event", "stream_resource")]
    for one in told:
        edges = sorted({0, n, *(c for c in seed.sample(cuts, len(cuts)) if c < n)})
        middle += [("stream_datum", datum(one, uid, a, b)) for a, b in pairwise(edges)]
    middle += seed.sample(middle, len(middle) // 5)  # some come twice
    seed.shuffle(middle)
    outputs = feed(engine, [start, descriptor, *middle, stop])
    (final,) = finals(outputs)
    assert said(final) == expected[-1]
    assert engine.counters["malformed"] == 0


@pytest.fixture(scope="module")
def shuffled(
    registry: Registry, files: Hdf5Files, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Engine, Path]:
    path = tmp_path_factory.mktemp("shuffled") / "file.h5"
    write(path, columns())
    return Engine(registry=registry, files=files), path


def test_rows_are_seen_as_they_are_written(
    engine: Engine, tmp_path: Path, expected: list[Any]
) -> None:
    data = columns()
    n = len(data["I0"])
    outputs: list[Any] = []
    with h5py.File(tmp_path / "grows.h5", "w", libver="latest") as file:
        for key in data:
            file.create_dataset(f"entry/{key}", (0,), maxshape=(None,), chunks=(64,), dtype="f8")
        file.swmr_mode = True
        written = 0
        for name, doc in run(address(tmp_path / "grows.h5"), data, chunk=30):
            if name == "stream_datum" and doc["indices"]["stop"] > written:
                for key, column in data.items():
                    file["entry"][key].resize(doc["indices"]["stop"], axis=0)
                    file["entry"][key][written:] = column[written : doc["indices"]["stop"]]
                    file["entry"][key].flush()
                written = doc["indices"]["stop"]
            outputs += engine(name, doc)
            partial = [r for r in results(outputs) if not r.final]
            if written < n:
                assert len(partial) <= len(expected)
        assert len(partial) == len(expected) - 1  # before the file was closed
    assert [said(r) for r in results(outputs)] == expected


def test_what_was_zero_when_it_was_announced_is_right_at_the_end(
    engine: Engine, tmp_path: Path, expected: list[Any]
) -> None:
    data = columns()
    documents = run(address(tmp_path / "late.h5"), data)
    with h5py.File(tmp_path / "late.h5", "w", libver="latest") as file:
        for key, column in data.items():
            file.create_dataset(f"entry/{key}", column.shape, maxshape=(None,), dtype="f8")
        file.swmr_mode = True
        outputs = feed(engine, documents[:-1])
        for key, column in data.items():
            file["entry"][key][:] = column
            file["entry"][key].flush()
        outputs += feed(engine, documents[-1:])
    assert said(finals(outputs)[0]) == expected[-1]


def test_a_file_that_is_flushed_only_when_it_is_closed(
    registry: Registry, tmp_path: Path, expected: list[Any]
) -> None:
    data = columns()
    documents = run(address(tmp_path / "shy.h5"), data)
    files = Hdf5Files()
    engine = Engine(registry=registry, files=files)
    with h5py.File(tmp_path / "shy.h5", "w") as file:
        for key, column in data.items():
            file[f"entry/{key}"] = column
        assert not feed(engine, documents[:-1])
    outputs = feed(engine, documents[-1:])
    files.shutdown()
    assert said(finals(outputs)[0]) == expected[-1]


def test_a_detector_that_was_paused_counts_on(engine: Engine, tmp_path: Path) -> None:
    """After a rewind a `seq_num` comes again, of another row of the file."""
    good = columns()
    spoiled = {key: np.insert(column, 100, column[90:100]) for key, column in good.items()}
    spoiled["It"][90:100] *= 3.0
    uri = write(tmp_path / "rewound.h5", {key: spoiled[key] for key in ("I0", "It")})
    documents = run(uri, good, external=("I0", "It"))
    seen: list[Any] = []
    for name, doc in documents:
        number = doc["seq_nums"]["start"] if name == "stream_datum" else doc.get("seq_num", 0)
        if name == "stream_datum" and number > 100:
            start = doc["indices"]["start"] + 10
            doc = doc | {"indices": {"start": start, "stop": start + 1}}  # noqa: PLW2901
        seen.append((number, name, doc))
    rewound = [(name, doc) for number, name, doc in seen if number <= 100 and name != "stop"]
    for number, name, doc in seen:
        if 90 < number <= 100:
            if name == "stream_datum":
                start = doc["indices"]["start"] + 10
                doc = doc | {"indices": {"start": start, "stop": start + 1}}  # noqa: PLW2901
            rewound.append((name, doc))
    rewound += [(n, d) for number, n, d in seen if number > 100] + [documents[-1]]
    (final,) = finals(feed(engine, rewound))
    (wanted,) = finals(feed(engine, run(write(tmp_path / "good.h5", good), good)))
    assert said(final) == said(wanted)


def test_each_row_may_be_a_whole_spectrum(engine: Engine, tmp_path: Path) -> None:
    low, high = columns(spectrum_rows(0.0)), columns(spectrum_rows(0.7))
    n = len(low["I0"])
    both = {key: np.stack([low[key], high[key]]) for key in low}
    uri = write(tmp_path / "stack.h5", both)
    documents = run(uri, both, chunk=1)
    keys = data_keys(COLUMNS, COLUMNS, (n,))
    documents[1][1]["data_keys"] = {key: value | {"dtype": "array"} for key, value in keys.items()}
    found = finals(feed(engine, documents))
    assert [r.prediction.label for r in found] == ["T4", "O6"]
    assert [r.spectrum_index for r in found] == [0, 1]
    flat = write(tmp_path / "flat.h5", {key: column.ravel() for key, column in both.items()})
    for name, doc in documents:
        if name == "stream_resource":
            doc["uri"] = flat
    assert [said(r) for r in finals(feed(engine, documents))] == [said(r) for r in found]


def test_two_streams_have_files_of_their_own(engine: Engine, tmp_path: Path) -> None:
    low, high = columns(spectrum_rows(0.0)), columns(spectrum_rows(0.7))
    start = {"element": "Fe"}
    first = run(write(tmp_path / "low.h5", low), low, start=start, stream="up", uid="a" * 36)
    second = run(write(tmp_path / "high.h5", high), high, start=start, stream="down", uid="a" * 36)
    for name, doc in second:
        doc["uid"] = f"other-{doc['uid']}"
        if name == "stream_datum":
            doc["stream_resource"] = f"other-{doc['stream_resource']}"
            doc["descriptor"] = f"other-{doc['descriptor']}"
    documents = [*first[:-1], *second[1:-1], first[-1]]
    found = {r.run.stream: r.prediction.label for r in finals(feed(engine, documents))}
    assert found == {"up": "T4", "down": "O6"}


def test_events_may_have_been_filled(engine: Engine, expected: list[Any]) -> None:
    documents = compose(spectrum_rows(0.7), keys=data_keys(COLUMNS, ("I0", "It")))
    assert [said(r) for r in results(feed(engine, documents))] == expected


def test_numbers_may_be_missing_outside_a_run_engine(
    engine: Engine, tmp_path: Path, expected: list[Any]
) -> None:
    data = columns()
    documents = run(write(tmp_path / "a.h5", data), data)
    for name, doc in documents:
        if name == "stream_datum":
            doc["seq_nums"] = {"start": 0, "stop": 0}
    assert [said(r) for r in results(feed(engine, documents))] == expected


def test_a_malformed_document_does_not_take_the_others_with_it(
    engine: Engine, tmp_path: Path, expected: list[Any]
) -> None:
    data = columns()
    documents = run(write(tmp_path / "a.h5", data), data)
    bad = dict(next(doc for name, doc in documents if name == "stream_datum"))
    spoiled = [
        bad | {"indices": {"start": 5, "stop": 2}},
        bad | {"indices": {"start": 0, "stop": 10**12}},
        bad | {"seq_nums": {"start": 1, "stop": 3}},
        {"uid": "x", "descriptor": bad["descriptor"]},
    ]
    documents[6:6] = [("stream_datum", doc) for doc in spoiled]
    documents.insert(3, ("stream_resource", {"run_start": documents[0][1]["uid"]}))
    assert [said(r) for r in results(feed(engine, documents))] == expected
    assert engine.counters["malformed"] == len(spoiled) + 1


def test_a_long_flight_keeps_its_file_open(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Here:
        """The reader of the reading process, without the process, to count what it opens."""

        def __init__(self, roots: list[str]) -> None:
            self.reader = RowReader(roots)

        def ask(self, question: dict[str, Any], timeout: float) -> dict[str, Any]:
            return self.reader.answer(question)

        def end(self) -> None:
            pass

    opened: list[str] = []
    really = h5py.File
    monkeypatch.setattr(h5py, "File", lambda *a, **k: opened.append(a[0]) or really(*a, **k))
    monkeypatch.setattr("live_lce.external._files._RowProcess", Here)
    rows = [dict(row) for row in spectrum_rows(0.7)]
    data = columns(rows)
    axis = np.linspace(data["mono_energy"][0], data["mono_energy"][-1], 500)
    data = {key: np.interp(axis, data["mono_energy"], column) for key, column in data.items()}
    uri = write(tmp_path / "long.h5", data)
    opened.clear()
    feed(Engine(registry=registry, files=Hdf5Files()), run(uri, data, chunk=1))
    assert len(opened) == 2  # while it flies, and once more at its end


def test_closed_and_open_runs_do_not_disturb_each_other(
    engine: Engine, tmp_path: Path, expected: list[Any]
) -> None:
    data = columns()
    first, second = (run(write(tmp_path / "same.h5", data), data) for _ in range(2))
    mixed = [pair for both in zip(first, second, strict=True) for pair in both]
    outputs = feed(engine, mixed)
    assert [said(r) for r in finals(outputs)] == [expected[-1]] * 2
    assert len(closed(outputs)) == 2


def test_a_flight_is_no_silent_run(engine: Engine, tmp_path: Path) -> None:
    """Its documents have no time, but they come."""
    data = columns()
    documents = run(write(tmp_path / "slow.h5", data), data)
    other = compose([], start={"element": "Fe"})
    outputs = []
    for number, (name, doc) in enumerate([*documents[:10], *other, *documents[10:]]):
        outputs += engine(name, doc, arrival=number * 2000.0)
    assert [c.exit_status for c in closed(outputs)] == ["success", "success"]
    assert finals(outputs)[-1].prediction.status is Status.OK


def test_the_foil_may_be_missing(engine: Engine, tmp_path: Path) -> None:
    data = columns()
    data["Ir"] = data["It"] * 0.5
    uri = write(tmp_path / "foil.h5", data | {"Ir": data["Ir"][:50]})
    (final,) = finals(feed(engine, run(uri, data, external=data)))
    assert final.prediction.status is Status.OK
    assert final.n_points == len(data["I0"])
    found = {f.reason: f.detail for f in final.prediction.findings}
    assert "Ir" in found[Reason.ROWS_MISSING]


def test_the_start_names_nothing_and_there_is_no_scan(engine: Engine, tmp_path: Path) -> None:
    data = {key: column[:5] for key, column in columns().items()}
    documents = run(write(tmp_path / "short.h5", data), data, start={"element": "Fe"})
    assert results(feed(engine, documents)) == []


def test_a_replay_says_the_same(
    engine: Engine, registry: Registry, files: Hdf5Files, tmp_path: Path
) -> None:
    data = columns()
    documents = run(write(tmp_path / "a.h5", data), data, start=SCAN)
    live = [numbers(r) for r in results(feed(engine, documents))]
    again = results(feed(Engine(registry=registry, files=files), documents))
    assert [numbers(r) for r in again] == live

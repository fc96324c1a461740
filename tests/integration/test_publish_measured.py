"""The measured points of each prediction: composed, delivered to a subscriber, read back."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_parts import Cli, cli
from engine_parts import make_registry
from hypothesis import given, strategies as st
from publish_parts import RAW_UID, a_result
from replay_parts import a_scan, address, write

from live_lce.classifiers import Registry
from live_lce.contract import MEASURED_COLUMNS, MEASURED_POINTS, Reason, Status
from live_lce.engine import Engine, Result, RunClosed
from live_lce.publish import AnalysisRun, SpoolPublisher, TiledPublisher, republish
from live_lce.publish._documents import measured_row, sorted_finite, thinned
from live_lce.publish._spool import read_spooled, waiting
from live_lce.results import MeasuredPoints, measured_points, points_of, predictions
from live_lce.settings import AnalysisSettings, Pacing
from live_lce.spectra import Spectrum
from live_lce.testing import compose, spectrum_rows
from live_lce.tiled import EmbeddedTiled
from live_lce.tiled._connection import find_child

__all__ = ["cli"]  # a fixture

SETTINGS = AnalysisSettings(pacing=Pacing(interval=25))
DONE = RunClosed(RAW_UID, "success")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


def with_points(energy: Any, mu: Any, **options: Any) -> Result:
    spectrum = Spectrum(np.asarray(energy, dtype=float), np.asarray(mu, dtype=float))
    return replace(a_result(**options), spectrum=spectrum)


def growing(n: int, **options: Any) -> Result:
    """Return a prediction on the first points of a scan."""
    energy = np.linspace(7000.0, 7300.0, 300)[:n]
    result = with_points(energy, np.arctan(energy - 7120.0), **options)
    return replace(result, raw_seq_num_last=n)


def test_points_are_sorted_and_finite_and_come_back_as_they_were() -> None:
    energy = [7003.0, 7001.0, np.nan, 7002.0, 7004.0]
    mu = [3.0, 1.0, 0.0, 2.0, np.inf]
    row = measured_row(with_points(energy, mu, index=4, final=False))
    assert row["n_points"] == 3 and row["spectrum_index"] == 4 and row["final"] == 0
    assert np.shape(row["points"]) == MEASURED_COLUMNS[-1].shape
    again = points_of(json.loads(json.dumps(row))["points"])  # as through the spool
    assert again.energy.tolist() == [7001.0, 7002.0, 7003.0] and again.mu.tolist() == [1, 2, 3]
    assert again.key == (4, 251, False) and again.n_points == 3


def test_a_spectrum_without_finite_points_is_an_empty_row() -> None:
    found = points_of(measured_row(with_points([7000.0], [np.nan]))["points"])
    assert found.n_points == len(found.energy) == 0 and found.final


@given(st.integers(1, 5000), st.integers(0, 9))
def test_neighbours_are_averaged_where_there_are_too_many(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    energy, mu = sorted_finite(rng.uniform(7000, 7500, n), rng.normal(size=n))
    shown = thinned(energy, mu, MEASURED_POINTS)
    assert len(shown[0]) == len(shown[1]) == min(n, MEASURED_POINTS)
    assert (np.diff(shown[0]) >= 0).all()
    if n <= MEASURED_POINTS:
        assert shown[0] is energy and shown[1] is mu
    elif n % MEASURED_POINTS == 0:
        np.testing.assert_allclose(shown[1], mu.reshape(MEASURED_POINTS, -1).mean(axis=1))
    found = points_of(measured_row(with_points(energy, mu))["points"])
    assert found.n_points == n
    np.testing.assert_array_equal([found.energy, found.mu], shown)


def test_a_group_is_the_mean_of_its_neighbours() -> None:
    energy, mu = thinned(np.arange(7.0), np.arange(7.0) ** 2, 3)
    assert energy.tolist() == [0.5, 2.5, 5.0]
    np.testing.assert_allclose(mu, [0.5, 6.5, (16 + 25 + 36) / 3])


@pytest.mark.parametrize("row", [np.zeros((2, 512)), np.full((3, 512), np.nan), 1.0])
def test_what_is_no_row_is_refused(row: Any) -> None:
    with pytest.raises(ValueError, match="no row of the stream measured"):
        points_of(row)


def test_no_spectrum_no_points() -> None:
    rejected = a_result(status=Status.REJECTED, reasons=(Reason.SIGNALS_UNKNOWN,))
    with pytest.raises(ValueError, match="no spectrum"):
        measured_row(rejected)
    run = AnalysisRun(rejected, settings=SETTINGS, source="test", now=lambda: 1.0)
    assert [d["name"] for n, d in run.result(rejected, 0.0) if n == "descriptor"] == ["predictions"]


def test_a_subscriber_sees_each_spectrum_grow(
    server: EmbeddedTiled, runs: Any, registry: Registry, tmp_path: Path
) -> None:
    """A real scan through engine, publisher and Tiled's websockets; points, and scalars apart."""
    from bluesky_tiled_plugins import subscribe_to_streams

    rows = spectrum_rows(0.7)
    publisher = TiledPublisher(
        server.uri, api_key=server.api_key, settings=SETTINGS, spool=tmp_path, source="RE"
    )
    engine = Engine(SETTINGS, registry)
    seen: dict[tuple[str, ...], list[Any]] = {}
    whole, enough = threading.Event(), threading.Event()
    arrays = ("points",)

    def on_update(update: Any) -> None:
        seen.setdefault(update.data_keys, []).append(update.data())
        finals = [points_of(row).final for part in seen.get(arrays, ()) for row in part]
        scalars = [part["final"].any() for keys, part_s in list(seen.items()) if keys != arrays
                   for part in part_s]  # fmt: skip
        if any(finals) and any(scalars):
            whole.set()

    alone: list[Any] = []

    def on_array(update: Any) -> None:  # as the docstring of `live_lce.results._points`
        assert update.data_keys == arrays and len(update.data()) == 1
        alone.extend(points_of(row) for row in update.data())
        if alone[-1].final:
            enough.set()

    with (
        subscribe_to_streams(runs, on_update, streams={"measured": None}, start=0),
        subscribe_to_streams(runs, on_array, streams={"measured": arrays}),
    ):
        for name, doc in compose(rows):
            for output in engine(name, doc):
                if isinstance(output, Result):
                    publisher.result(output, 0.0)
                else:
                    publisher.closed(output)
        assert whole.wait(20) and enough.wait(20)
    publisher.close()
    told = [points_of(row) for update in seen.pop(arrays) for row in update]
    ((names, tables),) = seen.items()  # one more node, of another websocket
    assert names == ("spectrum_index", "final", "raw_seq_num_last", "n_points")
    (uid,) = list(runs)
    table = predictions(runs)
    assert len(told) == len(table) >= 4 and len(tables) == len(table)
    assert sorted(t["raw_seq_num_last"].item() for t in tables) == [t.key[1] for t in told]
    # each row says by itself which prediction it belongs to, and holds what was measured
    for (_, row), points in zip(table.iterrows(), told, strict=True):
        assert points.key == (row["spectrum_index"], row["raw_seq_num_last"], bool(row["final"]))
        used = rows[: points.key[1]]
        assert points.energy.tolist() == [r["mono_energy"] for r in used]
        np.testing.assert_allclose(points.mu, [np.log(r["I0"] / r["It"]) for r in used], rtol=1e-12)
    assert_equal(measured_points(runs, uid), told)
    assert_equal(alone, told)


def assert_equal(found: list[MeasuredPoints], wanted: list[MeasuredPoints]) -> None:
    assert [(f.key, f.n_points) for f in found] == [(w.key, w.n_points) for w in wanted]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal([one.energy, one.mu], [other.energy, other.mu])


def test_what_the_gate_refused_can_be_looked_at(
    runs: Any, registry: Registry, tmp_path: Path
) -> None:
    publisher = TiledPublisher(runs, settings=SETTINGS, spool=tmp_path, source="RE")
    engine = Engine(SETTINGS, registry)
    rows = [row for row in spectrum_rows() if row["mono_energy"] < 7105]  # before the edge
    for name, doc in compose(rows):
        for output in engine(name, doc):
            if isinstance(output, Result):
                publisher.result(output, 0.0)
            else:
                publisher.closed(output)
    publisher.close()
    (uid,) = list(runs)
    assert runs[uid].metadata["stop"]["live_lce"]["status"] == "rejected"
    assert runs[uid].metadata["stop"]["num_events"] == {"predictions": 1, "measured": 1}
    (found,) = measured_points(runs, uid)
    assert found.energy.tolist() == [row["mono_energy"] for row in rows]


def test_archived_scans_have_final_points_only(
    cli: Cli, server: EmbeddedTiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_LCE_TILED__PATH", "replayed")
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__PACING__INTERVAL", "25")
    done = cli("replay", "--tiled", address(server), write(tmp_path / "a.jsonl", a_scan(2)))
    assert done.code == 0, done.err
    client = server.client()
    container = client["replayed"]
    (uid,) = list(container)
    counted = container[uid].metadata["stop"]["num_events"]
    assert counted["predictions"] > 1 and counted["measured"] == counted["spectra"] == 1
    (found,) = measured_points(container, uid)
    assert found.final and found.n_points == len(spectrum_rows()[::2])
    client.context.close()


def test_a_spool_that_is_nearly_full_leaves_out_prediction_and_points(
    runs: Any, tmp_path: Path
) -> None:
    def publish(limit: int) -> SpoolPublisher:
        publisher = SpoolPublisher(tmp_path, settings=SETTINGS, source="test", limit=limit)
        for n in (100, 200):
            publisher.result(growing(n, final=False), 0.0)
        publisher.result(growing(300), 0.0)
        publisher.closed(DONE)
        publisher.close()
        return publisher

    assert publish(10**9).counters["partials_not_kept"] == 0
    (path,) = waiting(tmp_path)
    whole = path.stat().st_size
    path.unlink()
    (tmp_path / "other.jsonl").write_bytes(b"\n" * 95_000)
    counters = publish(100_000).counters
    assert counters["partials_not_kept"] == 2, "predictions are counted, not events"
    assert counters["runs_spooled"] == 1 and path.stat().st_size < whole
    (tmp_path / "other.jsonl").unlink()
    kept = read_spooled(path).documents
    events = [d["data"] for n, d in kept if n == "event"]
    assert [("points" in e, "label" in e, "norm" in e) for e in events] == [
        (False, True, False), (True, False, False), (False, False, True),
    ]  # fmt: skip
    assert republish(tmp_path, runs).published == 1
    (uid,) = list(runs)
    assert [found.key for found in measured_points(runs, uid)] == [(0, 300, True)]
    assert runs[uid].metadata["stop"]["num_events"]["measured"] == 1


def test_a_run_that_was_cut_off_keeps_its_points(
    runs: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    publisher = SpoolPublisher(tmp_path, settings=SETTINGS, source="test")
    publisher.result(growing(100, final=False), 0.0)
    (path,) = waiting(tmp_path)
    killed = path.read_bytes()
    publisher.close()
    path.write_bytes(killed)
    assert republish(tmp_path, runs).closed == 1
    (uid,) = list(runs)
    stop = runs[uid].metadata["stop"]
    assert stop["live_lce"]["probabilities"] == {"T4": 0.0625, "S5": 0.0625, "O6": 0.875}
    assert stop["live_lce"]["label_set"] == ["O6"] and stop["live_lce"]["spread"] == {}
    assert [found.key for found in measured_points(runs, uid)] == [(0, 100, False)]


def test_a_row_that_came_twice_is_one(runs: Any, tmp_path: Path) -> None:
    publisher = TiledPublisher(runs, settings=SETTINGS, spool=tmp_path, source="test")
    publisher.result(growing(100, final=False), 0.0)
    publisher.result(growing(300), 0.0)
    publisher.closed(DONE)
    publisher.close()
    (uid,) = list(runs)
    stream = find_child(runs[uid], "measured")
    assert stream is not None
    array = stream.base["points"]
    array.patch(array.read()[-1:], offset=(2,), extend=True)
    assert [found.key for found in measured_points(runs, uid)] == [(0, 100, False), (0, 300, True)]
    assert measured_points(runs, "no-such-run") == []

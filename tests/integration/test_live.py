"""The callback on a real RunEngine, with simulated devices."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted
from engine_parts import feed, make_registry, numbers, results
from live_parts import ENERGY, MD, Beamline, Recorder, live, recorder, registry, run_engine
from ophyd.sim import SynAxis, SynSignal

from live_lce.classifiers import Registry
from live_lce.contract import Reason, Status
from live_lce.engine import Engine, Result, RunClosed
from live_lce.live import LiveLCE
from live_lce.publish import SpoolPublisher
from live_lce.settings import AnalysisSettings
from live_lce.testing import compose, spectrum_rows

__all__ = ["live", "recorder", "registry", "run_engine"]  # fixtures


def finals(recorder: Recorder) -> list[Result]:
    return [r for r in recorder.results if r.final]


def reasons(result: Result) -> list[Reason]:
    return [f.reason for f in result.prediction.findings]


def test_a_scan_is_classified_while_it_runs(
    run_engine: RunEngine, live: LiveLCE, recorder: Recorder
) -> None:
    live.wait_until_ready()
    documents: list[Any] = []
    answers_before_stop: list[int] = []
    run_engine.subscribe(live)
    run_engine.subscribe(lambda name, doc: documents.append((name, doc)))

    def watch(name: str, doc: Any) -> None:
        live.flush(10)
        answers_before_stop.append(sum(r.prediction.answered for r in recorder.results))

    run_engine.subscribe(watch, "event")
    run_engine(Beamline().scan())
    assert live.flush(30)
    (final,) = finals(recorder)
    assert (final.prediction.status, final.prediction.label) == (Status.OK, "O6")
    assert final.n_points == len(ENERGY)
    assert answers_before_stop[-1] >= 5
    assert recorder.threads == {"live_lce"}
    assert all(0 < latency < 10 for latency in recorder.latencies)
    assert [c.exit_status for c in recorder.runs] == ["success"]
    # A replay of the same documents gives the same bits.
    engine = Engine(live.settings, live._pipeline.registry)
    assert [numbers(r) for r in results(feed(engine, documents))] == [
        numbers(r) for r in recorder.results
    ]


@pytest.mark.parametrize(
    ("energy", "status", "reason"),
    [
        (ENERGY[::-1], Status.OK, None),
        (np.random.default_rng(1).permutation(ENERGY), Status.OK, None),
        (np.sort(np.concatenate([ENERGY, ENERGY[30:60]])), Status.OK, Reason.ENERGIES_MERGED),
        (ENERGY[::60][:5], Status.REJECTED, Reason.TOO_FEW_POINTS),
        (ENERGY[:40], Status.REJECTED, Reason.EDGE_NOT_REACHED),
    ],
    ids=["descending", "shuffled", "duplicated", "five points", "before the edge"],
)
def test_awkward_scans(
    run_engine: RunEngine,
    live: LiveLCE,
    recorder: Recorder,
    energy: Any,
    status: Status,
    reason: Reason | None,
) -> None:
    run_engine(Beamline().scan(energy), live)
    assert live.flush(30)
    (final,) = finals(recorder)
    assert final.prediction.status is status
    assert reason is None or reason in reasons(final)


@pytest.mark.parametrize("bad", ["i0", "it"])
@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_broken_readings(
    run_engine: RunEngine, live: LiveLCE, recorder: Recorder, bad: str, value: float
) -> None:
    beamline = Beamline()
    setattr(beamline, bad, SynSignal(func=lambda: value, name={"i0": "I0", "it": "It"}[bad]))
    run_engine(beamline.scan(), live)
    assert live.flush(30)
    (only,) = recorder.results
    assert only.final
    assert only.prediction.status is Status.REJECTED
    assert reasons(only)[0] in {Reason.DEAD_CHANNEL, Reason.NO_FINITE_POINTS}


def test_an_empty_scan(run_engine: RunEngine, live: LiveLCE, recorder: Recorder) -> None:
    run_engine(bpp.run_wrapper(bps.null(), md={**MD, "motors": ["mono_energy"]}), live)
    assert live.flush(30)
    (only,) = recorder.results
    assert reasons(only) == [Reason.NO_POINTS]


def test_an_alignment_scan_is_left_alone(
    run_engine: RunEngine, live: LiveLCE, recorder: Recorder
) -> None:
    beamline = Beamline(name="xafs_y")
    run_engine(beamline.scan(np.linspace(-2, 2, 60)), live)
    run_engine(bp.count([beamline.i0, beamline.it], num=30), live)
    assert live.flush(30)
    assert recorder.results == []
    assert len(recorder.runs) == 2


def test_unknown_devices(run_engine: RunEngine, live: LiveLCE, recorder: Recorder) -> None:
    beamline = Beamline()
    beamline.i0.name, beamline.it.name = "sclr_ch3", "sclr_ch4"
    run_engine(beamline.scan(), live)
    assert live.flush(30)
    (only,) = recorder.results
    assert reasons(only) == [Reason.SIGNALS_UNKNOWN]


def test_an_aborted_scan(run_engine: RunEngine, live: LiveLCE, recorder: Recorder) -> None:
    beamline = Beamline()

    def plan() -> Any:
        yield from bps.open_run({**MD, "motors": ["mono_energy"]})
        for energy in ENERGY[:-60]:
            yield from bps.mv(beamline.mono, energy)
            yield from bps.trigger_and_read([beamline.i0, beamline.it, beamline.mono])
        yield from bps.pause()

    run_engine.subscribe(live)
    with pytest.raises(RunEngineInterrupted):
        run_engine(plan())
    run_engine.abort("the user had seen enough")
    assert live.flush(30)
    (final,) = finals(recorder)
    assert final.prediction.status is Status.PARTIAL
    assert reasons(final)[0] is Reason.SCAN_ABORTED
    assert recorder.runs[-1].exit_status == "abort"


def test_a_pause_re_emits_points_and_the_later_ones_count(
    run_engine: RunEngine, live: LiveLCE, recorder: Recorder
) -> None:
    beamline = Beamline()
    good, paused, seq_nums, at = beamline._i0, [], [], [0]

    def plan() -> Any:
        yield from bps.open_run({**MD, "motors": ["mono_energy"]})
        for number, energy in enumerate(ENERGY):
            if number % 8 == 0:
                yield from bps.checkpoint()
            at[0] = number
            yield from bps.mv(beamline.mono, energy)
            yield from bps.trigger_and_read([beamline.i0, beamline.it, beamline.mono])
            if number == 60 and not paused:
                paused.append(number)
                yield from bps.pause()
        yield from bps.close_run()

    run_engine.subscribe(live)
    run_engine.subscribe(lambda name, doc: seq_nums.append(doc["seq_num"]), "event")
    # The beam is lost some points before the pause.
    beamline.i0.sim_set_func(lambda: good() if at[0] < 57 or paused else 1.0)
    with pytest.raises(RunEngineInterrupted):
        run_engine(plan())
    run_engine.resume()
    assert live.flush(30)
    assert len(seq_nums) > len(set(seq_nums)) == len(ENERGY)
    (final,) = finals(recorder)
    assert (final.prediction.status, final.prediction.label) == (Status.OK, "O6")
    assert final.n_points == len(ENERGY)
    assert final.n_dropped == 0


def test_a_grid_of_temperatures(run_engine: RunEngine, live: LiveLCE, recorder: Recorder) -> None:
    beamline, temperature = Beamline(), SynAxis(name="temperature")
    plan = bp.list_grid_scan(
        [beamline.i0, beamline.it],
        temperature,
        [300.0, 400.0],
        beamline.mono,
        list(ENERGY),
        snake_axes=True,
        md=MD,
    )
    run_engine(plan, live)
    assert live.flush(30)
    assert [(r.spectrum_index, r.prediction.label) for r in finals(recorder)] == [
        (0, "O6"),
        (1, "O6"),
    ]
    assert [r.n_points for r in finals(recorder)] == [len(ENERGY)] * 2


def test_two_interleaved_runs(run_engine: RunEngine, live: LiveLCE, recorder: Recorder) -> None:
    one, other = Beamline(white_line=0.7), Beamline(white_line=0.0)

    def plan() -> Any:
        for key in ("a", "b"):
            start = bps.open_run({**MD, "motors": ["mono_energy"], "sample": key})
            yield from bpp.set_run_key_wrapper(start, key)
        for energy in ENERGY:
            for key, line in (("a", one), ("b", other)):
                step = bpp.pchain(
                    bps.mv(line.mono, energy), bps.trigger_and_read([line.i0, line.it, line.mono])
                )
                yield from bpp.set_run_key_wrapper(step, key)
        for key in ("a", "b"):
            yield from bpp.set_run_key_wrapper(bps.close_run(), key)

    run_engine(plan(), live)
    assert live.flush(30)
    assert {r.run.start["sample"]: r.prediction.label for r in finals(recorder)} == {
        "a": "O6",
        "b": "T4",
    }


def test_a_subscription_in_mid_run(
    run_engine: RunEngine, live: LiveLCE, recorder: Recorder
) -> None:
    tokens: list[int] = []

    def join(name: str, doc: Any) -> None:
        if doc["seq_num"] == 20:
            tokens.append(run_engine.subscribe(live))

    run_engine.subscribe(join, "event")
    run_engine(Beamline().scan())
    assert tokens
    assert live.flush(30)
    (only,) = recorder.results
    assert only.prediction.status is Status.FAILED
    assert reasons(only) == [Reason.NO_START_DOCUMENT]


def test_a_run_that_never_stops_is_closed_with_the_callback(
    registry: Registry, recorder: Recorder
) -> None:
    live = LiveLCE(publisher=recorder, registry=registry)
    for name, doc in compose(spectrum_rows(0.7), exit_status=None):
        live(name, doc)
    assert live.close(60)
    (final,) = finals(recorder)
    assert reasons(final)[0] is Reason.RUN_NOT_STOPPED
    assert recorder.was_closed
    live("start", {"uid": "late"})
    assert live.counters["after_close"] == 1
    assert live.close(1)


def test_nothing_reaches_the_run_engine(
    registry: Registry, run_engine: RunEngine, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Recorder):
        def result(self, result: Result, latency: float) -> None:
            raise OSError("no space left")

        def closed(self, closed: RunClosed) -> None:
            raise ValueError

        def close(self) -> None:
            raise RuntimeError

    def on_result(result: Result) -> None:
        raise KeyError("display")

    live = LiveLCE(publisher=Broken(), registry=registry, on_result=on_result)
    for name, doc in [("start", None), ("event", {}), (None, 3), ("stop", {"run_start": []})]:
        live(name, doc)  # type: ignore[arg-type]
    run_engine(Beamline().scan(), live)
    assert live.close(60)
    counters = live.counters
    assert counters["publisher_errors"] == counters["results"] + 3
    assert counters["callback_errors"] == counters["results"] > 1
    assert counters["malformed"] == 2
    assert counters["engine_errors"] == 0
    assert sum("publisher failed" in r.message for r in caplog.records) == 1


def test_odd_names_end_nothing_and_are_counted(registry: Registry, recorder: Recorder) -> None:
    class Odd(str):
        def __str__(self) -> str:
            raise RuntimeError("no name")

    live = LiveLCE(publisher=recorder, registry=registry)
    live("", {})
    live(Odd("start"), {})
    for name, doc in compose(spectrum_rows(0.7)):
        live(name, doc)
    assert not live.flush(60), "one document was not taken in"
    assert live.counters["intake_errors"] == 1
    assert live.counters["waiting"] == 0
    assert not live.close(60)
    assert recorder.was_closed
    assert len(finals(recorder)) == 1


def test_a_worker_that_is_ended_by_a_library_keeps_nobody_waiting(registry: Registry) -> None:
    def leave(result: Result) -> None:
        sys.exit("a display that leaves")

    live = LiveLCE(registry=registry, on_result=leave)
    for name, doc in compose(spectrum_rows(0.7)):
        live(name, doc)
    assert not live.flush()
    assert not live.close()
    assert live.counters["engine_errors"] == 1


@pytest.mark.serial
def test_a_slow_publisher_delays_no_scan(registry: Registry, run_engine: RunEngine) -> None:
    recorder = Recorder(pause=1.0)
    live = LiveLCE(publisher=recorder, registry=registry)
    live.wait_until_ready()
    spent: list[float] = []

    def timed(name: str, doc: Any) -> None:
        before = time.thread_time()
        live(name, doc)
        spent.append(time.thread_time() - before)

    run_engine.subscribe(timed)
    began = time.perf_counter()
    run_engine(Beamline().scan(ENERGY))
    duration = time.perf_counter() - began
    waiting = live.counters["waiting"]
    assert waiting > 0, "the scan was to be faster than the publisher"
    assert duration < 20.0, "waiting for each result would take more than 50 s"
    assert np.median(spent) < 1e-3
    recorder.pause = 0.0
    assert live.close(60)
    assert finals(recorder)[0].n_points == len(ENERGY)


def test_behind_partial_predictions_go_first_and_documents_never(registry: Registry) -> None:
    recorder = Recorder()
    gate = threading.Event()

    def hold(result: Result) -> None:
        gate.wait(30)

    live = LiveLCE(publisher=recorder, registry=registry, max_documents=50, on_result=hold)
    documents = compose(spectrum_rows(0.7)) + compose(spectrum_rows(0.0, seed=5))
    for name, doc in documents:
        live(name, doc)
    assert not live.flush(0.2)
    assert live.counters["spilled"] > len(documents) / 2
    gate.set()
    assert live.close(60)
    counters = live.counters
    assert counters["documents"] == len(documents)
    assert counters["partials_dropped"] > 10
    expected = results(feed(Engine(registry=registry), documents))
    assert [(r.prediction.label, r.n_points) for r in finals(recorder)] == [
        (r.prediction.label, r.n_points) for r in expected if r.final
    ]
    dropped = [r for r in recorder.results if Reason.PARTIALS_DROPPED in reasons(r)]
    assert dropped
    assert len(recorder.results) + counters["partials_dropped"] >= len(expected)


def test_with_a_real_publisher(run_engine: RunEngine, registry: Registry, tmp_path: Path) -> None:
    settings = AnalysisSettings()
    publisher = SpoolPublisher(tmp_path, settings=settings, source="RE")
    live = LiveLCE(settings, publisher=publisher, registry=registry)
    run_engine(Beamline().scan(), live)
    assert live.close(60)
    (file,) = tmp_path.glob("*.jsonl")
    assert "LiveLCEPrediction" in file.read_text()
    assert live.counters["publisher_errors"] == 0


def test_configured_from_a_file(
    tmp_path: Path, run_engine: RunEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, spool = tmp_path / "models", tmp_path / "spool"
    models.mkdir()
    make_registry(models)
    path = tmp_path / "live_lce.toml"
    path.write_text(
        f"models = '{models}'\n[publish]\nspool = '{spool}'\n[live]\nmax_documents = 500\n"
        "[analysis.pacing]\ninterval = 20\n"
    )
    for name in ("LIVE_LCE_TILED__URI", "LIVE_LCE_TILED__API_KEY"):
        monkeypatch.delenv(name, raising=False)
    seen: list[Result] = []
    live = LiveLCE.from_config(path, on_result=seen.append)
    assert live.settings.pacing.interval == 20
    run_engine(Beamline().scan(), live)
    assert live.close(60)
    assert seen[-1].prediction.label == "O6"
    assert len(list(spool.glob("*.jsonl"))) == 1


def test_leaving_python_without_close_ends_the_runs(tmp_path: Path) -> None:
    make_registry(tmp_path)
    program = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[1] / "parts")!r})
        from pathlib import Path
        from live_lce.testing import compose, spectrum_rows
        from live_lce.classifiers import Registry
        from live_lce.live import LiveLCE
        assert "larch" not in sys.modules
        live = LiveLCE(
            registry=Registry(Path({str(tmp_path)!r})),
            on_result=lambda r: print(r.final, r.prediction.reason, flush=True),
        )
        live.wait_until_ready()
        for name, doc in compose(spectrum_rows(), exit_status=None):
            live(name, doc)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1].startswith("True run_not_stopped")
    assert "Traceback" not in done.stderr

"""A pipeline alone, and the same documents through each of its sources."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Cli, cli, write_scan
from engine_parts import make_registry, numbers, results
from replay_parts import a_scan, an_alignment, raw_uid

from live_lce import LiveLCE, Pipeline
from live_lce.archives._data_files import read_data_runs
from live_lce.classifiers import Registry
from live_lce.contract import Status
from live_lce.engine import Engine, Result, RunClosed
from live_lce.engine._run import Run
from live_lce.publish import DeadLetters, SpoolPublisher
from live_lce.publish._dead_letter import read_letter
from live_lce.publish._spool import waiting
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli"]  # a fixture
SETTINGS = AnalysisSettings()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


def make(registry: Registry, folder: Path, **more: Any) -> Pipeline:
    """Return a pipeline that publishes to disk and keeps what fails."""
    return Pipeline(
        SETTINGS,
        registry=registry,
        publisher=SpoolPublisher(folder / "spool", settings=SETTINGS, source="test"),
        dead_letters=DeadLetters(folder / "dead", 10**8),
        source="test",
        **more,
    )


def spooled(folder: Path) -> dict[str, list[Any]]:
    """Return the documents of each analysis run on disk, by raw run."""
    found = {}
    for path in (folder / "spool").glob("*.jsonl"):
        documents = [json.loads(line) for line in path.read_text().splitlines()]
        found[documents[0]["doc"]["original_run_uid"]] = documents
    return found


def test_documents_in_published_predictions_out(registry: Registry, tmp_path: Path) -> None:
    heard: list[Result] = []
    ended: list[RunClosed] = []
    ticks = iter(range(100_000))
    with make(
        registry,
        tmp_path,
        on_result=heard.append,
        on_closed=ended.append,
        clock=lambda: next(ticks),
    ) as pipeline:
        outputs = [o for name, doc in a_scan(2) for o in pipeline(name, doc)]
        for name, doc in an_alignment(3):
            assert not results(pipeline(name, doc))
        assert pipeline.open_runs == ()
    assert [numbers(r) for r in heard] == [numbers(r) for r in results(outputs)]
    assert heard[-1].final and heard[-1].prediction.label == "O6"
    assert [closed.uid for closed in ended] == [raw_uid(2), raw_uid(3)]
    counters = pipeline.counters
    assert counters["results"] == len(heard) > 5
    assert counters["engine_errors"] == counters["publisher_errors"] == counters["malformed"] == 0
    assert pipeline.published["runs_spooled"] == 1 and pipeline.published["dead_letters"] == 0
    [(uid, documents)] = spooled(tmp_path).items()
    assert uid == raw_uid(2)
    rows = [line["doc"]["data"] for line in documents if line["name"] == "event"]
    rows = [row for row in rows if "label" in row]
    assert len(rows) == len(heard)
    assert all(row["latency"] >= 1 for row in rows)  # ticks of the clock given
    assert not waiting(tmp_path / "dead")


def test_it_predicts_what_its_engine_does(registry: Registry, tmp_path: Path) -> None:
    engine = Engine(SETTINGS, registry)
    expected = [numbers(r) for name, doc in a_scan(1) for r in results(engine(name, doc))]
    with make(registry, tmp_path) as pipeline:
        found = [numbers(r) for name, doc in a_scan(1) for r in results(pipeline(name, doc))]
    assert found == expected


@pytest.mark.parametrize("what", ["a document", "the engine"])
def test_a_run_that_fails_is_kept_whole_and_the_next_is_published(
    what: str, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str, str]] = []

    def tell(counter: str, name: str, error: Exception) -> None:
        told.append((counter, name, str(error)))

    owner, method = (Run, "event") if what == "a document" else (Engine, "__call__")
    works = getattr(owner, method)

    def fails(self: Any, *given: Any, **named: Any) -> Any:
        doc = given[0] if what == "a document" else given[1]
        if doc.get("seq_num") == 30 and not broken:
            broken.append(doc)
            raise RuntimeError("a bug")
        return works(self, *given, **named)

    broken: list[Any] = []
    monkeypatch.setattr(owner, method, fails)
    pipeline = make(
        registry, tmp_path, on_error=lambda *given: told.append((*given[:2], str(given[2])))
    )
    for name, doc in [*a_scan(1), *a_scan(2)]:
        pipeline(name, doc)
    pipeline.close()
    counter = "malformed" if what == "a document" else "engine_errors"
    assert told == [(counter, "event", "a bug")] and pipeline.counters[counter] == 1
    (path,) = waiting(tmp_path / "dead")
    letter = read_letter(path)
    assert (letter.uid, letter.whole) == (raw_uid(1), True)
    assert letter.errors == ("event: RuntimeError: a bug",)
    assert [name for name, _ in letter.documents()] == [name for name, _ in a_scan(1)]
    assert set(spooled(tmp_path)) == {raw_uid(1), raw_uid(2)}
    assert pipeline.published["dead_letters"] == 1


def test_an_engine_that_cannot_be_made_keeps_every_run(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("no engine today")

    monkeypatch.setattr("live_lce.engine._engine.Engine.__init__", fails)
    pipeline = make(registry, tmp_path)
    pipeline.warm_up()
    assert pipeline.is_broken
    for name, doc in [*a_scan(1), *a_scan(2)]:
        assert pipeline(name, doc) == []
    pipeline.close()
    letters = [read_letter(path) for path in waiting(tmp_path / "dead")]
    assert {letter.uid for letter in letters} == {raw_uid(1), raw_uid(2)}
    assert all(letter.whole for letter in letters)
    assert pipeline.counters["engine_errors"] == 1


def test_hooks_and_publishers_that_fail_hurt_nobody(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(SpoolPublisher):
        def result(self, result: Result, latency: float) -> None:
            raise OSError("no publisher today")

    def hook(result: Result) -> None:
        raise ValueError("a hook")

    heard: list[Result] = []
    pipeline = Pipeline(
        SETTINGS,
        registry=registry,
        publisher=Broken(tmp_path / "spool", settings=SETTINGS, source="test"),
        dead_letters=DeadLetters(tmp_path / "dead", 10**8),
        on_result=heard.append,
    )
    pipeline.on_result.append(hook)
    with caplog.at_level(logging.ERROR), pipeline:
        for name, doc in a_scan(2):
            pipeline(name, doc)
    counters = pipeline.counters
    assert counters["publisher_errors"] == counters["callback_errors"] == len(heard) > 5
    assert [
        r.getMessage().partition(";")[0] for r in caplog.records if r.name.endswith("pipeline")
    ] == [
        "The publisher failed on a result",
        "The on_result callback failed",
    ]
    (path,) = waiting(tmp_path / "dead")  # its predictions went nowhere
    assert read_letter(path).whole


def test_runs_that_never_stop_end_with_it(registry: Registry, tmp_path: Path) -> None:
    pipeline = make(registry, tmp_path)
    for name, doc in a_scan(2)[:-1]:
        pipeline(name, doc)
    assert pipeline.open_runs == (raw_uid(2),)
    outputs = pipeline.finish()
    assert results(outputs)[-1].prediction.status is Status.PARTIAL
    pipeline.close()
    pipeline.close()  # once more changes nothing
    (documents,) = spooled(tmp_path).values()
    assert documents[-1]["doc"]["exit_status"] == "abort"


def test_a_preset_that_does_not_exist_is_refused() -> None:
    wrong = SETTINGS.model_copy(
        update={"signals": SETTINGS.signals.model_copy(update={"preset": "nowhere"})}
    )
    with pytest.raises(ValueError, match="nowhere"):
        Pipeline(wrong)


def test_live_replay_and_classify_give_the_same_predictions(
    cli: Cli, server: EmbeddedTiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    path = write_scan(tmp_path / "fe.xdi")
    (run,) = read_data_runs(path)

    def live() -> None:
        callback = LiveLCE.from_config(voice=False)
        for name, doc in run.documents():
            callback(name, doc)
        assert callback.close(60)

    def alone() -> None:
        with Pipeline.from_config(source="mine") as pipeline:
            for name, doc in run.documents():
                pipeline(name, doc)

    ways = {
        "live": live,
        "alone": alone,
        "replay": lambda: cli("replay", "fe.xdi"),
        "classify": lambda: cli("classify", "--tiled", "fe.xdi"),
    }
    client = server.client()
    try:
        found = {}
        for name, way in ways.items():
            monkeypatch.setenv("LIVE_LCE_TILED__PATH", f"pipeline_{name}")
            way()
            [(uid, node)] = client[f"pipeline_{name}"].items()
            table = node["predictions"].base["internal"].read().sort_values("seq_num")
            own = [c for c in table if c in ("time", "latency") or c.startswith("ts_")]
            rows = {c: repr(table[c].tolist()) for c in table.columns.drop(own)}
            found[name] = (uid, rows)
    finally:
        client.context.close()
    uid, rows = found["live"]
    assert len(json.loads(rows["final"])) > 5 and "'O6'" in rows["label"]
    assert all(other == (uid, rows) for other in found.values())

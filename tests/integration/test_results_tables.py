"""Tables of results from a real Tiled server: types, rows, queries, and which attempt counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run
from publish_parts import MODEL, a_result, a_run
from results_parts import (
    AWKWARD,
    FIRST,
    FIRST_RUN,
    SECOND,
    T0,
    THIRD,
    by_another_model,
    publish,
    runs,
    server,
)

from live_lce import RunQuery
from live_lce.contract import analysis_uid, prediction_columns
from live_lce.publish import AnalysisRun
from live_lce.results import QueryError, ResultsError, analyses, epoch, predictions
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled
from live_lce.tiled._connection import find_child

__all__ = ["runs", "server"]  # fixtures

SETTINGS = AnalysisSettings()


def uid_of(raw_uid: str, absorber: str = "Fe") -> str:
    return analysis_uid(raw_uid, "primary", absorber, MODEL.sha256, SETTINGS.digest)


@pytest.fixture
def empty(server: EmbeddedTiled) -> Iterator[Any]:
    """A container of its own for one test."""
    client = server.client()
    container = client.create_container(f"test{len(client)}")
    yield container
    client.context.close()


def test_predictions_are_typed_rows(server: EmbeddedTiled) -> None:
    frame = predictions(server.uri, api_key=server.api_key)
    assert frame.index.names == ["analysis_uid", "seq_num"] and frame.index.is_unique
    assert list(frame.index) == [
        (uid_of(FIRST), 1), (uid_of(FIRST), 2),
        (uid_of(SECOND), 1), (uid_of(SECOND), 2),
        (uid_of(THIRD, "Ni"), 1),
    ]  # fmt: skip
    kinds = {"integer": "int64", "number": "float64", "string": "string"}
    for column in prediction_columns(("T4", "S5", "O6")):
        assert frame[column.name].dtype == kinds[column.dtype], column.name
    assert frame["status"].tolist() == ["partial", "ok", "ok", "rejected", "abstain"]
    assert frame["label"].tolist() == ["T4", "O6", "S5", "", ""]
    assert frame["reason"].iloc[3] == "dead_channel;spikes"
    assert frame["p_O6"].tolist()[:3] == [0.0625, 0.875, 0.0625]
    assert np.isnan(frame["p_O6"].tolist()[3:]).all()
    assert frame["final"].tolist() == [0, 1, 1, 1, 1]
    assert frame["raw_uid"].tolist() == [FIRST, FIRST, SECOND, SECOND, THIRD]
    assert frame["sample"].tolist()[1:4] == ["hematite", AWKWARD, AWKWARD]
    assert frame["scan_id"].iloc[0] == 7 and frame["scan_id"].isna().sum() == 3
    assert frame["started"].iloc[0] == pd.Timestamp(T0, unit="s", tz="UTC")
    age = pd.Timestamp.now(tz="UTC") - frame["time"]
    assert (age > timedelta(0)).all() and (age < timedelta(minutes=10)).all()
    assert frame["complete"].all() and (frame["attempt"] == 1).all()
    final = predictions(server.uri, api_key=server.api_key, final=True)
    pd.testing.assert_frame_equal(final, frame[frame["final"] == 1])


def test_analyses_are_what_runs_ended_as(runs: Any) -> None:
    frame = analyses(runs)
    assert frame.index.name == "analysis_uid"
    assert frame.index.tolist() == [uid_of(FIRST), uid_of(SECOND), uid_of(THIRD, "Ni")]
    assert frame["label"].tolist() == ["O6", "", ""]
    assert frame["status"].tolist() == ["ok", "rejected", "abstain"]
    assert frame["confidence"].tolist() == [0.875, 0.0, 0.0]
    assert frame["n_final"].tolist() == [1, 2, 1]
    assert frame["absorber"].tolist() == ["Fe", "Fe", "Ni"]
    assert frame["model"].tolist() == [MODEL.name] * 3


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"sample": "hematite"}, [FIRST]),
        ({"sample": AWKWARD}, [SECOND]),
        ({"sample": "hema"}, []),
        ({"absorber": "Ni"}, [THIRD]),
        ({"label": "O6"}, [FIRST]),
        ({"label": "T4"}, []),
        ({"status": "rejected"}, [SECOND]),
        ({"since": T0 + 3600}, [SECOND, THIRD]),
        ({"until": T0 + 3600}, [FIRST, SECOND]),
        ({"until": T0 + 3599}, [FIRST]),
        ({"since": T0 + 1, "until": T0 + 7000, "absorber": "Fe"}, [SECOND]),
        ({"uids": (FIRST, THIRD)}, [FIRST, THIRD]),
        ({"uids": (SECOND[:8], uid_of(FIRST))}, [FIRST, SECOND]),
        ({"uids": ("2222_222",)}, []),
        ({"uids": (FIRST,), "label": "S5"}, []),
    ],
)
def test_queries(runs: Any, query: dict[str, Any], wanted: list[str]) -> None:
    assert analyses(runs, RunQuery(**query))["raw_uid"].tolist() == wanted
    rows = predictions(runs, RunQuery(**query))
    assert rows["raw_uid"].drop_duplicates().tolist() == wanted


def test_nothing_found_has_the_same_columns(runs: Any) -> None:
    nothing = RunQuery(sample="no such")
    for table in (analyses, predictions):
        empty, full = table(runs, nothing), table(runs)
        assert len(empty) == 0 and empty.index.names == full.index.names
        pd.testing.assert_series_equal(empty.dtypes, full.dtypes)


def test_a_dictionary_of_a_sample_has_a_name(empty: Any, tmp_path: Path) -> None:
    publish(empty, tmp_path, a_result(run=a_run(sample={"name": "rust", "batch": 2})))
    assert analyses(empty, RunQuery(sample="rust"))["sample"].tolist() == ["rust"]


def write_superseding(container: Any, old: str, *, stop: bool = True) -> str:
    """Write an analysis by another model, as a second attempt that replaces `old`."""
    result = by_another_model(a_result(run=FIRST_RUN, label="T4"), "T4", "D4h")
    run = AnalysisRun(result, settings=SETTINGS, source="test", now=time.time)
    _, start = run.start
    start["live_lce"] = start["live_lce"] | {"attempt": 2, "supersedes": [old]}
    writer = TiledWriter(container)
    for name, document in [("start", start), *run.result(result, 0.0)]:
        writer(name, document)
    if stop:
        writer(*run.stop())
    return run.uid


def test_of_two_analyses_the_superseding_one_counts(empty: Any, tmp_path: Path) -> None:
    publish(empty, tmp_path, a_result(run=FIRST_RUN))
    old = uid_of(FIRST)
    new = write_superseding(empty, old)
    assert analyses(empty).index.tolist() == [new]
    everything = analyses(empty, attempts="all")
    assert everything["superseded_by"].to_dict() == {old: new, new: ""}
    assert everything.loc[new, "attempt"] == 2
    # the old one said O6, and what it said is not to be found any more
    assert analyses(empty, RunQuery(label="O6")).empty
    assert analyses(empty, RunQuery(label="O6"), attempts="all").index.tolist() == [old]
    assert analyses(empty, RunQuery(uids=(old,))).empty
    rows = predictions(empty, attempts="all")
    assert rows.index.tolist() == [(old, 1), (new, 1)]
    assert rows["p_O6"].iloc[0] == 0.875 and np.isnan(rows["p_O6"].iloc[1])
    assert [c for c in rows if c.startswith("p_")] == ["p_T4", "p_S5", "p_O6", "p_D4h"]


def test_an_unfinished_analysis_replaces_no_complete_one(empty: Any, tmp_path: Path) -> None:
    publish(empty, tmp_path, a_result(run=FIRST_RUN))
    new = write_superseding(empty, uid_of(FIRST), stop=False)
    assert analyses(empty).index.tolist() == [uid_of(FIRST)]
    open_run = analyses(empty, attempts="all").loc[new]
    assert not open_run["complete"] and open_run["status"] == open_run["label"] == ""


def test_a_run_that_has_just_begun_has_no_rows(empty: Any) -> None:
    result = a_result(run=FIRST_RUN)
    documents = AnalysisRun(result, settings=SETTINGS, source="test", now=lambda: T0)
    TiledWriter(empty)(*documents.start)
    assert len(analyses(empty)) == 1 and len(predictions(empty)) == 0


def test_a_row_that_came_twice_is_one(empty: Any, tmp_path: Path) -> None:
    publish(empty, tmp_path, a_result(run=FIRST_RUN, final=False), a_result(run=FIRST_RUN))
    table = find_child(empty[uid_of(FIRST)], "predictions").base["internal"]
    first = pa.Table.from_pandas(table.read().iloc[:1], preserve_index=False)
    table.append_partition(0, first)
    assert len(table.read()) == 3
    assert predictions(empty).index.get_level_values("seq_num").tolist() == [1, 2]


def test_runs_of_others_are_no_results(empty: Any, tmp_path: Path) -> None:
    raw = compose_run(metadata={"sample": "hematite"})
    writer = TiledWriter(empty)
    writer("start", raw.start_doc)
    writer("stop", raw.compose_stop())
    publish(empty, tmp_path, a_result(run=FIRST_RUN))
    assert len(empty) == 2
    assert analyses(empty, RunQuery(sample="hematite")).index.tolist() == [uid_of(FIRST)]


def test_more_runs_than_a_page_holds(empty: Any) -> None:
    for number in range(115):
        run = a_run(uid=f"{number:08d}-0000-4000-8000-000000000000", time=T0 + number)
        documents = AnalysisRun(a_result(run=run), settings=SETTINGS, source="test", now=lambda: T0)
        empty.create_container(documents.uid, metadata={"start": documents.start[1]})
    wanted = tuple(f"{number:08d}-0000-4000-8000-000000000000" for number in range(5, 115))
    assert analyses(empty)["started"].is_monotonic_increasing
    assert len(analyses(empty)) == 115 and len(analyses(empty, RunQuery(uids=wanted))) == 110


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"uids": ("1234567",)}, "8 characters"),
        ({"status": "good"}, "choose of ok, partial, abstain, rejected, failed"),
        ({"since": 2.0, "until": 1.0}, "exchange them"),
    ],
)
def test_queries_that_cannot_be_asked(query: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryError, match=words):
        RunQuery(**query)


def test_attempts_are_latest_or_all(runs: Any) -> None:
    with pytest.raises(QueryError, match="latest"):
        analyses(runs, attempts="first")  # type: ignore[arg-type]


def test_moments() -> None:
    assert epoch(12.5) == 12.5
    assert epoch("1970-01-01T02:00+01:00") == 3600.0
    assert epoch(datetime(1970, 1, 2, tzinfo=UTC)) == 86400.0
    assert epoch(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0.0
    assert epoch("2026-11-21") == datetime(2026, 11, 21).timestamp()
    with pytest.raises(QueryError, match="2026-11-21"):
        epoch("yesterday")


def test_what_is_wrong_with_the_server_is_one_sentence(server: EmbeddedTiled) -> None:
    with pytest.raises(ResultsError, match="no container nowhere"):
        analyses(server.uri, api_key=server.api_key, path="nowhere")
    with pytest.raises(ResultsError, match=r"tiled.api_key"):
        analyses(server.uri, api_key="wrong")
    with pytest.raises(ResultsError, match="does not answer"):
        analyses("http://127.0.0.1:9", api_key="x")
    client = server.client()
    assert "nowhere" not in client  # nothing was made
    client.context.close()

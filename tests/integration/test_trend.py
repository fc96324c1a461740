"""Trends: what stop documents tell and what rows tell, stacked arrays, and the table in a file."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from publish_parts import a_result, a_run
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
from trend_parts import NOT, a_point

from live_lce import RunQuery
from live_lce._support.text import csv_cell
from live_lce.contract import DEFAULT_CLASSES, OTHER
from live_lce.publish import AnalysisRun
from live_lce.results import (
    NOT_ANSWERED,
    classes_of,
    find,
    in_order,
    looks,
    split,
    stacked,
    times,
    trend,
    trend_csv,
)
from live_lce.results._presentation import COLOURS, LOOKS
from live_lce.results._stacked import scan_ids
from live_lce.results._tables import final_rows
from live_lce.results._trend import point_of_row, point_of_stop
from live_lce.settings import AnalysisSettings
from live_lce.tiled import EmbeddedTiled

__all__ = ["runs", "server"]  # fixtures


@pytest.fixture
def requests(runs: Any) -> Iterator[list[str]]:
    """The addresses that are asked for."""
    asked: list[str] = []
    client = runs.context.http_client
    hooks = client.event_hooks
    client.event_hooks = hooks | {
        "request": [*hooks["request"], lambda request: asked.append(str(request.url))]
    }
    yield asked
    client.event_hooks = hooks


def test_points_are_what_was_published(runs: Any) -> None:
    points = trend(runs, find(runs))
    assert [(p.raw_uid, p.spectrum_index) for p in points] == [
        (FIRST, 0),
        (SECOND, 0),
        (SECOND, 1),
        (THIRD, 0),
    ]
    first, second, refused, abstained = points
    assert (first.label, first.answered, first.confidence) == ("O6", True, 0.875)
    assert first.probabilities == {"T4": 0.0625, "S5": 0.0625, "O6": 0.875}
    assert (first.sample, first.scan_id, first.absorber, first.edge) == ("hematite", 7, "Fe", "K")
    assert first.time == T0 and first.label_set == ("O6",)
    assert second.sample == AWKWARD and second.scan_id is None
    assert second.time == refused.time == 1.7e9 + 300  # the rows': this run has two spectra
    assert (refused.status, refused.answered, refused.label) == ("rejected", False, "")
    assert refused.reason == "dead_channel;spikes" and refused.probabilities == {}
    assert (abstained.absorber, abstained.status) == ("Ni", "abstain")
    assert len({p.key for p in points}) == 4


def test_a_stop_document_tells_the_same_as_rows(runs: Any, requests: list[str]) -> None:
    (run,) = find(runs, RunQuery(uids=(FIRST,)))
    del requests[:]
    (point,) = trend(runs, [run])
    assert requests == [] and point_of_stop(run) == point  # contract 1.4
    (row,) = final_rows(runs, run)
    assert point == point_of_row(run, row)
    # An older contract's stop document knows no probabilities: the rows are asked.
    older = replace(run, contract="1.3", probabilities={}, spread={}, label_set=())
    assert trend(runs, [older]) == [point]
    assert len(requests) == 2
    assert point_of_stop(older) is None
    several, *_ = find(runs, RunQuery(uids=(SECOND,)))
    assert point_of_stop(several) is None


def test_runs_without_a_word_have_no_point(server: EmbeddedTiled, tmp_path: Path) -> None:
    client = server.client()
    container = client.create_container("open")
    result = a_result(run=FIRST_RUN)
    documents = AnalysisRun(result, settings=AnalysisSettings(), source="test", now=lambda: T0)
    container.create_container(documents.uid, metadata={"start": documents.start[1]})
    publish(container, tmp_path, a_result(run=a_run(uid=SECOND), final=False))
    found = find(container)
    assert sorted(run.analysis.ended for run in found) == [False, True]
    assert trend(container, found) == [] and [point_of_stop(run) for run in found] == [None] * 2
    client.context.close()


def test_stacked_sorts_and_leaves_gaps() -> None:
    points = [a_point(3), a_point(1), a_point(2, **NOT), a_point(4, scan_id=None)]
    classes = classes_of(points)
    assert classes == ("T4", "O6")
    of_time = stacked(points, classes, times(points))
    assert of_time.order.tolist() == [1, 2, 0, 3]
    assert of_time.x.tolist() == [T0 + 60 * n for n in (1, 2, 3, 4)]
    assert of_time.answered.tolist() == [True, False, True, True]
    np.testing.assert_allclose(of_time.fractions[0], [0.1, 0.9])
    np.testing.assert_allclose(of_time.tops[2], [0.3, 1.0])
    assert np.isnan(of_time.fractions[1]).all() and np.isnan(of_time.spread[1]).all()
    np.testing.assert_allclose(of_time.spread[0], [0.01, 0.02])
    of_scan = stacked(points, ("O6", "S5"), scan_ids(points))
    assert of_scan.order.tolist() == [1, 2, 0] and of_scan.fractions[2, 1] == 0.0
    assert np.isnan(of_scan.spread[2, 1])
    nothing = stacked([], (), [])
    assert nothing.fractions.shape == (0, 0) and nothing.answered.shape == (0,)
    with pytest.raises(ValueError, match="one number for 4 points"):
        stacked(points, classes, [1.0])


@pytest.mark.serial
def test_ten_thousand_points_take_no_time() -> None:
    points = [a_point(n % 10, time=T0 + n) for n in range(10_000)]
    began = time.perf_counter()
    found = stacked(points, ("T4", "S5", "O6"), times(points))
    assert found.fractions.shape == (10_000, 3)
    assert time.perf_counter() - began < 2.0


def test_samples_and_absorbers_are_apart() -> None:
    points = [a_point(1), a_point(2, absorber="Ni"), a_point(3, sample="x"), a_point(4)]
    assert {k: len(v) for k, v in split(points).items()} == {
        ("rust", "Fe"): 2, ("rust", "Ni"): 1, ("x", "Fe"): 1,
    }  # fmt: skip


def test_a_table_is_read_back(runs: Any) -> None:
    points = [*trend(runs, find(runs)), a_point(5, sample="# 5, of\n6", time=math.nan)]
    text = trend_csv(points)
    head = [line for line in text.splitlines() if line.startswith("# ")][:6]
    assert "s since 1970" in head[1] and "no unit" in head[2] and "raw run" in head[5]
    table = pd.read_csv(io.StringIO(text), skiprows=6)
    assert table["sample"].fillna("").tolist() == [csv_cell(p.sample) for p in points]
    assert table["analysis_uid"].tolist() == [p.analysis_uid for p in points]
    assert table["answered"].tolist() == [1, 1, 0, 0, 1]
    assert table["time"].tolist()[:4] == pytest.approx([p.time for p in points[:4]], abs=1e-6)
    assert table["time_utc"][0] == "2025-10-09T08:53:20.000+00:00"
    assert table["time_utc"].isna().tolist() == [False] * 4 + [True]
    assert table["p_O6"].tolist()[:2] == [0.875, 0.0625] and table["p_O6"].isna().sum() == 2
    assert table["spread_T4"].tolist()[4] == 0.01
    assert table["reason"].tolist()[2] == "dead_channel;spikes"
    empty = pd.read_csv(io.StringIO(trend_csv([])), skiprows=6)
    assert empty.empty and "raw_uid" in empty


def test_classes_of_other_models_are_columns_too(server: EmbeddedTiled, tmp_path: Path) -> None:
    client = server.client()
    container = client.create_container("other_classes")
    result = by_another_model(a_result(run=FIRST_RUN, label="T4"), "T4", "D4h", "other")
    prediction = replace(result.prediction, probabilities=np.array([0.5, 0.25, 0.25]))
    publish(container, tmp_path, replace(result, prediction=prediction))
    points = trend(container, find(container))
    assert points[0].probabilities == {"T4": 0.5, "D4h": 0.25, "other": 0.25}
    assert classes_of(points) == ("T4", "D4h", "other")
    client.context.close()


def test_colour_is_never_the_only_sign() -> None:
    assert {*DEFAULT_CLASSES, OTHER} == set(LOOKS) == set(COLOURS)
    every = list(looks(["a", *LOOKS, "b", "c", "d", "a"]).values())
    assert len(every) == 8
    for part in ("colour", "dash", "marker", "shape", "hatch"):
        assert len({getattr(look, part) for look in every}) == 8, part
    assert NOT_ANSWERED not in {look.colour for look in every}
    assert looks(["x", "T4"])["T4"] is LOOKS["T4"]
    assert in_order([OTHER, "D4h", "O6", "T4"]) == ("T4", "O6", "D4h", OTHER)

"""Long trends: what is drawn as one column, and what is worked out for all viewers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from columns_parts import CLASSES, point
from hypothesis import given, strategies as st

from live_lce.dashboard._series import hint
from live_lce.dashboard._signals import SignalTable
from live_lce.dashboard._trend_data import columns, cuts, grouped, news, starts_with, table
from live_lce.dashboard._trends import SCAN, TrendChoice, Trends
from live_lce.results import TrendPoint, stacked


def some(n: int) -> tuple[TrendPoint, ...]:
    """So many points, every seventh without an answer."""
    return tuple(point(i, 0.1 + 0.7 * (i % 11) / 11, answered=i % 7 > 0) for i in range(n))


def drawn(n: int) -> dict[str, Any]:
    points = some(n)
    return columns(stacked(points, CLASSES, [p.time for p in points]), 1.0)


def sizes(starts: Any, n: int) -> list[int]:
    return np.diff(np.append(starts, n)).tolist()


@given(st.integers(0, 3000), st.integers(1, 300))
def test_groups_hold_all_columns_once_and_are_not_too_many(n: int, most: int) -> None:
    left = np.arange(n) - 0.5
    starts = cuts(left, left + 1, most)
    assert len(starts) <= most
    assert sum(sizes(starts, n)) == n
    assert all(math.log2(size).is_integer() for size in sizes(starts, n)[:-1])


def test_few_columns_stay_as_they_are() -> None:
    found = drawn(100)
    starts = cuts(found["left"], found["right"])
    assert starts.tolist() == list(range(100))
    same = grouped(found, starts)
    for name, values in found.items():
        if name not in ("left", "right", "x"):
            np.testing.assert_allclose(same[name], values)
    silent = np.isfinite(found["silent"])
    np.testing.assert_allclose(same["middle"], np.where(silent, found["left"], found["right"]))


def test_a_group_shows_the_mean_and_how_many_did_not_answer() -> None:
    found = drawn(28)  # four are silent
    one = grouped(found, np.array([0]))
    answered = ~np.isfinite(found["silent"])
    assert one["count"].tolist() == [28]
    assert one["high_T4"][0] == pytest.approx(found["high_T4"][answered].mean())
    assert one["high_O6"][0] == pytest.approx(1)
    width = one["right"][0] - one["left"][0]
    assert (one["right"][0] - one["middle"][0]) / width == pytest.approx(4 / 28)
    quiet = grouped(found, np.array([0, 1]))  # the first is silent
    assert quiet["middle"][0] == quiet["left"][0] and np.isnan(quiet["high_T4"][0])


def test_no_group_reaches_across_a_pause() -> None:
    x = np.concatenate([np.arange(1000.0), 5000 + np.arange(1000.0)])
    left, right = x - 0.5, x + 0.5
    starts = cuts(left, right, 64)
    assert 1000 in starts
    assert len(starts) <= 65


def test_what_is_looked_at_is_drawn_finely() -> None:
    n = 10_000
    left = np.arange(n) - 0.5
    starts = cuts(left, left + 1, 512, (4000, 4100))
    inside = starts[(starts >= 4000) & (starts < 4100)]
    assert inside.tolist() == list(range(4000, 4100))
    assert len(starts) < 4 * 512
    assert sum(sizes(starts, n)) == n
    everything = cuts(left, left + 1, 512)
    assert set(everything[everything < 3900]) <= set(starts), "outside nothing changes"


def test_one_more_spectrum_changes_the_last_column_only() -> None:
    def seen(n: int) -> dict[str, Any]:
        found = drawn(n)
        return grouped(found, cuts(found["left"], found["right"], 50))

    for n in range(101, 150):
        old, new = seen(n), seen(n + 1)
        assert news(old, new) == (len(old["x"]) - 1, len(old["x"]))


def test_an_empty_trend_has_no_groups() -> None:
    found = drawn(0)
    starts = cuts(found["left"], found["right"])
    assert not any(len(values) for values in grouped(found, starts).values())


def test_a_table_that_grows_is_the_same_as_one_made_anew() -> None:
    points = some(40)
    grown = table(points, table(points[:25]))
    whole = table(points)
    assert grown.classes == whole.classes == CLASSES
    for name in ("fractions", "spread", "times", "scan_ids"):
        np.testing.assert_array_equal(getattr(grown, name), getattr(whole, name))
    assert table(points, whole) is whole
    assert table(points[5:], whole).fractions.shape == (35, 3), "points went"
    assert grown.row(("a7", 0)) == 7 and grown.row(("a7", 1)) is None
    expected = stacked(points, CLASSES, grown.scan_ids[::-1])
    found = grown.against(grown.scan_ids[::-1])
    np.testing.assert_array_equal(found.fractions, expected.fractions)
    np.testing.assert_array_equal(found.order, expected.order)


def test_viewers_that_look_at_the_same_share_what_is_worked_out() -> None:
    trends, points = Trends(SignalTable()), some(30)
    one = trends.figures(points, TrendChoice(), 100.0)
    assert trends.figures(points, TrendChoice(), 100.0) is one
    other = trends.figures(points, TrendChoice(axis=SCAN, each=True), 100.0)
    assert list(one) == [("", "Fe")] and list(other) == [("s", "Fe")]
    more = trends.figures((*points, point(30)), TrendChoice(), 100.0)
    assert len(more["", "Fe"].stacked.x) == 31
    assert starts_with(more["", "Fe"].table.points, points)
    fewer = trends.figures(points[3:], TrendChoice(), 100.0)
    assert fewer["", "Fe"].stacked.x.tolist() == [1000.0 * n for n in range(3, 30)]


def test_a_span_of_time_leaves_out_what_is_older() -> None:
    trends = Trends(SignalTable())
    found = trends.figures(some(100), TrendChoice(span=20.0), 100.0)["", "Fe"].table.times
    assert found.tolist() == list(range(80, 100))


def test_the_current_series_ends_with_a_pause() -> None:
    trends, now = Trends(SignalTable()), 1e9
    times = [now - 7 * 3.2e7 + 60 * n for n in range(5)]  # a replay of seven years ago
    today = [now - 3600 * n for n in (9, 5, 1)]
    points = tuple(replace(point(n), time=t) for n, t in enumerate([*times, *today]))
    found = trends.figures(points, TrendChoice(), now)["", "Fe"]
    assert found.table.times.tolist() == today and found.n_left == 5
    assert len(trends.figures(points, TrendChoice(span=np.inf), now)["", "Fe"].table.points) == 8
    old = trends.figures(points[:5], TrendChoice(), now)["", "Fe"]
    assert old.table.times.tolist() == times, "alone, what was replayed is the current series"
    ahead = replace(point(9), time=now + 400 * 86400.0)  # a clock far ahead hides nothing
    found = trends.figures((*points, ahead), TrendChoice(), now)["", "Fe"]
    assert found.table.times.tolist() == today and found.n_left == 6
    unknown = tuple(replace(p, time=np.nan) for p in points[:2])
    found = trends.figures((*unknown, *points[5:]), TrendChoice(), now)["", "Fe"]
    assert found.table.times.tolist() == today and found.n_left == 2


def test_a_column_of_several_says_of_how_many() -> None:
    points = some(9)
    assert hint(points[:1])[0] == "no answer" and hint(points[1:2])[0] == "O6, 16 %"
    assert hint(points) == (
        "9 spectra: 7 O6, 2 no answer",
        "s, scans 0 to 8",
        "zoom in to see each",
    )

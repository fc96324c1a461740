"""A trend as columns: where they lie, and what has to be sent when it grows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from columns_parts import CLASSES, point
from hypothesis import given, strategies as st

from live_lce.dashboard._trend_data import columns, edges, news
from live_lce.results import Stacked, TrendPoint, stacked
from live_lce.results._stacked import cells

PLACES = st.lists(st.integers(0, 10_000), min_size=1, max_size=40).map(
    lambda found: np.sort(np.array(found, float)) * 0.25
)


@st.composite
def trends(draw: Any) -> tuple[list[TrendPoint], list[float]]:
    places = draw(PLACES).tolist()
    made = [
        point(n, draw(st.floats(0.1, 0.8)), answered=draw(st.booleans()))
        for n in range(len(places))
    ]
    return made, places


def drawn(points: list[TrendPoint], x: list[float]) -> dict[str, Any]:
    return columns(stacked(points, CLASSES, x), 1.0)


@given(PLACES)
def test_columns_hold_their_places_and_do_not_overlap(x: Any) -> None:
    left, right = edges(x)
    assert (right > left).all(), "none is invisible, also where several share a place"
    alone = np.array([(x == place).sum() == 1 for place in x])
    assert (left[alone] <= x[alone]).all() and (right[alone] >= x[alone]).all()
    assert (right[:-1] <= left[1:] + 1e-9).all()


@given(PLACES)
def test_gaps_stay_gaps(x: Any) -> None:
    left, right = edges(x)
    steps = np.diff(np.unique(x))
    usual = float(np.median(steps)) if steps.size else 1.0
    assert (right - left <= 3 * usual * math.sqrt(2) + 1e-9).all()
    free = left[1:] - right[:-1]
    assert (free[np.diff(x) > 5 * usual] > 0).all(), "no column reaches across a long pause"
    close = (np.diff(x) > 0) & (np.diff(x) <= 2 * usual)
    assert (free[close] <= 1e-9).all(), "neighbours touch"


def test_even_places_touch_and_a_pause_is_empty() -> None:
    left, right = edges([0, 1, 2, 3, 10, 11])
    assert left.tolist() == [-0.5, 0.5, 1.5, 2.5, 8, 10.5]
    assert right.tolist() == [0.5, 1.5, 2.5, 5, 10.5, 11.5]
    assert [part.tolist() for part in edges([5.0], 4.0)] == [[3.0], [7.0]]
    assert [len(part) for part in edges([])] == [0, 0]


def test_scans_at_one_temperature_share_its_place() -> None:
    left, right = edges([300, 300, 400, 400])
    assert left.tolist() == [250, 300, 350, 400] and right.tolist() == [300, 350, 400, 450]


@given(PLACES)
def test_the_figures_have_the_same_columns_where_nothing_is_far(x: Any) -> None:
    even = np.arange(len(x), dtype=float)
    for one, other in zip(edges(even), cells(even), strict=True):
        np.testing.assert_allclose(one, other)


@given(trends())
def test_fractions_are_stacked_to_one_or_silent(trend: Any) -> None:
    found = drawn(*trend)
    answered = np.isnan(found["silent"])
    order = np.argsort(trend[1], kind="stable")
    assert answered.tolist() == [trend[0][i].answered for i in order]
    assert found["silent"][~answered].tolist() == [1.0] * int((~answered).sum())
    np.testing.assert_allclose(found["low_T4"][answered], 0, atol=1e-12)
    np.testing.assert_allclose(found["high_O6"][answered], 1)
    for below, above in (("T4", "S5"), ("S5", "O6")):
        np.testing.assert_allclose(found[f"high_{below}"], found[f"low_{above}"])
        low, top = found[f"under_{below}"], found[f"over_{below}"]
        assert ((low <= found[f"high_{below}"]) & (found[f"high_{below}"] <= top))[answered].all()
        assert np.nanmin(low, initial=0) >= 0 and np.nanmax(top, initial=1) <= 1
    for name in ("low_T4", "high_O6", "under_T4"):
        assert np.isnan(found[name][~answered]).all()


def test_no_band_where_the_spread_is_unknown() -> None:
    one = point(0)
    unknown = TrendPoint(**{n: getattr(one, n) for n in TrendPoint.__slots__} | {"spread": {}})
    found = drawn([unknown], [0.0])
    assert np.isnan(found["under_T4"]).all() and np.isfinite(found["high_T4"]).all()


def applied(old: dict[str, Any], new: dict[str, Any], since: tuple[int, int]) -> dict[str, Any]:
    """Do what a page does: patch what changed, add what is new."""
    first, n = since
    return {
        name: np.concatenate([old[name][:first], values[first:n], values[n:]])
        for name, values in new.items()
    }


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


@given(trends(), st.integers(0, 40), st.integers(0, 3))
def test_news_lead_from_the_old_columns_to_the_new(trend: Any, n: int, shift: int) -> None:
    points, x = trend
    n = min(n, len(points))
    old, new = drawn(points[:n], x[:n]), drawn(points, [place + shift // 3 for place in x])
    since = news(old, new)
    if since is None:
        return
    assert since == (n - 1, n)
    assert_same(applied(old, new, since), new)


def test_a_point_more_is_sent_alone() -> None:
    points = [point(n, 0.1 + 0.01 * n, answered=n % 7 > 0) for n in range(60)]
    x = [float(p.scan_id or 0) for p in points]
    for n in range(2, 60):
        old, new = drawn(points[:n], x[:n]), drawn(points[: n + 1], x[: n + 1])
        assert news(old, new) == (n - 1, n)


def test_what_changed_before_the_last_is_sent_anew() -> None:
    points = [point(n) for n in range(5)]
    x = [float(n) for n in range(5)]
    old = drawn(points, x)
    assert news(old, old) == (4, 5)
    changed = [*points[:2], point(2, 0.3), *points[3:]]
    assert news(old, drawn(changed, x)) is None
    assert news(old, drawn([*points[:4], point(4, 0.3)], x)) == (4, 5)
    assert news(old, drawn(points[:4], x[:4])) is None, "a point is gone"
    assert news(drawn([], []), old) is None
    assert news(old, {**old, "more": np.zeros(5)}) is None
    texts = {"x": np.arange(2.0), "said": np.array(["a", "b"], object)}
    assert news(texts, texts | {"said": np.array(["z", "b"], object)}) is None
    assert news(texts, texts | {"said": np.array(["a", "z"], object)}) == (1, 2)


def test_an_empty_trend_has_all_columns() -> None:
    nothing = Stacked(
        CLASSES, np.empty(0), np.empty((0, 3)), np.empty((0, 3)), np.empty(0, np.intp)
    )
    found = columns(nothing, 1.0)
    assert set(found) == set(drawn([point(0)], [0.0])) and not any(map(len, found.values()))

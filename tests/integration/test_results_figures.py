"""Figures of published results: what is in them, and that the same input gives the same bytes."""

from __future__ import annotations

import io
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from results_parts import AWKWARD, FIRST, SECOND, T0, runs, server
from trend_parts import NOT, a_point

from live_lce import RunQuery
from live_lce.results import (
    NOT_ANSWERED,
    spectra,
    spectrum_figure,
    trend_figure,
)
from live_lce.results._figures import provenance_line
from live_lce.results._presentation import LOOKS, decision_words, reason_words
from live_lce.results._stacked import cells

__all__ = ["runs", "server"]  # fixtures


def texts(svg: bytes) -> list[str]:
    return [e.text or "" for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")]


def size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return image.size


def test_a_spectrum_says_what_it_is(runs: Any) -> None:
    (spectrum,) = spectra(runs, RunQuery(uids=(FIRST,)))
    drawn = spectrum_figure(spectrum, window=(-8.0, 10.0))
    said = texts(drawn)
    assert "hematite, scan 7: Fe K edge" in said
    assert "O6: octahedral (6 neighbours), probability 0.88" in said
    assert "E0 7119.5 eV" in said and "model's window" in said and "energy / eV" in said
    (line,) = [text for text in said if FIRST in text]
    assert line == provenance_line(spectrum) and "2025-10-09 08:53:20 UTC" in line
    assert "carbone-cnn-Fe 1.2.0 (sha256 abababababab)" in line
    assert LOOKS["O6"].colour.lower() in drawn.decode().lower()
    assert "model's window" not in texts(spectrum_figure(spectrum))


def test_the_same_figure_is_the_same_bytes(runs: Any) -> None:
    (spectrum,) = spectra(runs, RunQuery(uids=(FIRST,)))
    points = [a_point(n) for n in range(5)]
    for kind in ("svg", "png"):
        assert spectrum_figure(spectrum, kind) == spectrum_figure(spectrum, kind)
        assert trend_figure(points, kind) == trend_figure(points, kind)
    drawn = spectrum_figure(spectrum) + trend_figure(points)
    assert b"metadata" not in drawn  # matplotlib's date would be in it


def test_threads_do_not_disturb_each_other() -> None:
    points = [a_point(n) for n in range(5)]
    inks = ["#111111", "#222222", "#333333", "#444444"]
    alone = {ink: trend_figure(points, ink=ink) for ink in inks}
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda ink: trend_figure(points, ink=ink), inks)
    assert list(together) == [alone[ink] for ink in inks]


def test_awkward_names_are_drawn_as_they_are(runs: Any) -> None:
    (spectrum,) = spectra(runs, RunQuery(uids=(SECOND,)))
    assert spectrum.run.sample == AWKWARD
    title = [text for text in texts(spectrum_figure(spectrum)) if "K edge" in text]
    assert title == [" ".join(AWKWARD.split()) + ": Fe K edge"]
    hostile = "<script>alert(1)</script> ]]> $\\frac{1}{2}$ \x00\x1b & 鉄"
    (title_, *_) = [t for t in texts(trend_figure([a_point(1)], title=hostile)) if "alert" in t]
    assert title_ == "<script>alert(1)</script> ]]> $\\frac{1}{2}$ & 鉄"
    assert b"<script" not in trend_figure([a_point(1)], title=hostile)
    assert size(trend_figure([a_point(1)], "png", title=hostile)) == (1080, 780)
    assert len(max(texts(trend_figure([a_point(1)], title="x" * 500)), key=len)) <= 90


def test_gaps_are_hatched_and_named() -> None:
    points = [a_point(1), a_point(2, **NOT), a_point(3)]
    drawn = trend_figure(points, title="rust, Fe K")
    assert {"not answered", "T4", "O6", "rust, Fe K", "time (UTC)"} <= set(texts(drawn))
    assert NOT_ANSWERED in drawn.decode()
    assert "not answered" not in texts(trend_figure([a_point(1), a_point(3)]))
    against = trend_figure(points, x=[20.0, math.nan, 30.0], x_label="furnace / °C")
    assert "furnace / °C" in texts(against) and "not answered" not in texts(against)


def test_few_points_and_many() -> None:
    assert "no points" in texts(trend_figure([]))
    assert size(trend_figure([a_point(1, **NOT)], "png")) == (1080, 780)
    many = [a_point(n % 9, time=T0 + 60 * n) for n in range(10_000)]
    assert len(trend_figure(many)) < 1_000_000
    unknown = [replace(point, spread={}) for point in many[:3]]
    assert "O6" in texts(trend_figure(unknown))


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="choose of svg, png"):
        trend_figure([a_point(1)], "gif")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one number for 1 points"):
        trend_figure([a_point(1)], x=[1.0, 2.0])


def test_cells_reach_half_way_but_not_far() -> None:
    left, right = cells(np.array([0.0, 1.0, 2.0, 10.0, 11.0]))
    assert left.tolist() == [-0.5, 0.5, 1.5, 8.5, 10.5]
    assert right.tolist() == [0.5, 1.5, 3.5, 10.5, 11.5]
    left, right = cells(np.array([5.0, 5.0]), alone=4.0)
    assert (left.tolist(), right.tolist()) == ([3.0, 5.0], [5.0, 7.0])
    left, right = cells(np.array([1.0, 1.0, 3.0]))
    assert (left.tolist(), right.tolist()) == ([0.0, 1.0, 2.0], [1.0, 2.0, 4.0])
    assert [len(part) for part in cells(np.empty(0))] == [0, 0]


def test_decisions_and_reasons_in_words() -> None:
    assert decision_words("O6", 0.9, "partial", "scan_running").endswith("0.90, provisional")
    undecided = decision_words("", 0.0, "abstain", "low_confidence;spikes", ("O6", "S5"))
    assert undecided == "not answered: low confidence (O6 or S5)"
    assert decision_words("", 0.0, "failed", "") == "not answered: failed"
    assert decision_words("X9", 0.5, "ok", "") == "X9: X9, probability 0.50"
    assert reason_words("too_noisy").startswith("The noise is too large")
    assert "docs/reference/contract.md" in reason_words("of_a_newer_contract")

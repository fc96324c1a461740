"""Reactions, and the score of fractions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from live_lce.sim._scoring import JudgedScan, fraction_score, judged
from live_lce.sim.reaction import Avrami, Reaction, Sigmoid, first_order
from live_lce.sim.score import draw_series

HEMATITE, FERRITE = {"Fe-hematite": 1.0}, {"Fe-BaCaFe4O8": 1.0}


def test_a_sigmoid_is_whole_at_its_ends() -> None:
    curve = Sigmoid(700.0, 920.0)
    values = [curve.converted(x) for x in (600.0, 700.0, 810.0, 920.0, 1000.0)]
    assert values == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0], abs=1e-12)
    rising = [curve.converted(x) for x in np.linspace(700, 920, 50)]
    assert rising == sorted(rising)


def test_avrami_and_first_order() -> None:
    assert first_order(0.01).converted(100.0) == pytest.approx(1 - math.exp(-1))
    growth = Avrami(0.01, 3.0, start=50.0)
    assert growth.converted(50.0) == growth.converted(0.0) == 0.0
    assert growth.converted(150.0) == pytest.approx(1 - math.exp(-1))
    # Avrami's plot, ln(-ln(1 - a)) against ln t, has the exponent as its slope.
    at = [math.log(-math.log(1 - growth.converted(50.0 + t))) for t in (20.0, 80.0)]
    assert (at[1] - at[0]) / math.log(4) == pytest.approx(3.0)


def test_a_reaction_keeps_the_atoms() -> None:
    reaction = Reaction(
        {"Fe-hematite": 0.5, "Fe-BaCaFe4O8": 0.5}, FERRITE, Sigmoid(0.0, 1.0), edge_step=0.3
    )
    for x in np.linspace(-0.5, 1.5, 11):
        sample = reaction.sample(float(x))
        assert sum(sample.fractions.values()) == pytest.approx(1.0)
        assert sample.truth["T4"] == pytest.approx(0.5 + 0.5 * reaction.converted(float(x)))
        assert sample.edge_step == 0.3
    assert reaction.sample(0.0).truth == {"O6": 0.5, "T4": 0.5}


def test_reactions_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        Reaction({"Fe-hematite": 0.5}, FERRITE, Sigmoid(0, 1))
    with pytest.raises(ValueError, match="Fe cannot react to Cr"):
        Reaction(HEMATITE, {"Cr-eskolaite": 1.0}, Sigmoid(0, 1))
    with pytest.raises(ValueError, match="No standard 'Fe-rust'"):
        Reaction({"Fe-rust": 1.0}, FERRITE, Sigmoid(0, 1))
    for make in (lambda: Sigmoid(1, 0), lambda: Avrami(0.0), lambda: Avrami(1.0, -1.0)):
        with pytest.raises(ValueError, match=r"needs first < last|must be above 0"):
            make()


def row(final: int, answered: int, t4: float, s5: float = 0.0) -> dict[str, float]:
    shares = {"p_T4": t4, "p_S5": s5, "p_O6": 1.0 - t4 - s5}
    return {"final": final, "answered": answered, **shares}


def test_fractions_are_scored_by_the_last_answer() -> None:
    scans = [
        judged(0.0, 700.0, {"O6": 1.0}, [row(0, 1, 0.9), row(1, 1, 0.1)]),
        judged(3.0, 720.0, {"O6": 0.5, "T4": 0.5}, [row(1, 1, 0.2, 0.2)]),
        judged(6.0, 740.0, {"T4": 1.0}, [row(1, 0, 0.0)]),
        judged(9.0, 760.0, {"T4": 1.0}, [row(0, 1, 1.0)]),
    ]
    assert [one.answered for one in scans] == [True, True, False, False]
    assert scans[3].predicted == {}
    result = fraction_score(scans)
    assert (result.answered, result.scans, result.coverage) == (2, 4, 0.5)
    assert result.errors == pytest.approx({"T4": 0.2, "S5": 0.1, "O6": 0.1})
    assert result.mean == pytest.approx(0.4 / 3)
    assert "2 of 4 scans answered" in str(result) and "T4 0.20" in str(result)


def test_nothing_answered_is_no_success() -> None:
    nothing = fraction_score([judged(0.0, math.nan, {"T4": 1.0}, [])])
    assert math.isnan(nothing.mean) and nothing.coverage == 0.0 == fraction_score([]).coverage
    assert str(nothing) == "fractions: 0 of 1 scans answered"


@pytest.mark.parametrize("name", ["series.png", "series.svg"])
def test_the_figure_is_drawn(tmp_path: Path, name: str) -> None:
    scans = [
        JudgedScan(
            3.0 * i, 700.0 + i, {"O6": 1 - i / 4, "T4": i / 4}, {"O6": 0.5, "T4": 0.5}, i != 2
        )
        for i in range(5)
    ]
    draw_series(scans, tmp_path / name, "a title")
    content = (tmp_path / name).read_bytes()
    assert content[:4] == b"\x89PNG" if name.endswith("png") else b"not answered" in content

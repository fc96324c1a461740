"""The page on the simulated beamline says what the code does: its numbers, code and modules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from live_lce.sim import _scoring, library, reaction, regions, ring
from live_lce.sim.beamline import Beamline
from live_lce.sim.counting import DARK_RATE
from live_lce.sim.library import Sample
from live_lce.sim.optics import Glitch, Optics
from live_lce.sim.ring import Ring, TopUp

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/explanations/simulator.md").read_text(encoding="utf-8")
LINES = " ".join(PAGE.split())
BEAMLINE, GLITCH = Beamline(), Glitch(7000.0)
SAMPLE = Sample({"Fe-hematite": 1.0})
EFFICIENCIES = BEAMLINE.fluorescence.efficiencies
FOIL_STEP = min(region.step for region in regions.FOIL)

NUMBERS: list[tuple[str, float]] = [
    ("the flux counted in I0 (*{}* per second", BEAMLINE.flux),
    ("h the harmonics (*{}*)", Optics().harmonics),
    ("exp(-t / *{}* s)", Ring().lifetime),
    ("from *{}* mA", ring.NOMINAL_CURRENT),
    ("again each *{}* s", TopUp().interval),
    ("during the last *{}* s", TopUp().duration),
    ("loses *{}* of its flux", TopUp().depth),
    ("a constant offset (*{}* eV)", Optics().offset),
    ("a drift (*{}* eV/h)", Optics().drift),
    ("a backlash (*{}* eV)", Optics().backlash),
    ("(standard deviation *{}* eV)", GLITCH.width),
    ("part of *{}* out of I0", GLITCH.depth),
    ("(1 - *{}*) of that", GLITCH.mismatch),
    ("with FWHM/E = *{}*", library.RESOLUTION),
    ("a dead time d (*{}* s)", BEAMLINE.chambers.dead_time),
    ("ceiling; *{}* counts per second are dark", DARK_RATE),
    ("dwell time (*{}* s)", BEAMLINE.count_time),
    ("their efficiency (*{}*,", EFFICIENCIES[0]),
    ("*0.010*, *{}*, *0.009*", EFFICIENCIES[1]),
    ("*0.011*, *{}*, *0.0095*", EFFICIENCIES[2]),
    ("*0.009*, *{}*) times", EFFICIENCIES[3]),
    ("(1992)). *{}* of the photons", BEAMLINE.fluorescence.background),
    ("and *{}* counts per second are dark. **Foil", BEAMLINE.fluorescence.counting.dark_rate),
    ("an edge step (*{}*)", SAMPLE.edge_step),
    ("at the edge (*{}*)", SAMPLE.matrix),
    ("a Debye-Waller factor of *{}* Å²", library._SIGMA2),
    ("rounded to *{}* decimals", reaction.DECIMALS),
    ("(E - E0) / *{}* eV Å²", regions.KTOE),
    ("steps of its scan: *{}* eV", FOIL_STEP),
    ("the label that at least *{}* of its", library.PURE),
    ("At least *{}* must be right", _scoring.PASS),
]


@pytest.mark.parametrize(("words", "value"), NUMBERS, ids=lambda value: str(value)[:40])
def test_a_number_is_the_code_s(words: str, value: float) -> None:
    before, after = map(re.escape, words.split("{}"))
    found = re.findall(before + r"([-+.\de]+)" + after, LINES)
    assert len(found) == 1, f"{words!r} is not on the page once"
    assert float(found[0]) == pytest.approx(value, rel=1e-6, abs=0)


def test_every_number_in_italics_is_compared() -> None:
    assert len(re.findall(r"(?<!\*)\*[-.\de]+\*(?!\*)", LINES)) == len(NUMBERS)


def test_the_exponents_are_those() -> None:
    below, above, _ = library.exponents("Fe", "K")
    assert (round(above, 1), round(below, 1)) == (-2.6, -2.8)
    assert "for iron -2.6 and -2.8" in LINES


def test_the_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, names)
    assert "Counts(i0=" in capsys.readouterr().out
    indented = re.findall(r"^    (\w*(?:Region|from_bounds)\(.*\))$", PAGE, re.MULTILINE)
    assert len(indented) == 3
    for line in indented:
        assert eval(line, vars(regions).copy())


def test_every_module_of_the_table_exists() -> None:
    folder = Path(library.__file__).parent
    table = PAGE[PAGE.index("| module") : PAGE.index("```python")]
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(named) >= 14
    assert all((folder / f"{name}.py").is_file() for name in named)

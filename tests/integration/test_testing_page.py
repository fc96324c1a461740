"""The code of the page on testing a beamline runs, on the simulated one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine

pytest.importorskip("ophyd", reason="needs the extra `sim`")

from live_lce.sim.devices import IonChambers, Monochromator
from live_lce.sim.library import mixture
from live_lce.sim.plans import xanes
from live_lce.sim.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "test-your-beamline.md"


def test_the_code_on_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live_lce.toml").write_text("")
    server, documents = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(server, names)
    world = World(sample=mixture({"Fe-hematite": 1.0}), seed=1)
    mono, chambers = Monochromator(world, name="mono_energy"), IonChambers(world)
    engine = RunEngine(context_managers=[])
    names["test_our_scan"](engine, xanes([chambers], mono, "Fe", "K", sample="hematite"))
    engine.loop.call_soon_threadsafe(engine.loop.stop)  # which the RunEngine leaves running
    engine._th.join(10)
    engine.loop.close()
    exec(documents, names)
    assert capsys.readouterr().out.split()[-1] == "ok"

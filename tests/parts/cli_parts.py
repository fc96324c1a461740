"""Running the command line in this process, with its exit code and what it printed."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine_parts import make_registry

from live_lce.cli.app import main
from live_lce.testing import xanes_energy, xanes_mu


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as strict JSON."""

        def refuse(token: str) -> None:
            raise AssertionError(f"{token} is no strict JSON")

        return json.loads(self.out, parse_constant=refuse)


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Cli]:
    """Return a function that runs `live-lce` with a model of its own for Fe K."""
    for name in [n for n in os.environ if n.startswith("LIVE_LCE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "models").mkdir()
    make_registry(tmp_path / "models")
    monkeypatch.setenv("LIVE_LCE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("live_lce")
    before = (logger.handlers, logger.level, logger.propagate)

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([*map(str, arguments)])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err + printed.out
        code = caught.value.code
        return Outcome(code if isinstance(code, int) else 0, printed.out, printed.err)

    yield run
    logger.handlers, level, logger.propagate = before
    logger.setLevel(level)


def write_scan(path: Path, white_line: float = 0.6, last: float | None = None) -> Path:
    """Write an XDI file of a synthetic Fe K scan, up to the energy `last` (eV)."""
    energy = xanes_energy()
    mu = xanes_mu(energy, white_line=white_line)
    header = "# XDI/1.0 test\n# Column.1: energy eV\n# Column.2: xmu\n"
    header += "# Element.symbol: Fe\n# Element.edge: K\n# Sample.name: test\n# ///\n# ---\n"
    rows = (f"{e:.3f} {m:.8f}\n" for e, m in zip(energy, mu, strict=True) if e <= (last or 1e9))
    path.write_text(header + "".join(rows))
    return path

"""The tutorials do what they say: their code is run, in order, against a server that they start.

What stands in a block ``text`` behind code must be what that code printed, but for decimals, uids
and the frames of tables.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tutorial_runner import SERVER, blocks, served

pytestmark = pytest.mark.slow

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("uvicorn", reason="needs the extra `server`")

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "tutorials"
PAGES = sorted({*TUTORIALS.glob("*.md")} - {TUTORIALS / "index.md"})
TRAINS = {"train-on-your-standards"}
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b|…")
_DECIMAL = re.compile(r"[-+]?\d+\.\d+")
_FRAME = re.compile(r"[^\w\s.,:;()/%+'\"<>=*#-]|-{2,}")


def loosely(text: str) -> list[str]:
    """Return the words of each line without decimals, uids and frames."""
    plain = _DECIMAL.sub("0", _UID.sub("U", _FRAME.sub(" ", text)))
    return [" ".join(line.split()) for line in plain.splitlines() if line.split()]


def test_there_are_five() -> None:
    assert {page.stem for page in PAGES} == {
        "first-scan", "insitu-series", "move-to-your-beamline", "replay-an-archive",
        "train-on-your-standards",
    }  # fmt: skip
    assert all(len(blocks(page.read_text(encoding="utf-8"))) >= 5 for page in PAGES)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LIVE_LCE_", "XDG_"))}
    root = Path(__file__).resolve().parents[2]
    return kept | {
        "HOME": str(tmp_path_factory.mktemp("home")),
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """Run the server as the tutorials say; all of them say the same."""
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    [command] = {text for page in pages for _, text in blocks(page) if SERVER in text}
    with served(command, tmp_path_factory.mktemp("server"), environment) as port:
        yield port


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs(
    page: Path, tmp_path: Path, environment: dict[str, str], port: str
) -> None:
    if page.stem in TRAINS and importlib.util.find_spec("torch") is None:
        pytest.skip("needs the extra `train`")
    (tmp_path / "work").mkdir()
    runner, result = (
        Path(__file__).parents[1] / "parts" / "tutorial_runner.py",
        tmp_path / "done.json",
    )
    done = subprocess.run(
        [sys.executable, str(runner), str(page), port, str(result)],
        cwd=tmp_path / "work", env=environment, capture_output=True, text=True, check=False,
        timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for block in json.loads(result.read_text()):
        printed = loosely(block["printed"])
        missing = [line for line in loosely(block["expected"]) if line not in printed]
        assert not missing, f"{block['text']}\nprinted\n{block['printed']}"

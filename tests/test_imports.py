"""Imports point one way, modules stay small, and `import live_lce` stays cheap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "live_lce"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Who may import whom, as in docs/explanations/architecture.md; None: everything.
COMMON = {"leaving"}  # text for people: imports nothing of ours
ALLOWED: dict[str, set[str] | None] = {
    "leaving": set(),
    "contract": set(),
    "settings": {"contract"},
    "importing": set(),
    "processes": set(),
    "private_files": set(),
    "spectra": {"contract", "settings", "importing"},
    "classifiers": {"contract", "settings", "spectra", "importing"},
    "analysis": {"contract", "settings", "spectra", "classifiers"},
    "engine": {"contract", "settings", "spectra", "classifiers", "analysis"},
    # The engine's and its parts' types travel in results.
    "publish": {
        *("contract", "settings", "engine.types", "classifiers.types", "spectra.types"),
        "spectra.features",  # norm on the contract's grid
        "private_files",
        "config",  # publish/from_config.py
    },
    "config": {"contract", "settings"},
    # Readers of data files understand names as the engine does (`engine.metadata`).
    "datafiles": {"contract", "settings", "spectra", "engine"},
    "sources": {
        *("contract", "settings", "config", "spectra", "classifiers", "analysis", "engine"),
        *("publish", "processes", "datafiles"),
    },
    "results": {
        *("contract", "publish.connection", "publish.published"),
        "spectra.larch_import",  # results/athena.py
    },
    "dashboard": {
        *("contract", "settings", "spectra", "classifiers", "results"),
        *("publish.connection", "publish.published"),
    },
    "replaying": {
        *("contract", "settings", "config", "spectra", "classifiers", "analysis", "engine"),
        *("publish", "sources", "processes", "private_files"),
    },
    "server": {"private_files", "processes"},
    "labels": set(),
    "datasets": {"contract", "settings", "spectra", "classifiers.card"},
    "evaluation": {"contract", "settings", "spectra", "classifiers", "datasets"},
    "training": {
        *("contract", "settings", "spectra", "classifiers", "datasets", "labels", "processes"),
    },
    "cli": None,
    "__main__": None,
}
# sim makes spectra and beamlines with whatever it needs, but must not know how they are judged.
FORBIDDEN = {"sim": {"engine", "publish", "cli", "analysis"}}
HEAVY = (
    "larch",
    "tiled",
    "onnxruntime",
    "bluesky",
    "scipy",
    "xraydb",
    "databroker",
    "torch",
    "rexafs",
)


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a module imports, also late and for types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name}: relative import"
            found = [node.module]
            if node.module == "live_lce":
                found = [f"live_lce.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        else:
            continue
        yield from (
            name.removeprefix("live_lce.") for name in found if name.startswith("live_lce.")
        )


def _ours(name: str) -> bool:
    top = name.partition(".")[0]
    return (PACKAGE / top).is_dir() or (PACKAGE / f"{top}.py").is_file()


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_point_one_way(path: Path) -> None:
    name = _name(path)
    room = name.partition(".")[0]
    if not room:
        return
    wrong = []
    for imported in filter(_ours, _imports(path)):
        there = imported.partition(".")[0]
        if there == room:
            continue
        allowed = ALLOWED.get(room)
        if allowed is not None and not {there, imported} & (allowed | COMMON):
            wrong.append(imported)
        if there in FORBIDDEN.get(room, set()):
            wrong.append(imported)
    assert wrong == [], f"{name} may not import these, see docs/explanations/architecture.md"


def test_the_product_never_imports_what_is_not_shipped() -> None:
    for top in ("research", "tools", "tests", "benchmarks"):
        assert _at_home({top}) == {}


def _at_home(wanted: set[str]) -> dict[str, set[str]]:
    """Return which modules of ours import which of `wanted`, also late."""
    found: dict[str, set[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names} & wanted
            if tops:
                found.setdefault(_name(path), set()).update(tops)
    return found


def test_one_module_imports_onnxruntime_with_its_telemetry_off() -> None:
    assert list(_at_home({"onnxruntime"})) == ["classifiers.session"]


def test_one_module_starts_processes() -> None:
    starting = {"subprocess", "multiprocessing", "concurrent"}
    # Their texts name no start of a process: pipes and errors, threads, futures as they are done.
    others = {"cli._dashboard", "sources.external_files", "replaying.pool"}
    for name in set(_at_home(starting)) - others - {"processes"}:
        text = (PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert not re.search(r"ProcessPool|get_context|Popen\(|subprocess\.", text), name
    for name in others:
        text = (PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert not re.search(r"get_context|Popen\(|subprocess\.(run|call|check)", text), name


def test_every_room_has_rules() -> None:
    rooms = {_name(path).partition(".")[0] for path in MODULES} - {""}
    assert rooms == {*ALLOWED, *FORBIDDEN}


def test_the_pure_rooms_do_no_io() -> None:
    banned = {"bluesky", "tiled", "threading", "queue", "socket", "httpx", "time", "asyncio"}
    wrong = []
    for path in MODULES:
        room = _name(path).partition(".")[0]
        if room not in {"contract", "settings", "spectra", "engine"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            wrong += [f"{path.name}: {n}" for n in names if n.partition(".")[0] in banned]
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_module_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize(
    "statement", ["import live_lce", "import live_lce.cli.app", "import live_lce.config"]
)
def test_nothing_heavy_at_import(statement: str) -> None:
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "live_lce" in loaded
    assert loaded.isdisjoint(HEAVY)

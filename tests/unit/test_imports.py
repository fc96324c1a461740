"""Imports point one way, modules stay small, and `import live_lce` stays cheap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "live_lce"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Who may import whom, as in docs/explanations/architecture.md; None: everything.
ALLOWED: dict[str, set[str] | None] = {
    "_support": set(),
    "contract": set(),
    "settings": {"contract"},
    "spectra": {"_support", "contract", "settings"},
    "classifiers": {"_support", "contract", "settings", "spectra"},
    "analysis": {"contract", "settings", "spectra", "classifiers"},
    "engine": {"contract", "settings", "spectra", "classifiers", "analysis"},
    "query": {"contract", "engine"},
    "config": {"_support", "contract", "settings"},
    "external": {"_support", "engine"},
    "tiled": {"_support", "contract", "query"},
    # The types of the engine and its parts travel in results; `to_grid` makes the published norm.
    "publish": {
        *("_support", "contract", "settings", "config", "tiled", "records"),
        *("engine._types", "classifiers._types", "spectra._types", "spectra._features"),
    },
    # Readers of data files understand names as the engine does (`engine._metadata`).
    "datafiles": {"contract", "settings", "spectra", "engine"},
    "archives": {
        *("_support", "contract", "settings", "spectra", "engine", "query", "tiled", "datafiles"),
    },
    "records": {"contract", "spectra._types", "classifiers._types", "engine._types"},
    "pipeline": {
        *("settings", "config", "spectra", "classifiers", "engine", "external", "publish"),
        *("tiled",),
    },
    "live": {
        *("_support", "contract", "settings", "config", "classifiers", "engine", "external"),
        *("publish", "pipeline"),
    },
    "replaying": {
        *("_support", "contract", "settings", "config", "spectra", "classifiers", "engine"),
        *("publish", "query", "tiled", "archives", "pipeline", "records"),
    },
    "results": {"_support", "contract", "spectra", "query", "tiled"},
    "dashboard": {
        *("contract", "settings", "spectra", "classifiers", "query", "results", "tiled"),
    },
    "labels": set(),
    "datasets": {"contract", "settings", "spectra", "classifiers._card"},
    "evaluation": {"_support", "contract", "settings", "spectra", "classifiers", "datasets"},
    "training": {"contract", "settings", "spectra", "classifiers", "datasets"},
    # The simulator must not know how its scans are judged.
    "sim": {"contract", "settings", "spectra", "datafiles", "datasets", "results"},
    "testing": {
        *("spectra", "classifiers", "settings", "live", "publish", "results", "tiled", "archives"),
    },
    "cli": None,
    "__main__": {"cli"},
}
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


def _public() -> dict[str, str]:
    """Return the module behind each name of a façade, as its stub states it."""
    found = {}
    for stub in [PACKAGE / "__init__.pyi", *PACKAGE.glob("*/__init__.pyi")]:
        room = _name(stub.with_suffix(".py"))
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = f"{room}.{node.module}".removeprefix(".")
                found |= {f"{room}.{alias.name}".removeprefix("."): module for alias in node.names}
    return found


NAMES = {_name(path): path for path in MODULES}
PUBLIC = _public()


def _home(name: str) -> str:
    """Return the module that a dotted name is from."""
    if name in NAMES:
        return name
    package, _, last = name.rpartition(".")
    if name in PUBLIC:
        inner = f"{PUBLIC[name]}.{last}"
        return _home(inner) if inner in PUBLIC else PUBLIC[name]
    return package


def _imports(path: Path) -> set[str]:
    """Return the modules of ours that a module imports, also late and for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {
            _home(name.removeprefix("live_lce."))
            for name in names
            if name.startswith("live_lce.") and not name.endswith(".__version__")
        }
    assert found <= {*NAMES}, f"{path}: {found - {*NAMES}}"
    return found


GRAPH = {name: _imports(path) for name, path in NAMES.items()}


@pytest.mark.parametrize("name", NAMES)
def test_imports_point_one_way(name: str) -> None:
    room = name.partition(".")[0]
    if not room:
        return
    allowed = ALLOWED[room]
    wrong = [
        imported
        for imported in GRAPH[name]
        if (there := imported.partition(".")[0]) != room
        and allowed is not None
        and not {there, imported} & allowed
    ]
    assert wrong == [], f"{name} may not import these, see docs/explanations/architecture.md"


def test_no_module_imports_itself_through_others() -> None:
    left = {name: set(imported) for name, imported in GRAPH.items()}
    while done := {name for name, imported in left.items() if not imported & {*left}}:
        left = {name: imported for name, imported in left.items() if name not in done}
    circles = {name: imported & {*left} for name, imported in left.items()}
    assert circles == {}


def test_every_module_is_reached_by_a_command_or_a_public_name() -> None:
    # `cli.app` imports commands by name; modules of sim without an underscore are public.
    waiting = {"", "__main__", *PUBLIC.values()}
    waiting |= {name for name in NAMES if name.startswith("cli.") and "._" not in name}
    waiting |= {name for name in NAMES if name.startswith("sim.") and "._" not in name}
    waiting |= {name for name in NAMES if (PACKAGE / f"{name}/__init__.py").is_file()}
    waiting.discard("")
    # `external._files` starts it as a process.
    assert '"live_lce.external._rows"' in NAMES["external._files"].read_text(encoding="utf-8")
    waiting.add("external._rows")
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= GRAPH.get(name, set()) - reached
    assert {*NAMES} - reached - {""} == set()


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
    assert list(_at_home({"onnxruntime"})) == ["classifiers._session"]


def test_one_module_starts_processes() -> None:
    starting = {"subprocess", "multiprocessing", "concurrent"}
    # Their texts name no start of a process: pipes and errors, threads, futures as they are done.
    others = {"cli._dashboard", "external._files", "replaying._pool"}
    for name in set(_at_home(starting)) - others - {"_support.processes"}:
        text = (PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert not re.search(r"ProcessPool|get_context|Popen\(|subprocess\.", text), name
    for name in others:
        text = (PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert not re.search(r"get_context|Popen\(|subprocess\.(run|call|check)", text), name


# The simulated devices have three fronts, which profiles exchange: ophyd, ophyd-async, EPICS.
FRONTS = {"IonChambers", "Monochromator", "FluorescenceDetector", "Furnace", "StorageRing"}


def test_a_class_name_means_one_thing() -> None:
    found: dict[str, list[str]] = {}
    for name, path in NAMES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(name)
    twice = {name: homes for name, homes in found.items() if len(homes) > 1}
    assert {name: homes for name, homes in twice.items() if name not in FRONTS} == {}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_module_defines_a_name_twice(path: Path) -> None:
    names: list[str] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
    assert len(names) == len({*names})


def test_every_room_has_rules() -> None:
    rooms = {_name(path).partition(".")[0] for path in MODULES} - {""}
    assert rooms == {*ALLOWED}


def test_the_pure_rooms_do_no_io() -> None:
    banned = {"bluesky", "tiled", "threading", "queue", "socket", "httpx", "time", "asyncio"}
    wrong = []
    for path in MODULES:
        room = _name(path).partition(".")[0]
        if room not in {"contract", "settings", "spectra", "engine", "query"}:
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

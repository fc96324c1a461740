"""What is public: each façade's names are there when they are used, and say what they are."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

import live_lce

PACKAGE = Path(live_lce.__file__).parent
FACADES = sorted(path.parent for path in PACKAGE.rglob("__init__.pyi"))


def _stated(folder: Path) -> set[str]:
    """Return the names that a façade's stub states."""
    tree = ast.parse((folder / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("folder", FACADES, ids=lambda folder: folder.name)
def test_a_facade_has_what_it_states(folder: Path) -> None:
    name = ".".join(folder.relative_to(PACKAGE.parent).parts)
    room = importlib.import_module(name)
    assert room.__doc__
    assert {*room.__all__} - {"__version__"} == _stated(folder)
    for public in _stated(folder):
        assert not public.startswith("_")
        if find_spec(f"{name}.{public}") is not None:
            continue  # a module: those of sim load EPICS, which this process can do without
        value = getattr(room, public)
        if callable(value) and not hasattr(value, "__origin__"):
            assert value.__doc__, f"{name}.{public} has no docstring"


def test_what_everybody_needs_is_at_the_top() -> None:
    from live_lce import (  # noqa: F401
        AnalysisSettings,
        Engine,
        LiveLCE,
        Registry,
        Result,
        Spectrum,
        analyse,
        replay,
    )

"""Import xraylarch without its side effects on the user's session."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

from live_lce._support.imports import undisturbed


def load_larch_xafs() -> ModuleType:
    """Return `larch.xafs`, imported if it was not yet (2 to 5 s)."""
    return load_larch("xafs")


def load_larch(name: str) -> ModuleType:
    """Return a part of larch, such as ``io``, imported if it was not yet.

    `import larch` switches all warnings of the process off, sets the root logger to WARNING,
    gives it a handler, and makes a folder in the user's home.  A beamline's session must not lose
    its messages for it, and an account without a home that can be written must be able to use it.
    """
    full = f"larch.{name}"
    if full in sys.modules:
        return import_module(full)  # waits for another thread that is at it
    with undisturbed(), _some_home():
        return import_module(full)


@contextmanager
def _some_home() -> Iterator[None]:
    """Let larch take a temporary folder for the home, where that is missing or read-only."""
    pyshortcuts = import_module("pyshortcuts")  # where larch gets the home from
    if _can_be_made(pyshortcuts.get_homedir):
        yield
        return
    before = pyshortcuts.get_homedir
    with tempfile.TemporaryDirectory(prefix="live_lce-") as folder:
        vars(pyshortcuts)["get_homedir"] = lambda *_, **__: folder
        try:
            yield
        finally:
            vars(pyshortcuts)["get_homedir"] = before


def _can_be_made(home: Callable[[], str]) -> bool:
    """Whether larch can make its folder."""
    try:
        (Path(home()) / ".local" / "share").mkdir(mode=0o711, parents=True, exist_ok=True)
    except (OSError, RuntimeError, KeyError):  # read-only; none; that of an unknown user
        return False
    return True

"""Importing larch in a thread takes nothing from those who go on meanwhile."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
USER = """
    import logging, sys, threading, time, warnings
    from live_lce.spectra._larch_import import load_larch_xafs

    root = logging.getLogger()
    root.setLevel(logging.INFO)
    warnings.filterwarnings("always", message="before")
    thread = threading.Thread(target=load_larch_xafs)
    thread.start()
    while "larch" not in sys.modules:
        time.sleep(0.001)
    assert "larch.xafs" not in sys.modules, "too late"
"""


def child(code: str, **environment: str) -> str:
    """Run a session of a user in a process of its own; return what it said."""
    command = [sys.executable, "-c", textwrap.dedent(USER) + textwrap.dedent(code)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_the_user_sets_meanwhile_is_kept() -> None:
    said = child("""
        warnings.filterwarnings("ignore", message="meanwhile")
        root.setLevel(logging.DEBUG)
        warnings.warn("shown meanwhile")
        thread.join()
        texts = [f[1].pattern for f in warnings.filters if f[1] is not None]
        assert "meanwhile" in texts and "before" in texts, warnings.filters
        assert all(f[:3:2] != ("ignore", Warning) or f[1] for f in warnings.filters)
        assert root.level == logging.DEBUG and type(root) is logging.RootLogger
        assert not root.handlers
        warnings.warn("shown after")
        logging.basicConfig(format="mine: %(message)s")
        root.debug("here")
        assert warnings.simplefilter.__module__ == "warnings"
        assert warnings.catch_warnings.__module__ == "warnings"
    """)
    assert "shown meanwhile" in said and "shown after" in said and "mine: here" in said


def test_a_user_who_wants_errors_gets_larch_all_the_same() -> None:
    child("""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            thread.join()
        assert "larch.xafs" in sys.modules
        assert load_larch_xafs().pre_edge
    """)


def test_nobody_else_imports_larch() -> None:
    found = []
    for path in (ROOT / "live_lce").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [path.name for name in names if name.partition(".")[0] == "larch"]
    assert found == []


ANOTHER_ACCOUNT = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]


@pytest.mark.parametrize("home", ["read-only", "none"])
def test_an_account_without_a_home_to_write_in(tmp_path: Path, home: str) -> None:
    """A queueserver's, or a container's; root may write everywhere, so another one is taken."""
    command = ANOTHER_ACCOUNT if os.getuid() == 0 else []
    try:
        subprocess.run([*command, sys.executable, "-c", ""], check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no other account can run this Python")
    (tmp_path / "home").mkdir(mode=0o555)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    environment["HOME"] = str(tmp_path / "home")
    if home == "none":
        del environment["HOME"]
    code = "from live_lce.spectra._larch_import import load_larch_xafs as x; print(x().__name__)"
    done = subprocess.run(
        [*command, sys.executable, "-P", "-c", code],
        capture_output=True, text=True, timeout=120, check=False, env=environment, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "larch.xafs\n"), done.stderr

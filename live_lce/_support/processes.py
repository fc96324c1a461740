"""Start our own Python processes so that they import nothing from the current folder.

``python -m`` and ``python -c`` put the current folder first on the path; whoever can write there
could then run code as the account that scans.  So every process of ours begins here, with ``-P``;
those that are no copy of this one get only the variables of the environment that they need.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

_PASSED_ON = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS"),
    *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "APPDATA", "LOCALAPPDATA"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONHASHSEED"),
    *("HDF5_PLUGIN_PATH", "HDF5_USE_FILE_LOCKING", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
}
_BEGINNINGS = ("LC_", "XDG_")
_ALWAYS = {"PYTHONSAFEPATH": "1", "ORT_DISABLE_TELEMETRY": "1"}
_LOCK = threading.RLock()


def environment(*beginnings: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child.

    Parameters
    ----------
    *beginnings : str
        Of the names of further variables that it needs, such as ``LIVE_LCE_``.
    more : mapping of str, optional
        Variables and their values.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _PASSED_ON or name.upper().startswith((*_BEGINNINGS, *beginnings))
    }
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if absolute := [folder for folder in folders if Path(folder).is_absolute()]:
        kept["PYTHONPATH"] = os.pathsep.join(absolute)
    return kept | dict(more or {}) | _ALWAYS


def start(
    module: str,
    arguments: Sequence[str] = (),
    *,
    environment: Mapping[str, str],
    **options: Any,
) -> subprocess.Popen[Any]:
    """Start a module of ours as a process.

    Parameters
    ----------
    module : str
        For ``python -m``.
    arguments : sequence of str
        After it.
    environment : mapping of str
        All of its environment, see :func:`environment`.
    **options : object
        Of `subprocess.Popen`.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    command = [sys.executable, "-P", "-m", module, *arguments]
    return subprocess.Popen(command, env=dict(environment), **options)


def spawning() -> SpawnContext:
    """Return the context for processes that share work: spawned, not forked.

    Tiled's client, onnxruntime and torch have threads, which a fork does not survive.
    """
    if os.name == "posix":
        with safe_path():  # a helper of the standard library, which lives as long as we do
            resource_tracker.ensure_running()
    return _Context()


def process_pool(
    jobs: int, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
) -> ProcessPoolExecutor:
    """Return a pool of processes, see :func:`spawning`."""
    return ProcessPoolExecutor(jobs, spawning(), initializer, initargs)


@contextmanager
def safe_path() -> Iterator[None]:
    """Let processes that others start leave the current folder alone: multiprocessing, Tiled."""
    with _LOCK:
        before = {name: os.environ.get(name) for name in _ALWAYS}
        os.environ.update(_ALWAYS)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


class _SafeProcess(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 (its name in multiprocessing)
        with safe_path():
            return SpawnProcess._Popen(process_obj)


class _Context(SpawnContext):
    Process = _SafeProcess

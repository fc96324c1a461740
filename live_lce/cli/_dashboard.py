"""Run the dashboard as a process beside a command."""

from __future__ import annotations

import subprocess
import tempfile
import threading

from live_lce._support import processes
from live_lce.cli._output import missing

STARTS_WITHIN = 60.0
"""Seconds; it imports for some of them, and the machine may be busy."""
_SAID = "The dashboard is at "


class DashboardProcess:
    """A dashboard on any port, in a process of its own: a scan must not wait for a page.

    Parameters
    ----------
    uri, api_key : str
        Of the Tiled server; the key is handed on in the environment.

    Attributes
    ----------
    uri : str
        Address of the page; empty where it did not start.
    problem : str
        Why it did not start, in one line.
    """

    def __init__(self, uri: str, api_key: str) -> None:
        self.uri, self.problem = "", ""
        self._process: subprocess.Popen[str] | None = None
        # A pipe that nobody reads fills up.
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        try:
            import bokeh  # noqa: F401
        except ModuleNotFoundError as error:
            self.problem = missing(error)
            return
        served = {
            "LIVE_LCE_TILED__API_KEY": api_key,
            "LIVE_LCE_TILED__PATH": "processed",
            "LIVE_LCE_TILED__RAW_PATH": "raw",
        }
        self._process = processes.start(
            "live_lce",
            ["dashboard", "--tiled", uri, "--port", "0", "--with-parent"],
            environment=processes.environment("LIVE_LCE_", "TILED_", more=served),
            stdin=subprocess.PIPE,  # when it closes, this process is gone, however it ended
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        # A process that hangs is ended: then reading ends too.
        late = threading.Timer(STARTS_WITHIN, self._process.kill)
        late.start()
        line = self._process.stdout.readline() if self._process.stdout else ""
        late.cancel()
        if line.startswith(_SAID):
            self.uri = line.removeprefix(_SAID).strip()
            return
        self._end()
        self._said.seek(0)
        self.problem = (self._said.read().strip().splitlines() or ["it did not start"])[-1]

    def close(self) -> None:
        """End it."""
        self._end()
        self._said.close()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def _end(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

"""Run the code of a tutorial, block by block, in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PORT = "8000"
_BLOCK = re.compile(r"^```(python|bash|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (\w+)=(.+)$", re.MULTILINE)
SERVER = "live-lce serve"


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of the blocks that are run, or are the output of one."""
    return _BLOCK.findall(page)


@contextlib.contextmanager
def served(text: str, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a tutorial's server, on another port; yield that when it listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    command = ["bash", "-euc", text.replace(SERVER, f"exec {SERVER} --port {port}")]
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=environment)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", int(port)), 1),
            ):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def shell(text: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{text}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def python(text: str, names: dict[str, Any], name: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, name, "exec"), names)
    return out.getvalue()


def run(page: Path, port: str) -> list[dict[str, str]]:
    """Run all blocks; return what was run, what it printed and what was expected."""
    done: list[dict[str, str]] = []
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, (language, written) in enumerate(blocks(page.read_text(encoding="utf-8"))):
        text = written.replace(f"localhost:{PORT}", f"localhost:{port}")
        if language == "text":
            done[-1]["expected"] = written
            continue
        began, printed = time.monotonic(), ""
        if language == "python":
            printed = python(text, names, f"{page.name}, block {number}")
        else:
            if SERVER not in text:  # that one runs already, in a shell of its own
                printed = shell(text)
            os.environ.update({k: v.strip("'\"") for k, v in _EXPORT.findall(text)})
        seconds = f"{time.monotonic() - began:.1f}"
        done.append({"text": text, "printed": printed, "expected": "", "seconds": seconds})
    return done


if __name__ == "__main__":
    import ophyd

    ophyd.set_cl("dummy")  # no EPICS here
    result = run(Path(sys.argv[1]), sys.argv[2])
    Path(sys.argv[3]).write_text(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)  # a RunEngine's loop is left running, as in a user's session that ends

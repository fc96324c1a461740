"""A simulated IOC in a process of its own, and sessions that talk to it in theirs.

libca reads its environment when it is loaded: no test loads it into its own process.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SESSION = """
import json, os, sys, threading, time, faulthandler
faulthandler.dump_traceback_later(90, exit=True)
from bluesky import RunEngine
from live_lce import LiveLCE
from live_lce.sim import epics
from live_lce.sim.library import mixture
from live_lce.sim.plans import xanes

devices = epics.simulated(os.environ["IOC_PREFIX"])
detectors = [devices.chambers, devices.fluorescence, devices.furnace]
docs, results = [], []
RE = RunEngine({})
RE.subscribe(lambda name, doc: docs.append((name, doc)))
live = LiveLCE(on_result=results.append)
RE.subscribe(live)

def say(**more):
    live.flush(60)
    live.close(60)
    events = [doc["data"] for name, doc in docs if name == "event" and "I0" in doc["data"]]
    final = [r.prediction for r in results if r.final]
    print(json.dumps({
        "events": events,
        "keys": [doc["data_keys"] for name, doc in docs if name == "descriptor"][0],
        "exit": docs[-1][1].get("exit_status"),
        "final": [(p.status.value, p.label, p.reason) for p in final],
        **more,
    }))
"""


class Ioc(NamedTuple):
    process: subprocess.Popen[str]
    environment: dict[str, str]
    prefix: str


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def command(*arguments: str) -> list[str]:
    code = "from live_lce.cli.app import main; main()"
    return [sys.executable, "-c", code, *arguments]


@contextmanager
def running_ioc(*options: str, prefix: str = "TEST:") -> Iterator[Ioc]:
    """Run ``live-lce sim-ioc`` on a free port until the end, and say how to talk to it."""
    port = str(free_port())
    environment = {
        **os.environ,
        "EPICS_CA_SERVER_PORT": port,
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_REPEATER_PORT": str(free_port()),
        "IOC_PREFIX": prefix,
    }
    process = subprocess.Popen(
        command("sim-ioc", "--port", port, "--prefix", prefix, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C ends it" in line:
                break
        else:
            raise AssertionError("".join(lines))
        yield Ioc(process, environment, prefix)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def session(ioc: Ioc, code: str, cwd: Path, *arguments: str) -> dict[str, Any]:
    """Run Python code after `SESSION` in a process; return what it `say`s."""
    done = subprocess.run(
        [sys.executable, "-c", SESSION + code, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=ioc.environment,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said

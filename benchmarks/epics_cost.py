"""What EPICS costs a point of a scan, next to the soft devices.

Scans the same edge with the soft devices and, through ``live-lce sim-ioc`` in another process
on the same machine, over Channel Access; nothing waits for a dwell time.  Prints medians of a
point and their ratio from one run; then the single operations.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from itertools import pairwise
from statistics import median
from typing import Any

SAMPLE = "V-vuorelainenite"


def free_port() -> str:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def start_ioc() -> subprocess.Popen[str]:
    """Start the IOC, and tell libca, which is not loaded yet, where it is."""
    port = free_port()
    os.environ |= {
        "EPICS_CA_SERVER_PORT": port,
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_REPEATER_PORT": free_port(),
    }
    code = "from live_lce.cli.app import main; main()"
    options = ["--port", port, "--pace", "0", "--sample", SAMPLE]
    ioc = subprocess.Popen(
        [sys.executable, "-c", code, "sim-ioc", *options], stdout=subprocess.PIPE, text=True
    )
    for line in ioc.stdout or ():
        if "Ctrl-C ends it" in line:
            return ioc
    raise SystemExit("the IOC did not start")


def scan(detectors: list[Any], mono: Any) -> list[float]:
    """Run a scan; return the time from each point to the next (ms)."""
    from bluesky import RunEngine

    from live_lce.sim.plans import xanes

    moments: list[float] = []

    def note(name: str, doc: Any) -> None:
        if name == "event":
            moments.append(time.perf_counter())

    RunEngine({})(xanes(detectors, mono, "V", "K", sample=SAMPLE), note)
    return [1000 * (b - a) for a, b in pairwise(moments)]


def timed(action: Any, n: int = 200) -> float:
    """Return the median time of an action (ms)."""
    times = []
    for i in range(n):
        began = time.perf_counter()
        action(i)
        times.append(1000 * (time.perf_counter() - began))
    return median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    ioc = start_ioc()
    try:
        from live_lce.sim import devices, epics
        from live_lce.sim.library import mixture
        from live_lce.sim.world import World

        world = World()
        world.load(mixture({SAMPLE: 1.0}))
        chambers, elements = devices.IonChambers(world), devices.FluorescenceDetector(world)
        soft = [chambers, elements, devices.Furnace(world)]
        mono = devices.Monochromator(world)
        far = epics.simulated()
        near, over = [], []
        for _ in range(repeats):  # in turn, so that a busy machine slows both
            near += scan(soft, mono)
            over += scan([far.chambers, far.fluorescence, far.furnace], far.mono)
        cost = median(over) - median(near)
        print(f"a point, soft devices  {median(near):6.1f} ms (median of {len(near)})")
        print(f"a point, EPICS         {median(over):6.1f} ms (median of {len(over)})")
        print(f"EPICS costs            {cost:6.1f} ms a point, x {median(over) / median(near):.1f}")
        print(f"read one PV            {timed(lambda i: far.chambers.i0.get()):6.2f} ms")
        print(f"move and wait          {timed(lambda i: far.mono.set(5000.0 + i).wait()):6.2f} ms")
        print(f"count and wait         {timed(lambda i: far.chambers.trigger().wait()):6.2f} ms")
        print(f"the same, soft         {timed(lambda i: chambers.trigger().wait()):6.2f} ms")
    finally:
        ioc.terminate()
        ioc.wait()


if __name__ == "__main__":
    main()

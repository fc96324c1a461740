"""The IOC dies at any moment of a scan: the user always hears that, by name, within seconds."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("softioc", reason="needs the extra `epics`")
pytest.importorskip("epics", reason="needs the extra `epics`")

from ioc_parts import running_ioc, session

pytestmark = pytest.mark.timeout(150)

MOMENTS = {
    # prefix: message of the second point before which the IOC dies, s until it goes on, PVs blamed
    "A:": ("set", 0.5, {"A:MONO:ENERGY"}),
    "B:": ("trigger", 0.0, {"B:SCALER:TP", "B:SCALER:CNT"}),
    "C:": ("create", 0.0, {"C:SCALER:I0"}),
    "D:": ("read", 0.5, {"D:SCALER:I0"}),
}
"""After half a second the client has noticed; at once it meets the loss on the way."""

CODE = """
import signal
from bluesky.plans import list_scan

def dying(prefix, pid, command, seconds):
    devices = epics.simulated(prefix)
    RE, docs, points = RunEngine({}), [], []
    def hook(message):
        points.append(message.command == "save")
        if sum(points) == 1 and message.command == command and prefix not in died:
            died.append(prefix)
            os.kill(pid, signal.SIGKILL)
            time.sleep(seconds)
    RE.msg_hook = hook
    began, error = time.monotonic(), None
    try:
        RE(list_scan([devices.chambers, devices.furnace], devices.mono, [7000.0, 7001.0, 7002.0]),
           lambda name, doc: docs.append(doc))
    except Exception as raised:
        error = raised
    chain = []
    while error is not None:
        chain.append([type(error).__name__, str(error)])
        error = error.__cause__
    return {"took": time.monotonic() - began, "chain": chain, "exit": docs[-1]["exit_status"]}

died = []
said = {prefix: dying(prefix, *how) for prefix, how in json.loads(sys.argv[1]).items()}
try:
    devices.mono.stop()
    stopped = ""
except epics.EpicsError as error:
    stopped = str(error)
print(json.dumps([said, stopped]))
os._exit(0)
"""


@pytest.mark.serial
def test_whatever_the_moment(tmp_path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        iocs = dict(
            zip(
                MOMENTS,
                pool.map(
                    lambda prefix: stack.enter_context(
                        running_ioc("--pace", "0", "--sample", "Fe-hematite", prefix=prefix)
                    ),
                    MOMENTS,
                ),
                strict=True,
            )
        )
        addresses = " ".join(
            f"127.0.0.1:{ioc.environment['EPICS_CA_SERVER_PORT']}" for ioc in iocs.values()
        )
        first = next(iter(iocs.values()))
        environment = {**first.environment, "EPICS_CA_ADDR_LIST": addresses}
        how = {prefix: (ioc.process.pid, *MOMENTS[prefix][:2]) for prefix, ioc in iocs.items()}
        said, stopped = session(
            first._replace(environment=environment), CODE, tmp_path, json.dumps(how)
        )
    for prefix, (_, _, pvs) in MOMENTS.items():
        found = said[prefix]
        [error] = [text for kind, text in found["chain"] if kind == "EpicsError"]
        assert error.split(": ")[0] in pvs
        assert "the IOC went away" in error
        assert found["exit"] == "fail"
        assert found["took"] < 15.0  # it would have been ten years; 2 or 3 are usual
    assert stopped.startswith("A:MONO:STOP: the IOC went away")

"""Run ``live-lce sim-ioc``: serve the simulated beamline as EPICS process variables."""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._output import UsageError


def sim_ioc(
    prefix: Annotated[
        str, typer.Option("--prefix", help="Prefix of the names of the process variables.")
    ] = "SIM:",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the counting noise.", min=0)] = 0,
    pace: Annotated[
        float,
        typer.Option(
            "--pace",
            help=(
                "Real seconds for one second of beam time: 1 is real time, 0 is as fast as "
                "possible."
            ),
            min=0.0,
        ),
    ] = 1.0,
    troubles: Annotated[
        str | None,
        typer.Option(
            "--troubles",
            help="Edge, such as Fe:K, around which the beamline is not ideal: glitch, top-up, "
            "harmonics, drift, backlash, offset, dead time.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        str,
        typer.Option(
            "--sample", help="Sample that is first in the beam: standards with fractions."
        ),
    ] = "Fe-hematite",
    port: Annotated[
        int, typer.Option("--port", "-p", help="Port of Channel Access.", min=1, max=65535)
    ] = 5064,
    listen: Annotated[
        str, typer.Option("--listen", help="Address to serve on; 0.0.0.0 for the whole network.")
    ] = "127.0.0.1",
) -> None:
    """Run the simulated beamline as an EPICS Channel Access IOC until Ctrl-C.

    Monochromator, scaler, fluorescence detector, furnace, sample, shutter and ring as
    process variables, see docs/how-to/beamline.md; `live_lce.sim.epics` has the ophyd devices.

    Examples
    --------
        live-lce sim-ioc

        live-lce sim-ioc --pace 0.05 --troubles Fe:K --port 5066
    """
    from live_lce.sim import ioc
    from live_lce.sim.beamline import Beamline, troubled
    from live_lce.sim.world import World

    beamline = Beamline() if troubles is None else troubled(_edge_energy(troubles))
    stop = threading.Event()

    def end(*_: Any) -> None:
        stop.set()

    previous = {kind: signal.signal(kind, end) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        os.environ.update(ioc.environment(port, listen))
        world = World(beamline, seed=seed)
        served = ioc.Ioc(world, prefix=prefix, pace=pace, mixture=sample)
        _output.echo(_welcome(prefix, ioc.connecting(port, listen)))
        stop.wait()
        _output.echo("Stopping.")
        served.close()
    except (ioc.IocError, ValueError) as error:
        raise UsageError(str(error)) from None
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)


def _edge_energy(text: str) -> float:
    import xraydb

    element, _, edge = text.partition(":")
    try:
        return float(xraydb.xray_edge(element, edge or "K").energy)
    except (AttributeError, ValueError):
        raise UsageError(f"--troubles {text}: give an element and an edge, such as Fe:K.") from None


def _welcome(prefix: str, needed: dict[str, str]) -> str:
    exports = " ".join(f"{name}={value}" for name, value in needed.items())
    return f"""The simulated beamline serves {prefix}MONO:ENERGY and others; docs/how-to/beamline.md
lists them.

For clients, in each shell:
  export {exports}
  caget {prefix}RING:CURRENT

For the profile:
  LIVE_LCE_BEAMLINE=epics LIVE_LCE_PREFIX={prefix} ipython --profile-dir=profile_collection

Ctrl-C ends it."""

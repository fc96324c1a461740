"""Run ``live-lce dashboard``: serve a web page of what Tiled holds, live."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Annotated

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, TiledOption
from live_lce.cli._output import UsageError


def dashboard(
    tiled: TiledOption = "",
    host: Annotated[
        str,
        typer.Option(
            help=(
                "Where to listen; 0.0.0.0 for every address of this machine. There is no login:"
                " everyone who reaches the page sees the results."
            )
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "-p", help="Port; 0 for any.", min=0, max=65535)
    ] = 5006,
    prefix: Annotated[
        str, typer.Option(help="Path before every address, behind a proxy: /beamline/live.")
    ] = "",
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "Host, or host:port, in the page's address in a browser, such as that of the "
                "proxy; may be repeated."
            )
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(help="How far back the dashboard shows runs: 12h, 7d.")
    ] = "24h",
    poll: Annotated[
        bool, typer.Option("--poll", help="Ask every second instead of subscribing.")
    ] = False,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when standard input ends.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Serve the dashboard until Ctrl-C: the spectrum as it grows, the trend, why, and the past.

    The dashboard reads from Tiled only. A read-only key is enough, and never reaches the browser.

    Examples
    --------
        live-lce dashboard --tiled http://localhost:8000

        live-lce dashboard --host 0.0.0.0 --prefix /live --origin beamline.example.org
    """
    from live_lce.classifiers import Registry
    from live_lce.cli._query import moment
    from live_lce.config import load_config
    from live_lce.dashboard import Dashboard, DashboardError, DashboardSource

    settings = load_config(config)
    address = tiled or settings.tiled.uri
    if not address:
        raise UsageError(
            "no Tiled server: give --tiled, or set tiled.uri in the configuration "
            "(LIVE_LCE_TILED__URI)"
        )
    begun = moment(since, "--since", now=0.0)
    if begun is None or begun >= 0:
        raise UsageError(f"--since {since}: give how long ago, such as 12h or 7d")
    source = DashboardSource(
        address,
        settings.key_for(tiled),
        settings.tiled.path,
        settings.tiled.raw_path,
        streaming=not poll,
    )
    stop = threading.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: stop.set())
    if with_parent:
        threading.Thread(target=_end_with_input, args=(stop,), daemon=True).start()
    try:
        page = Dashboard(
            source,
            Registry.beside_shipped(settings.models),
            host=host,
            port=port,
            prefix=prefix,
            origins=origin or (),
            window=-begun,
        )
    except DashboardError as error:
        _output.echo(f"live-lce: {error}", err=True)
        raise typer.Exit(1) from None
    _output.echo(f"The dashboard is at {page.uri}\nCtrl-C ends it.")
    stop.wait()
    page.close()


def _end_with_input(stop: threading.Event) -> None:
    """Stop when whoever started this process is gone, however it ended."""
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            continue
    stop.set()

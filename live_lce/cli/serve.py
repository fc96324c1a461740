"""``live-lce serve``: a Tiled server set up right, in the foreground."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from live_lce.cli._options import ConfigOption


def serve(
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where databases, arrays and logs stay.")
    ] = Path("live_lce_tiled"),
    port: Annotated[
        int, typer.Option("--port", "-p", help="Port; 0 for any.", min=0, max=65535)
    ] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            envvar="LIVE_LCE_TILED__API_KEY",
            help="Secret, letters and digits; generated if not given.",
        ),
    ] = None,
    readable: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of files that detectors write and raw runs refer to; repeatable."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Run a Tiled server for raw and analysed runs until Ctrl-C.

    It is writable, streams to subscribers, exports documents, and listens on
    this machine only.

    Examples
    --------
        live-lce serve

        LIVE_LCE_TILED__API_KEY=secret live-lce serve --directory data --port 8010
    """
    from live_lce.config import load_config
    from live_lce.private_files import Access
    from live_lce.server import EmbeddedTiled, ServerError

    access = Access(load_config(config).publish.group)
    os.umask(0o007 if access.group else 0o077)  # what the server makes is no one else's
    stop = threading.Event()

    def end(*_: Any) -> None:
        stop.set()

    previous = {kind: signal.signal(kind, end) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        with EmbeddedTiled(
            directory, port=port, api_key=api_key, readable=readable or (), access=access
        ) as server:
            typer.echo(_welcome(server.uri, server.api_key, server.directory))
            stop.wait()
            typer.echo("Stopping.")
    except ServerError as error:
        typer.echo(f"live-lce: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)


def _welcome(uri: str, api_key: str, directory: Path) -> str:
    return f"""Tiled serves {directory}
  address  {uri}
  API key  {api_key}
  browser  {uri}?api_key={api_key}

For live_lce, in each shell:
  export LIVE_LCE_TILED__URI={uri} LIVE_LCE_TILED__API_KEY={api_key}
  live-lce check

From Python:
  from tiled.client import from_uri
  runs = from_uri("{uri}", api_key="{api_key}")["processed"]

Ctrl-C ends it; the data stay."""

"""Run ``live-lce serve``: run a Tiled server that is set up for live_lce."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption


def serve(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Folder of the databases, arrays and logs.")
    ] = Path("live_lce_tiled"),
    port: Annotated[
        int, typer.Option("--port", "-p", help="Port; 0 for any.", min=0, max=65535)
    ] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            envvar="LIVE_LCE_TILED__API_KEY",
            help=(
                "Secret, letters and digits; generated if not given. Everybody on this machine "
                "can read it on the command line."
            ),
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option("--api-key-file", help="File with the secret; - for standard input."),
    ] = None,
    readable: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of files that detectors write and raw runs refer to; may be repeated."
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
    key, generated = _key(context, api_key, api_key_file)
    _output.echo(
        f"Starting a Tiled server in {directory.resolve()}: some seconds, on a busy machine more"
    )
    sys.stdout.flush()
    from live_lce._support.private_files import Access
    from live_lce.config import load_config
    from live_lce.tiled import EmbeddedTiled, ServerError

    access = Access(load_config(config).publish.group)
    os.umask(0o007 if access.group else 0o077)  # what the server makes is no one else's
    stop = threading.Event()

    def end(*_: Any) -> None:
        stop.set()

    previous = {kind: signal.signal(kind, end) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        with EmbeddedTiled(
            directory, port=port, api_key=key, readable=readable or (), access=access
        ) as server:
            welcome = _welcome(server.uri, server.api_key, server.directory, generated)
            _output.echo(welcome, secret=generated)
            sys.stdout.flush()
            stop.wait()
            _output.echo("Stopping.")
    except ServerError as error:
        _output.echo(f"live-lce: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)


def _key(context: typer.Context, given: str | None, file: Path | None) -> tuple[str | None, bool]:
    """Return the secret, and whether it is to be made up (and then to be told)."""
    if file is not None:
        try:
            text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _output.UsageError(f"--api-key-file {file}: cannot be read ({error})") from None
        if not text.strip():
            raise _output.UsageError(f"--api-key-file {file}: holds no key")
        return text.strip(), False
    source = context.get_parameter_source("api_key")
    if given is not None and source is not None and source.name == "COMMANDLINE":
        _output.note(_output.KEY_IS_SEEN)
    return given, given is None


def _welcome(uri: str, api_key: str, directory: Path, generated: bool) -> str:
    if not generated:
        return f"""Tiled serves {directory}
  address  {uri}
  API key  as given

For live_lce, in each shell, with the key in LIVE_LCE_TILED__API_KEY:
  export LIVE_LCE_TILED__URI={uri}
  live-lce check

Ctrl-C ends it; the data stay."""
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

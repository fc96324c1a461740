"""``live-lce republish``: send what waits on disk to Tiled."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from live_lce.config import ConfigError, load_config


def republish(
    directory: Annotated[
        Path | None,
        typer.Argument(help="Folder of spooled runs; by default `publish.spool`."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file (TOML).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Send the analysis runs that wait on disk to Tiled, each once.

    Files are removed when Tiled has their runs. Ends with 1 if some stay.

    Examples
    --------
        live-lce republish

        live-lce republish /data/spool --json
    """
    from live_lce.publish.connection import Connection, explain
    from live_lce.publish.republish import republish as send

    try:
        found = load_config(config)
    except ConfigError as error:
        typer.echo(f"live-lce: {error}", err=True)
        raise typer.Exit(2) from None
    folder = directory or found.publish.spool
    if directory is not None and not directory.is_dir():
        typer.echo(
            f"live-lce: {directory} is no folder: give the folder of spooled runs.", err=True
        )
        raise typer.Exit(2)
    if not found.tiled.uri:
        typer.echo("live-lce: no Tiled server is configured: set `tiled.uri`.", err=True)
        raise typer.Exit(2)
    key = found.tiled.api_key
    connection = Connection(
        found.tiled.uri, api_key=key.get_secret_value() if key else None, path=found.tiled.path
    )
    try:
        report = send(folder, connection.container())
    except Exception as error:
        typer.echo(f"live-lce: {explain(error)}", err=True)
        raise typer.Exit(1) from None
    finally:
        connection.close()
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
    elif not any(asdict(report).values()):
        typer.echo(f"0 sent: nothing waits in {folder}.")
    else:
        typer.echo(
            f"{report.published} sent ({report.rewritten} replaced a half, {report.closed} closed "
            f"as aborted), {report.skipped} in Tiled already, {report.in_use} being written now, "
            f"{len(report.failed)} left."
        )
        for name, why in report.failed.items():
            typer.echo(f"  {name}: {why}")
    if report.failed:
        raise typer.Exit(1)

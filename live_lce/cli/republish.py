"""Run ``live-lce republish``: send what waits on disk to Tiled."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption, TiledOption


def republish(
    directory: Annotated[
        Path | None,
        typer.Argument(help="Folder of spooled runs; by default `publish.spool`."),
    ] = None,
    tiled: TiledOption = "",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Send the analysis runs that wait on disk to Tiled, each once.

    Each file is removed when Tiled has its run. The exit code is 1 if some stay.

    Examples
    --------
        live-lce republish

        live-lce republish /data/spool --json
    """
    from live_lce.cli._publishing import server_address
    from live_lce.config import load_config
    from live_lce.publish import republish as send
    from live_lce.tiled import Connection, explain

    found = load_config(config)
    folder = directory or found.publish.spool
    if directory is not None and not directory.is_dir():
        raise _output.UsageError(f"{directory} is no folder: give the folder of spooled runs")
    connection = Connection(
        server_address(found, tiled),
        api_key=found.key_for(tiled),
        path=found.tiled.path,
    )
    try:
        report = send(folder, connection.container())
    except Exception as error:
        _output.note(f"live-lce: {explain(error)}")
        raise typer.Exit(_output.FAILED) from error
    finally:
        connection.close()
    if json:
        _output.print_json(asdict(report))
    elif not any(asdict(report).values()):
        _output.echo(f"0 sent: nothing waits in {folder}.")
    else:
        _output.echo(
            f"{report.published} sent ({report.rewritten} replaced a half, {report.closed} closed "
            f"as aborted), {report.skipped} in Tiled already, {report.in_use} being written now, "
            f"{len(report.failed)} left."
        )
        for name, why in report.failed.items():
            _output.echo(f"  {name}: {why}")
    if report.failed:
        raise typer.Exit(_output.FAILED)

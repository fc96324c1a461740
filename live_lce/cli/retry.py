"""Run ``live-lce retry``: process failed raw runs again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption, TiledOption

if TYPE_CHECKING:
    from live_lce.replaying._retry import Retried


def retry(
    directory: Annotated[
        Path | None,
        typer.Argument(help="Folder of dead letters; by default `publish.dead_letter`."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            help="Archive, as in `replay`, for runs that are incomplete in their files.",
        ),
    ] = None,
    tiled: TiledOption = "",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Analyse raw runs again that live_lce could not process completely, and publish them.

    Live scans and replays keep such runs as dead letters.  After an upgrade or a repair
    this command makes the lost predictions; they supersede what was published of the run.
    It removes the files of runs that now work, and leaves the others as they are: delete a file
    to give up its run.  The exit code is 1 if some stay.

    Examples
    --------
        live-lce retry

        live-lce retry --source databroker:bmm

        live-lce retry /data/dead-letter --json
    """
    from live_lce.cli._publishing import report, server_address
    from live_lce.config import load_config
    from live_lce.replaying import Setup
    from live_lce.replaying._candidates import opened
    from live_lce.replaying._retry import Retry

    found = load_config(config)
    folder = directory or found.publish.dead_letter
    if directory is not None and not directory.is_dir():
        raise _output.UsageError(f"{directory} is no folder: give the folder of dead letters")
    setup = Setup(found, server_address(found, tiled))
    done: list[Retried] = []
    with ExitStack() as stack:
        archives = [stack.enter_context(closing(opened(s, setup))) for s in source or ()]
        attempt = Retry(setup, archives)
        try:
            for one in attempt(folder):
                done.append(one)
                if not json:
                    _output.echo(f"{one.path.name}: {one.said}")
        finally:
            counters = attempt.close()
    if json:
        _output.print_json({"retried": _rows(done), "published": dict(counters)})
    elif not done:
        _output.echo(f"0 retried: nothing waits in {folder}.")
    published = report(counters) if done else True
    if not published or not all(one.removed for one in done):
        raise typer.Exit(_output.FAILED)


def _rows(done: Sequence[Retried]) -> list[dict[str, Any]]:
    return [
        {
            "file": str(one.path),
            "uid": one.uid,
            "status": one.status.value,
            "said": one.said,
            "removed": one.removed,
        }
        for one in done
    ]

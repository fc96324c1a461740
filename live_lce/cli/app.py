"""Run the command line ``live-lce``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from live_lce._support.text import has_key
from live_lce.cli import _output, classify, config, models, presets, replay

EPILOG = (
    "Exit codes: 0 success (also if spectra got no answer), "
    "1 something failed or could not be read, 2 the command or the configuration is wrong."
)

app = typer.Typer(
    name="live-lce",
    help="Local chemical environments from XANES, while the scan is still running.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from live_lce import __version__

        typer.echo(f"live_lce {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and more messages.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Local chemical environments from XANES, while the scan is still running."""
    if debug:
        os.environ["LIVE_LCE_DEBUG"] = "1"
    _output.quiet_logging()
    if any(map(has_key, sys.argv[1:])):
        _output.note(_output.KEY_IS_SEEN)


def _register(name: str) -> None:
    """Add a command of a module of its own; if it cannot be imported, one that says why."""
    try:
        function = getattr(import_module(f"live_lce.cli.{name}"), name)
    except ModuleNotFoundError as error:
        function = _unavailable(error)
    app.command(name.replace("_", "-"), epilog=EPILOG)(function)


def _unavailable(error: ModuleNotFoundError) -> Callable[[], None]:
    def command() -> None:
        raise error

    command.__doc__ = f"Not available: {_output.missing(error)}"
    return command


for _name in ("demo", "sim_ioc", "serve", "check"):
    _register(_name)
app.command("classify", epilog=EPILOG)(classify.classify)
app.command("replay", epilog=EPILOG)(replay.replay)
_register("republish")
_register("retry")
_register("results")
_register("export")
_register("report")
_register("dashboard")
for _name in ("evaluate", "train", "label"):
    _register(_name)
app.add_typer(models.app, name="models")
app.command("presets", epilog=EPILOG)(presets.presets)
app.add_typer(config.app, name="config")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leaves with an exit code and never with a traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    try:
        app(args=None if arguments is None else list(arguments))
    except Exception as error:
        _output.die(error)

"""Run ``live-lce check``: test whether everything is in place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from live_lce._support.private_files import Access
from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption
from live_lce.config import Config, ConfigError, load_config, state_folder
from live_lce.tiled import Check, tiled_checks
from live_lce.tiled._checks import tried, wait_for


def check(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for a Tiled server that is being started.", min=0)
    ] = 30.0,
) -> None:
    """Check that everything is in place: Tiled, models, larch, onnxruntime, spool.

    Failures come first, and each line says what to do.  The exit code is 1 if something fails.

    Examples
    --------
        live-lce check

        live-lce check --json | jq '.[] | select(.state != "ok")'
    """
    try:
        found = load_config(config)
    except ConfigError as error:
        _output.echo(f"live-lce: {error}", err=True)
        raise typer.Exit(2) from None
    checks = sorted(all_checks(found, wait), key=lambda c: _ORDER.index(c.state))
    if as_json:
        _output.print_json([asdict(c) for c in checks])
    else:
        _show(checks)
    if any(c.state == "fail" for c in checks):
        raise typer.Exit(1)


_ORDER = ("fail", "warn", "ok")


def all_checks(config: Config, wait: float = 0.0) -> Iterator[Check]:
    """Try everything that the configuration names.

    Parameters
    ----------
    config : Config
        The configuration.
    wait : float
        Seconds to wait for a Tiled server that does not answer yet.

    Yields
    ------
    Check
        One by one.
    """
    yield tried("larch", _larch)
    yield tried("onnxruntime", _onnxruntime)
    yield from _models(config.models)
    yield from _folders(config)
    yield _waiting("spooled runs", config.publish.spool, "send them with live-lce republish")
    yield _waiting(
        "dead letters",
        config.publish.dead_letter,
        "runs that could not be processed; after an upgrade get them with live-lce retry",
    )
    if config.tiled.uri:
        uri = config.tiled.uri
        wait_for(uri, wait, lambda: _output.note(f"Waiting {wait:g} s at most for Tiled at {uri}"))
        yield from tiled_checks(config.tiled.uri, config.key_for(), config.tiled.path)
    else:
        yield Check(
            "Tiled", "warn", "None is configured: set `tiled.uri`, or start one: live-lce serve."
        )


def _larch() -> str:
    from importlib.metadata import version

    from live_lce.spectra._larch_import import load_larch_xafs

    return f"xraylarch {version('xraylarch')}, {load_larch_xafs().pre_edge.__name__} can be used"


def _onnxruntime() -> str:
    from live_lce.classifiers._session import load_onnxruntime

    onnxruntime = load_onnxruntime()
    providers = ", ".join(onnxruntime.get_available_providers())
    return f"onnxruntime {onnxruntime.__version__}: {providers}"


def _models(folder: Path | None) -> Iterator[Check]:
    from live_lce.classifiers import Registry

    registry = Registry.beside_shipped(folder)
    for damaged in registry.damaged():
        yield Check("models", "fail", str(damaged))
    cards = registry.cards()
    if not cards:
        yield Check(
            "models", "fail", f"There is none in {registry.folders[-1]}: install live_lce again."
        )
    for card in cards:
        result = tried("models", lambda card=card: registry.session(card).provider)  # type: ignore[misc]
        if result.state == "ok":
            result = Check("models", "ok", f"{card.name} {card.version} on {result.detail}")
        yield result


def _folders(config: Config) -> Iterator[Check]:
    """Try what has to be written: a service's account may have no home, or a read-only one."""
    from live_lce._support.private_files import open_to_others
    from live_lce.publish._from_config import access_from

    access = access_from(config)
    folders = {
        "spool": (config.publish.spool, "`publish.spool`"),
        "dead-letter folder": (config.publish.dead_letter, "`publish.dead_letter`"),
        "state folder": (state_folder(), "XDG_STATE_HOME, or HOME"),
    }
    for name, (folder, setting) in folders.items():
        result = tried(name, lambda f=folder, s=setting: _writable(f, s, access))  # type: ignore[misc]
        if result.state == "ok" and open_to_others(folder):
            words = f"{folder} is open to everybody on this machine: chmod o-rwx {folder}"
            result = Check(name, "warn", words)
        yield result


def _writable(folder: Path, setting: str, access: Access) -> str:
    try:
        access.folder(folder)
        with tempfile.TemporaryFile(dir=folder) as handle:
            handle.write(b"{}\n")
    except OSError as error:
        raise RuntimeError(
            f"{folder} cannot be written ({error.strerror}): set {setting}."
        ) from error
    return f"{folder} can be written"


def _waiting(name: str, folder: Path, what_to_do: str) -> Check:
    from live_lce.publish._spool import in_use, waiting

    files = waiting(folder)
    idle = [path for path in files if not in_use(path)]
    if not idle:
        return Check(name, "ok", f"none waits ({len(files)} being written)")
    return Check(name, "warn", f"{len(idle)} wait in {folder}: {what_to_do}")


def _show(checks: list[Check]) -> None:
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    rows = [
        (f"[{colours[item.state]}]{item.state}[/]", item.name, escape(item.detail))
        for item in checks
    ]
    _output.console().print(_output.table("", ("", "what", "found"), rows))

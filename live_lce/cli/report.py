"""Run ``live-lce report``: write a series as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, TiledOption
from live_lce.cli._output import UsageError
from live_lce.cli._results import (
    AbsorberOption,
    AllOption,
    LabelOption,
    SampleOption,
    SinceOption,
    StatusOption,
    UidsArgument,
    UntilOption,
    Wanted,
    wanted,
)


def report(
    target: Annotated[Path, typer.Argument(help="File to write: NAME.html.")],
    uids: UidsArgument = None,
    since: SinceOption = "",
    until: UntilOption = "",
    sample: SampleOption = "",
    absorber: AbsorberOption = "",
    label: LabelOption = "",
    status: StatusOption = "",
    everything: AllOption = False,
    against: Annotated[
        str,
        typer.Option(
            help=(
                "Recorded signal to draw the trend against, such as start.scan_id or "
                "primary.furnace_temperature; by default time."
            )
        ),
    ] = "",
    title: Annotated[
        str, typer.Option(help="Title of the page; by default made from the selection.")
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that exists.")
    ] = False,
    tiled: TiledOption = "",
    config: ConfigOption = None,
) -> None:
    """Write a report of a series: one HTML file that needs nothing else.

    The report holds a summary, the trend, the spectra, what to do about each remark, the models
    with their cards, settings, versions, and the uids of all raw runs.  It has no script and
    loads nothing, and is made for the screen, light or dark, and for paper.

    Examples
    --------
        live-lce report hematite.html --sample hematite

        live-lce report hot.html --sample hematite --against primary.furnace_temperature

        live-lce report week.html --since 7d --absorber Fe --title "Ferrites, week 47"
    """
    from live_lce.results import report as made
    from live_lce.results._report import NothingFoundError

    found = wanted(
        uids=uids or (), since=since, until=until, sample=sample, absorber=absorber, label=label,
        status=status, everything=everything, tiled=tiled, config=config,
    )  # fmt: skip
    if target.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{target}: give a name in .html")
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists: choose another name, or --overwrite it")
    try:
        page = made(
            found.uri,
            found.query,
            attempts=found.attempts,
            api_key=found.api_key,
            path=found.path,
            title=title,
            cards=_cards(config),
            axis=partial(_signal, against, found, config) if against else None,
            axis_label=against,
        )
    except NothingFoundError as error:
        _output.note(f"{error}.")
        raise typer.Exit(_output.FAILED) from None
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    _output.note(f"{target} written ({len(page) / 1e6:.1f} MB)")


def _signal(name: str, found: Wanted, config: Path | None, uids: Sequence[str]) -> dict[str, float]:
    """Return a recorded signal of raw runs; say which there are if none of them has it."""
    from live_lce.config import load_config
    from live_lce.results import open_runs, signal_names, signal_values

    path = load_config(config).tiled.raw_path
    with open_runs(found.uri, api_key=found.api_key, path=path) as raw:
        values = signal_values(raw, uids, name)
        if not values:
            there = ", ".join(signal_names(raw, uids[-1])) or "none"
            raise UsageError(f"--against {name}: no run recorded it; the newest recorded {there}")
    return values


def _cards(config: Path | None) -> dict[str, dict[str, Any]]:
    """Return the cards of the installed models as JSON, by their sha256."""
    from live_lce.classifiers import Registry
    from live_lce.config import load_config

    cards = Registry.beside_shipped(load_config(config).models).cards()
    return {card.sha256: card.model_dump(mode="json", exclude={"training"}) for card in cards}

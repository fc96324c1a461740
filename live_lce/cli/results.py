"""Run ``live-lce results``: print a table of what was published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from live_lce._support.text import csv_cell
from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption, TiledOption
from live_lce.cli._output import number, styled
from live_lce.cli._results import (
    AbsorberOption,
    AllOption,
    LabelOption,
    SampleOption,
    SinceOption,
    StatusOption,
    UidsArgument,
    UntilOption,
    wanted,
)

if TYPE_CHECKING:
    import pandas as pd

_WIDE = 120
"""Columns of a terminal on which there is room for what was used."""


def results(
    uids: UidsArgument = None,
    since: SinceOption = "",
    until: UntilOption = "",
    sample: SampleOption = "",
    absorber: AbsorberOption = "",
    label: LabelOption = "",
    status: StatusOption = "",
    predictions: Annotated[
        bool,
        typer.Option("--predictions", help="Show one row for each prediction, with all columns."),
    ] = False,
    everything: AllOption = False,
    csv: Annotated[Path | None, typer.Option(help="Write the whole table to this file.")] = None,
    json: JsonOption = False,
    tiled: TiledOption = "",
    config: ConfigOption = None,
) -> None:
    """Show what was published to Tiled, one row a run.

    If a spectrum has several analyses, only the one that counts is shown.  A read-only API
    key is enough.

    Examples
    --------
        live-lce results --since 7d

        live-lce results --sample hematite --predictions --csv hematite.csv

        live-lce results --label O6 --absorber Fe --json
    """
    from live_lce.results import _tables as tables

    found = wanted(
        uids=uids or (), since=since, until=until, sample=sample, absorber=absorber, label=label,
        status=status, everything=everything, tiled=tiled, config=config,
    )  # fmt: skip
    read = tables.predictions if predictions else tables.analyses
    frame = read(
        found.uri,
        found.query,
        attempts=found.attempts,
        api_key=found.api_key,
        path=found.path,
    )
    if csv is not None:
        try:
            _spreadsheet_safe(frame).to_csv(csv)
        except OSError as error:
            raise _output.UsageError(f"{csv} cannot be written: {error.strerror}") from None
        _output.note(f"{len(frame)} rows written to {csv}")
    if json:
        _output.print_json(_records(frame))
    elif csv is None:
        _show(frame, predictions=predictions)


def _spreadsheet_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table without texts that a spreadsheet would take for formulas."""
    texts = frame.select_dtypes(include=["string", "object"]).columns
    return frame.assign(**{name: frame[name].map(csv_cell, na_action="ignore") for name in texts})


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values; times in ISO 8601, what is unknown as None."""
    rows = frame.reset_index().to_dict("records")
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    import pandas as pd

    if pd.isna(value):
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def _show(frame: pd.DataFrame, *, predictions: bool) -> None:
    if frame.empty:
        _output.note("Nothing was found.")
        return
    names = ["started (UTC)", "raw run", "scan", "sample", "edge", "status", "label", "conf."]
    last = "reason" if predictions else "model"
    console = _output.console()
    wide = console.width >= _WIDE
    rows = []
    for row in _records(frame):
        begun = row["started"] or row["time"]
        open_run = not predictions and not row["complete"] and not row["status"]
        rows.append(
            (
                begun[:19].replace("T", " "),
                escape(row["raw_uid"][:8]),
                "-" if row["scan_id"] is None else str(row["scan_id"]),
                escape(row["sample"]) or "-",
                f"{row['absorber']} {row['edge']}".strip() or "-",
                "open" if open_run else styled(row["status"]),
                row["label"] or "-",
                number(row["confidence"]) if row["label"] else "-",
                *([escape(row["used"]) or "-"] if wide else []),
                row[last] or "-",
                "" if not row["superseded_by"] else f"superseded by {row['superseded_by'][:8]}",
            )
        )
    shown = any(row[-1] for row in rows)  # nothing is superseded where only what counts is shown
    columns = [*names, *(["used"] if wide else []), last, *(["counts"] if shown else [])]
    console.print(_output.table("", columns, [row[: len(columns)] for row in rows]))

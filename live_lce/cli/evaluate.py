"""Run ``live-lce evaluate``: measure how good the models are on labelled spectra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption
from live_lce.cli._output import UsageError

if TYPE_CHECKING:
    from live_lce.evaluation import Choice

ROWS = ".csv, .jsonl or .parquet"


def evaluate(
    data: Annotated[
        Path, typer.Argument(help="A Parquet file, a folder of them, or one with index.csv.")
    ],
    model: Annotated[
        str,
        typer.Option(
            help="Family or model, see `live-lce models list`; by default the configured family."
        ),
    ] = "",
    json: JsonOption = False,
    rows: Annotated[
        Path | None, typer.Option(help=f"Write the prediction on each row, as {ROWS}.")
    ] = None,
    which: Annotated[str, typer.Option("--set", help="Set of an index.csv to read.")] = "main",
    reference: Annotated[
        Path | None, typer.Option(help="Labelled spectra for the nearest-neighbour baseline.")
    ] = None,
    curves: Annotated[
        bool,
        typer.Option(
            "--curves/--no-curves", help="Also evaluate shortened scans and scans with added noise."
        ),
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of intervals and noise.")] = 0,
    config: ConfigOption = None,
) -> None:
    """Judge a model on labelled spectra, each by the members that did not see it.

    Examples
    --------
        live-lce evaluate standards/

        live-lce evaluate spectra.parquet --model carbone-cnn --json --rows rows.csv

        live-lce evaluate standards/ --reference computed/ --no-curves
    """
    from live_lce.cli._evaluation import file_reader, print_evaluation
    from live_lce.config import load_config
    from live_lce.datasets import read_labelled
    from live_lce.evaluation import _evaluate as evaluation, as_values
    from live_lce.evaluation._rows_file import SUFFIXES, write_rows

    if rows is not None and rows.suffix not in SUFFIXES:
        raise UsageError(f"--rows {rows}: end it in {ROWS}")
    if rows is not None and not rows.resolve().parent.is_dir():
        raise UsageError(f"--rows {rows}: there is no folder {rows.parent}")
    for path in (data, reference):
        if path is not None and not path.exists():
            raise UsageError(f"{path}: no such file or folder: check the path")
    loaded = load_config(config)
    read = file_reader(loaded.analysis.signals)
    choice = _choice(loaded.models, model or loaded.analysis.classification.family)
    found = evaluation.evaluate(
        read_labelled(data, which, read),
        choice,
        loaded.analysis,
        reference=None if reference is None else read_labelled(reference, read=read),
        curves=curves,
        seed=seed,
        tell=_output.note,
    )
    if rows is not None:
        write_rows(rows, found)
    about = {"path": str(data), "set": which, "family": choice.family, "seed": seed}
    values = as_values(found, about, "" if reference is None else str(reference))
    if json:
        _output.print_json(values)
    else:
        print_evaluation(values)
    if any(one.prediction.status.value == "failed" for one in found.judged):
        _output.note("a model failed: see `live-lce models list`")
        raise typer.Exit(_output.FAILED)


def _choice(folder: Path, name: str) -> Choice:
    from live_lce.classifiers import Registry
    from live_lce.evaluation import choose
    from live_lce.evaluation._choice import ModelNotFoundError

    try:
        return choose(Registry.beside_shipped(folder), name)
    except ModelNotFoundError as error:
        raise UsageError(str(error)) from None

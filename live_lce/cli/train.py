"""Run ``live-lce train``: train models on your own labelled spectra."""

from __future__ import annotations

import shlex
import time
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption
from live_lce.cli._output import UsageError

if TYPE_CHECKING:
    from live_lce.training import Job, Trained
    from live_lce.training._own_plan import Plan

FAMILY = "user-cnn"
NO_LICENCE = "not stated by the user"


class Device(StrEnum):
    """Where to train."""

    AUTO, CPU, CUDA = "auto", "cpu", "cuda"


def train(
    context: typer.Context,
    data: Annotated[
        list[Path],
        typer.Argument(help="Parquet files, folders of them, or folders with index.csv."),
    ],
    family: Annotated[str, typer.Option(help="Name of the models.")] = FAMILY,
    absorber: Annotated[
        list[str] | None,
        typer.Option(help="Only this element, also for files that name none; may be repeated."),
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(
            help="More spectra to train on, e.g. computed ones; they are not used to judge."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the models; by default the configured one.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace models of the same name.")
    ] = False,
    folds: Annotated[
        int, typer.Option(min=2, help="Number of members, each judged on one fold.")
    ] = 5,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Largest number of epochs; by default from the number of spectra."
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0, help="Epochs without improvement before training stops; 0: never stop early."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds, augmentation and weights.")] = 0,
    device: Annotated[
        Device, typer.Option(help="Device; auto takes a GPU if there is one.")
    ] = Device.AUTO,
    licence: Annotated[
        str, typer.Option(help="Licence of weights and data, for the card.")
    ] = NO_LICENCE,
    which: Annotated[str, typer.Option("--set", help="Set of an index.csv to read.")] = "main",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Train models on your own labelled spectra, one per element.

    A folder's index.csv has the columns file and label (T4, S5, O6 or other), and absorber where
    the files name none; compound, group, formula, certainty and quality are used if present.
    The models are judged by cross-validation: spectra of one compound are never on both sides.

    Examples
    --------
        live-lce train standards/ --absorber Fe

        live-lce train mine.parquet --add computed.parquet --family my-standards

        live-lce train standards/ --json --replace --seed 1
    """
    for module in ("torch", "onnx", "onnxscript"):
        import_module(module)  # before anything is read: says which extra brings it
    from live_lce.cli import _training
    from live_lce.config import load_config
    from live_lce.training import Job, JobError
    from live_lce.training._own_job import check_place, plan_all, torch_device
    from live_lce.training._own_rows import own_rows

    loaded = load_config(config)
    folder = (out or loaded.models).expanduser()
    wanted = _absorbers(absorber or [])
    _check_exist([*data, *(add or [])])
    try:
        check_place(family, folder)
        torch_name = torch_device(device.value)
    except JobError as error:
        raise UsageError(str(error)) from None
    job = Job(
        family=family,
        folder=folder,
        folds=folds,
        epochs=epochs,
        patience=patience,
        seed=seed,
        device=torch_name,
        licence=licence,
        created_by=_command(context),
        replace=replace,
    )
    read = _training.read_given(data, add or [], which, loaded.analysis.signals, wanted)
    _output.note(f"{len(read.given)} labelled spectra: normalizing")
    rows, left_out = own_rows(read.given, loaded.analysis, read.unreadable)
    try:
        planned = plan_all(rows, read.absorbers, job)
    except JobError as error:
        raise UsageError(str(error)) from None
    for name, plan in planned.plans.items():
        if add and plan.own.judged.all():
            _output.note(f"{name}: none of the added spectra can be used")
    trained = [_timed(job, name, plan, read.sha256) for name, plan in planned.plans.items()]
    values = _training.as_values(job, trained, planned, left_out)
    if json:
        _output.print_json(values)
    else:
        _training.print_values(values, configured=folder == loaded.models)
    if not trained:
        raise typer.Exit(_output.FAILED)


def _timed(job: Job, absorber: str, plan: Plan, sha256: dict[str, str]) -> tuple[Trained, float]:
    from live_lce.cli._training import progress_bar
    from live_lce.training import train_one
    from live_lce.training._own_job import schedule_of

    schedule = schedule_of(job, plan)
    if job.patience and schedule.patience is None:
        _output.note(f"{absorber}: {plan.n_folds} folds leave none to stop by: --patience not used")
    begun = time.perf_counter()
    try:
        with progress_bar(absorber, schedule.epochs) as progress:
            trained = train_one(job, absorber, plan, schedule, sha256, progress)
    except KeyboardInterrupt:
        _output.note(f"interrupted: no model of {absorber} was written; earlier ones are complete")
        raise
    return trained, time.perf_counter() - begun


def _absorbers(names: list[str]) -> tuple[str, ...]:
    from xraydb import atomic_number

    wanted = tuple(dict.fromkeys(name.strip().capitalize() for name in names))
    for name in wanted:
        try:
            atomic_number(name)
        except ValueError:
            raise UsageError(f"{name} is no element: give a symbol, e.g. --absorber Fe") from None
    return wanted


def _check_exist(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder: check the path")


def _command(context: typer.Context) -> str:
    """Return the command as it was given, for the card; without how it was shown."""
    words = ["live-lce", "train", *map(str, context.params["data"])]
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if name in ("data", "json") or source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[name]
        for one in value if isinstance(value, (list, tuple)) else [value]:
            words += [option.opts[0]] if one is True else [option.opts[0], str(one)]
    return shlex.join(words)

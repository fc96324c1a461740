"""Read the input of ``live-lce train``, and print its progress and tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live_lce.cli import _output
from live_lce.cli._evaluation import file_reader
from live_lce.cli._output import number

if TYPE_CHECKING:
    from live_lce.settings import Signals
    from live_lce.training import Job, Trained
    from live_lce.training._ensemble import Progress
    from live_lce.training._own_job import Planned
    from live_lce.training._own_rows import GivenSpectrum, LeftOut

INDEX = "index.csv"
NAMED = 10
"""Spectra that were left out are named up to so many per reason."""


@dataclass(frozen=True)
class Read:
    """What the user's files hold.

    Parameters
    ----------
    given : tuple of GivenSpectrum
        Labelled spectra.
    unreadable : tuple of LeftOut
        Files that an index names and that cannot be read.
    sha256 : dict
        Of each file of data, by name.
    absorbers : tuple of str
        Those that were asked for, else those in the data.
    """

    given: tuple[GivenSpectrum, ...]
    unreadable: tuple[LeftOut, ...]
    sha256: dict[str, str]
    absorbers: tuple[str, ...]


def read_given(
    data: Sequence[Path],
    add: Sequence[Path],
    which: str,
    signals: Signals,
    wanted: Sequence[str],
) -> Read:
    """Read labelled spectra.

    Parameters
    ----------
    data, add : sequence of Path
        What judges, and what is only trained on.
    which : str
        Which set of an index.
    signals : Signals
        Which column is what.
    wanted : sequence of str
        Only these absorbers; if it is one, then also that of files that name none.

    Raises
    ------
    DataError
        If there is nothing, or something cannot be understood.
    """
    from live_lce.datasets import read_labelled, read_standards
    from live_lce.datasets._rows import file_sha256
    from live_lce.training._own_rows import GivenSpectrum, LeftOut

    read = file_reader(signals, wanted[0] if len(wanted) == 1 else "")
    given: list[GivenSpectrum] = []
    unreadable: list[LeftOut] = []
    sha256: dict[str, str] = {}
    files = [(f, True) for path in data for f in _files(path)]
    files += [(f, False) for path in add for f in _files(path)]
    for file, judged in files:
        source = f"{file.resolve().parent.name}/{file.name}"
        source = str(file) if source in sha256 else source

        def tell(
            name: str, absorber: str, why: str, at: str = source, is_in: bool = judged
        ) -> None:
            unreadable.append(LeftOut(name, absorber, at, why, is_in))

        if file.name == INDEX:
            rows = list(read_standards(file.parent, which, read, tell))
        else:
            rows = read_labelled(file)
        given += [GivenSpectrum(row, source, judged) for row in rows]
        sha256[source] = file_sha256(file)
    judging = {one.row.absorber for one in given if one.judged}
    elements = set(wanted) or judging
    return Read(
        tuple(one for one in given if one.row.absorber in elements & judging),
        tuple(one for one in unreadable if not one.absorber or one.absorber in elements),
        sha256,
        tuple(sorted(elements)),
    )


def _files(path: Path) -> list[Path]:
    """Return the files that a path means: tables, or an index."""
    if path.is_dir() and (path / INDEX).is_file():
        return [path / INDEX]
    tables = sorted(path.glob("*.parquet")) if path.is_dir() else []
    return tables or [path]


@contextmanager
def progress_bar(absorber: str, epochs: int) -> Iterator[Progress]:
    """Show epoch, loss and time left on stderr; gives what is told of each epoch."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress as Bar,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs, loss {task.fields[loss]}, left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"training {absorber}", total=epochs, loss="-")
        yield lambda epoch, loss: bar.update(task, completed=epoch, loss=f"{loss:.3f}")


def as_values(
    job: Job,
    trained: Sequence[tuple[Trained, float]],
    planned: Planned,
    left_out: Sequence[LeftOut],
) -> dict[str, Any]:
    """Return what was done as plain values; seconds come with each model."""
    return {
        "family": job.family,
        "folder": str(job.folder),
        "device": job.device,
        "models": [_model(one, seconds) for one, seconds in trained],
        "not_trained": [{"absorber": a, "why": why} for a, why in planned.not_trained.items()],
        "left_out": [
            {
                "id": one.id,
                "absorber": one.absorber,
                "source": one.source,
                "reason": one.reason,
                "added": not one.judged,
            }
            for one in left_out
        ],
    }


def _model(one: Trained, seconds: float) -> dict[str, Any]:
    from live_lce.training._own_model import METRICS

    card, metrics = one.card, one.card.metrics[METRICS]
    return {
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "absorber": card.absorber,
        "edge": card.edge,
        "classes": list(card.classes),
        "spectra": metrics["spectra"],
        "groups": metrics["groups"],
        "added": metrics["added"],
        "dropped": card.training.dropped,
        "window": [card.grid.start, card.grid.stop],
        "n_folds": card.training.n_folds,
        "macro_f1": metrics["macro_f1"],
        "f1": metrics["f1"],
        "accuracy": metrics["accuracy"],
        "majority_macro_f1": metrics["majority_macro_f1"],
        "majority_accuracy": metrics["majority_accuracy"],
        "epochs": card.training.epochs,
        "epochs_kept": metrics["epochs_kept"],
        "patience": one.schedule.patience,
        "device": one.schedule.device,
        "seconds": round(seconds, 1),
    }


def print_values(values: dict[str, Any], configured: bool) -> None:
    """Print what was done, and how the models are used."""
    console = _output.console()
    _print_left_out(values["left_out"])
    known = {one["reason"] for one in values["left_out"]} | {"file cannot be read"}
    for one in values["models"]:
        for why, n in one["dropped"].items():
            if why not in known:
                console.print(f"left out: {n} of {one['absorber']} ({why})", markup=False)
    for one in values["not_trained"]:
        console.print(f"{one['absorber']}: not trained: {one['why']}", markup=False)
    if not values["models"]:
        return
    names = ("", "class: spectra / groups", "added", "folds", "macro F1", "majority", "accuracy")
    more = ("majority", "epochs kept", "time / s", "device")
    console.print(_output.table("", (*names, *more), map(_cells, values["models"])))
    console.print(
        "Judged by cross-validation: each spectrum by the member that saw none of its group."
    )
    folder, family = values["folder"], values["family"]
    console.print(f"The models are in {folder}.  To use them:", markup=False, soft_wrap=True)
    if not configured:
        console.print(f"  export LIVE_LCE_MODELS={folder}", markup=False, soft_wrap=True)
    console.print(f"  live-lce classify --family {family} FILES")
    console.print("and live, in the configuration file (`live-lce config path` says which):")
    console.print(f'  [analysis.classification]\n  family = "{family}"', markup=False)


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    counts = (f"{name}: {n} / {one['groups'][name]}" for name, n in one["spectra"].items())
    kept = one["epochs_kept"]
    epochs = f"{min(kept)}" if min(kept) == max(kept) else f"{min(kept)} to {max(kept)}"
    return (
        f"{one['absorber']} {one['edge']}",
        "\n".join(counts),
        str(one["added"]),
        str(one["n_folds"]),
        number(one["macro_f1"]),
        number(one["majority_macro_f1"]),
        number(one["accuracy"]),
        number(one["majority_accuracy"]),
        f"{epochs} of {one['epochs']}",
        number(one["seconds"], 0),
        one["device"],
    )


def _print_left_out(left_out: Sequence[dict[str, Any]]) -> None:
    from live_lce.contract import REASON_WORDS

    why: dict[tuple[str, bool], list[str]] = defaultdict(list)
    words = {reason.value: text for reason, text in REASON_WORDS.items()}
    for one in left_out:
        why[words.get(one["reason"], one["reason"]), one["added"]].append(one["id"])
    for (reason, added), names in why.items():
        listed = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
        kind = "added " if added else ""
        text = f"left out: {len(names)} {kind}({reason}): {listed}"
        _output.console().print(text, markup=False, soft_wrap=True)

"""Run ``live-lce train``: one job, and what it gives for each element."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from live_lce.classifiers import ModelCard, ModelDamagedError, Registry
from live_lce.classifiers._files import SUFFIXES
from live_lce.classifiers._registry import default_folder, model_name, read_card
from live_lce.training._atlas import make_atlas
from live_lce.training._ensemble import Progress, Schedule
from live_lce.training._export import write_model
from live_lce.training._own_model import Naming, next_version, schedule_for, train_own
from live_lce.training._own_plan import EDGE, Plan, TooFewError, make_plan
from live_lce.training._own_rows import OwnRows


class JobError(ValueError):
    """The job cannot be done as asked; one line with the fix."""


@dataclass(frozen=True)
class Job:
    """What was asked for.

    Parameters
    ----------
    family : str
        Name of the models.
    folder : Path
        Where they are put.
    folds : int
        Members, at most.
    epochs, patience : int, optional
        See ``schedule_for``.
    seed : int
        Of folds, augmentation and weights.
    device : str
        As torch names it.
    licence, created_by : str
        For the card.
    replace : bool
        Whether models of the same name may be replaced.
    """

    family: str
    folder: Path
    folds: int
    epochs: int | None
    patience: int | None
    seed: int
    device: str
    licence: str
    created_by: str
    replace: bool


@dataclass(frozen=True)
class Planned:
    """What will be trained, by absorber, and why others will not."""

    plans: Mapping[str, Plan]
    not_trained: Mapping[str, str]


@dataclass(frozen=True)
class Trained:
    """A model that was written, and how its training went.

    Parameters
    ----------
    card : ModelCard
        As written.
    plan : Plan
        What it was trained on.
    schedule : Schedule
        How long it might have been.
    """

    card: ModelCard
    plan: Plan
    schedule: Schedule


def torch_device(wanted: str) -> str:
    """Return the device to train on: for ``auto`` the GPU where torch has one.

    Raises
    ------
    JobError
        If a GPU is asked for and there is none.
    """
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise JobError("--device cuda: torch finds no GPU here: use --device auto")
    return ("cuda" if there else "cpu") if wanted == "auto" else wanted


def check_place(family: str, folder: Path) -> None:
    """Check that models of a family can be put into a folder, before any time is spent.

    Raises
    ------
    JobError
        If the name cannot be a file's, belongs to live_lce, or the folder cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", family):
        raise JobError(f"--family {family!r}: use letters, digits, '-' and '.' only")
    if family in {card.family for card in Registry(default_folder()).cards()}:
        raise JobError(f"--family {family}: these models came with live_lce: use another name")
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise JobError(f"{folder}: models cannot be written there: use --out FOLDER")


def plan_all(rows: Mapping[str, OwnRows], wanted: Sequence[str], job: Job) -> Planned:
    """Choose what is trained for each absorber.

    Parameters
    ----------
    rows : mapping
        Usable spectra by absorber.
    wanted : sequence of str
        Absorbers in the data or asked for; none goes missing silently.
    job : Job
        Folds, seed, and where models go.

    Raises
    ------
    JobError
        If a model of that name is there already and may not be replaced.
    """
    plans, not_trained = {}, {a: "no usable spectrum" for a in wanted if a not in rows}
    for absorber, own in rows.items():
        try:
            plans[absorber] = make_plan(own, job.folds, job.seed)
        except TooFewError as error:
            not_trained[absorber] = str(error)
    for absorber in plans:
        name = model_name(absorber, EDGE, job.family)
        if not job.replace and any((job.folder / f"{name}.{s}").exists() for s in SUFFIXES):
            raise JobError(
                f"{job.folder / name} is there already: use --replace, or another --family"
            )
    return Planned(plans, not_trained)


def train_one(
    job: Job,
    absorber: str,
    plan: Plan,
    schedule: Schedule,
    sha256: Mapping[str, str],
    progress: Progress | None = None,
) -> Trained:
    """Train the model of one absorber and put it in its place.

    Parameters
    ----------
    job, absorber, plan
        What is trained.
    schedule : Schedule
        From ``schedule_of``.
    sha256 : mapping
        Of each file of the data, by name.
    progress : callable, optional
        Called after each epoch.

    Returns
    -------
    Trained
    """
    name = model_name(absorber, EDGE, job.family)
    try:
        before = read_card(job.folder / f"{name}.json")
    except ModelDamagedError:  # also where there is none
        before = None
    naming = Naming(absorber, job.family, next_version(before), job.licence, job.created_by, sha256)
    fitted, card = train_own(plan, schedule, naming, progress)
    rows, sources = plan.own.rows, {name: f"{name} ({job.licence})" for name in sha256}
    atlas = make_atlas(rows, plan.classes, plan.grid, sources, job.seed)
    return Trained(write_model(fitted.graph, card, job.folder, atlas), plan, schedule)


def schedule_of(job: Job, plan: Plan) -> Schedule:
    """Return how long a plan is trained."""
    return schedule_for(plan, job.epochs, job.patience, job.seed, job.device)

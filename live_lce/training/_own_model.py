"""Train, judge and describe a model of a user's own spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from live_lce.classifiers import ModelCard
from live_lce.classifiers._card import OutOfDistribution
from live_lce.classifiers._registry import model_name
from live_lce.training import _distance as distance
from live_lce.training._augment import SHIFTS, Augmentation
from live_lce.training._cross_validation import cross_validated
from live_lce.training._ensemble import Progress, Schedule
from live_lce.training._ensemble_model import SPLIT, training_record
from live_lce.training._fitted import Fitted, fit_ensemble
from live_lce.training._networks import DESCRIPTION
from live_lce.training._own_plan import EDGE, Plan

METRICS = "cross-validated"
PREPROCESSING = (
    "normalized absorption averaged over the grid's bins, relative to the edge reference;"
    " scaled to zero mean and unit variance inside the ONNX graph;"
    " training spectra that begin inside the window carry their first value on below"
)
STEPS, LEAST_EPOCHS, MOST_EPOCHS = 2000, 50, 500
"""Steps that a member is trained for at most, by default, within so many epochs."""
PATIENCE = 0.2
"""Share of the epochs without improvement after which a member has ended, by default."""


@dataclass(frozen=True)
class Naming:
    """What the card says that training does not know.

    Parameters
    ----------
    absorber, family, version, licence, created_by : str
        As on the card.
    sha256 : mapping
        Of each file of the data, by name.
    """

    absorber: str
    family: str
    version: str
    licence: str
    created_by: str
    sha256: Mapping[str, str]


def default_epochs(plan: Plan, batch: int = 32) -> int:
    """Return epochs that give :data:`STEPS` steps: few spectra need more passes."""
    steps = max(1, len(plan.own.rows) * len(SHIFTS) // batch)
    return int(np.clip(STEPS // steps, LEAST_EPOCHS, MOST_EPOCHS))


def schedule_for(
    plan: Plan, epochs: int | None, patience: int | None, seed: int, device: str
) -> Schedule:
    """Return how long to train.

    Parameters
    ----------
    plan : Plan
        What is trained; without a fold to spare there is no early stopping.
    epochs : int, optional
        By default :func:`default_epochs`.
    patience : int, optional
        By default a share of the epochs where no class is small; 0 for no early stopping.
    seed, device
        See :class:`~live_lce.training._ensemble.Schedule`.
    """
    n = default_epochs(plan) if epochs is None else epochs
    if patience is None:
        patience = max(1, round(PATIENCE * n)) if plan.should_stop else 0
    return Schedule(
        epochs=n,
        patience=patience if plan.can_stop and patience else None,
        seed=seed,
        device=device,
    )


def train_own(
    plan: Plan, schedule: Schedule, naming: Naming, progress: Progress | None = None
) -> tuple[Fitted, ModelCard]:
    """Train and judge; nothing is written.

    Parameters
    ----------
    plan : Plan
        Rows, classes, window, folds.
    schedule : Schedule
        How long.
    naming : Naming
        What the card says beside.
    progress : callable, optional
        Called after each epoch.

    Returns
    -------
    fitted : Fitted
        For :func:`live_lce.training._export.write_model`.
    card : ModelCard
        Without sha256.  Same rows, schedule and naming give the same card on a CPU.
    """
    own, how = plan.own, Augmentation()
    fitted = fit_ensemble(own.rows, plan.fold, plan.grid, schedule, how, own.judged, progress)
    judged = own.judged
    metrics = cross_validated(
        own.rows.take(judged), plan.fold[judged], fitted.probabilities[judged], plan.classes
    )
    ran = len(fitted.history.loss)
    training = training_record(
        own.rows,
        plan.fold,
        naming.sha256,
        augmentation=how.describe(),
        seed=schedule.seed,
        epochs=ran,
        split=(
            f"{SPLIT}, as are the groups that the data give; no more folds ({plan.n_folds}) than"
            f" any class has groups; {_stopped(plan, schedule)}"
        ),
        classes=plan.classes,
    )
    n = plan.n_folds
    card = ModelCard(
        name=model_name(naming.absorber, EDGE, naming.family),
        family=naming.family,
        version=naming.version,
        absorber=naming.absorber,
        edge=EDGE,
        classes=plan.classes,
        members=n,
        grid=plan.grid,
        preprocessing=PREPROCESSING,
        architecture=f"{DESCRIPTION}; mean of {n} networks, each trained without one fold",
        training=training,
        metrics={METRICS: {**metrics, **_counts(plan, fitted)}},
        ood=OutOfDistribution(method=distance.METHOD, threshold=distance.THRESHOLD),
        licence=naming.licence,
        created_by=naming.created_by,
    )
    return fitted, card


def _counts(plan: Plan, fitted: Fitted) -> dict[str, Any]:
    return {
        "spectra": plan.n_spectra(),
        "groups": plan.n_groups(),
        "added": int((~plan.own.judged).sum()),
        "epochs_kept": [int(epoch) for epoch in fitted.history.best],
    }


def _stopped(plan: Plan, schedule: Schedule) -> str:
    if schedule.patience is not None:
        return (
            "member k is judged on fold k and keeps the epoch that was best on fold k+1, which it"
            f" did not see either (at most {schedule.epochs} epochs,"
            f" patience {schedule.patience})"
        )
    why = "" if plan.should_stop else ": too few groups to spare a fold for it"
    return f"no early stopping{why}"


def next_version(card: ModelCard | None) -> str:
    """Return the version of a model that takes another one's place."""
    parts = card.version.split(".") if card else []
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return "1.0.0"
    return f"{parts[0]}.{int(parts[1]) + 1}.0"

"""Describe a model on its card: everything about a classifier except its weights."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from live_lce.spectra import Array

METADATA_KEY = "live_lce"
"""Key of the card's JSON in the ONNX file's metadata."""
INPUT = "norm"
FINGERPRINT_LENGTH = 12
"""Hexadecimal digits of the name of a training spectrum."""
PROBABILITIES, OOD_SCORE = "probabilities", "ood_score"
MEMBERS, RANKED = "members", "ranked"
"""Outputs that a model may have: each member's probabilities, and those of finer labels."""


class _FrozenPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grid(_FrozenPart):
    """The energies that the model reads, relative to the edge reference."""

    start: float = Field(description="First energy, eV from the edge reference.")
    stop: float = Field(description="Last energy, eV from the edge reference.")
    n_points: Annotated[int, Field(ge=2)] = Field(description="Number of equidistant points.")

    @property
    def energies(self) -> Array:
        """The relative energies (eV), of shape (n_points,)."""
        return np.linspace(self.start, self.stop, self.n_points)


class Needs(_FrozenPart):
    """What must be measured of the model's grid, relative to the edge reference."""

    start: float = Field(description="First energy, eV from the edge reference.")
    stop: float = Field(description="Last energy, eV from the edge reference.")


class TrainingFile(_FrozenPart):
    """One file of training data, and what was used of it."""

    name: str = Field(description="File name.")
    sha256: str = Field(description="Of the whole file.")
    rows: dict[str, int] = Field(description="Rows used, per class.")


class Training(_FrozenPart):
    """What the model was trained on."""

    files: tuple[TrainingFile, ...] = Field(description="The data.")
    dropped: dict[str, int] = Field(description="Rows left out, per sanity check.")
    rows: dict[str, int] = Field(description="Rows used, per class.")
    n_folds: int = Field(
        ge=0, description="Folds for the metrics: each row is judged by what did not see its fold."
    )
    split: str = Field(description="How rows were dealt out to the folds.")
    augmentation: str = Field(description="What was done to the training spectra.")
    seed: int = Field(description="Of split, augmentation and weights.")
    epochs: int = Field(description="Passes over the training spectra; 0 where not in passes.")
    course: str = Field(default="", description="How it was trained, in words.")
    versions: dict[str, str] = Field(default={}, description="Of the packages that trained it.")
    spectra: tuple[str, ...] = Field(
        default=(),
        repr=False,
        description=(
            "Fingerprints of the training spectra, one string of 12 hexadecimal digits each per"
            " fold.  Member k of a model saw all folds but k; a model without members saw all."
        ),
    )

    def fold_of(self) -> dict[str, int]:
        """Return the fold of each training spectrum, by fingerprint."""
        return {
            joined[at : at + FINGERPRINT_LENGTH]: fold
            for fold, joined in enumerate(self.spectra)
            for at in range(0, len(joined), FINGERPRINT_LENGTH)
        }


class OutOfDistribution(_FrozenPart):
    """How `ood_score` is made."""

    method: str = Field(description="The score, in words.")
    threshold: str = Field(description="What a score of 1 means.")


class ModelCard(_FrozenPart):
    """What a classifier is, what it was trained on, and how well it does."""

    name: str = Field(description="Name, also that of the files.")
    family: str = Field(description="Model family, e.g. carbone-cnn.")
    version: str = Field(description="Version of the model.")
    absorber: str = Field(description="Element symbol.")
    edge: str = Field(description="Absorption edge.")
    classes: tuple[str, ...] = Field(min_length=2, description="Names of the outputs, in order.")
    members: int = Field(
        default=0, ge=0, description="Networks or forests averaged, if each one's output is there."
    )
    ranked: tuple[str, ...] = Field(
        default=(), description="Names of the finer labels, if the model has that output."
    )
    grid: Grid = Field(description="The energies that the model reads.")
    needs: Needs | None = Field(
        default=None,
        description=(
            "What must be measured: what the grid has before and behind it may be missing (NaN"
            " in the input).  None: all of the grid."
        ),
    )
    min_confidence: float = Field(
        default=0.7, ge=0, le=1, description="Smallest probability of an answer, if none is set."
    )
    label_set_mass: float = Field(
        default=0.9, ge=0, le=1, description="Sum that `label_set` reaches, if none is set."
    )
    label_set_coverage: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description=(
            "How often `label_set` is promised to hold the right label, on spectra like the"
            " training ones; None: nothing is promised."
        ),
    )
    preprocessing: str = Field(description="From normalized absorption to the network's input.")
    architecture: str = Field(description="The network.")
    training: Training = Field(description="What it was trained on.")
    metrics: dict[str, Any] = Field(description="How well it does, and on what.")
    ood: OutOfDistribution = Field(description="How the distance from training is judged.")
    licence: str = Field(description="Of weights and training data.")
    created_by: str = Field(description="The command that made it.")
    sha256: str = Field("", description="Of the ONNX file; empty in the copy inside that file.")

    @model_validator(mode="after")
    def _needs_part_of_its_grid(self) -> ModelCard:
        if self.needs is not None:
            inside = self.grid.start <= self.needs.start < self.needs.stop <= self.grid.stop
            if not inside or self.needed.size < 2:
                raise ValueError(
                    f"needs {self.needs.start:g} to {self.needs.stop:g} eV, which is not part of"
                    f" the grid's {self.grid.start:g} to {self.grid.stop:g} eV"
                )
        return self

    @property
    def needed(self) -> Array:
        """The relative energies (eV) of the grid that must be measured."""
        energies = self.grid.energies
        if self.needs is None:
            return energies
        inside = (energies >= self.needs.start - 1e-9) & (energies <= self.needs.stop + 1e-9)
        return energies[inside]

    def embedded(self) -> str:
        """Return the JSON that goes into the ONNX file, which cannot hold its own sha256."""
        return self.model_copy(update={"sha256": ""}).model_dump_json()

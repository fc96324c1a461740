"""Define the settings of an analysis: everything that can change a prediction.

Frozen pydantic models with plain JSON values, so that they can be hashed into
the analysis uid and written into the start document.  Where things are (Tiled,
folders, queue sizes) is in :mod:`live_lce.config` and changes no prediction.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from live_lce.contract import settings_hash


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Signals(_Frozen):
    """Which data key is what.  Empty names are found from presets, metadata and hints."""

    preset: str = Field(
        "", description="Beamline preset, see `live-lce presets`; empty to recognize it."
    )
    mode: Literal["auto", "transmission", "fluorescence", "reference", "mu"] = Field(
        "auto", description="How to build mu; auto takes it from the metadata, else what there is."
    )
    energy: str = Field("", description="Data key of the photon energy.")
    energy_units: Literal["auto", "eV", "keV"] = Field(
        "auto", description="Units of `energy`; auto takes the data key's, else guesses."
    )
    bragg: str = Field("", description="Data key of the Bragg angle, if there is no energy.")
    d_spacing: float | None = Field(
        None,
        gt=0,
        description="Lattice spacing of the monochromator crystal in angstrom, with `bragg`.",
    )
    i0: str = Field("", description="Data key of the incident intensity.")
    it: str = Field("", description="Data key of the transmitted intensity.")
    ir: str = Field("", description="Data key behind the reference foil.")
    fluorescence: tuple[str, ...] = Field(
        (),
        description="Data keys of the fluorescence channels; shell patterns such as `xs_*_roi1`.",
    )
    mu: str = Field("", description="Data key of mu, where the beamline computes it.")
    exclude: tuple[str, ...] = Field((), description="Fluorescence channels to leave out, by name.")
    dark: dict[str, float] = Field(
        default_factory=dict, description="Dark offset to subtract, per data key."
    )
    stream: str = Field(
        "", description="Only this stream; empty for every stream that scans energy."
    )
    spectrum_per: Literal["auto", "run", "outer", "event"] = Field(
        "auto",
        description="What makes one spectrum: the run, one outer step of a grid, or one event; auto"
        " also tells sweeps, samples, scan numbers and positions apart.",
    )
    outer: str = Field(
        "", description="Data key whose change starts a new spectrum (with `outer`)."
    )


class Normalization(_Frozen):
    """Pre-edge subtraction and normalization by xraylarch."""

    absorber: str = Field(
        "", description="Element symbol; empty to take it from metadata or energies."
    )
    edge: str = Field("", description="Edge, e.g. K; empty to find it.")
    normalized: bool | None = Field(
        None, description="True: input is normalized; False: it is raw; null: find out."
    )
    pre1: float = Field(-150.0, lt=0, description="Start of the pre-edge fit (eV from e0).")
    pre2: float = Field(-30.0, lt=0, description="End of the pre-edge fit (eV from e0).")
    norm1: float = Field(50.0, gt=0, description="Start of the post-edge fit (eV from e0).")
    norm2: float = Field(500.0, gt=0, description="End of the post-edge fit (eV from e0).")
    e0_tolerance: float = Field(
        25.0, gt=0, description="How far the edge may lie from the tabulated one (eV)."
    )
    shift: Literal["none", "constant", "foil"] = Field(
        "none",
        description="Energy shift: none, a constant, or measured on the reference foil (the first"
        " inflection, by the shape of its metal's edge).",
    )
    shift_value: float = Field(0.0, description="The constant shift (eV), added to the energies.")


class Quality(_Frozen):
    """Limits of quality control."""

    min_points: int = Field(20, ge=8, description="Fewest points of a spectrum.")
    max_step: float = Field(
        4.0, gt=0, description="Widest energy step from -8 to +25 eV around e0 (eV)."
    )
    max_noise: float = Field(0.1, gt=0, description="Largest noise of one point, in edge steps.")
    min_step_to_noise: float = Field(
        8.0, gt=0, description="Smallest edge step, in noise of one point."
    )
    remove_spikes: bool = Field(
        False, description="Replace single-point spikes by their neighbours' line."
    )


class Pacing(_Frozen):
    """When partial scans are classified; in eV, so that replay gives the same."""

    partial: bool = Field(True, description="Classify scans before they end.")
    start: float = Field(10.0, ge=0, description="First partial prediction, eV past the edge.")
    interval: float = Field(
        5.0, gt=0, description="Further ones each time that the scan grew by so many eV."
    )
    stop: float = Field(
        100.0,
        ge=0,
        description="No partial predictions at energies further past the edge (eV): the answer "
        "rests on the near edge, and the edge step is settled there.",
    )


class Classification(_Frozen):
    """How the model's numbers become a decision."""

    family: str = Field("lce", description="Model family, see `live-lce models list`.")
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="Smallest probability of an answer; null for the model's own."
    )
    label_set_mass: float | None = Field(
        None,
        ge=0,
        le=1,
        description="`label_set` holds the most probable classes up to this sum; null for the"
        " model's own.",
    )
    max_ood_score: float = Field(1.0, gt=0, description="Above it the model abstains.")


class AnalysisSettings(_Frozen):
    """Everything that can change a prediction."""

    signals: Signals = Field(Signals(), description="Which data key is what.")
    normalization: Normalization = Field(Normalization(), description="Normalization.")
    quality: Quality = Field(Quality(), description="Limits of quality control.")
    pacing: Pacing = Field(Pacing(), description="When partial scans are classified.")
    classification: Classification = Field(
        Classification(), description="How numbers become a decision."
    )

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """The settings' hash, part of the analysis uid."""
        return settings_hash(self.as_json())

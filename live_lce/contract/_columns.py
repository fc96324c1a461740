"""Define the columns of the published streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from live_lce.contract._words import CLASS_WORDS, Status

GRID_START, GRID_STOP, GRID_STEP = -30.0, 100.0, 0.5
GRID_SIZE = round((GRID_STOP - GRID_START) / GRID_STEP) + 1
"""The relative energy grid (eV from the edge reference) of the stream ``spectra``."""

MEASURED_POINTS = 512
"""Most points of a row of the stream ``measured``; of more, neighbours are averaged."""


@dataclass(frozen=True)
class Column:
    """One data key of a published stream.

    Parameters
    ----------
    name : str
        Column name.
    dtype : {"integer", "number", "string", "array"}
        Event-model type.
    description : str
        What it holds.
    units : str
        Physical unit, or empty.
    limits : tuple of float, optional
        Lowest and highest possible value.
    choices : tuple of str
        Closed list of values of a string column.
    shape : tuple of int
        Empty for scalars.
    """

    name: str
    dtype: str
    description: str
    units: str = ""
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    def data_key(self) -> dict[str, Any]:
        """Return the event-model data key."""
        key: dict[str, Any] = {
            "source": f"live_lce:{self.name}",
            "dtype": self.dtype,
            "shape": list(self.shape),
        }
        if self.dtype == "array":
            key["dtype_numpy"] = "<f8" if self.name != "valid" else "<i8"
        if self.units:
            key["units"] = self.units
        if self.limits is not None:
            key["limits"] = {"control": {"low": self.limits[0], "high": self.limits[1]}}
        if self.choices:
            key["choices"] = list(self.choices)
        return key


_BEFORE_PROBABILITIES = (
    Column("spectrum_index", "integer", "Counts the spectra of this analysis run, from 0."),
    Column(
        "final",
        "integer",
        "1 for the last prediction of a spectrum, 0 while it grows.",
        limits=(0, 1),
    ),
    Column(
        "answered", "integer", "1 where `label` is an answer (status ok or partial).", limits=(0, 1)
    ),
    Column(
        "status", "string", "What became of the spectrum.", choices=tuple(s.value for s in Status)
    ),
    Column(
        "reason",
        "string",
        "Codes joined by ';', the deciding one first; empty if there is nothing to say.",
    ),
    Column("absorber", "string", "Element symbol of the absorbing atom; empty if unknown."),
    Column("edge", "string", "Absorption edge, e.g. K; empty if unknown."),
    Column("label", "string", "The predicted environment; empty when not answered."),
    Column("confidence", "number", "Probability of `label`; 0 when not answered.", limits=(0, 1)),
)

_AFTER_PROBABILITIES = (
    Column(
        "label_set",
        "string",
        "Classes that cannot be excluded, joined by ',', most probable first.",
    ),
    Column(
        "ood_score", "number", "Distance from the training spectra; above 1 the model abstains."
    ),
    Column("coverage", "number", "Measured fraction of the model's energy window.", limits=(0, 1)),
    Column("raw_seq_num_first", "integer", "First raw event used (0 if none)."),
    Column("raw_seq_num_last", "integer", "Last raw event used (0 if none)."),
    Column("raw_time", "number", "Time of the last raw event used.", units="s"),
    Column(
        "e0",
        "number",
        "Edge energy: the maximum of the derivative near the tabulated edge (with tetrahedral"
        " Ti, V and Cr that is the pre-edge peak), of a metal its first inflection.",
        units="eV",
    ),
    Column(
        "edge_reference",
        "number",
        "Origin of the feature grid: half of the post-edge level.",
        units="eV",
    ),
    Column("energy_shift", "number", "Added to the measured energies.", units="eV"),
    Column("edge_step", "number", "Edge step in units of mu; NaN for normalized input."),
    Column("pre_edge_centroid", "number", "Centroid of the pre-edge peak; NaN if none.", "eV"),
    Column("pre_edge_area", "number", "Its area, of an edge step of 1 (Ti, V, Cr, Fe).", "eV"),
    Column("pre_edge_height", "number", "Its height, in edge steps."),
    Column(
        "norm_method", "string", "How mu was normalized.", choices=("pre_edge", "as_given", "none")
    ),
    Column("pre1", "number", "Start of the pre-edge fit that was used, from e0.", units="eV"),
    Column("pre2", "number", "End of the pre-edge fit that was used, from e0.", units="eV"),
    Column("norm1", "number", "Start of the post-edge fit that was used, from e0.", units="eV"),
    Column("norm2", "number", "End of the post-edge fit that was used, from e0.", units="eV"),
    Column(
        "nnorm",
        "number",
        "Degree of the post-edge polynomial that was used; NaN if none.",
        limits=(0, 2),
    ),
    Column("n_points", "integer", "Points used."),
    Column("n_dropped", "integer", "Points left out because not finite."),
    Column("n_without_beam", "integer", "Points left out because no beam reached I0."),
    Column(
        "signals",
        "string",
        "What mu and energy were made of, for people, e.g. `ln(I0/It), energy = mono_energy`.",
    ),
    Column("noise", "number", "Standard deviation of one point of normalized mu."),
    Column(
        "latency",
        "number",
        "From the raw document's arrival to the prediction's hand-over to the writer.",
        units="s",
    ),
)


def prediction_columns(classes: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns of the stream ``predictions`` for a model's classes."""
    probabilities = tuple(
        Column(
            f"p_{c}",
            "number",
            f"Probability of {CLASS_WORDS.get(c, c)}; NaN if not computed.",
            limits=(0, 1),
        )
        for c in classes
    )
    spreads = tuple(
        Column(
            f"spread_{c}",
            "number",
            f"Standard deviation of `p_{c}` over the model's members; NaN if it has none.",
        )
        for c in classes
    )
    return _BEFORE_PROBABILITIES + probabilities + spreads + _AFTER_PROBABILITIES


SPECTRA_COLUMNS = (
    Column("spectrum_index", "integer", "The same number as in `predictions`."),
    Column(
        "norm",
        "array",
        "Normalized mu on the relative grid in this stream's configuration; NaN where not measured.",
        shape=(GRID_SIZE,),
    ),
    Column("valid", "array", "1 where `norm` was measured, else 0.", shape=(GRID_SIZE,)),
)

MEASURED_COLUMNS = (
    Column("spectrum_index", "integer", "The same number as in `predictions`."),
    Column("final", "integer", "The same as in `predictions`.", limits=(0, 1)),
    Column("raw_seq_num_last", "integer", "The same number as in `predictions`."),
    Column("n_points", "integer", "Points with finite energy and mu, before any averaging."),
    Column(
        "points",
        "array",
        "Energy (eV, ascending, as measured: without `energy_shift`), mu, and in the third row "
        "`spectrum_index`, `final`, `raw_seq_num_last`, `n_points`; NaN behind the last.",
        shape=(3, MEASURED_POINTS),
    ),
)

"""The contract: the words of live_lce and the shape of what it publishes.

Imported by everything, imports nothing of ours.  The reference page
``docs/contract.md`` is generated from this module, and a test compares real
published documents with it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CONTRACT_VERSION = "1.4"
SPEC_NAME = "LiveLCEPrediction"
PREDICTIONS_STREAM = "predictions"
SPECTRA_STREAM = "spectra"
MEASURED_STREAM = "measured"

DEFAULT_CLASSES = ("T4", "S5", "O6")
"""Classes of the probability columns where no model could be found."""

OTHER = "other"
"""A model's class for everything that is none of its environments; never a label."""

CLASS_WORDS = {
    "T4": "tetrahedral (4 neighbours)",
    "S5": "five-coordinate (square pyramid or trigonal bipyramid)",
    "O6": "octahedral (6 neighbours)",
}

GRID_START, GRID_STOP, GRID_STEP = -30.0, 100.0, 0.5
GRID_SIZE = round((GRID_STOP - GRID_START) / GRID_STEP) + 1
"""The relative energy grid (eV from the edge reference) of the stream ``spectra``."""

MEASURED_POINTS = 512
"""Most points of a row of the stream ``measured``; of more, neighbours are averaged."""


class Status(StrEnum):
    """What became of one spectrum."""

    OK = "ok"
    PARTIAL = "partial"
    ABSTAIN = "abstain"
    REJECTED = "rejected"
    FAILED = "failed"


STATUS_WORDS = {
    Status.OK: "Answered, on everything that the model needs.",
    Status.PARTIAL: "Answered, but the scan is not finished or ended early; it may still change.",
    Status.ABSTAIN: "Not answered: the spectrum is usable, but the model cannot be believed on it.",
    Status.REJECTED: "Not answered: the input is not a spectrum that can be classified.",
    Status.FAILED: "Not answered: something broke; the fault is in the software or the files.",
}

ANSWERED = frozenset({Status.OK, Status.PARTIAL})


class Reason(StrEnum):
    """Why a status was given, or what to keep in mind about an answer."""

    # -- the input cannot be classified -------------------------------------------------
    NO_POINTS = "no_points"
    TOO_FEW_POINTS = "too_few_points"
    UNEQUAL_LENGTHS = "unequal_lengths"
    NO_FINITE_POINTS = "no_finite_points"
    DEAD_CHANNEL = "dead_channel"
    FLAT_SIGNAL = "flat_signal"
    ENERGY_UNITS_UNKNOWN = "energy_units_unknown"
    ABSORBER_UNKNOWN = "absorber_unknown"
    ABSORBER_OUT_OF_RANGE = "absorber_out_of_range"
    NO_MODEL = "no_model"
    EDGE_NOT_REACHED = "edge_not_reached"
    NO_PRE_EDGE = "no_pre_edge"
    EDGE_STEP_TOO_SMALL = "edge_step_too_small"
    E0_OFF_EDGE = "e0_off_edge"
    GRID_TOO_COARSE = "grid_too_coarse"
    TOO_NOISY = "too_noisy"
    SATURATED = "saturated"
    SIGNALS_UNKNOWN = "signals_unknown"
    EXTERNAL_DATA = "external_data"
    # -- usable, but no answer -----------------------------------------------------------
    WINDOW_NOT_COVERED = "window_not_covered"
    LOW_CONFIDENCE = "low_confidence"
    OUT_OF_DISTRIBUTION = "out_of_distribution"
    METAL_LIKE = "metal_like"
    OTHER_ENVIRONMENT = "other_environment"
    WITNESS_DISAGREES = "witness_disagrees"
    # -- answered, but not the last word ---------------------------------------------------
    SCAN_RUNNING = "scan_running"
    SCAN_ABORTED = "scan_aborted"
    POST_EDGE_SHORT = "post_edge_short"
    RUN_NOT_STOPPED = "run_not_stopped"
    ROWS_MISSING = "rows_missing"
    # -- something broke ----------------------------------------------------------------
    NO_START_DOCUMENT = "no_start_document"
    UNREADABLE_FILE = "unreadable_file"
    MODEL_DAMAGED = "model_damaged"
    INTERNAL_ERROR = "internal_error"
    # -- remarks: the answer stands --------------------------------------------------------
    ALREADY_NORMALIZED = "already_normalized"
    PRE_EDGE_SHORT = "pre_edge_short"
    POINTS_DROPPED = "points_dropped"
    ENERGIES_MERGED = "energies_merged"
    UNITS_CONVERTED = "units_converted"
    SPIKES = "spikes"
    SPIKES_REMOVED = "spikes_removed"
    CHANNELS_EXCLUDED = "channels_excluded"
    OVER_ABSORPTION = "over_absorption"
    EDGES_COINCIDE = "edges_coincide"
    E0_SHIFTED = "e0_shifted"
    FOIL_UNUSABLE = "foil_unusable"
    DESCRIPTOR_CHANGED = "descriptor_changed"
    PARTIALS_DROPPED = "partials_dropped"


REASON_WORDS: Mapping[Reason, str] = {
    Reason.NO_POINTS: "The scan has no points: check that the run was not stopped before its first reading.",
    Reason.TOO_FEW_POINTS: "Too few points for a XANES spectrum: measure at least 20, with some before and after the edge.",
    Reason.UNEQUAL_LENGTHS: "Energy and signal have different lengths: check the file, or the detector's trigger count.",
    Reason.NO_FINITE_POINTS: "No point has a finite absorption: check that I0 is not zero and that no shutter was closed.",
    Reason.DEAD_CHANNEL: "A needed detector channel is constant or zero: check its cable, gain and name in `signals`.",
    Reason.FLAT_SIGNAL: "The absorption does not change over the scan: check sample, beam and signal names.",
    Reason.ENERGY_UNITS_UNKNOWN: "The energy is neither eV nor keV: set `signals.energy_units`, or `d_spacing` for an angle.",
    Reason.ABSORBER_UNKNOWN: "No absorber is stated and the energy range fits no single edge: give `element` and `edge` in the start document, or --absorber.",
    Reason.ABSORBER_OUT_OF_RANGE: "The stated absorber has no such edge in the scanned range: check the element in the metadata and the energy axis.",
    Reason.NO_MODEL: "There is no model for this absorber and edge: see `live-lce models list`, or train one.",
    Reason.EDGE_NOT_REACHED: "The scan ends before the edge: nothing to classify until the edge is passed.",
    Reason.NO_PRE_EDGE: "The scan starts too close to the edge to fit a pre-edge line: start at least 45 eV below it, or declare the input normalized.",
    Reason.EDGE_STEP_TOO_SMALL: "The edge step is too small against the noise: check the sample's concentration and position.",
    Reason.E0_OFF_EDGE: "The rise is too far from the tabulated edge: check the element, or the monochromator's calibration.",
    Reason.GRID_TOO_COARSE: "The energy steps near the edge are too wide: use 1 eV or less from -20 to +30 eV.",
    Reason.TOO_NOISY: "The noise is too large against the edge step: count longer, or average scans.",
    Reason.SATURATED: "A detector is saturated near the edge: lower its gain or the flux.",
    Reason.SIGNALS_UNKNOWN: "The run scans energy, but which signal is I0, It or fluorescence is unknown: name them in `signals`.",
    Reason.EXTERNAL_DATA: "The signals lie in external files that cannot be read from here: the log says why; make them readable and replay the run with --force, or add a scalar channel to the events.",
    Reason.WINDOW_NOT_COVERED: "The scan does not cover the energies that the model reads: wait, or scan further past the edge.",
    Reason.LOW_CONFIDENCE: "No class is probable enough: look at `label_set`, count longer, or compare with standards.",
    Reason.OUT_OF_DISTRIBUTION: "The spectrum looks like nothing that the model was trained on: check for artefacts, and do not use a label.",
    Reason.METAL_LIKE: "The edge rises late, as a metal's does, and the models know only oxides: do not use a label.",
    Reason.OTHER_ENVIRONMENT: "The model takes it for an environment that it has no name for: do not use a label.",
    Reason.WITNESS_DISAGREES: "The pre-edge peak speaks against the model's answer: do not use a label without looking at it.",
    Reason.SCAN_RUNNING: "The scan is still running: the answer may change until it ends.",
    Reason.SCAN_ABORTED: "The scan was aborted or failed: the answer rests on what was measured.",
    Reason.POST_EDGE_SHORT: "Less than 60 eV past the edge: the edge step is provisional and may be off by up to 20 %.",
    Reason.RUN_NOT_STOPPED: "The run never sent its stop document: closed by live_lce with what had arrived.",
    Reason.ROWS_MISSING: "Rows that the documents announce are not in the external file: the answer rests on the others; replay the run with --force when the file is whole.",
    Reason.NO_START_DOCUMENT: "live_lce joined after the start of this run: replay it from the archive to get its predictions.",
    Reason.UNREADABLE_FILE: "The file cannot be read as a spectrum: give XDI, columns of numbers, or an Athena project.",
    Reason.MODEL_DAMAGED: "The model file is damaged or does not fit its card: install it again (`live-lce check`).",
    Reason.INTERNAL_ERROR: "live_lce failed on this spectrum: the log has the traceback; please report it.",
    Reason.ALREADY_NORMALIZED: "The input is normalized already: taken as it is.",
    Reason.PRE_EDGE_SHORT: "The scan starts close to the edge: a constant was subtracted instead of a pre-edge line.",
    Reason.POINTS_DROPPED: "Points without a finite absorption or energy were dropped: see `n_dropped`.",
    Reason.ENERGIES_MERGED: "Several points at one energy were averaged.",
    Reason.UNITS_CONVERTED: "The energy was converted to eV.",
    Reason.SPIKES: "Single-point spikes were found and left in: set `quality.remove_spikes` to take them out.",
    Reason.SPIKES_REMOVED: "Single-point spikes were found and replaced by their neighbours' line.",
    Reason.CHANNELS_EXCLUDED: "Dead or excluded detector channels were left out of the sum.",
    Reason.OVER_ABSORPTION: "The white line may be damped by over-absorption: dilute the sample, or use transmission.",
    Reason.EDGES_COINCIDE: "Another element's edge lies at the same energy: state the absorber in the metadata.",
    Reason.E0_SHIFTED: "The edge lies far from the table: check the monochromator's calibration.",
    Reason.FOIL_UNUSABLE: "The reference foil could not be used: its energy shift is taken as 0.",
    Reason.DESCRIPTOR_CHANGED: "The stream's description changed in mid-run: points without the needed signals were left out.",
    Reason.PARTIALS_DROPPED: "live_lce fell behind: intermediate predictions of this scan were left out, its documents were not.",
}


@dataclass(frozen=True)
class Finding:
    """A reason, with the particulars of the case.

    Parameters
    ----------
    reason : Reason
        The code.
    detail : str
        Numbers and names of this case, for people (may be empty).
    """

    reason: Reason
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The code's sentence, with the detail in brackets."""
        words = REASON_WORDS[self.reason]
        return f"{words} ({self.detail})" if self.detail else words


def join_reasons(findings: tuple[Finding, ...]) -> str:
    """Return the codes for the column ``reason``: the deciding one first, each once."""
    return ";".join(dict.fromkeys(f.reason.value for f in findings))


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
        "Edge energy, the maximum of the derivative near the tabulated edge.",
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

START_KEYS = {
    "tiled_specs": f'`[{{"name": "{SPEC_NAME}", "version": "{CONTRACT_VERSION}"}}]`; becomes the node\'s spec.',
    "tiled_access_tags": "Copied from the raw run, if it has any; becomes the node's access tags.",
    "original_run_uid": "Uid of the raw run.",
    "raw_time": "Time of the raw run's start document (s).",
    "raw_stream": "Stream of the raw run that holds the spectrum.",
    "sample": "Copied from the raw run, else its name from where the beamline keeps it (XDI.Sample.name...).",
    "scan_id": "Copied from the raw run, if it has one.",
    "data_session": "Copied from the raw run, if it has one.",
    "purpose": "`live_lce`",
    "live_lce": "Contract version, absorber, edge, model (name, version, sha256, classes), settings and "
    "their hash, versions of the packages, source, attempt and supersedes.",
}

STOP_KEYS = {
    "label": "Label of the last final prediction; empty if it was not answered.",
    "confidence": "Its confidence; 0 if not answered.",
    "status": "Its status.",
    "absorber": "Its absorber; empty if unknown.",
    "n_final": "Number of spectra (final predictions) in this run.",
    "reason": "Codes of all final predictions, joined by `;`, each once.",
    "probabilities": "Its probabilities by class; empty if not computed.",
    "spread": "Their standard deviations over the model's members; empty if it has none.",
    "label_set": "List of the classes that it cannot exclude, most probable first.",
}
"""Keys of ``stop["live_lce"]``: stop documents can be searched in Tiled, events cannot."""

_NAMESPACE = uuid.UUID("6a1d2c64-6c1b-5c07-9d0c-4f6c6c636500")


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return a short, stable hash of settings that are plain JSON values."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def analysis_uid(
    raw_uid: str, stream: str, absorber: str, model_sha256: str, settings_digest: str
) -> str:
    """Return the uid of the analysis run: the same input gives the same run.

    A uuid5 of raw uid, stream, absorber, model sha256, settings hash and the
    contract's major version, so that a replay meets what is published already.
    """
    major = CONTRACT_VERSION.split(".", maxsplit=1)[0]
    parts = (raw_uid, stream, absorber, model_sha256, settings_digest, major)
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))


def attempt_uid(analysis: str, number: int) -> str:
    """Return the uid of a further attempt at an analysis.

    Parameters
    ----------
    analysis : str
        Uid of the analysis run, see :func:`analysis_uid`; it is that of the first attempt.
    number : int
        Counts the attempts from 1.
    """
    if number == 1:
        return analysis
    return str(uuid.uuid5(_NAMESPACE, f"{analysis}\nattempt {number}"))

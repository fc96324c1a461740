"""Define statuses, reasons and classes, and say what each means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_CLASSES = ("T4", "S5", "O6")
"""Classes of the probability columns where no model could be found."""

OTHER = "other"
"""A model's class for everything that is none of its environments; never a label."""

CLASS_WORDS = {
    "T4": "tetrahedral (4 neighbours)",
    "S5": "five-coordinate (square pyramid or trigonal bipyramid)",
    "O6": "octahedral (6 neighbours)",
}


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
    MODE_UNAVAILABLE = "mode_unavailable"
    SEVERAL_SPECTRA = "several_spectra"
    VALUES_UNUSABLE = "values_unusable"
    TOO_THICK = "too_thick"
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
    POINTS_WITHOUT_BEAM = "points_without_beam"
    ENERGIES_MERGED = "energies_merged"
    READINGS_DIFFER = "readings_differ"
    SWEEPS_SPLIT = "sweeps_split"
    SIGNAL_CHOSEN = "signal_chosen"
    EXCLUDE_UNMATCHED = "exclude_unmatched"
    UNITS_CONVERTED = "units_converted"
    SPIKES = "spikes"
    SPIKES_REMOVED = "spikes_removed"
    CHANNELS_EXCLUDED = "channels_excluded"
    OVER_ABSORPTION = "over_absorption"
    THICK_SAMPLE = "thick_sample"
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
    Reason.ABSORBER_UNKNOWN: "No absorber is stated and the energies fit no single edge: give `element` and `edge` in the start document, or --absorber.",
    Reason.ABSORBER_OUT_OF_RANGE: "The stated absorber has no such edge in the scanned range: check the element in the metadata and the energy axis.",
    Reason.NO_MODEL: "There is no model for this absorber and edge: see `live-lce models list`, or train one.",
    Reason.EDGE_NOT_REACHED: "The scan ends before the edge: nothing to classify until the edge is passed.",
    Reason.NO_PRE_EDGE: "The scan starts too close to the edge to fit a pre-edge line: start at least 45 eV below it, or declare the input normalized.",
    Reason.EDGE_STEP_TOO_SMALL: "The edge step is negative, or too small against the noise: check the signals, and the sample's concentration and position.",
    Reason.E0_OFF_EDGE: "The absorption does not rise where the edge is expected: check the element, which channel has the edge, and the monochromator's calibration.",
    Reason.GRID_TOO_COARSE: "The energy steps near the edge are too wide: use 1 eV or less from -20 to +30 eV.",
    Reason.TOO_NOISY: "The noise is too large against the edge step: count longer, or average scans.",
    Reason.SATURATED: "A detector is saturated near the edge: lower its gain or the flux.",
    Reason.SIGNALS_UNKNOWN: "Which signal is I0, It or fluorescence is unknown: name them in `signals`, or with --columns for a file.",
    Reason.EXTERNAL_DATA: "The signals lie in external files that cannot be read from here: the log says why; make them readable and replay the run with --force, or add a scalar channel to the events.",
    Reason.MODE_UNAVAILABLE: "The stated way of measuring cannot be used, and no other is taken in its place: name its signals in `signals`, or correct the stated mode.",
    Reason.SEVERAL_SPECTRA: "The input holds several spectra that cannot be told apart: give each scan a run or file of its own, or name what separates them in `signals.outer`.",
    Reason.VALUES_UNUSABLE: "Points were recorded, but none has usable numbers for the energy and the needed signals: check the data keys that the detail names.",
    Reason.TOO_THICK: "The transmitted intensity ends at its dark level: the sample is too thick, or too concentrated; thin it, or measure fluorescence.",
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
    Reason.UNREADABLE_FILE: "The file cannot be read as a spectrum: give text with a table of numbers (XDI, SPEC, CSV ...), HDF5, or an Athena project.",
    Reason.MODEL_DAMAGED: "The model file is damaged or does not fit its card: install it again (`live-lce check`).",
    Reason.INTERNAL_ERROR: "live_lce failed on this spectrum: the log has the traceback; please report it.",
    Reason.ALREADY_NORMALIZED: "The input is normalized already: taken as it is.",
    Reason.PRE_EDGE_SHORT: "The scan starts close to the edge: a constant was subtracted instead of a pre-edge line.",
    Reason.POINTS_DROPPED: "Points without a finite absorption or energy were dropped: see `n_dropped`.",
    Reason.POINTS_WITHOUT_BEAM: "No beam reached I0 at some points: they were left out, and where they leave a hole in the edge there is no answer; measure again.",
    Reason.ENERGIES_MERGED: "Several points at one energy were averaged.",
    Reason.READINGS_DIFFER: "Repeated readings of one energy differ by more than their noise: the sample or the beam changed, or several spectra are mixed.",
    Reason.SWEEPS_SPLIT: "The input holds several sweeps over the edge: each was taken as a spectrum of its own.",
    Reason.SIGNAL_CHOSEN: "No name or setting decides which signals to take: those that show the edge best were taken; state `signals.mode`, or name the signals, to decide it yourself.",
    Reason.EXCLUDE_UNMATCHED: "A name in `signals.exclude` matches no channel: nothing was left out for it.",
    Reason.UNITS_CONVERTED: "The energy was not in eV, or not in the units that are stated: it was taken to eV.",
    Reason.SPIKES: "Single-point spikes were found and left in: set `quality.remove_spikes` to take them out.",
    Reason.SPIKES_REMOVED: "Single-point spikes were found and replaced by their neighbours' line.",
    Reason.CHANNELS_EXCLUDED: "Detector channels that are dead, stuck, saturated, paralysed or excluded were left out of the sum.",
    Reason.OVER_ABSORPTION: "The white line may be damped by over-absorption: dilute the sample, or use transmission.",
    Reason.THICK_SAMPLE: "The edge step is large, or It near its dark level: the sample may be too thick; compare with a thinner one.",
    Reason.EDGES_COINCIDE: "Another element's edge lies at nearly the same energy, or in the same scan: state the absorber in the metadata.",
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

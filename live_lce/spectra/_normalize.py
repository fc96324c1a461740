"""Normalize a spectrum: quality control, e0, fit, decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from live_lce.contract import Finding, Reason
from live_lce.settings import AnalysisSettings, Quality
from live_lce.spectra import _quality as quality
from live_lce.spectra._calibrate import energy_shift
from live_lce.spectra._e0 import PAST_EDGE, edge_passed, measured_e0
from live_lce.spectra._edges import (
    COINCIDENCE,
    Clues,
    edge_in_range,
    identify,
    steepest_rise,
    tabulated_edge,
)
from live_lce.spectra._energy import to_ev
from live_lce.spectra._foils import FoilUnusableError, first_inflection
from live_lce.spectra._normalized_input import fits_unit_step, looks_normalized
from live_lce.spectra._pre_edge import Normalized, larch_pre_edge, stacked_pre_edge
from live_lce.spectra._quality_control import Cleaned, clean, require_signal
from live_lce.spectra._ranges import FitRanges, choose_ranges
from live_lce.spectra._reference import EARLIEST, edge_reference
from live_lce.spectra._thickness import judge_step
from live_lce.spectra._types import Array, NormalizedSpectrum, Spectrum, SpectrumRejectedError

HIGHEST = 8.0
"""No white line is so many edge steps high: the step is wrong, as where another edge follows."""
E0_EXPECTED = (-5.0, 20.0)
"""Oxides' edges lie in this range (eV) around the tabulated one; outside, a remark is made."""
BEFORE_TABLE = 20.0
"""Until a scan is so far (eV) past the tabulated edge, no reference below that is believed:
pre-edge peaks and noise lie there; few edges do, of scans off in energy."""

_DECISIVE = frozenset({Reason.DEAD_CHANNEL, Reason.SATURATED, Reason.TOO_THICK})
"""What was noticed while mu was made, and leaves nothing to normalize."""

Fit = Callable[[Array, Array, float, FitRanges], Normalized]


_FALLS = {
    "transmission": "are I0 and It swapped?",
    "reference": "are It and Ir swapped?",
    "fluorescence": "is it the line of the absorber, or does the detector not follow?",
    "mu": "is its sign reversed?",
}


@dataclass(frozen=True)
class _Target:
    absorber: str
    edge: str
    expected: float
    known: str = "as stated"

    @property
    def words(self) -> str:
        """The edge, its energy in the table, and how it is known."""
        return f"{self.absorber} {self.edge} at {self.expected:.0f} eV, {self.known}"


def normalize(
    spectrum: Spectrum,
    settings: AnalysisSettings,
    modelled: frozenset[tuple[str, str]] = frozenset(),
) -> NormalizedSpectrum:
    """Check and normalize one spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        As built from detectors or read from a file.
    settings : AnalysisSettings
        Fit ranges and limits.
    modelled : frozenset of (str, str)
        Absorbers and edges that a model exists for: they come first where none is stated.

    Raises
    ------
    SpectrumRejectedError
        If it cannot be classified, with the reason and, where one was assumed, the edge.
    """
    remarks = list(spectrum.findings)
    target: _Target | None = None
    for finding in remarks:
        if finding.reason in _DECISIVE:
            others = tuple(f for f in remarks if f is not finding)
            raise SpectrumRejectedError(finding, others)
    try:
        energy, converted = to_ev(spectrum.energy)
        cleaned = clean(energy, spectrum.mu, spectrum.reference)
        remarks += [*converted, *cleaned.findings]
        require_signal(cleaned, settings.quality.min_points)
        target, found = _target(cleaned.energy, cleaned.mu, spectrum, settings, modelled)
        remarks += found
        cleaned, shift, found = _shifted(cleaned, target, settings)
        remarks += found
        done = _fit(cleaned, target, spectrum, settings, larch_pre_edge)
    except SpectrumRejectedError as error:
        raise _naming(target, error, tuple(remarks)) from None
    return replace(
        done,
        raw_energy=done.energy - shift,
        energy_shift=shift,
        findings=(*remarks, *done.findings),
    )


def normalize_stack(
    energy: Array,
    mu: Array,
    absorber: str,
    edge: str,
    settings: AnalysisSettings,
    mode: str = "mu",
) -> list[NormalizedSpectrum | SpectrumRejectedError]:
    """Check and normalize many spectra on shared energies, without xraylarch's per-call cost.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        In eV, any order.
    mu : ndarray of shape (n_spectra, n_points)
        Absorption; a point that is not finite in one row is dropped from all.
    absorber, edge : str
        The same for all rows; must be given.
    settings : AnalysisSettings
        Fit ranges and limits.
    mode : str
        How `mu` was measured, as in `Spectrum`.

    Returns
    -------
    list of NormalizedSpectrum or SpectrumRejectedError
        One per row, in order; equal to `normalize` of each row to 1e-9.
    """
    try:
        in_ev, converted = to_ev(energy)
        stack = clean(in_ev, mu)
    except SpectrumRejectedError as error:
        return [error] * len(mu)
    remarks = (*converted, *stack.findings)
    done: list[NormalizedSpectrum | SpectrumRejectedError] = []
    for row in stack.mu:
        one, target = replace(stack, mu=row), None
        spectrum = Spectrum(stack.energy, row, absorber, edge, mode)
        try:
            require_signal(one, settings.quality.min_points)
            target, found = _target(one.energy, row, spectrum, settings, frozenset())
            one, shift, shifted = _shifted(one, target, settings)
            result = _fit(one, target, spectrum, settings, stacked_pre_edge)
            notes = (*remarks, *found, *shifted, *result.findings)
            done.append(
                replace(
                    result,
                    raw_energy=result.energy - shift,
                    energy_shift=shift,
                    findings=notes,
                )
            )
        except SpectrumRejectedError as error:
            done.append(_naming(target, error, remarks))
    return done


def _naming(
    target: _Target | None, error: SpectrumRejectedError, remarks: tuple[Finding, ...]
) -> SpectrumRejectedError:
    """Return a refusal that names the edge that it assumed."""
    finding = error.finding
    if target is None:
        more = (*error.remarks, *remarks)
        return SpectrumRejectedError(finding, more, error.absorber, error.edge)
    detail = f"{finding.detail}; {target.words}" if finding.detail else target.words
    return SpectrumRejectedError(
        replace(finding, detail=detail), (*error.remarks, *remarks), target.absorber, target.edge
    )


def _target(
    energy: Array,
    mu: Array,
    spectrum: Spectrum,
    settings: AnalysisSettings,
    modelled: frozenset[tuple[str, str]],
) -> tuple[_Target, tuple[Finding, ...]]:
    absorber = settings.normalization.absorber or spectrum.absorber
    edge = settings.normalization.edge or spectrum.edge
    low, high = float(energy[0]), float(energy[-1])
    guessed = spectrum.absorber_guessed and not settings.normalization.absorber
    if not absorber or guessed:
        hint = spectrum.hint_energy
        clues = Clues(hint, (absorber, edge or "K") if absorber else None, modelled)
        found, at, findings = identify(energy, mu, clues)
        known = "as another program guessed" if clues.guessed == (found, at) else "by its energies"
        if hint is not None and abs(tabulated_edge(found, at) - hint) <= COINCIDENCE + 5:
            known = f"by the edge energy {hint:g} eV in the header"
        return _Target(found, at, tabulated_edge(found, at), known), findings
    tolerance = settings.normalization.e0_tolerance
    edge = edge or edge_in_range(absorber, low - tolerance, high + tolerance) or "K"
    known = "as set" if settings.normalization.absorber else "as stated"
    try:
        target = _Target(absorber, edge, tabulated_edge(absorber, edge), known)
    except KeyError:
        raise SpectrumRejectedError(
            Finding(Reason.ABSORBER_UNKNOWN, f"no edge {absorber} {edge} in the tables")
        ) from None
    where = f"scanned {low:.0f} to {high:.0f} eV; {target.words}"
    reason: Reason | None = None
    if high < target.expected - 300 or low > target.expected + tolerance:
        reason = Reason.ABSORBER_OUT_OF_RANGE
    elif high < target.expected - tolerance + PAST_EDGE:
        reason = Reason.EDGE_NOT_REACHED
    if reason:
        raise SpectrumRejectedError(Finding(reason, where), (), absorber, edge)
    return target, ()


def _shifted(
    cleaned: Cleaned, target: _Target, settings: AnalysisSettings
) -> tuple[Cleaned, float, tuple[Finding, ...]]:
    shift, findings = energy_shift(
        cleaned.energy, cleaned.reference, target.absorber, target.edge, settings.normalization
    )
    return replace(cleaned, energy=cleaned.energy + shift), shift, findings


def _fit(
    cleaned: Cleaned,
    target: _Target,
    spectrum: Spectrum,
    settings: AnalysisSettings,
    fit: Fit,
    inflection: float | None = None,
) -> NormalizedSpectrum:
    """Normalize around the maximum of the derivative, or a metal around its first inflection."""
    energy, mu = cleaned.energy, cleaned.mu
    tolerance = settings.normalization.e0_tolerance
    findings: list[Finding] = []
    spikes = quality.spikes(energy, mu, target.expected)
    if spikes.any():
        where = ", ".join(f"{e:.1f}" for e in energy[spikes][:5]) + " eV"
        # Always out of E0 and the fits, which they would drag along; out of the result on request.
        repaired = quality.without_spikes(energy, mu, spikes)
        remove = settings.quality.remove_spikes
        findings.append(Finding(Reason.SPIKES_REMOVED if remove else Reason.SPIKES, where))
        mu, kept = repaired, repaired if remove else mu
    else:
        kept = mu
    e0 = float(measured_e0(energy, mu, target.expected, tolerance))
    if not np.isfinite(e0) or not edge_passed(energy, mu, e0):
        reason, detail = Reason.EDGE_NOT_REACHED, f"scan ends at {energy[-1]:.1f} eV"
        if energy[-1] > target.expected + tolerance + PAST_EDGE:
            reason = Reason.E0_OFF_EDGE
            detail = f"no edge within {tolerance:g} eV"
            steepest = steepest_rise(energy, mu)
            if abs(steepest - target.expected) > tolerance:
                detail += f", mu rises most at {steepest:.0f} eV"
        raise SpectrumRejectedError(Finding(reason, detail), tuple(findings))

    e0 = e0 if inflection is None else inflection
    declared = settings.normalization.normalized
    declared = spectrum.normalized if declared is None else declared
    result = _as_given(mu, "declared") if declared else None
    if result is None and declared is None and looks_normalized(energy, mu, e0):
        result = _as_given(mu, "recognized")
    if result is None:
        ranges = choose_ranges(energy, e0, settings.normalization)
        result = fit(energy, mu, e0, ranges)
        if declared is None and fits_unit_step(energy, mu, e0, float(result.edge_step)):
            result = _as_given(mu, "recognized")
    findings += result.used.findings
    method = "as_given" if np.isnan(result.edge_step) else "pre_edge"
    scale = 1.0 if method == "as_given" else abs(float(result.edge_step))
    offset = mu - result.norm * scale
    norm = (kept - offset) / scale
    scatter = float(quality.noise(energy, norm, e0))
    done = NormalizedSpectrum(
        energy,
        norm,
        energy,
        target.absorber,
        target.edge,
        e0,
        _reference(energy, result.norm, e0, target.expected),
        edge_step=float(result.edge_step),
        norm_method=method,
        pre1=result.used.pre1,
        pre2=result.used.pre2,
        norm1=result.used.norm1,
        norm2=result.used.norm2,
        nnorm=result.used.nnorm if method == "pre_edge" else None,
        n_dropped=cleaned.n_dropped,
        noise=scatter,
    )
    decision = _decision(done, target, spectrum, settings)
    metal = spectrum.mode == "reference" or Reason.METAL_LIKE in [f.reason for f in decision]
    if metal and inflection is None:
        first = _first_inflection(energy, mu, target, tolerance)
        if first is not None:
            return _fit(cleaned, target, spectrum, settings, fit, first)
    return replace(done, findings=(*findings, *decision))


def _first_inflection(energy: Array, mu: Array, target: _Target, tolerance: float) -> float | None:
    """Return the first inflection (eV) of what has the shape of the absorber's metal."""
    try:
        return first_inflection(
            energy, mu, target.expected, target.absorber, target.edge, tolerance
        ).energy
    except FoilUnusableError:
        return None


def _reference(energy: Array, norm: Array, e0: float, expected: float) -> float:
    try:
        found = float(edge_reference(energy, norm, e0, EARLIEST))
    except ValueError:
        # The scan does not reach far enough past the edge yet: no grid, hence no answer.
        return float("nan")
    early = energy[-1] < expected + BEFORE_TABLE
    return float("nan") if early and found < expected else found


def _as_given(mu: Array, how: str) -> Normalized:
    nothing = float("nan")
    remark = (Finding(Reason.ALREADY_NORMALIZED, how),)
    used = FitRanges(nothing, nothing, nothing, nothing, nnorm=0, findings=remark)
    return Normalized(mu, np.asarray(nothing), used)


def _beam_lost(spectrum: Spectrum) -> bool:
    return any(finding.reason is Reason.POINTS_WITHOUT_BEAM for finding in spectrum.findings)


def _white_line(done: NormalizedSpectrum) -> float:
    """Return the maximum of `norm` up to 100 eV past the edge."""
    near = done.energy < done.e0 + 100.0
    return float(done.norm[near].max()) if near.any() else 0.0


def _decision(
    done: NormalizedSpectrum, target: _Target, spectrum: Spectrum, settings: AnalysisSettings
) -> tuple[Finding, ...]:
    """Refuse what xraylarch normalized without noticing; return remarks on the rest."""
    limits: Quality = settings.quality
    tolerance = settings.normalization.e0_tolerance
    step, widest = done.edge_step, quality.widest_step(done.energy, done.e0)
    refusal: Finding | None = None
    if step <= 0:
        what = "mu" if spectrum.mode == "mu" else f"mu of {spectrum.mode}"
        detail = f"edge step {step:.3g}: {what} falls at the edge, {_FALLS[spectrum.mode]}"
        refusal = Finding(Reason.EDGE_STEP_TOO_SMALL, detail)
    elif (highest := _white_line(done)) > HIGHEST:
        detail = f"edge step {step:.3g}, but mu rises by {highest:.0f} times that: "
        detail += "is another edge between norm1 and norm2?"
        refusal = Finding(Reason.EDGE_STEP_TOO_SMALL, detail)
    elif widest > limits.max_step:
        refusal = Finding(Reason.GRID_TOO_COARSE, f"{widest:.1f} eV near the edge")
    elif done.noise > 1.0 / limits.min_step_to_noise:
        detail = f"edge step {step:.3g} is {1 / done.noise:.1f} times the noise"
        refusal = Finding(Reason.EDGE_STEP_TOO_SMALL, detail)
    elif done.noise > limits.max_noise:
        refusal = Finding(Reason.TOO_NOISY, f"{done.noise:.2f} of the edge step")
    elif abs(done.edge_reference - target.expected) > tolerance + 10:
        detail = f"mu rises at {done.edge_reference:.0f} eV"
        refusal = Finding(Reason.E0_OFF_EDGE, detail)
    hole = quality.widest_hole(done.energy, done.e0) if _beam_lost(spectrum) else 0.0
    if hole > limits.max_step:
        refusal = Finding(Reason.POINTS_WITHOUT_BEAM, f"they leave {hole:.1f} eV of the edge out")
    if refusal:
        raise SpectrumRejectedError(refusal)
    thick = judge_step(spectrum.mode, step, done.energy, done.norm, done.e0)
    if thick and thick.reason is Reason.TOO_THICK:
        raise SpectrumRejectedError(thick)
    remarks = [thick] if thick else []
    off = done.e0 - target.expected
    if not E0_EXPECTED[0] <= off <= E0_EXPECTED[1]:
        remarks.append(Finding(Reason.E0_SHIFTED, f"{off:+.1f} eV"))
    if np.isfinite(done.edge_reference) and quality.rises_like_a_metal(
        done.energy, done.norm, done.edge_reference
    ):
        remarks.append(Finding(Reason.METAL_LIKE))
    if spectrum.mode == "fluorescence" and quality.over_absorbed(done.energy, done.norm, done.e0):
        remarks.append(Finding(Reason.OVER_ABSORPTION))
    return tuple(remarks)

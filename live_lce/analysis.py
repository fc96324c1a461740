"""Analyse one spectrum: normalize it, classify it, and give a prediction."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from live_lce.classifiers import ModelIdentity, Prediction, Registry
from live_lce.classifiers._classify import classify
from live_lce.contract import Finding, Reason, Status
from live_lce.settings import AnalysisSettings
from live_lce.spectra import (
    NormalizedSpectrum,
    Spectrum,
    SpectrumRejectedError,
    normalize,
)

logger = logging.getLogger(__name__)

_UNFINISHED = frozenset({Reason.POST_EDGE_SHORT})


@dataclass(frozen=True)
class Analysis:
    """What became of one spectrum.

    Parameters
    ----------
    prediction : Prediction
        The decision.
    normalized : NormalizedSpectrum, optional
        None where quality control rejected the spectrum.
    spectrum : Spectrum, optional
        What was analysed; None where none could be built.
    """

    prediction: Prediction
    normalized: NormalizedSpectrum | None = None
    spectrum: Spectrum | None = None


def analyse(spectrum: Spectrum, registry: Registry, settings: AnalysisSettings) -> Analysis:
    """Normalize and classify one spectrum.  Never raises: failures are decisions too.

    Parameters
    ----------
    spectrum : Spectrum
        As built from detectors or read from a file.
    registry : Registry
        Where the models are.
    settings : AnalysisSettings
        Everything that can change the decision.

    Examples
    --------
    A simulated scan of hematite, whose iron is octahedral:

    >>> from live_lce import AnalysisSettings, Registry, Spectrum, analyse
    >>> from live_lce.sim.library import mixture
    >>> from live_lce.sim.plans import xanes_energies
    >>> energy = xanes_energies(7112.0)
    >>> mu = mixture({"Fe-hematite": 1.0}).absorbance(energy)
    >>> analysis = analyse(Spectrum(energy, mu, "Fe", "K"), Registry(), AnalysisSettings())
    >>> print(analysis.prediction.status, analysis.prediction.label)
    ok O6
    """
    absorber = settings.normalization.absorber or spectrum.absorber
    edge = settings.normalization.edge or spectrum.edge
    try:
        normalized = normalize(spectrum, settings, _modelled(registry, settings))
        prediction = classify(normalized, registry, settings)
        return Analysis(_as_partial(prediction), normalized, spectrum)
    except SpectrumRejectedError as error:
        status, findings = Status.REJECTED, error.findings
        absorber, edge = error.absorber or absorber, error.edge or edge
    except Exception as error:  # the scan goes on whatever happens here
        logger.exception("live_lce failed on a spectrum of %s", absorber or "unknown absorber")
        status = Status.FAILED
        findings = (Finding(Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}"),)
    model = _model(registry, absorber, edge, settings)
    prediction = Prediction(status, findings, absorber=absorber, edge=edge)
    if model:
        prediction = replace(prediction, model=model[0], classes=model[1])
    return Analysis(prediction, spectrum=spectrum)


def _modelled(registry: Registry, settings: AnalysisSettings) -> frozenset[tuple[str, str]]:
    """Return the absorbers and edges that the chosen family has a model for."""
    family = settings.classification.family
    return frozenset((c.absorber, c.edge) for c in registry.cards() if c.family == family)


def _as_partial(prediction: Prediction) -> Prediction:
    """Turn an answer that rests on an unfinished spectrum into a partial one."""
    deciding = [f for f in prediction.findings if f.reason in _UNFINISHED]
    if prediction.status is not Status.OK or not deciding:
        return prediction
    others = [f for f in prediction.findings if f.reason not in _UNFINISHED]
    return replace(prediction, status=Status.PARTIAL, findings=(*deciding, *others))


def _model(
    registry: Registry, absorber: str, edge: str, settings: AnalysisSettings
) -> tuple[ModelIdentity, tuple[str, ...]] | None:
    """Name the model that would have spoken, so that all spectra of a run stay together."""
    try:
        card = registry.find(absorber, edge or "K", settings.classification.family)
        return (registry.identity(card), tuple(card.classes)) if card else None
    except Exception:
        logger.exception("no model could be looked up for %s", absorber)
        return None

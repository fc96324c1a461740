"""Classify the points of a spectrum, and add what the end of the scan tells."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from live_lce.analysis import Analysis
from live_lce.classifiers import Prediction
from live_lce.contract import Finding, Reason, Status
from live_lce.engine._points import Points, build
from live_lce.engine._roles import Roles
from live_lce.spectra import Spectrum, SpectrumRejectedError

logger = logging.getLogger(__name__)

Analyse = Callable[[Spectrum], Analysis]


def judge(points: Points, roles: Roles, absorber: str, edge: str, analyse: Analyse) -> Analysis:
    """Build the spectrum of some points and analyse it.  Never raises."""
    spectrum: Spectrum | None = None
    try:
        spectrum = build(points, roles, absorber, edge)
        return replace(analyse(spectrum), spectrum=spectrum)
    except SpectrumRejectedError as error:
        prediction = Prediction(Status.REJECTED, error.findings, absorber, edge)
        return Analysis(prediction, spectrum=spectrum)
    except Exception as error:  # the scan goes on whatever happens here
        logger.exception("live_lce failed to build a spectrum")
        detail = f"{type(error).__name__}: {error}"
        finding = Finding(Reason.INTERNAL_ERROR, detail)
        return Analysis(Prediction(Status.FAILED, (finding,), absorber, edge), spectrum=spectrum)


def provisional(prediction: Prediction, finding: Finding) -> Prediction:
    """Turn an answer into a partial one for the reason given; else note the reason."""
    if prediction.answered:
        findings = (finding, *prediction.findings)
        return replace(prediction, status=Status.PARTIAL, findings=findings)
    return remark(prediction, finding)


def remark(prediction: Prediction, *findings: Finding) -> Prediction:
    """Add remarks behind what is there."""
    return replace(prediction, findings=(*prediction.findings, *findings))


def ended(prediction: Prediction, exit_status: str) -> Prediction:
    """Say how the scan ended, where it did not end well.

    Parameters
    ----------
    prediction : Prediction
        The last one of a spectrum.
    exit_status : str
        ``success``, ``abort``, ``fail``; ``unknown`` where no stop document came.
    """
    if exit_status == "success":
        return prediction
    if exit_status == "unknown":
        return provisional(prediction, Finding(Reason.RUN_NOT_STOPPED))
    return provisional(prediction, Finding(Reason.SCAN_ABORTED, exit_status))

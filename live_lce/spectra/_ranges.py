"""Choose the fit ranges of a normalization: fixed for each edge, cut at the scan's end."""

from __future__ import annotations

from dataclasses import dataclass

from live_lce.contract import Finding, Reason
from live_lce.settings import Normalization
from live_lce.spectra._types import Array, SpectrumRejectedError

POST_EDGE_TRUSTED = 60.0
"""Measured so far past e0 (eV), the edge step no longer rests on the white line."""
_NEAREST_PRE2 = -12.0
_MIN_PRE_POINTS = 3


@dataclass(frozen=True)
class FitRanges:
    """What the pre-edge and post-edge fits use.

    Parameters
    ----------
    pre1, pre2, norm1, norm2 : float
        In eV from e0.
    nnorm, npre : int
        Degrees of the post-edge and pre-edge polynomials.
    findings : tuple of Finding
        Remarks where the wanted ranges were not measured.
    """

    pre1: float
    pre2: float
    norm1: float
    norm2: float
    nnorm: int
    npre: int = 1
    findings: tuple[Finding, ...] = ()


def choose_ranges(energy: Array, e0: float, wanted: Normalization) -> FitRanges:
    """Cut the wanted ranges to the measured energies.

    The pre-edge line falls back to a constant where less than three points lie
    before `pre2`; the post-edge polynomial loses a degree below 300 eV and is a
    constant below 50 eV.

    Parameters
    ----------
    energy : ndarray of shape (n_points,)
        Ascending, in eV.
    e0 : float
        Edge energy in eV.
    wanted : Normalization
        The settings.

    Raises
    ------
    SpectrumRejectedError
        `no_pre_edge` if less than three points lie 12 eV or more before e0.
    """
    findings: list[Finding] = []
    relative = energy - e0
    pre1, pre2, npre = max(wanted.pre1, float(relative[0])), wanted.pre2, 1
    points = int(((relative >= pre1) & (relative <= pre2)).sum())
    if points <= _MIN_PRE_POINTS or pre2 - pre1 < 10.0:
        pre1, pre2, npre = float(relative[0]), _NEAREST_PRE2, 0
        points = int((relative <= pre2).sum())
        if points < _MIN_PRE_POINTS:
            raise SpectrumRejectedError(
                Finding(Reason.NO_PRE_EDGE, f"starts {-relative[0]:.0f} eV before e0")
            )
        findings.append(Finding(Reason.PRE_EDGE_SHORT, f"starts {-pre1:.0f} eV before e0"))
    past = float(relative[-1])
    norm2 = min(wanted.norm2, past)
    if past < max(POST_EDGE_TRUSTED, wanted.norm1 + 10.0):
        norm1, nnorm = max(8.0, 0.5 * past), 0
        findings.append(Finding(Reason.POST_EDGE_SHORT, f"ends {past:.0f} eV past e0"))
    else:
        norm1 = wanted.norm1
        width = norm2 - norm1
        nnorm = 0 if width < 50.0 else 1 if width < 300.0 else 2
    return FitRanges(pre1, pre2, norm1, norm2, nnorm, npre, tuple(findings))

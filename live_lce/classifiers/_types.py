"""Define what a classifier returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from live_lce.classifiers._pre_edge_rule import PreEdgeRule
from live_lce.contract import ANSWERED, DEFAULT_CLASSES, Finding, Status, join_reasons
from live_lce.spectra import Array


@dataclass(frozen=True)
class ModelIdentity:
    """Which model spoke; all empty when there was none.

    Parameters
    ----------
    name, version, sha256 : str
        As on the model's card; `sha256` is that of the ONNX file.
    provider : str
        The onnxruntime execution provider, e.g. ``CPUExecutionProvider``.
    """

    name: str = ""
    version: str = ""
    sha256: str = ""
    provider: str = ""


@dataclass(frozen=True)
class Prediction:
    """The decision on one spectrum.

    Parameters
    ----------
    status : Status
        What became of it.
    findings : tuple of Finding
        The deciding reason first, then remarks.
    absorber, edge : str
        Empty if unknown.
    label : str
        Empty when not answered.
    confidence : float
        Probability of `label`; 0 when not answered.
    classes : tuple of str
        Names of `probabilities`.
    probabilities : ndarray of shape (n_classes,), optional
        Sums to 1; None if no model ran.
    label_set : tuple of str
        Classes that cannot be excluded, most probable first.
    ood_score : float
        Distance from the training spectra; above 1 the model abstains.
    coverage : float
        Measured fraction of the model's energy window.
    model : ModelIdentity
        Which model spoke.
    ranked : tuple of (str, float)
        The most probable finer labels, if the model has any.
    witness : PreEdgeRule, optional
        What the pre-edge peak says; None where it says nothing.
    spread : ndarray of shape (n_classes,), optional
        Standard deviation of the probabilities of the model's members; None without members.
    """

    status: Status
    findings: tuple[Finding, ...] = ()
    absorber: str = ""
    edge: str = ""
    label: str = ""
    confidence: float = 0.0
    classes: tuple[str, ...] = DEFAULT_CLASSES
    probabilities: Array | None = None
    label_set: tuple[str, ...] = ()
    ood_score: float = float("nan")
    coverage: float = 0.0
    model: ModelIdentity = ModelIdentity()
    ranked: tuple[tuple[str, float], ...] = ()
    witness: PreEdgeRule | None = None
    spread: Array | None = None

    @property
    def answered(self) -> bool:
        """Whether `label` is an answer."""
        return self.status in ANSWERED

    @property
    def reason(self) -> str:
        """The codes, joined by ``;``, the deciding one first."""
        return join_reasons(self.findings)

    def probability(self, name: str) -> float:
        """Return the probability of a class; NaN if it was not computed."""
        if self.probabilities is None or name not in self.classes:
            return float(np.nan)
        return float(self.probabilities[self.classes.index(name)])

    def spread_of(self, name: str) -> float:
        """Return the spread of a class's probability; NaN if it is not known."""
        if self.spread is None or name not in self.classes:
            return float(np.nan)
        return float(self.spread[self.classes.index(name)])

"""Convert an evaluation to plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from live_lce.evaluation._bootstrap import DRAWS, LEVEL
from live_lce.evaluation._curves import CurvePoint, RiskCoverage
from live_lce.evaluation._evaluate import OVERALL, WITH_MODEL, Evaluation, Scope
from live_lce.evaluation._measure import Metrics
from live_lce.evaluation._published import PUBLISHED

BASELINE = (
    *("n", "n_answered", "n_groups", "accuracy", "accuracy_answered", "accuracy_by_group"),
    *("macro_f1", "f1", "recall"),
)
"""What is reported of a baseline, which has no probabilities and never abstains on purpose."""
_THRESHOLDS = 101
"""Thresholds listed of a curve."""


def as_values(found: Evaluation, data: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return what `live-lce evaluate --json` prints.

    Parameters
    ----------
    found : Evaluation
        The results.
    data : dict
        Where the data come from; what is known of them is added.
    reference : str
        Where the nearest-neighbour baseline's spectra come from; empty for the data itself.
    """
    fitted_on = reference or "the other groups of the data"
    return {
        "data": {
            **data,
            "n_rows": len(found.judged),
            "n_computed": sum(one.row.computed for one in found.judged),
            "not_scored": found.overall.counts.not_scored,
        },
        "model": found.models,
        "notes": list(found.notes),
        "bootstrap": {"draws": DRAWS, "level": LEVEL, "over": "groups"},
        OVERALL: scope_values(found.overall),
        WITH_MODEL: scope_values(found.with_model),
        "absorbers": {name: scope_values(scope) for name, scope in found.absorbers.items()},
        "baselines": {
            "majority": {
                "says": "the commonest class of this data, absorber by absorber",
                **_baseline({name: scope.majority for name, scope in _scopes(found)}),
            },
            "knn": {
                "says": "the vote of the 5 nearest spectra, by inverse distance",
                "fitted_on": fitted_on,
                **_baseline({name: scope.neighbours for name, scope in _scopes(found)}),
            },
        },
        "curves": {
            "risk_coverage": _risk(found.overall.risk_coverage),
            "risk_coverage_area": {
                name: scope.risk_coverage.area for name, scope in _scopes(found)
            },
            "last_energy": _points("last_energy", found.last_energy),
            "noise": _points("noise", found.noise),
        },
        "published": [{"published": True, **asdict(one)} for one in PUBLISHED],
    }


def scope_values(scope: Scope) -> dict[str, Any]:
    """Return the numbers of one absorber, or of all."""
    return {**asdict(scope.metrics), **asdict(scope.counts)}


def _scopes(found: Evaluation) -> list[tuple[str, Scope]]:
    return [(OVERALL, found.overall), (WITH_MODEL, found.with_model), *found.absorbers.items()]


def _baseline(metrics: dict[str, Metrics]) -> dict[str, Any]:
    values = {name: _baseline_values(one) for name, one in metrics.items()}
    return {
        OVERALL: values.pop(OVERALL),
        WITH_MODEL: values.pop(WITH_MODEL),
        "absorbers": values,
    }


def _baseline_values(metrics: Metrics) -> dict[str, Any]:
    values = asdict(metrics)
    kept = {name: values[name] for name in BASELINE}
    intervals = {
        name: pair for name, pair in metrics.intervals.items() if name.partition(".")[0] in BASELINE
    }
    return {**kept, "intervals": intervals}


def _risk(curve: RiskCoverage) -> dict[str, Any]:
    n = curve.coverage.size
    shown = np.unique(np.linspace(0, n - 1, min(n, _THRESHOLDS)).round().astype(np.intp))
    return {"coverage": curve.coverage[shown], "risk": curve.risk[shown], "area": curve.area}


def _points(name: str, points: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    return [{name: point.value, **_without_value(point)} for point in points]


def _without_value(point: CurvePoint) -> dict[str, Any]:
    return {name: value for name, value in asdict(point).items() if name != "value"}

"""One prediction as plain values, for printing and for other processes."""

from __future__ import annotations

from typing import Any

from live_lce.engine.types import Result


def prediction_row(result: Result) -> dict[str, Any]:
    """Return a result as plain values; what is unknown is None or NaN.

    Parameters
    ----------
    result : Result
        From the engine.

    Returns
    -------
    dict
        Energies in eV; `probabilities` by class, None where none were computed.
    """
    prediction, normalized = result.prediction, result.normalized
    probabilities = prediction.probabilities
    return {
        "uid": result.run.uid,
        "stream": result.run.stream,
        "spectrum_index": result.spectrum_index,
        "final": result.final,
        "last_energy": float(normalized.raw_energy[-1]) if normalized else None,
        "n_points": result.n_points,
        "raw_seq_num_last": result.raw_seq_num_last,
        "absorber": prediction.absorber,
        "edge": prediction.edge,
        "status": prediction.status.value,
        "reason": prediction.reason,
        "label": prediction.label,
        "confidence": float(prediction.confidence),
        "label_set": list(prediction.label_set),
        "probabilities": None
        if probabilities is None
        else dict(zip(prediction.classes, map(float, probabilities), strict=True)),
        "coverage": float(prediction.coverage),
        "e0": normalized.e0 if normalized else None,
        "edge_step": normalized.edge_step if normalized else None,
        "model": prediction.model.name,
    }

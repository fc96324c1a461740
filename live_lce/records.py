"""Turn a prediction into a record, for documents, JSON and tables.

:func:`prediction_record` gives every column of the stream ``predictions`` under its published
name, with what programs want beside them.  The others choose from it: published rows hold scalars,
JSON holds lists and objects.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from live_lce.contract import Column, utf8

if TYPE_CHECKING:
    from live_lce.classifiers import Prediction
    from live_lce.engine import Result
    from live_lce.spectra import Array, NormalizedSpectrum, Used

_OF_SPECTRUM = (
    *("e0", "edge_reference", "energy_shift", "edge_step"),
    *("pre1", "pre2", "norm1", "norm2", "nnorm", "noise"),
)
"""Columns that are attributes of a normalized spectrum."""
_REPLAYED = (
    *("uid", "stream", "spectrum_index", "final", "last_energy", "n_points", "raw_seq_num_last"),
    *("absorber", "edge", "status", "reason", "messages", "label", "confidence", "label_set"),
    *("probabilities", "coverage", "e0", "edge_step", "used", "model"),
)
_CLASSIFIED = (
    *("file", "name", "absorber", "edge", "status", "reason", "message", "messages", "label"),
    *("probabilities", "confidence", "label_set", "ood_score", "ranked", "witness", "e0"),
    *("edge_step", "norm_method", "n_points", "coverage", "columns", "used", "model"),
)


def prediction_record(
    prediction: Prediction, normalized: NormalizedSpectrum | None = None, used: Used | None = None
) -> dict[str, Any]:
    """Return a prediction as plain values; what is unknown is None or NaN.

    Parameters
    ----------
    prediction : Prediction
        The prediction.
    normalized : NormalizedSpectrum, optional
        What it rests on.
    used : Used, optional
        What mu was made of.

    Returns
    -------
    dict
        Energies in eV.  `probabilities` and `spread` are dictionaries by class, None where none
        were computed; `label_set` is a list.
    """
    witness, model = prediction.witness, prediction.model
    return {
        "answered": prediction.answered,
        "status": prediction.status.value,
        "reason": prediction.reason,
        "message": prediction.findings[0].sentence if prediction.findings else "",
        "messages": [finding.sentence for finding in prediction.findings],
        "absorber": prediction.absorber,
        "edge": prediction.edge,
        "label": prediction.label,
        "confidence": float(prediction.confidence),
        "probabilities": _by_class(prediction.classes, prediction.probabilities),
        "spread": _by_class(prediction.classes, prediction.spread),
        "label_set": list(prediction.label_set),
        "ood_score": float(prediction.ood_score),
        "coverage": float(prediction.coverage),
        "ranked": dict(prediction.ranked),
        "pre_edge_centroid": getattr(witness, "centroid", None),
        "pre_edge_area": getattr(witness, "area", None),
        "pre_edge_height": getattr(witness, "height", None),
        "witness": None if witness is None else list(witness.says),
        **{name: getattr(normalized, name, None) for name in _OF_SPECTRUM},
        "norm_method": normalized.norm_method if normalized is not None else "none",
        "n_points": normalized.n_points if normalized is not None else None,
        "signals": used.words if used is not None else "",
        "model": {
            "name": model.name,
            "version": model.version,
            "sha256": model.sha256,
            "provider": model.provider,
        },
    }


def result_record(result: Result, latency: float = math.nan) -> dict[str, Any]:
    """Return a result as plain values: its prediction, and where in which run it belongs.

    Parameters
    ----------
    result : Result
        From the engine.
    latency : float
        From the raw document's arrival to now (s).
    """
    normalized = result.normalized
    return {
        **prediction_record(result.prediction, normalized, result.used),
        "uid": result.run.uid,
        "stream": result.run.stream,
        "spectrum_index": result.spectrum_index,
        "final": result.final,
        "last_energy": float(normalized.raw_energy[-1]) if normalized is not None else None,
        "raw_seq_num_first": result.raw_seq_num_first,
        "raw_seq_num_last": result.raw_seq_num_last,
        "raw_time": result.raw_time,
        "n_points": result.n_points,
        "n_dropped": result.n_dropped,
        "n_without_beam": result.used.n_without_beam,
        "latency": latency,
    }


def published_row(result: Result, columns: tuple[Column, ...], latency: float) -> dict[str, Any]:
    """Return the values of one event of ``predictions``: never None, unknown numbers are NaN.

    Parameters
    ----------
    result : Result
        From the engine.
    columns : tuple of Column
        Those of the run, see :func:`live_lce.contract.prediction_columns`.
    latency : float
        From the raw document's arrival to now (s).
    """
    record = result_record(result, latency)
    by_class = {
        **{f"p_{name}": value for name, value in (record["probabilities"] or {}).items()},
        **{f"spread_{name}": value for name, value in (record["spread"] or {}).items()},
    }
    values = {**record, "label_set": ",".join(record["label_set"]), **by_class}
    return {
        column.name: _typed(
            values.get(column.name)
            if column.name.startswith(("p_", "spread_"))
            else values[column.name],
            column,
        )
        for column in columns
    }


def replay_row(result: Result) -> dict[str, Any]:
    """Return a result as ``live-lce replay --json`` and ``Replayed.table()`` show it.

    Parameters
    ----------
    result : Result
        From the engine.
    """
    record = result_record(result)
    shown = {**record, "used": record["signals"], "model": record["model"]["name"]}
    return {name: shown[name] for name in _REPLAYED}


def file_row(
    file: str,
    prediction: Prediction,
    normalized: NormalizedSpectrum | None = None,
    used: Used | None = None,
    *,
    name: str = "",
    columns: str = "",
) -> dict[str, Any]:
    """Return a prediction as ``live-lce classify --json`` shows it.

    Parameters
    ----------
    file, name, columns : str
        The data file, the spectrum in it, and which of its columns were used.
    prediction, normalized, used
        As for :func:`prediction_record`.
    """
    record = prediction_record(prediction, normalized, used)
    witness = None
    if record["witness"] is not None:
        names = ("pre_edge_centroid", "pre_edge_area", "pre_edge_height")
        witness = {**{name: record[name] for name in names}, "says": record["witness"]}
    shown = {
        **record,
        "file": file,
        "name": name,
        "columns": columns,
        "witness": witness,
        "used": record["signals"],
        "model": record["model"] if record["model"]["name"] else None,
    }
    return {key: shown[key] for key in _CLASSIFIED}


def _by_class(classes: tuple[str, ...], values: Array | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(classes, map(float, values), strict=True))


def _typed(value: Any, column: Column) -> Any:
    if column.dtype == "integer":
        return int(value)
    if column.dtype == "number":
        return math.nan if value is None else float(value)
    return "" if value is None else utf8(str(value))

"""One prediction as plain values, for printing and for other processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from live_lce.contract import REASON_WORDS, Reason
from live_lce.engine import Result

MOST_DETAILS = 3
"""So many different particulars of one reason are told."""


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
        "messages": [finding.sentence for finding in prediction.findings],
        "label": prediction.label,
        "confidence": float(prediction.confidence),
        "label_set": list(prediction.label_set),
        "probabilities": None
        if probabilities is None
        else dict(zip(prediction.classes, map(float, probabilities), strict=True)),
        "coverage": float(prediction.coverage),
        "e0": normalized.e0 if normalized else None,
        "edge_step": normalized.edge_step if normalized else None,
        "used": result.used.words,
        "model": prediction.model.name,
    }


class Reasons:
    """The reasons that predictions gave, each with its sentence and particulars; bounded."""

    def __init__(self) -> None:
        self._details: dict[str, dict[str, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._details)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in the `reason` and the `messages` of a prediction."""
        codes = (code for code in row["reason"].split(";") if code)
        for code in codes:
            if code == Reason.SCAN_RUNNING.value:
                continue
            known = self._details.setdefault(code, {})
            words = REASON_WORDS[Reason(code)]
            for message in row["messages"]:
                detail = message.removeprefix(words).strip()
                if message.startswith(words) and detail and len(known) <= MOST_DETAILS:
                    known[detail] = None

    def lines(self) -> list[str]:
        """Return a line for each reason, in the order of their appearance."""
        lines = []
        for code, details in self._details.items():
            shown = [] if len(details) > MOST_DETAILS else details
            lines.append(" ".join([f"  {code}: {REASON_WORDS[Reason(code)]}", *shown]))
        return lines

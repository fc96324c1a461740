"""Write every row of an evaluation to a file, so that anyone can recompute the numbers."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from live_lce._support.text import csv_cell
from live_lce.datasets._rows import CLASSES
from live_lce.evaluation._arrays import NONE
from live_lce.evaluation._choice import WHOLE
from live_lce.evaluation._evaluate import Evaluation
from live_lce.evaluation._judged import Judged

SUFFIXES = (".csv", ".jsonl", ".parquet")


def write_rows(path: Path, found: Evaluation) -> None:
    """Write one line per row of the data, in order.

    Parameters
    ----------
    path : Path
        Ends in one of :data:`SUFFIXES`, which decides the format.
    found : Evaluation
        The results.

    Raises
    ------
    ValueError
        If the ending is another.
    OSError
        If the file cannot be written.
    """
    rows = row_values(found)
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows({k: csv_cell(v) for k, v in row.items()} for row in rows)
    elif path.suffix == ".jsonl":
        lines = (json.dumps(row, allow_nan=False, ensure_ascii=False) for row in rows)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif path.suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        raise ValueError(f"{path}: end it in {', '.join(SUFFIXES)}")


def row_values(found: Evaluation) -> list[dict[str, Any]]:
    """Return the rows as plain values; None where there is nothing."""
    others = {name for one in found.judged for name in one.prediction.classes} - {*CLASSES}
    classes = (*CLASSES, *sorted(others))
    answers = zip(found.judged, found.majority, found.neighbours, strict=True)
    return [
        {**_values(one, classes), "majority": _class(majority), "knn": _class(near)}
        for one, majority, near in answers
    ]


def _values(one: Judged, classes: tuple[str, ...]) -> dict[str, Any]:
    row, prediction = one.row, one.prediction
    shares = ";".join(f"{name}:{share:g}" for name, share in row.fractions.items())
    return {
        "id": row.id,
        "absorber": row.absorber,
        "group": row.group,
        "family": row.family,
        "compound": row.compound or row.formula,
        "label": row.label,
        "fractions": shares,
        "computed": row.computed,
        "enters": one.enters.value,
        "scored": one.enters.value == "scores",
        "why_not": one.turn.why_not,
        "status": prediction.status.value,
        "reason": one.reason,
        "predicted": prediction.label,
        "forced": one.forced,
        "confidence": _finite(one.top),
        "label_set": ",".join(prediction.label_set),
        **{f"p_{name}": _finite(prediction.probability(name)) for name in classes},
        "ood_score": _finite(prediction.ood_score),
        "metal_like": math.isinf(one.distance),
        "seen": one.turn.seen,
        "member": None if one.turn.member == WHOLE else one.turn.member,
        "model": prediction.model.name,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _class(index: int) -> str:
    return "" if index == NONE else CLASSES[index]

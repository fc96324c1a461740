"""Parts for the tests of the evaluation: labelled spectra, and a model with two members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from engine_parts import make_registry

from live_lce.classifiers import ModelCard, Registry
from live_lce.classifiers._files import write_files
from live_lce.evaluation._arrays import Judgements

E0 = 7124.0
WHITE_LINE = {"O6": 1.0, "T4": -0.2, "S5": 0.5}
"""Heights of white lines that the model of `engine_parts` takes for these classes."""


def computed_row(kind: str, number: int, **more: Any) -> dict[str, Any]:
    """Return one row of a table: a spectrum that looks like `kind`, which is also its label."""
    energy = np.arange(E0 - 20, E0 + 60, 0.5)
    x = energy - E0 + 0.01 * number
    norm = 0.5 + np.arctan(x / 1.5) / np.pi
    norm += WHITE_LINE[kind] * np.exp(-0.5 * ((x - 5) / 3) ** 2)
    norm += 0.1 * np.sin(np.maximum(x - 12, 0) / (6 + 0.5 * number)) * (x > 12)
    row = {"id": f"{kind}-{number}", "absorber": "Fe", "edge": "K", "theory": "test"}
    return {**row, "formula": f"F{number}", "label": kind, "energy": energy, "mu": norm, **more}


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as a Parquet file."""
    pd.DataFrame(rows).to_parquet(path)
    return path


def make_members(folder: Path, spectra: tuple[str, ...] = (), absorber: str = "Fe") -> Registry:
    """Write a model of two members: that of `make_registry`, and one that says T4 for O6.

    `spectra` are the fingerprints of each member's fold, joined.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    card: ModelCard = make_registry(folder, absorber).cards()[0]
    model = onnx.load(folder / f"{card.name}.onnx")
    graph = model.graph
    for name, values in (("swap", [2, 1, 0]), ("one", [1]), ("both", [1])):
        graph.initializer.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
    for node in graph.node:
        for index, output in enumerate(node.output):
            if output == "probabilities":
                node.output[index] = "first"
    graph.node.extend(
        [
            helper.make_node("Gather", ["first", "swap"], ["second"], axis=1),
            helper.make_node("Unsqueeze", ["first", "one"], ["row_a"]),
            helper.make_node("Unsqueeze", ["second", "one"], ["row_b"]),
            helper.make_node("Concat", ["row_a", "row_b"], ["members"], axis=1),
            helper.make_node("ReduceMean", ["members", "both"], ["probabilities"], keepdims=0),
        ]
    )
    graph.output.append(
        helper.make_tensor_value_info("members", TensorProto.FLOAT, ["batch", 2, 3])
    )
    training = card.training.model_copy(update={"spectra": spectra})
    write_files(model, card.model_copy(update={"members": 2, "training": training}), folder)
    return Registry(folder)


def make_judgements(
    truth: list[int],
    answer: list[int],
    *,
    group: list[int] | None = None,
    top: list[float] | None = None,
    forced: list[int] | None = None,
    distance: list[float] | None = None,
    n_labels: list[int] | None = None,
    held: list[bool] | None = None,
    other: list[bool] | None = None,
    absorber: list[str] | None = None,
) -> Judgements:
    """Return rows that are all scored, except those marked as `other`."""
    n = len(truth)
    aside = np.array(other if other is not None else [False] * n, dtype=bool)
    return Judgements(
        scored=~aside,
        other=aside,
        mixed=np.zeros(n, dtype=bool),
        truth=np.array(truth, dtype=np.intp),
        answer=np.array(answer, dtype=np.intp),
        forced=np.array(answer if forced is None else forced, dtype=np.intp),
        probability=np.full((n, 3), np.nan),
        top=np.array(top if top is not None else [np.nan] * n, dtype=float),
        distance=np.array(distance if distance is not None else [np.nan] * n, dtype=float),
        n_labels=np.array(n_labels if n_labels is not None else [0] * n, dtype=np.intp),
        held=np.array(held if held is not None else [False] * n, dtype=bool),
        fraction=np.zeros((n, 3)),
        group=np.array(group if group is not None else range(n), dtype=np.intp),
        absorber=np.array(absorber if absorber is not None else ["Fe"] * n),
    )

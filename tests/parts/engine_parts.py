"""Parts for the tests of engine and callback: a real small model, devices, documents."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.archives import Document
from live_lce.classifiers import Grid, ModelCard, Registry
from live_lce.classifiers._card import OutOfDistribution, Training
from live_lce.engine import Result, RunClosed

CLASSES = ("T4", "S5", "O6")
GRID = Grid(start=-20.0, stop=40.0, n_points=61)


def make_registry(folder: Path, absorber: str = "Fe", version: str = "0.0.1") -> Registry:
    """Write an ONNX model that reads the white line: high is O6, low is T4."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    n = GRID.n_points
    weights = np.zeros((n, 3), dtype=np.float32)
    weights[23:30] = np.array([-3.0, 0.0, 3.0], dtype=np.float32)
    bias = np.array([22.0, 0.0, -22.0], dtype=np.float32)
    name = f"lce_{absorber}_K"
    card = ModelCard(
        name=name,
        family="lce",
        version=version,
        absorber=absorber,
        edge="K",
        classes=CLASSES,
        grid=GRID,
        preprocessing="none",
        architecture="one layer, for tests",
        training=Training(
            files=(), dropped={}, rows={}, n_folds=0, split="",
            augmentation="", seed=0, epochs=0,
        ),
        metrics={},
        ood=OutOfDistribution(method="mean absolute value / 10", threshold="none"),
        licence="BSD-3-Clause",
        created_by="tests",
    )  # fmt: skip
    nodes = [
        helper.make_node("Gemm", ["norm", "w", "b"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("Abs", ["norm"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "tenth"], ["ood_score"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("norm", TensorProto.FLOAT, ["batch", n])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3]),
            helper.make_tensor_value_info("ood_score", TensorProto.FLOAT, ["batch"]),
        ],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(bias, "b"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"),
            numpy_helper.from_array(np.array(0.1, dtype=np.float32), "tenth"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"live_lce": card.embedded()})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    full = card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    (folder / f"{name}.json").write_text(full.model_dump_json())
    return Registry(folder)


def feed(engine: Callable[..., Any], documents: Iterable[Document], **options: Any) -> list[Any]:
    """Return everything that an engine gives for some documents."""
    return [out for name, doc in documents for out in engine(name, doc, **options)]


def results(outputs: Iterable[Any]) -> list[Result]:
    """Leave out the closed runs."""
    return [out for out in outputs if isinstance(out, Result)]


def finals(outputs: Iterable[Any]) -> list[Result]:
    """Return the last predictions of each spectrum."""
    return [out for out in results(outputs) if out.final]


def closed(outputs: Iterable[Any]) -> list[RunClosed]:
    """Return which runs were closed."""
    return [out for out in outputs if isinstance(out, RunClosed)]


def numbers(result: Result) -> tuple[Any, ...]:
    """Return all that a result says, to compare bit by bit."""
    p, n = result.prediction, result.normalized
    return (
        result.run.uid, result.run.stream, result.spectrum_index, result.final,
        result.n_points, result.n_dropped, result.raw_seq_num_first, result.raw_seq_num_last,
        repr(result.raw_time), p.status, p.findings, p.absorber, p.edge, p.label, p.confidence,
        p.label_set, repr(p.ood_score), p.coverage, p.model,
        None if p.probabilities is None else p.probabilities.tobytes(),
        None if n is None else (
            n.energy.tobytes(), n.norm.tobytes(), repr(n.e0), repr(n.edge_reference)
        ),
    )  # fmt: skip

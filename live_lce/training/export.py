"""Writing a model: the ONNX file, and its card inside and beside it."""

from __future__ import annotations

import hashlib
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from live_lce.classifiers.card import INPUT, METADATA_KEY, OOD_SCORE, PROBABILITIES, ModelCard

OPSET = 18
IR_VERSION = 9
"""Read by onnxruntime 1.20 and newer."""


def write_model(module: nn.Module, card: ModelCard, folder: Path) -> ModelCard:
    """Write ``<name>.onnx`` and ``<name>.json``.

    Parameters
    ----------
    module : Module
        Takes `norm` (batch, n_grid), gives `probabilities` and `ood_score`.
    card : ModelCard
        Its `sha256` is filled in.
    folder : Path
        Made if it is missing.

    Returns
    -------
    ModelCard
        As in the JSON file.
    """
    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    return _write(onnx.load_from_string(_graph(module, card.grid.n_points)), card, folder)


def rewrite_card(card: ModelCard, folder: Path) -> ModelCard:
    """Put a changed card into an existing model's files, weights untouched.

    Parameters
    ----------
    card : ModelCard
        The changed one.
    folder : Path
        Holds its files.

    Returns
    -------
    ModelCard
        With the new sha256.
    """
    import onnx

    return _write(onnx.load(folder / f"{card.name}.onnx"), card, folder)


def _write(model: Any, card: ModelCard, folder: Path) -> ModelCard:
    import onnx

    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, card.embedded()
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "live_lce", "", card.name
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    (folder / f"{card.name}.onnx").write_bytes(content)
    complete = card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    (folder / f"{card.name}.json").write_text(complete.model_dump_json(indent=1) + "\n")
    return complete


def _graph(module: nn.Module, n_grid: int) -> bytes:
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():  # the exporter warns of its own parts, not of the model
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module.eval(),
            (torch.rand(2, n_grid),),
            input_names=[INPUT],
            output_names=[PROBABILITIES, OOD_SCORE],
            dynamic_shapes=({0: batch},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    for node in program.model.graph:  # traces of the source code: large, and not reproducible
        node.metadata_props.clear()
        node.doc_string = None
    for value in program.model.graph.initializers.values():
        value.metadata_props.clear()
    content: bytes = program.model_proto.SerializeToString()
    return content

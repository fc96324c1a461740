"""Write a model: the ONNX file, and its card inside and beside it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from live_lce.classifiers import Atlas, ModelCard
from live_lce.classifiers._card import INPUT, MEMBERS, OOD_SCORE, PROBABILITIES
from live_lce.classifiers._files import write_files

OPSET = 18


def write_model(
    module: nn.Module, card: ModelCard, folder: Path, atlas: Atlas | None = None
) -> ModelCard:
    """Write ``<name>.onnx`` and ``<name>.json``.

    Parameters
    ----------
    module : Module
        Takes `norm` (batch, n_grid), gives `probabilities`, `ood_score` and, if the card has
        members, `members`.
    card : ModelCard
        Its `sha256` is filled in.
    folder : Path
        Made if it is missing.
    atlas : Atlas, optional
        What it carries to show where a spectrum stands.

    Returns
    -------
    ModelCard
        As in the JSON file.
    """
    import onnx

    outputs = [PROBABILITIES, OOD_SCORE, *([MEMBERS] if card.members else [])]
    content = onnx_of(module, card.grid.n_points, outputs)
    return write_files(onnx.load_from_string(content), card, folder, atlas)


def onnx_of(module: nn.Module, n_grid: int, outputs: Sequence[str]) -> bytes:
    """Return a module as an ONNX file.

    Parameters
    ----------
    module : Module
        Takes `norm` (batch, n_grid).
    n_grid : int
        Points of a spectrum.
    outputs : sequence of str
        Names of what it gives, in order.
    """
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():  # the exporter warns of its own parts, not of the model
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module.eval(),
            (torch.rand(2, n_grid),),
            input_names=[INPUT],
            output_names=list(outputs),
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

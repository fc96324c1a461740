"""A model's two files: the ONNX file with its card inside, and the card beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from live_lce.classifiers.card import METADATA_KEY, ModelCard

IR_VERSION = 9
"""Read by onnxruntime 1.20 and newer."""


def write_files(model: Any, card: ModelCard, folder: Path) -> ModelCard:
    """Write ``<name>.onnx`` and ``<name>.json``.

    Parameters
    ----------
    model : onnx.ModelProto
        The graph; its metadata are replaced.
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

    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, card.embedded()
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "live_lce", "", card.name
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{card.name}.onnx").write_bytes(content)
    complete = card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    (folder / f"{card.name}.json").write_text(complete.model_dump_json(indent=1) + "\n")
    return complete


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

    return write_files(onnx.load(folder / f"{card.name}.onnx"), card, folder)

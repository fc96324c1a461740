"""Read and write a model's two files: the ONNX file with its card, and the card beside it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live_lce.classifiers._atlas import ATLAS_KEY, Atlas
from live_lce.classifiers._card import METADATA_KEY, ModelCard

SUFFIXES = ("onnx", "json")
IR_VERSION = 9
"""Read by onnxruntime 1.20 and newer."""


def write_files(model: Any, card: ModelCard, folder: Path, atlas: Atlas | None = None) -> ModelCard:
    """Write ``<name>.onnx`` and ``<name>.json``, both or none.

    They are written beside their place and moved there when complete; models of the same
    name are replaced.  Whatever comes in between, also Ctrl-C, leaves the folder as it was.

    Parameters
    ----------
    model : onnx.ModelProto
        The graph; of its metadata only an atlas is kept.  Weights that it keeps in other files
        (below the current folder) are put into this one: the sha256 covers all of it.
    card : ModelCard
        Its `sha256` is filled in.
    folder : Path
        Made if it is missing.
    atlas : Atlas, optional
        Takes the place of the one that the graph may have.

    Returns
    -------
    ModelCard
        As in the JSON file.
    """
    import onnx

    onnx.external_data_helper.load_external_data_for_model(model, "")
    carried = {entry.key: entry.value for entry in model.metadata_props if entry.key == ATLAS_KEY}
    if atlas is not None:
        carried = {ATLAS_KEY: atlas.to_json()}
    del model.metadata_props[:]
    for key, value in ({METADATA_KEY: card.embedded()} | carried).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "live_lce", "", card.name
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    complete = card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    text = complete.model_dump_json(indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    # In the same folder, because renaming works within one file system only.
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as made:
        new, old = Path(made) / "new", Path(made) / "old"
        new.mkdir()
        old.mkdir()
        (new / f"{card.name}.onnx").write_bytes(content)
        (new / f"{card.name}.json").write_text(text)
        _exchange(folder, new, old, [f"{card.name}.{suffix}" for suffix in SUFFIXES])
    return complete


def _exchange(folder: Path, new: Path, old: Path, names: Sequence[str]) -> None:
    """Move new files into a folder; if that fails, what was there comes back."""
    before = [name for name in names if (folder / name).exists()]
    for name in before:
        (old / name).hardlink_to(folder / name)
    try:
        for name in names:
            (new / name).replace(folder / name)
    except BaseException:
        for name in names:
            if name in before:
                (old / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        raise


def rewrite_card(card: ModelCard, folder: Path) -> ModelCard:
    """Put a changed card into an existing model's files, weights and atlas untouched.

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

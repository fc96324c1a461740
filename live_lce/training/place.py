"""Putting a model where others find it: whole, or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from torch import nn

from live_lce.classifiers.card import ModelCard
from live_lce.training.export import write_model

SUFFIXES = ("onnx", "json")


def place_model(module: nn.Module, card: ModelCard, folder: Path) -> ModelCard:
    """Write a model beside its place and move it there when it is complete.

    A model of the same name is replaced.  Whatever comes in between, also Ctrl-C, leaves the
    folder as it was.

    Parameters
    ----------
    module, card
        See :func:`live_lce.training.export.write_model`.
    folder : Path
        Made if it is missing.

    Returns
    -------
    ModelCard
        As in the JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # In the same folder, because renaming works within one file system only.
    with tempfile.TemporaryDirectory(prefix=".train-", dir=folder) as made:
        new, old = Path(made) / "new", Path(made) / "old"
        complete = write_model(module, card, new)
        names = [f"{card.name}.{suffix}" for suffix in SUFFIXES]
        old.mkdir()
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
    return complete

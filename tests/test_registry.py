"""The registry refuses damaged models, each with a sentence, and keeps the others."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import onnx
import pytest

from live_lce.classifiers.registry import ModelDamagedError, Registry, default_folder

FAMILY = "carbone-cnn"
NAME = f"{FAMILY}_Fe_K"


@pytest.fixture
def folder(tmp_path):
    for element in ("Fe", "Ti"):
        for suffix in ("onnx", "json"):
            shutil.copy(default_folder() / f"{FAMILY}_{element}_K.{suffix}", tmp_path)
    return tmp_path


def opened(folder, element="Fe"):
    registry = Registry(folder)
    return registry.session(registry.find(element, "K", FAMILY))


def resign(folder, model):
    """Write a changed model with a card of the right sha256."""
    content = model.SerializeToString()
    (folder / f"{NAME}.onnx").write_bytes(content)
    path = folder / f"{NAME}.json"
    card = json.loads(path.read_text())
    card["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(card))


def refused(folder, match):
    with pytest.raises(ModelDamagedError, match=match) as caught:
        opened(folder)
    assert NAME in str(caught.value)
    assert "install it again" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert opened(folder, "Ti").provider  # the other one works on


def test_every_shipped_model_opens_and_says_what_it_is():
    registry = Registry()
    assert not registry.damaged()
    assert {c.absorber for c in registry.cards()} == {"Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu"}
    for card in registry.cards():
        assert registry.identity(card).provider == ""
        assert registry.session(card) is registry.session(card)
        assert registry.identity(card).provider.endswith("ExecutionProvider")
        assert registry.identity(card).sha256 == card.sha256
        assert registry.path(card.name).stat().st_size < 8_000_000
        held_out = card.metrics["cross-validated"]
        assert held_out["macro_f1"] > held_out["majority_macro_f1"]


def test_a_folder_of_ones_own_comes_first_and_the_shipped_models_stay(folder):
    registry = Registry.beside_shipped(folder)
    own = {path.stem for path in folder.glob("*.onnx")}
    for card in registry.cards():
        where = folder if card.name in own else default_folder()
        assert registry.path(card.name) == where / f"{card.name}.onnx"
    assert {card.absorber for card in registry.cards()} > {
        card.absorber for card in Registry(folder).cards()
    }


def test_an_unknown_absorber_has_no_model(folder):
    assert Registry(folder).find("Zn", "K", FAMILY) is None
    assert Registry(folder / "nowhere").cards() == ()


def test_a_flipped_byte(folder):
    path = folder / f"{NAME}.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(folder, "has not the sha256 of its card")


def test_a_missing_model(folder):
    (folder / f"{NAME}.onnx").unlink()
    refused(folder, "cannot be read")


def test_a_missing_card(folder):
    (folder / f"{NAME}.json").unlink()
    refused(folder, "is missing beside its ONNX file")


@pytest.mark.parametrize("text", ["", "{", '{"name": "x"}', "\x00\xff"])
def test_a_broken_card(folder, text):
    (folder / f"{NAME}.json").write_text(text)
    refused(folder, "is no model card")


def test_the_card_of_another_model(folder):
    shutil.copy(folder / f"{FAMILY}_Ti_K.json", folder / f"{NAME}.json")
    refused(folder, "is the card of another model")


def test_a_card_edited_by_hand(folder):
    path = folder / f"{NAME}.json"
    path.write_text(path.read_text().replace('"T4",', '"T6",', 1))
    refused(folder, "carries another card")


def test_no_card_inside(folder):
    model = onnx.load(folder / f"{NAME}.onnx")
    del model.metadata_props[:]
    resign(folder, model)
    refused(folder, "carries no card")


def test_another_input_shape(folder):
    model = onnx.load(folder / f"{NAME}.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 90
    resign(folder, model)
    refused(folder, "takes|can load")


def test_another_output(folder):
    model = onnx.load(folder / f"{NAME}.onnx")
    del model.graph.output[1]
    resign(folder, model)
    refused(folder, "gives")


def test_garbage_with_the_right_sha256(folder):
    path = folder / f"{NAME}.json"
    card = json.loads(path.read_text())
    (folder / f"{NAME}.onnx").write_bytes(b"no model")
    card["sha256"] = hashlib.sha256(b"no model").hexdigest()
    path.write_text(json.dumps(card))
    refused(folder, "no model that onnxruntime can load")


def test_reading_cards_does_not_import_onnxruntime():
    code = (
        "import sys; from live_lce.classifiers.registry import Registry;"
        "assert Registry().cards(); assert 'onnxruntime' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""The registry refuses damaged models, each with a sentence, and keeps the others."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest

from live_lce.classifiers import ModelDamagedError, Registry
from live_lce.classifiers._external_data import external_data
from live_lce.classifiers._files import rewrite_card, write_files
from live_lce.classifiers._registry import default_folder

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
        "import sys; from live_lce.classifiers._registry import Registry;"
        "assert Registry().cards(); assert 'onnxruntime' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_that_was_away_for_a_moment_is_there_again(folder):
    registry = Registry(folder)
    card = registry.find("Fe", "K", FAMILY)
    model = folder / f"{NAME}.onnx"
    model.rename(folder / "away")
    with pytest.raises(ModelDamagedError, match="cannot be read"):
        registry.session(card)
    (folder / "away").rename(model)
    assert registry.session(card).provider


def test_a_card_that_was_away_for_a_moment_is_there_again(folder, monkeypatch):
    monkeypatch.setattr("live_lce.classifiers._registry.AGAIN", -1.0)  # it is, at once
    for file in (f"{NAME}.json", f"{NAME}.onnx"):
        (folder / file).rename(folder / f"{file}.away")
    registry = Registry(folder)
    assert registry.find("Fe", "K", FAMILY) is None
    for file in (f"{NAME}.json", f"{NAME}.onnx"):
        (folder / f"{file}.away").rename(folder / file)
    assert registry.loaded("Fe", "K", FAMILY) is not None


@pytest.mark.parametrize("change", [{"version": "99.0.0"}, {"classes": ("A", "B", "C")}])
def test_a_model_that_is_replaced_before_its_first_use(folder, change):
    registry = Registry(folder)
    card = registry.find("Fe", "K", FAMILY)
    new = rewrite_card(card.model_copy(update=change), folder)
    known, session = registry.loaded("Fe", "K", FAMILY)
    assert (known, session.provider) == (new, registry.identity(known).provider)
    assert registry.identity(known).sha256 == new.sha256


def test_a_model_in_use_stays_what_it_is(folder):
    registry = Registry(folder)
    card, session = registry.loaded("Fe", "K", FAMILY)
    rewrite_card(card.model_copy(update={"version": "99.0.0"}), folder)
    assert registry.loaded("Fe", "K", FAMILY) == (card, session)
    assert Registry(folder).loaded("Fe", "K", FAMILY)[0].version == "99.0.0"


def kept_outside(model, folder):
    """Put the largest weight of a model into a file of its own."""
    weight = max(model.graph.initializer, key=lambda w: len(w.raw_data))
    values = weight.raw_data
    (folder / "w.bin").write_bytes(values)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "w.bin"), ("length", str(len(values)))):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return model


def test_weights_outside_the_file_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)  # where onnxruntime would find them
    resign(folder, kept_outside(onnx.load(folder / f"{NAME}.onnx"), folder))
    refused(folder, "keeps weights in other files")


def test_weights_outside_the_file_are_put_into_it_when_a_model_is_written(folder, monkeypatch):
    monkeypatch.chdir(folder)
    card = Registry(folder).find("Fe", "K", FAMILY)
    x = np.linspace(0, 1, card.grid.n_points)[None, :]
    before = opened(folder).run(x).probabilities
    write_files(kept_outside(onnx.load(folder / f"{NAME}.onnx"), folder), card, folder)
    (folder / "w.bin").unlink()
    np.testing.assert_array_equal(opened(folder).run(x).probabilities, before)


def test_weights_are_found_wherever_onnx_may_keep_them():
    outside = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)
    graph = onnx.GraphProto(initializer=[outside])
    attributes = [
        onnx.AttributeProto(t=outside),
        onnx.AttributeProto(tensors=[onnx.TensorProto(), outside]),
        onnx.AttributeProto(g=graph),
        onnx.AttributeProto(graphs=[graph]),
        onnx.AttributeProto(sparse_tensor=onnx.SparseTensorProto(values=outside)),
        onnx.AttributeProto(sparse_tensors=[onnx.SparseTensorProto(indices=outside)]),
    ]
    nodes = [onnx.NodeProto(attribute=[attribute]) for attribute in attributes]
    sparse = onnx.GraphProto(sparse_initializer=[onnx.SparseTensorProto(values=outside)])
    models = [
        *(onnx.ModelProto(graph=onnx.GraphProto(node=[node])) for node in nodes),
        *(onnx.ModelProto(functions=[onnx.FunctionProto(node=[node])]) for node in nodes),
        onnx.ModelProto(graph=graph),
        onnx.ModelProto(graph=sparse),
    ]
    for model in models:
        assert external_data(model.SerializeToString()), model
    inside = onnx.ModelProto(graph=onnx.GraphProto(initializer=[onnx.TensorProto()]))
    assert not external_data(inside.SerializeToString())
    for nonsense in (b"\xff", b"\x0a\x05a", b"\x0b", b"\xff" * 20):
        with pytest.raises(ValueError, match="no protobuf message"):
            external_data(nonsense)

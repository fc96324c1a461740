"""Bad scans that need the whole path: documents, a real model folder, a decision and its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_parts import feed, finals, make_registry, results

from live_lce.classifiers import Registry
from live_lce.contract import REASON_WORDS, Reason, Status
from live_lce.engine import Engine
from live_lce.testing import SCAN, compose, spectrum_rows


def decision(registry: Registry, rows: list[dict[str, Any]], **start: Any) -> tuple[Status, Reason]:
    """Return status and first reason of a scan's final prediction, which has no label."""
    outputs = feed(Engine(registry=registry), compose(rows, start=SCAN | start))
    (final,) = finals(outputs)
    assert final.prediction.label == ""
    assert not final.prediction.answered
    assert not any(r.prediction.answered for r in results(outputs))
    reason = final.prediction.findings[0].reason
    assert REASON_WORDS[reason]
    return final.prediction.status, reason


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_registry(tmp_path)
    return tmp_path


@pytest.mark.parametrize("element", ["Co", "V"])
def test_the_wrong_absorber_is_stated(folder: Path, element: str) -> None:
    found = decision(Registry(folder), spectrum_rows(), element=element)
    assert found == (Status.REJECTED, Reason.ABSORBER_OUT_OF_RANGE)


def test_an_absorber_without_a_model(folder: Path) -> None:
    shift = 9659.0 - 7112.0  # a good scan of zinc
    rows = [{**row, "mono_energy": row["mono_energy"] + shift} for row in spectrum_rows()]
    found = decision(Registry(folder), rows, element="Zn")
    assert found == (Status.REJECTED, Reason.NO_MODEL)


@pytest.mark.parametrize("content", [b"", b"no model", None], ids=["empty", "text", "cut"])
def test_a_corrupt_model(folder: Path, content: bytes | None) -> None:
    (model,) = folder.glob("*.onnx")
    model.write_bytes(model.read_bytes()[:-50] if content is None else content)
    assert decision(Registry(folder), spectrum_rows()) == (Status.FAILED, Reason.MODEL_DAMAGED)


def test_no_models_at_all(tmp_path: Path) -> None:
    found = decision(Registry(tmp_path), spectrum_rows())
    assert found == (Status.REJECTED, Reason.NO_MODEL)

"""The analysis run's documents follow the contract."""

from __future__ import annotations

import math
from typing import Any

import event_model
import numpy as np
import pytest
from publish_parts import MODEL, RAW_UID, a_result, a_run

from live_lce import contract
from live_lce.contract import Reason, Status
from live_lce.engine import RunInfo
from live_lce.publish import AnalysisRun
from live_lce.settings import AnalysisSettings, Normalization


def compose(*results: Any, settings: AnalysisSettings | None = None) -> list[tuple[str, Any]]:
    settings = settings or AnalysisSettings()
    run = AnalysisRun(results[0], settings=settings, source="test", now=lambda: 1000.0)
    documents = [run.start]
    for result in results:
        documents += run.result(result, 0.25)
    return [*documents, run.stop()]


def events(documents: list[tuple[str, Any]], stream: str) -> list[dict[str, Any]]:
    uids = [d["uid"] for n, d in documents if n == "descriptor" and d["name"] == stream]
    return [d for n, d in documents if n == "event" and d["descriptor"] in uids]


def test_every_document_is_an_event_model_document() -> None:
    documents = compose(a_result(final=False), a_result(), a_result(1))
    assert [n for n, _ in documents] == [
        "start", "descriptor", "event", "event", "descriptor", "event", "event", "event", "stop",
    ]  # fmt: skip
    for name, document in documents:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(document)
    assert documents[-1][1]["num_events"] == {"predictions": 3, "spectra": 2}


def test_start_holds_exactly_the_keys_of_the_contract() -> None:
    run = a_run(
        sample={"name": "Fe2O3"}, scan_id=7, data_session="pass-1", tiled_access_tags=["p1"]
    )
    start = compose(a_result(run=run))[0][1]
    assert set(start) == set(contract.START_KEYS) | {"uid", "time"}
    assert start["tiled_specs"] == [
        {"name": "LiveLCEPrediction", "version": contract.CONTRACT_VERSION}
    ]
    assert start["original_run_uid"] == RAW_UID
    assert start["sample"] == {"name": "Fe2O3"} and start["scan_id"] == 7
    assert start["tiled_access_tags"] == ["p1"]
    assert start["live_lce"]["model"]["classes"] == ["T4", "S5", "O6"]
    assert start["live_lce"]["versions"]["numpy"] == np.__version__
    assert start["live_lce"]["settings_hash"] == AnalysisSettings().digest
    # the hash can be recomputed from what is published
    assert contract.settings_hash(start["live_lce"]["settings"]) == AnalysisSettings().digest


@pytest.mark.parametrize(
    "odd",
    [
        {"sample": {"a": object()}},
        {"sample": {"bad.key": 1, "x": math.nan}},
        {"scan_id": "seven"},
        {"data_session": 3},
        {"sample": None},
        {"time": "yesterday"},
    ],
)
def test_odd_raw_metadata_are_left_out(odd: dict[str, Any]) -> None:
    start = compose(a_result(run=a_run(**odd)))[0][1]
    key = next(iter(odd))
    assert {"time": "raw_time"}.get(key, key) not in start
    assert "tiled_access_tags" not in start


def test_numpy_metadata_become_plain() -> None:
    start = compose(a_result(run=a_run(scan_id=np.int64(5), sample={"T": np.float64(300)})))[0][1]
    assert start["scan_id"] == 5 and start["sample"] == {"T": 300.0}


def test_joined_late_without_a_start_document() -> None:
    start = compose(a_result(run=a_run(empty=True)))[0][1]
    assert start["original_run_uid"] == RAW_UID and "raw_time" not in start


def test_uid_is_that_of_the_contract_and_changes_with_each_part() -> None:
    settings = AnalysisSettings()
    uid = compose(a_result())[0][1]["uid"]
    assert uid == contract.analysis_uid(RAW_UID, "primary", "Fe", MODEL.sha256, settings.digest)
    assert compose(a_result())[0][1]["uid"] == uid
    other = AnalysisSettings(normalization=Normalization(norm2=300.0))
    different = {
        uid,
        compose(a_result(), settings=other)[0][1]["uid"],
        compose(a_result(absorber="Mn"))[0][1]["uid"],
        compose(a_result(run=a_run(uid="other")))[0][1]["uid"],
        compose(a_result(run=a_run(stream="fly")))[0][1]["uid"],
        compose(a_result(model=False))[0][1]["uid"],
    }
    assert len(different) == 6


def test_descriptors_are_those_of_the_contract() -> None:
    documents = compose(a_result())
    by_name = {d["name"]: d for n, d in documents if n == "descriptor"}
    columns = contract.prediction_columns(("T4", "S5", "O6"))
    assert list(by_name["predictions"]["data_keys"]) == [c.name for c in columns]
    for column in columns:
        found = by_name["predictions"]["data_keys"][column.name]
        assert {k: found[k] for k in column.data_key()} == column.data_key()
    assert list(by_name["spectra"]["data_keys"]) == [c.name for c in contract.SPECTRA_COLUMNS]
    grid = by_name["spectra"]["configuration"]["live_lce"]["data"]["grid"]
    assert len(grid) == contract.GRID_SIZE
    assert grid[0] == contract.GRID_START and grid[-1] == contract.GRID_STOP


def test_values_have_the_types_of_the_contract_and_are_never_none() -> None:
    rejected = a_result(status=Status.REJECTED, reasons=(Reason.EDGE_NOT_REACHED,))
    for result in (a_result(), rejected):
        (event,) = events(compose(result), "predictions")
        for column in contract.prediction_columns(("T4", "S5", "O6")):
            value = event["data"][column.name]
            kind = {"integer": int, "number": float, "string": str}[column.dtype]
            assert type(value) is kind, column.name
            if column.choices:
                assert value in column.choices
    assert event["data"]["answered"] == 0 and event["data"]["confidence"] == 0.0
    assert event["data"]["reason"] == "edge_not_reached"
    assert event["data"]["norm_method"] == "none"
    assert all(math.isnan(event["data"][k]) for k in ("e0", "edge_step", "p_O6", "nnorm", "pre1"))


def test_the_spectrum_on_the_grid_is_the_measured_one() -> None:
    result = a_result()
    spectrum = result.normalized
    assert spectrum is not None
    (event,) = events(compose(a_result(final=False), result), "spectra")
    norm, valid = np.array(event["data"]["norm"]), np.array(event["data"]["valid"])
    assert norm.shape == valid.shape == (contract.GRID_SIZE,)
    assert valid.min() == 0 and valid.max() == 1  # the spectrum ends 80 eV past the edge
    assert np.isnan(norm[valid == 0]).all() and np.isfinite(norm[valid == 1]).all()
    grid = np.linspace(-30, 100, contract.GRID_SIZE)
    expected = np.interp(grid + spectrum.edge_reference, spectrum.energy, spectrum.norm)
    assert np.abs(norm - expected)[valid == 1].max() < 0.02


def test_stop_tells_the_last_final_prediction() -> None:
    stop = compose(a_result(0), a_result(1, label="T4", confidence=0.75), a_result(2, final=False))[
        -1
    ][1]
    assert set(stop["live_lce"]) == set(contract.STOP_KEYS)
    assert stop["live_lce"] == {
        "label": "T4", "confidence": 0.75, "status": "ok", "absorber": "Fe", "n_final": 2,
        "reason": "", "probabilities": {"T4": 0.75, "S5": 0.125, "O6": 0.125}, "spread": {},
        "label_set": ["T4"], "used": {},
    }  # fmt: skip
    assert stop["exit_status"] == "success"


def test_settings_with_dots_in_data_keys_can_be_published() -> None:
    settings = AnalysisSettings.model_validate({"signals": {"dark": {"I0.value": 1.5}}})
    start = compose(a_result(), settings=settings)[0][1]
    assert start["live_lce"]["settings"]["signals"]["dark"] == {"I0_value": 1.5}


def test_the_sample_is_copied_else_found_by_the_beamlines_name_for_it() -> None:
    def sample_of(start: dict[str, Any]) -> Any:
        run = RunInfo(RAW_UID, "primary", {"uid": RAW_UID, "time": 0.0} | start, "from XDI")
        return compose(a_result(run=run))[0][1]["sample"]

    assert sample_of({}) == "from XDI"
    assert sample_of({"sample": {"name": "rust"}}) == {"name": "rust"}
    assert sample_of({"sample": {"formula": "Fe2O3"}}) == {"formula": "Fe2O3", "name": "from XDI"}
    assert sample_of({"sample": {"name": None, "T": 300}}) == {"name": "from XDI", "T": 300}

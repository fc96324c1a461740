"""Recorded signals of raw runs, written by TiledWriter to a real server and read back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run

from live_lce.results import ResultsError, signal_names, signal_values
from live_lce.tiled import EmbeddedTiled

UIDS = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(3)]
PRIMARY = {
    "energy": {"units": "eV"},
    "mono": {},
    "theta_bragg": {"units": "deg"},
    "furnace": {"units": "°C"},
    "counts": {"dtype": "integer"},
    "shutter": {"dtype": "string", "value": "open"},
    "image": {"dtype": "array", "shape": [3], "value": [1.0, 2.0, 3.0]},
}


def key_of(told: dict[str, Any]) -> dict[str, Any]:
    kind = {"dtype": "number", "shape": [], "source": "test"}
    return kind | {k: v for k, v in told.items() if k != "value"}


def write(container: Any, uid: str, furnace: list[float | int], **start: Any) -> None:
    """Write a run; a negative entry in `furnace` is a rewind by so many points."""
    hints = {"dimensions": [[["mono"], "primary"]]}
    writer = TiledWriter(container)
    run = compose_run(uid=uid, metadata={"hints": hints} | start)
    writer("start", run.start_doc)
    primary = run.compose_descriptor(
        name="primary", data_keys={name: key_of(told) for name, told in PRIMARY.items()}
    )
    writer("descriptor", primary.descriptor_doc)
    number = 0
    for value in furnace:
        if isinstance(value, int) and value < 0:
            number += value
            continue
        number += 1
        data = {name: told.get("value", 1) for name, told in PRIMARY.items()}
        data["furnace"] = float(value)
        event = primary.compose_event(data=data, timestamps=dict.fromkeys(data, 0.0))
        writer("event", event | {"seq_num": number})
    baseline = run.compose_descriptor(
        name="baseline", data_keys={"ring": key_of({"units": "mA"}), "note": key_of({})}
    )
    writer("descriptor", baseline.descriptor_doc)
    for ring in (399.0, 401.0):
        data = {"ring": ring, "note": math.nan}
        event = baseline.compose_event(data=data, timestamps=dict.fromkeys(data, 0.0))
        writer("event", event)
    writer("stop", run.compose_stop())


@pytest.fixture(scope="module")
def raw() -> Iterator[Any]:
    with EmbeddedTiled() as server:
        client = server.client()
        write(
            client["raw"], UIDS[0], [20.0, 99.0, -1, 22.0, 24.0], scan_id=3,
            series={"temperature": 20.5, "deeper": {"than": 1}, "done": True, "name": "x"},
            beam_energy=7112.0, plan_args={"num": 5}, sample="rust",
        )  # fmt: skip
        write(client["raw"], UIDS[1], [math.nan, 30.0], scan_id=4)
        write(client["raw"], UIDS[2], [math.nan, math.inf], temperature=math.nan)
        yield client["raw"]
        client.context.close()


def test_names_are_numbers_that_are_not_scanned(raw: Any) -> None:
    assert signal_names(raw, UIDS[0]) == {
        "start.scan_id": "",
        "start.series.temperature": "",
        "primary.furnace": "°C",
        "primary.counts": "",
        "baseline.ring": "mA",
        "baseline.note": "",
    }
    assert signal_names(raw, "no such run") == {}


def test_values_are_never_nan(raw: Any) -> None:
    assert signal_values(raw, UIDS, "start.scan_id") == {UIDS[0]: 3.0, UIDS[1]: 4.0}
    assert signal_values(raw, UIDS, "start.series.temperature") == {UIDS[0]: 20.5}
    assert signal_values(raw, UIDS, "start.temperature") == {}
    # the point of 99 degrees was measured again
    assert signal_values(raw, UIDS, "primary.furnace") == {UIDS[0]: 22.0, UIDS[1]: 30.0}
    assert signal_values(raw, [UIDS[2], "unknown"], "baseline.ring") == {UIDS[2]: 400.0}
    assert signal_values(raw, UIDS, "baseline.note") == {}


@pytest.mark.parametrize(
    "name", ["primary.nothing", "nowhere.furnace", "nonsense", "", "start.", "pri/mary.x", "start"]
)
def test_what_was_not_recorded_has_no_values(raw: Any, name: str) -> None:
    assert signal_values(raw, UIDS, name) == {}


def test_only_the_column_is_read(raw: Any) -> None:
    asked: list[Any] = []
    client = raw.context.http_client
    hooks = client.event_hooks
    client.event_hooks = hooks | {"request": [*hooks["request"], asked.append]}
    try:
        signal_values(raw, UIDS[:1], "primary.furnace")
    finally:
        client.event_hooks = hooks
    tables = [str(r.url) for r in asked if "/table/" in str(r.url)]
    assert len(tables) == 1 and "column=seq_num&column=furnace" in tables[0]
    assert len(asked) <= 4


def test_what_goes_wrong_is_one_error(raw: Any) -> None:
    client = raw.context.http_client
    hooks = client.event_hooks

    def fail(_: Any) -> None:
        raise ConnectionError("the cable")

    client.event_hooks = hooks | {"request": [fail]}
    try:
        with pytest.raises(ResultsError, match="does not answer"):
            signal_values(raw, UIDS, "start.scan_id")
        with pytest.raises(ResultsError, match="does not answer"):
            signal_names(raw, UIDS[0])
    finally:
        client.event_hooks = hooks

"""An in-situ series queued over bluesky-queueserver's API, and its predictions read from Tiled.

Everything is real: Redis, ``start-re-manager`` with the profile's startup folder, Tiled.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ophyd", reason="needs the extra `sim`")
pytest.importorskip("bluesky_queueserver", reason="needs the extra `queueserver`")

from ioc_parts import running_ioc
from queue_parts import USER, Queue, queueserver

from live_lce.results import analyses, predictions
from live_lce.tiled import EmbeddedTiled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def surroundings(server: EmbeddedTiled, folder: Path) -> dict[str, str]:
    return {
        "LIVE_LCE_TILED__URI": server.uri,
        "LIVE_LCE_TILED__API_KEY": server.api_key,
        "LIVE_LCE_PUBLISH__SPOOL": str(folder / "spool"),
        "LIVE_LCE_PUBLISH__DEAD_LETTER": str(folder / "dead-letter"),
    }


def run_queue(queue: Queue, n_plans: int) -> list[dict]:
    """Run what is queued; return how each plan ended."""
    queue.ask("queue_start")
    queue.wait(
        lambda s: s["items_in_history"] == n_plans and s["manager_state"] == "idle", seconds=150
    )
    return [item["result"] for item in queue.ask("history_get")["items"]]


def test_an_insitu_series_is_queued_and_its_predictions_are_in_tiled(tmp_path: Path) -> None:
    with EmbeddedTiled(tmp_path / "tiled") as server:
        with queueserver(tmp_path, **surroundings(server, tmp_path)) as queue:
            plans = queue.ask("plans_allowed", user_group=USER["user_group"])["plans_allowed"]
            assert {"xanes", "insitu_series", "foil_calibration"} <= set(plans)
            devices = queue.ask("devices_allowed", user_group=USER["user_group"])
            assert {"mono", "chambers", "fluorescence", "furnace", "ring"} <= set(
                devices["devices_allowed"]
            )
            queue.add(
                "insitu_series",
                element="Fe",
                n_scans=3,
                first=600.0,
                last=900.0,
                sample="ferrite",
                before="Fe-hematite",
                after="Fe-BaCaFe4O8",
            )
            queue.add("xanes", element="V", mixture="V-cavoite-1 0.6667, V-cavoite-2 0.3333")
            queue.add("wait_for_predictions")
            ended = run_queue(queue, 3)
            assert [result["exit_status"] for result in ended] == ["completed"] * 3, ended
            refused = queue._client.send_message(
                method="queue_item_add",
                params={
                    "item": {"item_type": "plan", "name": "xanes", "kwargs": {"element": 7}},
                    **USER,
                },
            )
            assert not refused["success"]
        client = server.client()
        try:
            raw = [run.metadata["start"] for run in client["raw"].values()]
        finally:
            client.context.close()
        frame = predictions(server.uri, api_key=server.api_key, final=True)
        table = analyses(server.uri, api_key=server.api_key)
    assert [uid for result in ended for uid in result["run_uids"]] == [s["uid"] for s in raw]
    labels = dict(
        zip(frame["raw_uid"], zip(frame["status"], frame["label"], strict=True), strict=True)
    )
    first, middle, last, vanadium = (labels[start["uid"]] for start in raw)
    assert raw[0]["truth"] == {"O6": 1.0}
    assert raw[2]["truth"] == {"T4": 1.0}
    assert set(raw[1]["truth"]) == {"O6", "T4"}
    assert first == ("ok", "O6")
    assert last == ("ok", "T4")
    assert vanadium == ("ok", "S5")
    assert middle[0] in ("ok", "abstain")
    assert [s["series"]["index"] for s in raw[:3]] == [0, 1, 2]
    assert len(table) == 4
    assert not list((tmp_path / "spool").glob("*.jsonl"))


def test_the_queue_runs_on_epics_devices(tmp_path: Path) -> None:
    pytest.importorskip("softioc", reason="needs the extra `epics`")
    pytest.importorskip("epics", reason="needs the extra `epics`")
    with running_ioc("--pace", "0") as ioc, EmbeddedTiled(tmp_path / "tiled") as server:
        environment = {
            **surroundings(server, tmp_path),
            **{key: value for key, value in ioc.environment.items() if key.startswith("EPICS_")},
            "LIVE_LCE_BEAMLINE": "epics",
            "LIVE_LCE_PREFIX": ioc.prefix,
        }
        with queueserver(tmp_path, **environment) as queue:
            said = queue.command(
                *("queue", "add", "plan"),
                '{"name": "xanes", "kwargs": {"element": "V",\n    "mixture": "V-vuorelainenite"}}',
            )
            assert "'success': True" in said
            queue.add("wait_for_predictions")
            ended = run_queue(queue, 2)
            assert [result["exit_status"] for result in ended] == ["completed"] * 2, ended
        frame = predictions(server.uri, api_key=server.api_key, final=True)
    assert list(zip(frame["status"], frame["label"], strict=True)) == [("ok", "O6")]
